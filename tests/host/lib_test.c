/*
 * lib/ as a host program, under sanitizers: the same .c files as in the kernel, compared with libc
 * if it has the function and with a slow and simple version otherwise. Output is TAP; the exit
 * status is 0 if all tests pass.
 *
 * What is compared is produced in bulk (every combination of a table, or a long random run from a
 * seed that is printed), so a test reports its first few differences and then only counts.
 * LIBC_NAME() distinguishes ours from libc's: snprintf is libc's here, attic_snprintf is ours.
 *
 * Buffers that are compared are allocated with the exact size, so that the address sanitizer
 * detects an overrun by one byte.
 *
 * Limits: the host's processor and sizes of types; the tests of the suites printf, string, rbtree,
 * list and lib run in the kernel.
 */
#include <asm/errno.h>
#include <fnmatch.h>
#include <lib/bits.h>
#include <lib/div64.h>
#include <lib/glob.h>
#include <lib/kstrtox.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/random.h>
#include <lib/rbtree.h>
#include <lib/string.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED         0x0a771c03u
#define REPORTED_MAX 5

static u32 differences; /* of the running test */
static struct rnd_state rnd;

/* Count a difference and print the first few. */
static void __printf(1, 2) differs(const char *fmt, ...)
{
    va_list args;

    if (++differences > REPORTED_MAX)
        return;
    printf("# ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

#define same(a, b)                                                                                 \
    do {                                                                                           \
        long long same_a = (long long)(a), same_b = (long long)(b);                                \
        if (same_a != same_b)                                                                      \
            differs("line %d: %s is %lld, %s is %lld", __LINE__, #a, same_a, #b, same_b);          \
    } while (0)

static u32 below(u32 limit)
{
    return prandom_below(&rnd, limit);
}

/* ---- printf ---- */

/* Format with ours and with libc's, into a buffer of `size`. */
static void both_in(size_t size, const char *fmt, va_list args)
{
    char *ours = malloc(size + !size), *libc = malloc(size + !size);
    int our_len, libc_len;
    va_list again;

    va_copy(again, args);
    our_len = attic_vsnprintf(ours, size, fmt, args);
    libc_len = vsnprintf(libc, size, fmt, again);
    va_end(again);
    if (our_len != libc_len || (size && strcmp(ours, libc) != 0))
        differs("\"%s\" in %zu: ours \"%s\" %d, libc's \"%s\" %d", fmt, size, size ? ours : "",
                our_len, size ? libc : "", libc_len);
    free(ours);
    free(libc);
}

static void both(const char *fmt, ...)
{
    static const size_t sizes[] = {0, 1, 2, 7, 64};
    va_list args;

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        va_start(args, fmt);
        both_in(sizes[i], fmt, args);
        va_end(args);
    }
}

static const char *const widths[] = {"", "1", "4", "11", "40", "*"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".30", ".*"};
static const int star_values[] = {0, 3, 9, -9};

/* Write the flags whose bits are set in `set`. */
static void write_flags(char *to, u32 set)
{
    for (u32 i = 0; i < 5; i++) {
        if (set & 1u << i)
            *to++ = "-0+ #"[i];
    }
    *to = '\0';
}

/*
 * Call both() with the number in the type that the length requires, after up to two numbers for
 * stars.
 */
#define both_starred(fmt, stars, star, value)                                                      \
    do {                                                                                           \
        if ((stars) == 0)                                                                          \
            both(fmt, value);                                                                      \
        else if ((stars) == 1)                                                                     \
            both(fmt, star, value);                                                                \
        else                                                                                       \
            both(fmt, star, star, value);                                                          \
    } while (0)

static void both_integer(const char *fmt, const char *length, u32 stars, int star, long long value)
{
    if (strcmp(length, "ll") == 0)
        both_starred(fmt, stars, star, value);
    else if (strcmp(length, "l") == 0)
        both_starred(fmt, stars, star, (long)value);
    else if (strcmp(length, "z") == 0)
        both_starred(fmt, stars, star, (size_t)value);
    else if (strcmp(length, "t") == 0)
        both_starred(fmt, stars, star, (ptrdiff_t)value);
    else if (strcmp(length, "j") == 0)
        both_starred(fmt, stars, star, (intmax_t)value);
    else
        both_starred(fmt, stars, star, (int)value);
}

/* Run every width and precision after `flags`, and before the rest. */
static void for_each_field(const char *flags, const char *end,
                           void (*run)(const char *fmt, u32 stars, int star, const void *arg),
                           const void *arg)
{
    for (u32 w = 0; w < ARRAY_SIZE(widths); w++) {
        for (u32 p = 0; p < ARRAY_SIZE(precisions); p++) {
            u32 stars = (widths[w][0] == '*') + (precisions[p][0] && precisions[p][1] == '*');
            char fmt[64];

            snprintf(fmt, sizeof(fmt), "[%%%s%s%s%s]", flags, widths[w], precisions[p], end);
            for (u32 s = 0; s < (stars ? ARRAY_SIZE(star_values) : 1); s++)
                run(fmt, stars, star_values[s], arg);
        }
    }
}

static void run_integers(const char *fmt, u32 stars, int star, const void *length)
{
    static const long long values[] = {
        0,     1,       -1,      7,        8,         255,       256,
        65536, INT_MAX, INT_MIN, UINT_MAX, 1LL << 32, LLONG_MAX, LLONG_MIN,
    };

    for (u32 i = 0; i < ARRAY_SIZE(values); i++)
        both_integer(fmt, length, stars, star, values[i]);
}

static void test_printf_integers(void)
{
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "j", "t"};
    static const char conversions[] = "diuoxX";

    for (u32 set = 0; set < 32; set++) {
        for (u32 l = 0; l < ARRAY_SIZE(lengths); l++) {
            /*
             * The narrow and the wide ones differ in how the argument is read, not in how it is
             * formatted.
             */
            if (set % 8 != 0 && l != 2 && l != 4)
                continue;
            for (const char *c = conversions; *c; c++) {
                char flags[8], end[8];

                write_flags(flags, set);
                snprintf(end, sizeof(end), "%s%c", lengths[l], *c);
                for_each_field(flags, end, run_integers, lengths[l]);
            }
        }
    }
}

static void run_strings(const char *fmt, u32 stars, int star, const void *unused)
{
    static const char *const strings[] = {"", "x", "attic",
                                          "a longer text of forty-one characters...."};

    (void)unused;
    for (u32 i = 0; i < ARRAY_SIZE(strings); i++)
        both_starred(fmt, stars, star, strings[i]);
}

static void test_printf_strings(void)
{
    for_each_field("", "s", run_strings, NULL);
    for_each_field("-", "s", run_strings, NULL);
    both("%c%c%5c%-5c|", 'a', 'b', 'c', 'd');
    both("%s", (char *)NULL);
    both("%10s|%-10s", (char *)NULL, (char *)NULL);
    both("100%% of %s, %d%%", "it", 7);
    both("");
}

static void test_printf_mixed(void)
{
    both("%d %s %lld %c %hhu %zu %s", 1, "two", 3LL, '4', 5, (size_t)6, "seven");
    for (u32 i = 0; i < 20000; i++) {
        long long wide = (long long)((u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd));
        int narrow = (int)prandom_u32_state(&rnd);

        both("%lld %d %llx %o %.*s|%*u", wide >> below(64), narrow >> below(32), wide, narrow,
             (int)below(8), "attic", (int)below(30) - 15, narrow);
    }
}

/* Only the length, of a format hidden from the compiler, which would rightly warn. */
static int hidden_snprintf(const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = attic_vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    return len;
}

static void test_printf_own(void)
{
    char ours[64], want[64];
    static const char no_end[3] = {'a', 'b', 'c'};

    snprintf(want, sizeof(want), "[0x%0*lx]", (int)(2 * sizeof(void *)), 0xc0100000ul);
    attic_snprintf(ours, sizeof(ours), "[%p]", (void *)0xc0100000ul);
    same(strcmp(ours, want), 0);
    attic_snprintf(ours, sizeof(ours), "%.3s", no_end);
    same(strcmp(ours, "abc"), 0);
    same(scnprintf(ours, 4, "%s", "attic"), 3);
    same(strcmp(ours, "att"), 0);
    same(scnprintf(ours, sizeof(ours), "%d", 42), 2);
    same(scnprintf(NULL, 0, "%d", 42), 0);
    same(hidden_snprintf("%*d%s", INT_MAX, 1, "") == INT_MAX, true);
    same(hidden_snprintf("%*d%s", INT_MAX, 1, "x") < 0, true); /* a length that no int can hold */
}

/* ---- printk and panic ---- */

static char *printed;
static size_t printed_len, longest_piece;

static void gather(const char *text, size_t len)
{
    printed = realloc(printed, printed_len + len + 1);
    memcpy(printed + printed_len, text, len);
    printed_len += len;
    printed[printed_len] = '\0';
    longest_piece = max(longest_piece, len);
}

static void test_printk_any_length(void)
{
    char text[4000], want[4100];

    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (char)('!' + i % 89);
    printk_add_sink(gather);
    for (int len = 1; len < (int)sizeof(text); len = len * 5 / 4 + 1) {
        printed_len = 0;
        printk("<%d|%.*s|%*x>", 42, len, text, len % 50, 0xabc);
        snprintf(want, sizeof(want), "<%d|%.*s|%*x>", 42, len, text, len % 50, 0xabc);
        if (strcmp(printed, want) != 0)
            differs("a message of %zu bytes arrived as %zu", strlen(want), printed_len);
    }
    same(longest_piece <= 512, true);
    /* A line of usual length arrives in one piece, so that nothing can come in between. */
    longest_piece = printed_len = 0;
    printk("%200d", 1);
    same(longest_piece, 200);
    printed_len = 0;
}

#define X10  "xxxxxxxxxx"
#define X70  X10 X10 X10 X10 X10 X10 X10
#define X100 X70 X10 X10 X10

/* 79 columns are a line; the next word goes below, and what has no blank stays whole. */
static const struct {
    const char *text, *want;
} folds[] = {
    {"", "\n"},
    {"two words", "two words\n"},
    {X70 " 12345678", X70 " 12345678\n"},
    {X70 " 123456789", X70 "\n  123456789\n"},
    {"a " X70 " " X70 " 123456", "a " X70 "\n  " X70 " 123456\n"},
    {"a " X70 " " X70 " 1234567", "a " X70 "\n  " X70 "\n  1234567\n"},
    {X100, X100 "\n"},
    {"start " X100 " end", "start\n  " X100 "\n  end\n"},
};

static void test_printk_folded(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(folds); i++) {
        printed_len = 0;
        printk_folded(folds[i].text);
        if (strcmp(printed, folds[i].want) != 0)
            differs("\"%s\" is folded to \"%s\"", folds[i].text, printed);
    }
    free(printed);
    printed = NULL;
    printed_len = 0;
}

static jmp_buf after_panic;
static char panic_text[128], panic_place[128];

static void note_panic(const struct source_location *where, const char *fmt, va_list args)
{
    snprintf(panic_place, sizeof(panic_place), "%s", where->function);
    vsnprintf(panic_text, sizeof(panic_text), fmt, args);
    longjmp(after_panic, 1);
}

static void test_panic_goes_to_handler(void)
{
    volatile u32 panics = 0;

    panic_set_handler(note_panic);
    if (setjmp(after_panic) == 0)
        panic("code %d", 7);
    else
        panics++;
    same(strcmp(panic_text, "code 7"), 0);
    same(strcmp(panic_place, __func__), 0);
    if (setjmp(after_panic) == 0)
        assert_op(1 + 1, ==, 3);
    else
        panics++;
    same(strstr(panic_text, "1 + 1 == 3 (0x2, 0x3)") != NULL, true);
    if (setjmp(after_panic) == 0)
        assert(2 + 2 == 4);
    else
        panics++;
    same(panics, 2);
    panic_set_handler(NULL);
}

/* ---- strings ---- */

/*
 * Random text of up to max - 1 bytes in a separate allocation; few letters, so that there are
 * repetitions.
 */
static char *random_text(u32 max_size)
{
    u32 len = below(max_size);
    char *text = malloc(len + 1);

    for (u32 i = 0; i < len; i++)
        text[i] = "ab\xff"[below(3)];
    text[len] = '\0';
    return text;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void compare_text_functions(const char *a, const char *b)
{
    size_t n = below(12), shorter = min(strlen(a), strlen(b)) + 1;
    int c = "ab\xff\0"[below(4)];

    same(attic_strlen(a), strlen(a));
    same(attic_strnlen(a, n), strnlen(a, n));
    same(sign(attic_strcmp(a, b)), sign(strcmp(a, b)));
    same(sign(attic_strncmp(a, b, n)), sign(strncmp(a, b, n)));
    same(sign(attic_memcmp(a, b, shorter)), sign(memcmp(a, b, shorter)));
    same((uintptr_t)attic_memchr(a, c, shorter), (uintptr_t)memchr(a, c, shorter));
    same((uintptr_t)attic_strchr(a, c), (uintptr_t)strchr(a, c));
    same((uintptr_t)attic_strrchr(a, c), (uintptr_t)strrchr(a, c));
    same((uintptr_t)attic_strstr(a, b), (uintptr_t)strstr(a, b));
}

static void test_string_text(void)
{
    for (u32 i = 0; i < 50000; i++) {
        char *a = random_text(12), *b = random_text(i % 2 ? 12 : 3);

        compare_text_functions(a, b);
        free(a);
        free(b);
    }
}

static void test_string_memory(void)
{
    u8 ours[64], libc[64];

    for (u32 i = 0; i < 64; i++)
        ours[i] = libc[i] = (u8)i;
    for (u32 i = 0; i < 50000; i++) {
        u32 size = below(32), to = below(33), from = below(33);

        same((uintptr_t)attic_memmove(ours + to, ours + from, size), (uintptr_t)(ours + to));
        memmove(libc + to, libc + from, size);
        to = below(64);
        size = below(min(64 - to, 4u));
        same((uintptr_t)attic_memset(ours + to, (int)i, size), (uintptr_t)(ours + to));
        memset(libc + to, (int)i, size);
        from = below(32);
        size = below(min(32 - from, 8u));
        attic_memcpy(ours + 32, ours + from, size);
        memcpy(libc + 32, libc + from, size);
        if (memcmp(ours, libc, sizeof(ours)) != 0)
            differs("memory differs after step %u", i);
    }
}

static void test_strscpy(void)
{
    for (u32 i = 0; i < 20000; i++) {
        u32 size = below(14);
        char *from = random_text(14), *to = malloc(size + !size);
        size_t len = strlen(from), copied = size ? min(len, (size_t)size - 1) : 0;

        same(strscpy(to, from, size), len < size ? (long)len : -E2BIG);
        if (size && (strlen(to) != copied || memcmp(to, from, copied) != 0))
            differs("strscpy of %zu into %u went wrong", len, size);
        free(from);
        free(to);
    }
}

/* ---- trees ---- */

#define ITEMS 400

struct item {
    struct rb_node node;
    u32 key;
    u32 sum; /* of the keys in the subtree: unlike a maximum, every change goes up to the root */
    u32 weight, heaviest;
    bool linked;
};

static struct item items[ITEMS]; /* sorted by key: the tree is compared with this array */

static struct item *item_of(const struct rb_node *node)
{
    return rb_entry(node, struct item, node);
}

static int by_key(const struct rb_node *a, const struct rb_node *b)
{
    return (item_of(a)->key > item_of(b)->key) - (item_of(a)->key < item_of(b)->key);
}

static bool update(struct rb_node *node)
{
    struct item *item = item_of(node);
    u32 sum = item->key, heaviest = item->weight;
    bool changed;

    for (u32 side = 0; side < 2; side++) {
        if (node->rb_child[side]) {
            sum += item_of(node->rb_child[side])->sum;
            heaviest = max(heaviest, item_of(node->rb_child[side])->heaviest);
        }
    }
    changed = item->sum != sum || item->heaviest != heaviest;
    item->sum = sum;
    item->heaviest = heaviest;
    return changed;
}

static bool update_heaviest(struct rb_node *node)
{
    struct item *item = item_of(node);
    u32 heaviest = item->weight, before = item->heaviest;

    for (u32 side = 0; side < 2; side++) {
        if (node->rb_child[side])
            heaviest = max(heaviest, item_of(node->rb_child[side])->heaviest);
    }
    item->heaviest = heaviest;
    return heaviest != before;
}

static void insert(struct rb_root *root, struct item *item, rb_augment_t augment)
{
    struct rb_node **link = &root->rb_node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = item->key < item_of(parent)->key ? &parent->rb_left : &parent->rb_right;
    }
    memset(&item->node, 0xa5, sizeof(item->node));
    rb_link_node(&item->node, parent, link);
    item->linked = true;
    if (augment)
        rb_insert_augmented(&item->node, root, augment);
    else
        rb_insert_color(&item->node, root);
}

static void erase(struct rb_root *root, struct item *item, rb_augment_t augment)
{
    if (augment)
        rb_erase_augmented(&item->node, root, augment);
    else
        rb_erase(&item->node, root);
    item->linked = false;
    memset(&item->node, 0x5a, sizeof(item->node));
}

static void compare_with_array(const struct rb_root *root, u32 step)
{
    const struct rb_node *node = rb_first(root), *last = NULL;

    for (u32 i = 0; i < ITEMS; i++) {
        if (!items[i].linked)
            continue;
        if (node != &items[i].node || rb_prev(node) != last) {
            differs("step %u: the walk does not meet object %u", step, i);
            return;
        }
        last = node;
        node = rb_next(node);
    }
    if (node || rb_last(root) != last)
        differs("step %u: the walk does not end with the last object", step);
}

/*
 * The share of linked objects rises and falls, so that the tree is full at times and empty at
 * others.
 */
static void random_tree_run(rb_augment_t augment, u32 steps, u32 range, u32 check_every)
{
    struct rb_root root = RB_ROOT;
    const char *wrong;

    memset(items, 0, sizeof(items));
    for (u32 i = 0; i < ITEMS; i++)
        items[i].key = i * 3;
    for (u32 step = 0; step < steps && !differences; step++) {
        struct item *item = &items[below(range)];
        bool growing = step / (4 * range) % 2 == 0;

        if (augment && item->linked && below(3) == 0) {
            item->weight = below(50);
            rb_augment_path(&item->node, augment);
        } else if (item->linked && (!growing || below(4) == 0)) {
            erase(&root, item, augment);
        } else if (!item->linked && (growing || below(4) == 0)) {
            item->weight = below(50);
            insert(&root, item, augment);
        }
        if (step % check_every)
            continue;
        if ((wrong = rb_check(&root, by_key, augment)))
            differs("step %u: %s", step, wrong);
        compare_with_array(&root, step);
    }
}

static void test_rbtree_small(void)
{
    random_tree_run(NULL, 60000, 12, 1);
}

static void test_rbtree_large(void)
{
    random_tree_run(NULL, 200000, ITEMS, 50);
}

static void test_rbtree_augmented_small(void)
{
    random_tree_run(update_heaviest, 60000, 12, 1);
    random_tree_run(update, 60000, 12, 1);
}

static void test_rbtree_augmented_large(void)
{
    random_tree_run(update_heaviest, 200000, ITEMS, 50);
    random_tree_run(update, 200000, ITEMS, 50);
}

/* ---- patterns and numbers ---- */

/*
 * libc's fnmatch() differs in two things: the backslash in brackets, so this runs without
 * backslashes, and a bracket that is still open behind a '-', which nothing matches there.
 */
static void test_glob_like_fnmatch(void)
{
    for (u32 i = 0; i < 400000; i++) {
        char pat[9] = "", str[7] = "";
        bool ours, libc;

        for (u32 n = below(sizeof(pat)), j = 0; j < n; j++)
            pat[j] = "ab**?[]!-c"[below(10)];
        for (u32 n = below(sizeof(str)), j = 0; j < n; j++)
            str[j] = "abc[]-"[below(6)];
        if (strchr(pat, '[') && pat[strlen(pat) - 1] == '-')
            continue;
        ours = glob_match(pat, str);
        libc = fnmatch(pat, str, FNM_NOESCAPE) == 0;
        if (ours != libc)
            differs("\"%s\" and \"%s\": ours %d, libc's %d", pat, str, ours, libc);
    }
}

static void test_glob_backslash(void)
{
    for (u32 i = 0; i < 200000; i++) {
        char pat[9] = "", str[7] = "";
        bool ours, libc;

        for (u32 n = below(sizeof(pat)), j = 0; j < n; j++)
            pat[j] = "ab*?\\\\"[below(6)];
        for (u32 n = below(sizeof(str)), j = 0; j < n; j++)
            str[j] = "ab*?\\"[below(5)];
        if (strlen(pat) && pat[strlen(pat) - 1] == '\\')
            continue; /* libc matches nothing then, Attic a backslash */
        ours = glob_match(pat, str);
        libc = fnmatch(pat, str, 0) == 0;
        if (ours != libc)
            differs("\"%s\" and \"%s\": ours %d, libc's %d", pat, str, ours, libc);
    }
}

/* Exponential time in a matcher that retries every star. */
static void test_glob_many_stars(void)
{
    char pat[201], str[2001];

    for (u32 i = 0; i < 200; i++)
        pat[i] = i % 2 ? 'a' : '*';
    pat[200] = '\0';
    memset(str, 'a', sizeof(str) - 1);
    str[2000] = '\0';
    same(glob_match(pat, str), true);
    str[1999] = 'b';
    same(glob_match(pat, str), false);
}

static void check_kstrto(const char *text, unsigned base, u64 value)
{
    unsigned long long wide = 7;
    unsigned narrow = 7;

    if (kstrtoull(text, base, &wide) != 0 || wide != value)
        differs("kstrtoull(\"%s\", %u) gave %llu", text, base, wide);
    if (kstrtouint(text, base, &narrow) != (value > UINT_MAX ? -ERANGE : 0) ||
        narrow != (value > UINT_MAX ? 7 : value))
        differs("kstrtouint(\"%s\", %u) gave %u", text, base, narrow);
}

static void test_kstrtox(void)
{
    char text[64];

    for (u32 i = 0; i < 50000; i++) {
        u64 value = ((u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd)) >> below(64);
        unsigned long long v = value;

        snprintf(text, sizeof(text), "%llu", v);
        check_kstrto(text, 10, value);
        check_kstrto(text, 0, value);
        snprintf(text, sizeof(text), "%llx", v);
        check_kstrto(text, 16, value);
        snprintf(text, sizeof(text), "%#llx\n", v);
        check_kstrto(text, v ? 16 : 10, value);
        check_kstrto(text, 0, value);
        snprintf(text, sizeof(text), "+%#llo", v);
        check_kstrto(text, 0, value);
        check_kstrto(text, 8, value);
    }
}

/*
 * strtoull() also reads numbers that kstrtoull() must refuse, which its end pointer shows.
 */
static void test_kstrtox_refuses(void)
{
    for (u32 i = 0; i < 300000; i++) {
        char text[7] = "", *end;
        unsigned long long ours = 7, libc;
        unsigned base = (const unsigned[]){0, 2, 8, 10, 16}[below(5)];
        int error;
        bool valid;

        for (u32 n = below(sizeof(text)), j = 0; j < n; j++)
            text[j] = "0123789aFxX+- \n"[below(15)];
        libc = strtoull(text, &end, base);
        valid = end != text && !strpbrk(text, "- ") && text[0] != '\n' &&
                (!*end || strcmp(end, "\n") == 0);
        error = kstrtoull(text, base, &ours);
        if (error != (valid ? 0 : -EINVAL) || ours != (valid ? libc : 7))
            differs("kstrtoull(\"%s\", %u) gave %d and %llu", text, base, error, ours);
    }
}

static void test_memparse(void)
{
    static const char *const suffixes[] = {"", "K", "k", "M", "m", "G", "g"};

    for (u32 i = 0; i < 50000; i++) {
        u64 value = ((u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd)) >> below(64);
        u32 s = below(ARRAY_SIZE(suffixes)), shift = (s + 1) / 2 * 10;
        u64 want = shift && value >> (64 - shift) ? UINT64_MAX : value << shift;
        char text[40], *end;
        u64 got;
        int len = snprintf(text, sizeof(text), below(2) ? "%llu%s" : "%#llx%s",
                           (unsigned long long)value, suffixes[s]);

        text[len] = "\0,x@"[below(4)];
        text[len + 1] = '\0';
        got = memparse(text, &end);
        if (got != want || end != text + len)
            differs("memparse(\"%s\") gave %llu, stopped at %d", text, (unsigned long long)got,
                    (int)(end - text));
    }
}

static void test_div64(void)
{
    for (u32 i = 0; i < 50000; i++) {
        u64 dividend = ((u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd)) >> below(64);
        u32 divisor = prandom_u32_state(&rnd) >> below(32) | 1, rest;

        same(div_u64_rem(dividend, divisor, &rest), dividend / divisor);
        same(rest, dividend % divisor);
        same(div_u64(dividend, divisor), dividend / divisor);
    }
}

static void test_bits(void)
{
    for (u32 i = 0; i < 50000; i++) {
        u32 x = prandom_u32_state(&rnd) >> below(32), low = 0, high = 31;

        if (x == 0)
            continue;
        while (!(x >> low & 1))
            low++;
        while (!(x >> high & 1))
            high--;
        same(__ffs(x), low);
        same(ilog2(x), high);
        same(fls(x), high + 1);
        same(is_power_of_2(x), low == high);
        if (x <= 1u << 31)
            same(roundup_pow_of_two(x), 1u << (low == high ? high : high + 1));
    }
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"printf: integers as libc's", test_printf_integers},
    {"printf: strings as libc's", test_printf_strings},
    {"printf: several arguments as libc's", test_printf_mixed},
    {"printf: what libc has not", test_printf_own},
    {"printk: any length arrives whole", test_printk_any_length},
    {"printk: a long line is folded at blanks", test_printk_folded},
    {"panic: goes to the handler with place and operands", test_panic_goes_to_handler},
    {"string: text functions as libc's", test_string_text},
    {"string: memory functions as libc's", test_string_memory},
    {"string: strscpy", test_strscpy},
    {"rbtree: small trees, checked after every step", test_rbtree_small},
    {"rbtree: large trees", test_rbtree_large},
    {"rbtree: small augmented trees, checked after every step", test_rbtree_augmented_small},
    {"rbtree: large augmented trees", test_rbtree_augmented_large},
    {"glob: as libc's fnmatch", test_glob_like_fnmatch},
    {"glob: backslash as libc's fnmatch", test_glob_backslash},
    {"glob: many stars take no time", test_glob_many_stars},
    {"kstrtox: reads what printf writes", test_kstrtox},
    {"kstrtox: refuses what is no number", test_kstrtox_refuses},
    {"kstrtox: memparse", test_memparse},
    {"div64: as the compiler's division", test_div64},
    {"bits: as counted one by one", test_bits},
};

int main(void)
{
    u32 failed = 0;

    printf("TAP version 13\n1..%zu\n# seed 0x%x\n", ARRAY_SIZE(tests), SEED);
    for (u32 i = 0; i < ARRAY_SIZE(tests); i++) {
        differences = 0;
        prandom_seed_state(&rnd, SEED + i);
        tests[i].run();
        if (differences > REPORTED_MAX)
            printf("# %u differences in all\n", differences);
        printf("%sok %u - %s\n", differences ? "not " : "", i + 1, tests[i].name);
        fflush(stdout);
        failed += differences != 0;
    }
    return failed ? 1 : 0;
}
