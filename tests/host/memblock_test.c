/*
 * mm/frame/memblock.c as a host program, under sanitizers. Its lists are global state of the
 * kernel, so here it is included as text and starts empty for each test.
 *
 * Edge cases are written out; everything else is compared with a slow and simple model: an array
 * with a byte per page that records whether it is usable and whether it is reserved. Output is TAP.
 */
#include "../../mm/frame/memblock.c"
#include <lib/printk.h>
#include <lib/random.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED     0x0a771c04u
#define MAX64    (~0ull)
#define LOWMEM   (64 * PAGE_SIZE)
#define LIST_END MAX64, MAX64

u32 lowmem_size = LOWMEM;
u8 *lowmem;

static u32 failures; /* of the running test */

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond) && ++failures <= 5)                                                            \
            printf("# line %d: expected %s\n", __LINE__, #cond);                                   \
    } while (0)

/* ---- refusals ---- */

static jmp_buf refused;
static char refusal[256];

static void hear(const char *text, size_t len)
{
    size_t used = strlen(refusal);

    if (used + len < sizeof(refusal)) {
        memcpy(refusal + used, text, len);
        refusal[used + len] = '\0';
    }
}

static void refuse(void)
{
    longjmp(refused, 1);
}

/* The statement must end in a refusal with this text. */
#define expect_refused(statement, text)                                                            \
    do {                                                                                           \
        refusal[0] = '\0';                                                                         \
        if (setjmp(refused) == 0) {                                                                \
            statement;                                                                             \
            expect(!"refused: " #statement);                                                       \
        } else {                                                                                   \
            expect(strstr(refusal, text));                                                         \
        }                                                                                          \
    } while (0)

/* ---- lists ---- */

typedef const struct memblock_range *(*walk_t)(u32 i);

/* The ranges must be these pairs of start and end, closed by LIST_END. */
static bool list_is(walk_t walk, ...)
{
    bool same = true;
    va_list args;

    va_start(args, walk);
    for (u32 i = 0; same; i++) {
        u64 start = va_arg(args, u64), end = va_arg(args, u64);
        const struct memblock_range *range = walk(i);

        if (start == MAX64) {
            same = range == NULL;
            break;
        }
        same = range && range->start == start && range->end == end;
    }
    va_end(args);
    for (u32 i = 0; !same && walk(i); i++)
        printf("#   %llx..%llx\n", (unsigned long long)walk(i)->start,
               (unsigned long long)walk(i)->end);
    return same;
}

#define usable_are(...)   expect(list_is(memblock_usable, __VA_ARGS__, LIST_END))
#define reserved_are(...) expect(list_is(memblock_reserved, __VA_ARGS__, LIST_END))
#define P(n)              (PAGE_SIZE * (u64)(n))

static void rounding(void)
{
    memblock_add(1, P(3) - 1); /* inward */
    usable_are(P(1), P(2));
    memblock_add(P(5) + 1, P(6) - 1);
    memblock_add(P(6) + 1, P(7) + 4000);
    memblock_add(P(8), P(8));
    usable_are(P(1), P(2));
    memblock_reserve(P(5) + 1, P(6) - 1, "outward");
    memblock_reserve(P(9) - 1, P(9) + 1, "outward");
    memblock_reserve(P(20), P(20), "empty");
    reserved_are(P(5), P(6), P(8), P(10));
}

static void merging(void)
{
    memblock_add(P(10), P(20));
    memblock_add(P(30), P(40));
    usable_are(P(10), P(20), P(30), P(40));
    memblock_add(P(5), P(10)); /* touches from below */
    usable_are(P(5), P(20), P(30), P(40));
    memblock_add(P(40), P(41)); /* from above */
    usable_are(P(5), P(20), P(30), P(41));
    memblock_add(P(15), P(22)); /* overlaps */
    usable_are(P(5), P(22), P(30), P(41));
    memblock_add(P(6), P(7)); /* lies inside */
    usable_are(P(5), P(22), P(30), P(41));
    memblock_add(P(50), P(60));
    memblock_add(P(70), P(80));
    memblock_add(P(1), P(2));
    usable_are(P(1), P(2), P(5), P(22), P(30), P(41), P(50), P(60), P(70), P(80));
    memblock_add(P(22), P(65)); /* takes in three */
    usable_are(P(1), P(2), P(5), P(65), P(70), P(80));
    memblock_add(P(0), P(100)); /* covers all */
    usable_are(P(0), P(100));
}

static void reservations_stay_apart(void)
{
    memblock_reserve(P(8), P(9), "c");
    memblock_reserve(P(1), P(20), "a");
    memblock_reserve(P(4), P(5), "b");
    reserved_are(P(1), P(20), P(4), P(5), P(8), P(9));
    expect(strcmp(memblock_reserved(0)->name, "a") == 0);
    expect(strcmp(memblock_reserved(1)->name, "b") == 0);
    expect(strcmp(memblock_reserved(2)->name, "c") == 0);
}

/* Ranges at the end of 64 bits: what cannot be rounded is left out, never 0. */
static void near_the_end_of_64_bits(void)
{
    u64 last = MAX64 - PAGE_SIZE + 1; /* start of the last page */

    memblock_add(last + 1, MAX64);
    memblock_add(MAX64, MAX64);
    memblock_add(last, MAX64);
    usable_are(LIST_END);
    memblock_add(last - P(2) + 1, MAX64);
    usable_are(last - P(1), last);
    memblock_reserve(last + 1, MAX64, "x");
    memblock_reserve(MAX64, MAX64, "x");
    reserved_are(LIST_END);
    memblock_reserve(last - 1, MAX64, "x");
    reserved_are(last - P(1), last);
    memblock_reserve(last - 1, last, "x");
    reserved_are(last - P(1), last, last - P(1), last);
    expect(memblock_total() == P(1) && memblock_ram_end() == 0);
}

static void full_lists(void)
{
    for (u32 i = 0; i < RANGES_MAX; i++) {
        memblock_add(P(2 * i), P(2 * i + 1));
        memblock_reserve(P(2 * i), P(2 * i + 1), "x");
    }
    expect(usable.count == RANGES_MAX && reserved.count == RANGES_MAX);
    expect_refused(memblock_add(P(9000), P(9001)), "more than 256 ranges");
    expect_refused(memblock_reserve(P(9000), P(9001), "x"), "more than 256 ranges");
    expect(usable.count == RANGES_MAX && reserved.count == RANGES_MAX);
    memblock_add(P(1), P(2)); /* joins two, so there is space */
    expect(usable.count == RANGES_MAX - 1);
}

static void limit(void)
{
    memblock_add(P(1), P(10));
    memblock_add(P(20), P(30));
    memblock_add(P(40), P(50));
    memblock_limit(P(60));
    usable_are(P(1), P(10), P(20), P(30), P(40), P(50));
    memblock_limit(P(40));
    usable_are(P(1), P(10), P(20), P(30));
    memblock_limit(P(25) + 1); /* inward */
    usable_are(P(1), P(10), P(20), P(25));
    memblock_limit(P(1));
    usable_are(LIST_END);
    memblock_limit(0);
}

static void sizes(void)
{
    u64 gib4 = 1ull << 32;

    expect(memblock_ram_end() == 0 && memblock_total() == 0);
    memblock_add(P(1), P(10));
    expect(memblock_ram_end() == P(10));
    memblock_add(gib4 - P(2), gib4 + P(3));
    expect(memblock_ram_end() == gib4 - PAGE_SIZE); /* the end that fits in 32 bits */
    expect(memblock_total() == P(14) && memblock_total_above_4g() == P(3));
    memblock_add(gib4 + P(10), gib4 + P(20));
    expect(memblock_ram_end() == gib4 - PAGE_SIZE);
    expect(memblock_total_above_4g() == P(13));
}

static void overlaps_ram(void)
{
    memblock_add(P(10), P(20));
    expect(memblock_overlaps_ram(P(10), P(11)) && memblock_overlaps_ram(P(19), P(30)));
    expect(memblock_overlaps_ram(P(20) - 1, P(20)) && memblock_overlaps_ram(0, P(10) + 1));
    expect(memblock_overlaps_ram(0, MAX64));
    expect(!memblock_overlaps_ram(0, P(10)) && !memblock_overlaps_ram(P(20), MAX64));
}

/* ---- allocation ---- */

static bool is_zero(const u8 *bytes, u32 size)
{
    while (size && *bytes == 0)
        bytes++, size--;
    return size == 0;
}

static void alloc_from_the_top(void)
{
    memset(lowmem, 0xee, LOWMEM);
    memblock_add(P(1), P(10));
    memblock_add(P(20), P(40));
    memblock_reserve(P(38), P(39), "x");
    expect(memblock_alloc(PAGE_SIZE, PAGE_SIZE, "a") == P(39));
    expect(memblock_alloc(PAGE_SIZE, PAGE_SIZE, "b") == P(37));
    expect(is_zero(lowmem + P(37), PAGE_SIZE) && is_zero(lowmem + P(39), PAGE_SIZE));
    expect(lowmem[P(37) - 1] == 0xee && lowmem[P(38)] == 0xee && lowmem[P(40)] == 0xee);
    expect(memblock_alloc(P(2), P(4), "aligned") == P(32));
    expect(memblock_alloc(P(3), PAGE_SIZE, "c") == P(34));  /* above the aligned one */
    expect(memblock_alloc(P(12), PAGE_SIZE, "d") == P(20)); /* fits exactly */
    expect(memblock_alloc(P(9), PAGE_SIZE, "the lower range") == P(1));
    expect_refused((void)memblock_alloc(PAGE_SIZE, PAGE_SIZE, "too much"),
                   "4 KiB of memory for too much");
}

static void alloc_stays_in_lowmem(void)
{
    memblock_add(P(60), P(100)); /* lowmem ends at 64 */
    memblock_add(P(200), P(300));
    expect(memblock_alloc(PAGE_SIZE, PAGE_SIZE, "a") == P(63));
    expect(memblock_alloc(P(3), PAGE_SIZE, "b") == P(60));
    expect_refused((void)memblock_alloc(PAGE_SIZE, PAGE_SIZE, "c"), "for c");
}

static void alloc_in_a_range(void)
{
    memblock_add(P(1), P(10));
    memblock_add(P(20), P(40));
    expect(memblock_alloc_range(P(21), P(30), P(2), PAGE_SIZE, "a") == P(28));
    expect(memblock_alloc_range(P(21), P(30), P(7), PAGE_SIZE, "b") == P(21));
    expect(memblock_alloc_range(P(21), P(30), PAGE_SIZE, PAGE_SIZE, "only beside") == 0);
    expect(memblock_alloc_range(P(11), P(15), PAGE_SIZE, PAGE_SIZE, "no RAM") == 0);
}

static void alloc_below_nothing(void)
{
    memblock_add(P(0), P(4));
    memblock_reserve(0, PAGE_SIZE, "page 0");
    expect_refused((void)memblock_alloc(P(4), PAGE_SIZE, "a"), "for a"); /* would begin below 0 */
    expect_refused((void)memblock_alloc(P(8), PAGE_SIZE, "a"), "for a");
    expect_refused((void)memblock_alloc(P(2), P(4), "a"), "for a");
    expect(memblock_alloc(P(3), PAGE_SIZE, "a") == P(1));
}

/* A reservation below the candidate moves it past one that lies above: all must be checked. */
static void alloc_among_overlapping_reservations(void)
{
    memblock_add(P(1), P(30));
    memblock_reserve(P(5), P(28), "long");
    memblock_reserve(P(10), P(11), "inside");
    memblock_reserve(P(29), P(30), "top");
    expect(memblock_alloc(PAGE_SIZE, PAGE_SIZE, "a") == P(28));
    expect(memblock_alloc(P(2), PAGE_SIZE, "b") == P(3));
}

/* ---- compared with the model ---- */

#define PAGES 64

static struct {
    bool usable[PAGES], reserved[PAGES];
} twin;

static bool seen[PAGES];
static u64 seen_end;

static void see_free(phys_addr_t start, phys_addr_t end)
{
    expect(start < end && start % PAGE_SIZE == 0 && end % PAGE_SIZE == 0 && end <= P(PAGES));
    expect(seen_end == 0 || start > seen_end); /* in order, and runs are maximal */
    seen_end = end;
    for (u64 i = start / PAGE_SIZE; i < end / PAGE_SIZE && i < PAGES; i++)
        seen[i] = true;
}

static u64 least_above(u64 addr, const struct memblock_range *range, u32 count, u64 least)
{
    for (u32 i = 0; i < count; i++) {
        least = range[i].start > addr ? min(least, range[i].start) : least;
        least = range[i].end > addr ? min(least, range[i].end) : least;
    }
    return least;
}

/* The model has no edge between two reservations that touch, so the lists are asked. */
static void check_edges(u64 addr)
{
    u64 least = least_above(addr, usable.range, usable.count, ~0ull);

    least = least_above(addr, reserved.range, reserved.count, least);
    expect(memblock_next_edge(addr) == least);
}

static void check_twin(u32 pages)
{
    u64 total = 0;

    memset(seen, 0, sizeof(seen));
    seen_end = 0;
    memblock_for_each_free(P(pages), see_free);
    for (u32 i = 0; i < PAGES; i++) {
        expect(seen[i] == (i < pages && twin.usable[i] && !twin.reserved[i]));
        expect(memblock_overlaps_ram(P(i), P(i + 1)) == twin.usable[i]);
        total += twin.usable[i] ? PAGE_SIZE : 0;
        check_edges(P(i));
    }
    expect(memblock_total() == total);
    for (u32 i = 0; i + 1 < usable.count; i++)
        expect(usable.range[i].end < usable.range[i + 1].start);
}

/* Where the model puts `pages` pages: the highest free place; PAGES if there is none. */
static u32 twin_place(u32 pages, u32 align)
{
    for (u32 at = PAGES - pages + 1; at-- > 0;) {
        u32 i = 0;

        while (i < pages && twin.usable[at + i] && !twin.reserved[at + i])
            i++;
        if (i == pages && at % align == 0)
            return at;
    }
    return PAGES;
}

static void twin_alloc(struct rnd_state *rnd)
{
    u32 pages = 1 + prandom_below(rnd, 6), align = 1u << prandom_below(rnd, 4);
    u32 place = twin_place(pages, align);

    if (place == PAGES) {
        expect_refused((void)memblock_alloc(P(pages), P(align), "twin"), "for twin");
        return;
    }
    expect(memblock_alloc(P(pages), P(align), "twin") == P(place));
    memset(&twin.reserved[place], true, pages);
}

static u32 page_up(u32 addr)
{
    return (addr + PAGE_SIZE - 1) / PAGE_SIZE;
}

static void twin_step(struct rnd_state *rnd)
{
    u32 from = prandom_below(rnd, P(PAGES)), size = prandom_below(rnd, P(12)), kind;
    u32 to = min(from + size, (u32)P(PAGES));

    kind = prandom_below(rnd, 8);
    if (kind < 4) {
        memblock_add(from, to);
        for (u32 i = page_up(from); i < to / PAGE_SIZE; i++)
            twin.usable[i] = true;
    } else if (kind < 6) {
        memblock_reserve(from, to, "twin");
        for (u32 i = from / PAGE_SIZE; i < page_up(to); i++)
            twin.reserved[i] = true;
    } else if (kind < 7) {
        twin_alloc(rnd);
    } else if (prandom_below(rnd, 10) == 0) {
        memblock_limit(from);
        for (u32 i = from / PAGE_SIZE; i < PAGES; i++)
            twin.usable[i] = false;
    }
}

static void begin(void)
{
    usable.count = reserved.count = 0;
    memset(&twin, 0, sizeof(twin));
}

static void random_sequences(void)
{
    struct rnd_state rnd;

    prandom_seed_state(&rnd, SEED);
    printf("# seed 0x%08x\n", SEED);
    for (u32 sequence = 0; sequence < 2000; sequence++) {
        begin();
        for (u32 step = 0; step < 40; step++) {
            twin_step(&rnd);
            check_twin(step % 2 ? PAGES : prandom_below(&rnd, PAGES));
        }
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"rounding", rounding},
    {"merging", merging},
    {"reservations stay apart", reservations_stay_apart},
    {"near the end of 64 bits", near_the_end_of_64_bits},
    {"full lists", full_lists},
    {"limit", limit},
    {"sizes", sizes},
    {"overlaps RAM", overlaps_ram},
    {"alloc from the top", alloc_from_the_top},
    {"alloc stays in lowmem", alloc_stays_in_lowmem},
    {"alloc in a range", alloc_in_a_range},
    {"alloc below nothing", alloc_below_nothing},
    {"alloc among overlapping reservations", alloc_among_overlapping_reservations},
    {"random sequences", random_sequences},
};

int main(void)
{
    u32 failed = 0;

    printk_add_sink(hear);
    refuse_set_handler(refuse);
    lowmem = malloc(LOWMEM);
    if (!lowmem)
        return 2;
    printf("1..%zu\n", ARRAY_SIZE(tests));
    for (u32 i = 0; i < ARRAY_SIZE(tests); i++) {
        begin();
        failures = 0;
        tests[i].run();
        printf("%sok %u - memblock: %s\n", failures ? "not " : "", i + 1, tests[i].name);
        failed += failures != 0;
    }
    free(lowmem);
    return failed != 0;
}
