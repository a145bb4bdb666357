/*
 * Shell-style patterns.
 *
 * One pattern element is matched against one byte at a time. Only `*` has a choice: it first takes
 * nothing, and each time the rest does not match, one more byte. Only the last `*` must be stored:
 * the pattern between it and the one before has matched as far to the left as possible, so a longer
 * match of the earlier one could not help. So there is no recursion and no stack, and the time is
 * at most the product of the two lengths; with a single `*`, about their sum.
 *
 * Limits: bytes, not characters of an encoding; no braces, no named classes. Neighbours: the
 * self-test core uses it to select tests.
 */
#include <lib/glob.h>

/*
 * `pat` points behind a '['. Set *hit to whether c is in the class; the result points behind its
 * ']', or is NULL if that is missing.
 */
static const char *match_class(const char *pat, u8 c, bool *hit)
{
    bool inverted = *pat == '!', found = false;
    const char *first = pat += inverted;

    for (; *pat != ']' || pat == first; pat++) {
        u8 low = (u8)*pat, high = low;

        if (low == '\0')
            return NULL;
        if (pat[1] == '-' && pat[2] != ']' && pat[2] != '\0') {
            high = (u8)pat[2];
            pat += 2;
        }
        found |= low <= c && c <= high;
    }
    *hit = found != inverted;
    return pat + 1;
}

/*
 * Match the element at `pat`, which is not '*', against c. Returns the position behind the element,
 * or NULL when it does not match.
 */
static const char *match_one(const char *pat, char c)
{
    const char *after;
    bool hit;

    if (*pat == '?')
        return pat + 1;
    if (*pat == '[' && (after = match_class(pat + 1, (u8)c, &hit)))
        return hit ? after : NULL;
    if (*pat == '\\' && pat[1])
        pat++;
    return *pat == c ? pat + 1 : NULL;
}

bool glob_match(const char *pat, const char *str)
{
    const char *star = NULL; /* the pattern behind the last '*' */
    const char *taken = str; /* end of the text that it took */

    for (;;) {
        const char *after;

        if (*pat == '*') {
            star = ++pat;
            taken = str;
        } else if (*str && (after = match_one(pat, *str))) {
            pat = after;
            str++;
        } else if (!*str && !*pat) {
            return true;
        } else if (star && *taken) {
            pat = star;
            str = ++taken;
        } else {
            return false;
        }
    }
}
