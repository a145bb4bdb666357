/*
 * Arguments for the fuzzer: random numbers, most of them near a limit. All of them are computed
 * from `fuzz_state`, so that a round can be repeated by its seed.
 */
#pragma once

#include "cases.h"

#define FOLDER      "/tmp/fuzz"
#define AREAS       8
#define AREA_PAGES  16u
#define CHILDREN    4
#define BOGUS_PID   0x7ffffffe
#define PICK(table) ((table)[below(sizeof(table) / sizeof((table)[0]))])

static uint32_t fuzz_state;

/* Marsaglia's xorshift; never 0. */
static inline uint32_t rnd(void)
{
    fuzz_state ^= fuzz_state << 13;
    fuzz_state ^= fuzz_state >> 17;
    fuzz_state ^= fuzz_state << 5;
    return fuzz_state;
}

static inline void seed(uint32_t from)
{
    fuzz_state = (from + 1) * 2654435761u;
    if (!fuzz_state)
        fuzz_state = 1;
    for (int i = 0; i < 8; i++)
        rnd();
}

static inline uint32_t below(uint32_t limit)
{
    return rnd() % limit;
}

static inline bool one_in(uint32_t chances)
{
    return below(chances) == 0;
}

/* ---- numbers ---- */

/* Mostly few bits, mostly low ones. */
static inline uint32_t bits(void)
{
    uint32_t low = (2u << below(32)) - 1;

    return one_in(4) ? 0 : one_in(3) ? 1u << below(32) : rnd() & rnd() & low;
}

static inline uint32_t size_value(void)
{
    static const uint32_t sizes[] = {
        0,    1,    2,     3,     4,      8,       12,         16,         64,         128,
        255,  256,  4094,  4095,  4096,   4097,    8191,       8192,       8193,       0xf000,
        1025, 1024, 65535, 65536, 131072, 1 << 20, 0x3fffffff, 0x7fffffff, 0x80000000, 0xffffffff,
        16,   64,   0,     8,     4096,   32,      0xfffff000, 0xbfff0000, 0x40000000, 0xfffffff0};

    return one_in(4) ? below(5000) : PICK(sizes);
}

static inline uint32_t fd_value(void)
{
    static const uint32_t odd[] = {-1, -100, 63, 64, 255, 256, 1023, 1024, 0x7fffffff, 0x80000000};

    return one_in(8) ? PICK(odd) : below(20);
}

static inline uint32_t signal_value(void)
{
    static const uint32_t odd[] = {0, 31, 32, 63, 64, 65, 0xffffffff, 0x80000000};

    return one_in(4) ? PICK(odd) : below(32);
}

/* Pages, not bytes: for lengths and distances of areas. */
static inline uint32_t length_value(void)
{
    return one_in(8) ? size_value()
                     : (1 + below(AREA_PAGES)) * PAGE - (one_in(4) ? below(PAGE) : 0);
}

/* ---- processes ---- */

static uint32_t own_children[CHILDREN];

/*
 * Only processes of the fuzzer: a process can kill itself, its group, its children. -1 means all
 * processes in kill(); only the first process uses it.
 */
static inline uint32_t pid_value(void)
{
    switch (below(8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return -sys_getpid();
    case 3:
    case 4: {
        uint32_t child = PICK(own_children);

        return child ? child : BOGUS_PID;
    }
    case 5: {
        static const uint32_t odd[] = {BOGUS_PID, 0x80000000, 0x80000001, 0x7fffffff, 0x10000};

        return PICK(odd);
    }
    default:
        return sys_getpid();
    }
}

/* ---- addresses ---- */

static struct fuzz_area {
    uint32_t at, size;
} areas[AREAS];
static uint32_t text_page, data_page; /* of this program */

/* Usually in an area, close to the end of a page or at its start. */
static inline uint32_t area_pointer(void)
{
    const struct fuzz_area *area = &PICK(areas);
    uint32_t pages = area->size / PAGE, page;

    if (!pages)
        area = &areas[0], pages = AREA_PAGES;
    page = area->at + below(pages) * PAGE;
    switch (below(4)) {
    case 0:
        return page;
    case 1:
        return page + PAGE - below(64);
    case 2:
        return page + below(PAGE / 4) * 4;
    default:
        return areas[0].at + below(PAGE / 8) * 4; /* certainly mapped */
    }
}

static inline uint32_t pointer_value(void)
{
    static const uint32_t edges[] = {
        0,          1,          0xfff,      0x1000,     0xfffc,     0x10000,    0x08048000,
        0x40000000, 0x80000000, 0xbfff0000, 0xbffff000, 0xbffffffc, 0xbfffffff, 0xc0000000,
        0xc0100000, 0xf7c00000, 0xffbff000, 0xffc00000, 0xfffff000, 0xfffffffc, 0xffffffff};

    switch (below(16)) {
    case 0:
    case 1:
        return PICK(edges);
    case 2:
        return PICK(edges) - below(64);
    case 3:
        return rnd();
    case 4:
        return one_in(8) ? text_page + below(PAGE) : 0;
    case 5:
        return one_in(64) ? data_page + below(PAGE) : 0;
    case 6:
        return one_in(64) ? (uint32_t)__builtin_frame_address(0) - below(256)
                          : sys_brk(0) - below(64);
    default:
        return area_pointer();
    }
}

/* Where an area is, was, or could be. */
static inline uint32_t place_value(void)
{
    const struct fuzz_area *area = &PICK(areas);

    if (one_in(32))
        return pointer_value();
    if (!area->at)
        return one_in(2) ? 0 : 0x50000000 + below(64) * PAGE;
    return area->at + below(area->size / PAGE + 1) * PAGE;
}

/* ---- paths ---- */

/*
 * All are in FOLDER, or in /proc, where nothing can be changed; not /proc/self/exe, through which
 * the fuzzer could truncate its own file.
 */
static inline uint32_t path_value(void)
{
    static char long_path[5000];
    static const char *const paths[] = {"f0",
                                        "f1",
                                        "f2",
                                        "d0",
                                        "d0/f0",
                                        "d0/d1",
                                        "d0/d1/f0",
                                        "d0/../f1",
                                        "d0/./d1/",
                                        "f0/",
                                        "f0/x",
                                        ".",
                                        "./",
                                        "",
                                        "loop",
                                        "loop/x",
                                        "ping",
                                        "dangling",
                                        "link",
                                        "fifo",
                                        "null",
                                        "zero",
                                        "full",
                                        "x0",
                                        "x1",
                                        "missing",
                                        "missing/x",
                                        FOLDER "/f0",
                                        FOLDER "/d0",
                                        FOLDER "//d0///f2",
                                        "/proc",
                                        "/proc/self",
                                        "/proc/self/maps",
                                        "/proc/self/stat",
                                        "/proc/self/status",
                                        "/proc/self/cmdline",
                                        "/proc/self/fd",
                                        "/proc/self/fd/3",
                                        "/proc/1/maps",
                                        "/proc/1/cmdline",
                                        "/proc/99999",
                                        "/proc/meminfo",
                                        "/proc/vmallocinfo",
                                        "/proc/buddyinfo",
                                        "/proc/slabinfo",
                                        "/proc/mounts"};

    if (one_in(16))
        return pointer_value();
    if (one_in(16)) {
        static const uint32_t lengths[] = {254, 255, 256, 257, 4094, 4095, 4096, 4097};

        memset(long_path, one_in(4) ? '/' : 'a', sizeof(long_path));
        long_path[PICK(lengths)] = '\0';
        return (uint32_t)long_path;
    }
    return (uint32_t)PICK(paths);
}

/* ---- anything ---- */

static inline uint32_t any_value(void)
{
    switch (below(8)) {
    case 0:
        return size_value();
    case 1:
        return fd_value();
    case 2:
        return bits();
    case 3:
    case 4:
        return pointer_value();
    case 5:
        return below(64);
    case 6:
        return rnd();
    default:
        return 0;
    }
}

/* Write structures of such values to where the pointers point. */
static inline void fill_words(uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        words[i] = any_value();
}
