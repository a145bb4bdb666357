/*
 * Completion: handles a tab in the line that is being edited.
 *
 * The caller of readline supplies a function that enumerates the candidates, as often as needed;
 * only their common prefix is stored. So the first tab enumerates them once, to complete the common
 * prefix. The second tab lists them: first those with a description, one per line, then the others
 * in columns as wide as the longest of them.
 *
 * Limits: lists are for terminals of 80 columns; a candidate that is too long for the line is
 * skipped.
 *
 * Neighbours: kernel/monitor/readline.c has the line; kernel/monitor/monitor_complete.c has
 * commands, programs and tests.
 */
#include <kernel/monitor/readline_internal.h>
#include <lib/printf.h>
#include <lib/string.h>

#define WIDTH       79 /* of lists: a character in the last column would begin a new row */
#define GAP         2  /* between columns */
#define NAME_COLUMN 12 /* in front of a text */

struct listing {
    struct readline_state *state;
    u32 count;                 /* candidates */
    char common[READLINE_MAX]; /* what all of them start with */
    size_t word;               /* start of the word under completion: lists begin there */
    size_t longest;            /* of the words without a text */
    size_t column;             /* of the row of words that is being written */
};

/* ---- completing ---- */

static void add_candidate(const char *candidate, const char *text, void *arg)
{
    struct listing *listing = arg;
    char *common = listing->common;
    size_t n = 0, len = strlen(candidate);

    if (len >= READLINE_MAX)
        return;
    if (!text)
        listing->longest = max(listing->longest, len - listing->word);
    if (listing->count++ == 0) {
        memcpy(common, candidate, len + 1);
        return;
    }
    while (common[n] && common[n] == candidate[n])
        n++;
    common[n] = '\0';
}

/* ---- listing ---- */

static void list_text(const char *candidate, const char *text, void *arg)
{
    struct listing *listing = arg;
    char line[WIDTH + 1];

    if (!text || strlen(candidate) >= READLINE_MAX)
        return;
    snprintf(line, sizeof(line), "%-*s %s", NAME_COLUMN, candidate + listing->word, text);
    readline_put(listing->state, line);
    readline_put(listing->state, "\n");
}

/* Blanks are printed before a word and not behind it, so that no row ends with blanks. */
static void list_word(const char *candidate, const char *text, void *arg)
{
    struct listing *listing = arg;
    const char *word = candidate + listing->word;
    size_t width = listing->longest + GAP;
    size_t at = (listing->column + width - 1) / width * width;

    if (text || strlen(candidate) >= READLINE_MAX)
        return;
    if (at > 0 && at + listing->longest > WIDTH) {
        readline_put(listing->state, "\n");
        listing->column = at = 0;
    }
    while (listing->column++ < at)
        readline_put(listing->state, " ");
    readline_put(listing->state, word);
    listing->column = at + strlen(word);
}

static void list_candidates(struct listing *listing, const char *prefix)
{
    struct readline_state *state = listing->state;

    readline_put(state, "\n");
    state->complete(prefix, list_text, listing);
    state->complete(prefix, list_word, listing);
    if (listing->column > 0)
        readline_put(state, "\n");
    readline_show(state);
}

/* ---- the key ---- */

/* True behind a directory and a program's colon: then the word is completed but not finished. */
static bool is_unfinished(const struct readline_state *state)
{
    char last = state->pos > 0 ? state->line[state->pos - 1] : ' ';

    return last == '/' || last == ':';
}

void readline_complete_word(struct readline_state *state, bool again)
{
    struct listing listing = {.state = state};
    char prefix[READLINE_MAX];
    size_t prefix_len = state->pos;

    if (!state->complete) {
        readline_bell(state);
        return;
    }
    memcpy(prefix, state->line, prefix_len);
    prefix[prefix_len] = '\0';
    for (size_t i = 0; i < prefix_len; i++) {
        if (prefix[i] == ' ')
            listing.word = i + 1;
    }
    state->complete(prefix, add_candidate, &listing);
    for (size_t i = prefix_len; listing.count > 0 && listing.common[i]; i++)
        readline_insert(state, listing.common[i]);
    if (listing.count == 1 && !is_unfinished(state)) {
        readline_insert(state, ' ');
    } else if (state->pos == prefix_len && listing.count > 1 && again) {
        list_candidates(&listing, prefix);
    } else if (state->pos == prefix_len) {
        readline_bell(state);
        state->after_dead_tab = true;
    }
}
