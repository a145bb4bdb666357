/*
 * Caches of small objects and kmalloc: memory is available, not overlapping and is freed, misuse is
 * detected, and slab_check() detects every kind of damage. The tests that break internal data
 * repair it again.
 *
 * In a build with DEBUG=1 objects have other positions in their slabs and the panics have other
 * words: tests that depend on it check SLAB_DEBUG.
 */
#include <kernel/monitor/ktest.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab_internal.h>
#include <mm/kva/vmalloc.h>

/* The line of slabinfo with this name. */
static struct slabinfo info_of(const char *name)
{
    struct slabinfo info;

    for (u32 i = 0; slabinfo_at(i, &info); i++) {
        if (strcmp(info.name, name) == 0)
            return info;
    }
    ktest_fail(__FILE__, __LINE__, "no cache %s", name);
    return (struct slabinfo){.name = name};
}

static void fill(void *object, u32 seed, u32 size)
{
    for (u32 i = 0; i < size; i++)
        ((u8 *)object)[i] = seed + i;
}

static bool is_filled(const void *object, u32 seed, u32 size)
{
    for (u32 i = 0; i < size; i++) {
        if (((const u8 *)object)[i] != (u8)(seed + i))
            return false;
    }
    return true;
}

static void expect_whole(void)
{
    expect_none(slab_check());
}

/* ---- caches ---- */

KTEST(slab, objects_do_not_overlap)
{
    struct kmem_cache *cache = kmem_cache_create("test", 40);
    u8 *object[300];

    if (!expect(cache != NULL))
        return;
    expect_eq(kmem_cache_size(cache), 40);
    for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
        object[i] = kmem_cache_alloc(cache);
        if (!expect(object[i] != NULL))
            return;
        memset(object[i], i, 40);
    }
    for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
        expect(object[i][0] == (u8)i && object[i][39] == (u8)i);
        kmem_cache_free(cache, object[i]);
    }
    kmem_cache_destroy(cache);
}

/* A few slabs of each size: objects lie within a slab of the cache, side by side. */
KTEST(slab, every_size_of_cache)
{
    static void *object[40];

    for (u32 size = 1; size <= KMALLOC_MAX_CACHE_SIZE; size += size < 128 ? 1 : 509) {
        struct kmem_cache *cache = kmem_cache_create("test", size);

        if (!expect(cache != NULL))
            return;
        for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
            object[i] = kmem_cache_alloc(cache);
            expect_eq((u32)object[i] % 8, 0);
            fill(object[i], i, size);
        }
        expect_eq(slab_objects_out(cache), ARRAY_SIZE(object));
        for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
            expect(is_filled(object[i], i, size));
            kmem_cache_free(cache, object[i]);
        }
        kmem_cache_destroy(cache);
    }
}

/* Slabs become full, partly free and empty in every order. */
KTEST(slab, whole_at_every_step)
{
    struct kmem_cache *cache = kmem_cache_create("test", 1000);
    static void *object[40];
    struct rnd_state rnd;

    prandom_seed_state(&rnd, 7);
    for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
        object[i] = kmem_cache_alloc(cache);
        expect_whole();
    }
    for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
        u32 k = i + prandom_below(&rnd, ARRAY_SIZE(object) - i);

        kmem_cache_free(cache, object[k]);
        object[k] = object[i];
        expect_whole();
        expect_eq(slab_objects_out(cache), ARRAY_SIZE(object) - 1 - i);
    }
    expect(cache->slabs <= 2);
    slab_shrink();
    expect_eq(cache->slabs, 0);
    expect_whole();
    kmem_cache_destroy(cache);
}

/* Memory that was freed is used again before new memory is. */
KTEST(slab, free_slots_are_used_first)
{
    struct kmem_cache *cache = kmem_cache_create("test", 500);
    static void *object[64];
    u32 slabs;

    for (u32 i = 0; i < ARRAY_SIZE(object); i++)
        object[i] = kmem_cache_alloc(cache);
    slabs = cache->slabs;
    for (u32 i = 0; i < ARRAY_SIZE(object); i += 2)
        kmem_cache_free(cache, object[i]);
    for (u32 i = 0; i < ARRAY_SIZE(object); i += 2)
        object[i] = kmem_cache_alloc(cache);
    expect_eq(cache->slabs, slabs);
    for (u32 i = 0; i < ARRAY_SIZE(object); i++)
        kmem_cache_free(cache, object[i]);
    kmem_cache_destroy(cache);
}

KTEST(slab, slabinfo_counts)
{
    struct kmem_cache *cache = kmem_cache_create("test", 100);
    u32 pages = slab_pages(), count;
    static void *object[200];
    struct slabinfo info = info_of("test");

    expect_eq(info.active_objs, 0);
    expect_eq(info.num_slabs, 0);
    count = info.objperslab + 1;
    if (!expect(count <= ARRAY_SIZE(object)))
        return;
    for (u32 i = 0; i < count; i++)
        object[i] = kmem_cache_alloc(cache);
    info = info_of("test");
    expect_eq(info.active_objs, count);
    expect_eq(info.num_objs, 2 * info.objperslab);
    expect_eq(info.active_slabs, 2);
    expect_eq(info.num_slabs, 2);
    expect(info.objsize >= 100 && info.objsize * info.objperslab <= info.pagesperslab * PAGE_SIZE);
    expect_eq(slab_pages() - pages, 2 * info.pagesperslab);
    for (u32 i = 0; i < count; i++)
        kmem_cache_free(cache, object[i]);
    info = info_of("test");
    expect_eq(info.active_objs, 0);
    expect_eq(info.active_slabs, 0);
    kmem_cache_destroy(cache);
}

KTEST(slab, destroy_with_an_object_out)
{
    struct kmem_cache *cache = kmem_cache_create("test", 24);
    void *object = kmem_cache_alloc(cache);

    expect_panic(kmem_cache_destroy(cache),
                 SLAB_DEBUG ? "out, but its cache is to be destroyed" : "is destroyed");
    if (SLAB_DEBUG)
        expect(strstr(ktest_panic_text, "allocated by ktest_slab_destroy_with_an_object_out+"));
    expect_whole();
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
    kmem_cache_destroy(NULL);
}

/* ---- kmalloc ---- */

KTEST(slab, kmalloc_every_size)
{
    for (u32 size = 1; size <= 3 * PAGE_SIZE; size += size < 256 ? 1 : 61) {
        u8 *memory = kmalloc(size);

        if (!expect(memory != NULL))
            return;
        expect_eq((u32)memory % 8, 0);
        memset(memory, 0x5a, size);
        kfree(memory);
    }
    expect_whole();
}

static const struct {
    u32 size; /* the largest of the class */
    const char *name;
} classes[] = {
    {8, "kmalloc-8"},     {16, "kmalloc-16"},   {32, "kmalloc-32"},   {64, "kmalloc-64"},
    {96, "kmalloc-96"},   {128, "kmalloc-128"}, {192, "kmalloc-192"}, {256, "kmalloc-256"},
    {512, "kmalloc-512"}, {1024, "kmalloc-1k"}, {2048, "kmalloc-2k"}, {4096, "kmalloc-4k"},
    {8192, "kmalloc-8k"},
};

static void expect_class(u32 size, const char *name)
{
    u32 before = info_of(name).active_objs;
    void *memory = kmalloc(size);

    if (!expect(memory != NULL))
        return;
    expect_eq(info_of(name).active_objs, before + 1);
    memset(memory, 0xff, size);
    kfree(memory);
    expect_eq(info_of(name).active_objs, before);
}

KTEST(slab, class_boundaries)
{
    for (u32 i = 0; i < ARRAY_SIZE(classes); i++) {
        expect_class(i ? classes[i - 1].size + 1 : 1, classes[i].name);
        expect_class(classes[i].size, classes[i].name);
        expect(info_of(classes[i].name).objsize >= classes[i].size);
        if (!SLAB_DEBUG)
            expect_eq(info_of(classes[i].name).objsize, classes[i].size);
    }
}

/* A constant size takes another path to the same class. */
#define EXPECT_CONSTANT_CLASS(size, name)                                                          \
    do {                                                                                           \
        u32 before = info_of(name).active_objs;                                                    \
        void *memory = kmalloc(size);                                                              \
        expect_eq(info_of(name).active_objs, before + 1);                                          \
        kfree(memory);                                                                             \
    } while (0)

KTEST(slab, constant_sizes)
{
    EXPECT_CONSTANT_CLASS(1, "kmalloc-8");
    EXPECT_CONSTANT_CLASS(9, "kmalloc-16");
    EXPECT_CONSTANT_CLASS(64, "kmalloc-64");
    EXPECT_CONSTANT_CLASS(65, "kmalloc-96");
    EXPECT_CONSTANT_CLASS(96, "kmalloc-96");
    EXPECT_CONSTANT_CLASS(97, "kmalloc-128");
    EXPECT_CONSTANT_CLASS(192, "kmalloc-192");
    EXPECT_CONSTANT_CLASS(193, "kmalloc-256");
    EXPECT_CONSTANT_CLASS(8192, "kmalloc-8k");
}

KTEST(slab, powers_of_two_are_aligned)
{
    void *memory[9];

    for (u32 size = 8; size <= 16 * PAGE_SIZE; size *= 2) {
        for (u32 i = 0; i < ARRAY_SIZE(memory); i++) {
            memory[i] = kmalloc(size);
            expect(memory[i] != NULL);
            expect_eq((u32)memory[i] % size, 0);
        }
        for (u32 i = 0; i < ARRAY_SIZE(memory); i++)
            kfree(memory[i]);
    }
}

KTEST(slab, kmalloc_of_nothing_and_too_much)
{
    expect(kmalloc(0) == NULL);
    expect(kmalloc((PAGE_SIZE << MAX_ORDER) + 1) == NULL);
    expect(kmalloc(~(size_t)0) == NULL);
    expect(kzalloc(~(size_t)0) == NULL);
    kfree(NULL);
}

KTEST(slab, kzalloc_clears)
{
    u8 *memory = kmalloc(200);

    memset(memory, 0xff, 200);
    kfree(memory);
    memory = kzalloc(200);
    if (!expect(memory != NULL))
        return;
    for (u32 i = 0; i < 200; i++)
        expect_eq(memory[i], 0);
    kfree(memory);
}

KTEST(slab, large_from_page_allocator)
{
    static const struct {
        u32 size, pages;
    } sizes[] = {
        {KMALLOC_MAX_CACHE_SIZE + 1, 4},
        {4 * PAGE_SIZE, 4},
        {4 * PAGE_SIZE + 1, 8},
        {5 * PAGE_SIZE, 8},
        {32 * PAGE_SIZE, 32},
    };

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        u32 before = nr_free_pages();
        u8 *memory = kmalloc(sizes[i].size);

        if (!expect(memory != NULL))
            return;
        expect_eq(before - nr_free_pages(), sizes[i].pages);
        memory[0] = memory[sizes[i].size - 1] = 1;
        kfree(memory);
        expect_eq(nr_free_pages(), before);
    }
}

/* ---- long runs ---- */

/* Everything that was allocated is freed, in different orders. */
KTEST(slab, pages_come_back)
{
    static void *object[1500];
    u32 before;

    slab_shrink();
    before = nr_free_pages();
    for (u32 step = 1; step <= 7;
         step += 2) { /* 1500 is divisible by 5 and 3, so some wrap around */
        u32 at = 0;

        for (u32 i = 0; i < ARRAY_SIZE(object); i++)
            object[i] = kmalloc(i % 300 + 1);
        for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
            while (!object[at])
                at = (at + 1) % ARRAY_SIZE(object);
            kfree(object[at]);
            object[at] = NULL;
            at = (at + step) % ARRAY_SIZE(object);
        }
        slab_shrink();
        expect_eq(nr_free_pages(), before);
    }
}

/* The active slab stays as long as a single object of it is allocated. */
KTEST(slab, shrink_spares_what_is_in_use)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    void *object = kmem_cache_alloc(cache);

    slab_shrink();
    expect_eq(cache->slabs, 1);
    expect_eq(slab_objects_out(cache), 1);
    expect_whole();
    kmem_cache_free(cache, object);
    slab_shrink();
    expect_eq(cache->slabs, 0);
    kmem_cache_destroy(cache);
}

/* Random sizes, lifetimes and order; the contents of each piece are checked. */
KTEST(slab, random_against_a_model)
{
    static struct {
        u8 *memory;
        u32 size, seed;
    } slots[256];
    struct rnd_state rnd;
    const u32 seed = 0xa771c04;

    printk("# slab.random_against_a_model: seed 0x%x\n", seed);
    prandom_seed_state(&rnd, seed);
    for (u32 step = 0; step < 20000; step++) {
        u32 i = prandom_below(&rnd, ARRAY_SIZE(slots));

        if (slots[i].memory) {
            expect(is_filled(slots[i].memory, slots[i].seed, slots[i].size));
            kfree(slots[i].memory);
            slots[i].memory = NULL;
        } else {
            u32 limit = 1u << prandom_below(&rnd, 12);

            slots[i].size = 1 + prandom_below(&rnd, step % 100 ? limit : 3 * PAGE_SIZE);
            slots[i].seed = step;
            slots[i].memory = kmalloc(slots[i].size);
            if (slots[i].memory)
                fill(slots[i].memory, step, slots[i].size);
        }
        if (step % 500 == 0)
            expect_whole();
    }
    for (u32 i = 0; i < ARRAY_SIZE(slots); i++) {
        if (slots[i].memory)
            expect(is_filled(slots[i].memory, slots[i].seed, slots[i].size));
        kfree(slots[i].memory);
        slots[i].memory = NULL;
    }
}

/* ---- allocations that fail ---- */

/* Make a cache, allocate from it and by kmalloc(); undo it all. True if all succeeded. */
static bool build_and_undo(void)
{
    static const u32 sizes[] = {1, 64, 100, 2000, 4096, 8192, 8193, 40000};
    void *object[300] = {NULL}, *memory[ARRAY_SIZE(sizes)] = {NULL};
    struct kmem_cache *cache = kmem_cache_create("test", 40);
    bool all = cache != NULL;

    for (u32 i = 0; all && i < ARRAY_SIZE(object); i++)
        all = (object[i] = kmem_cache_alloc(cache));
    for (u32 i = 0; all && i < ARRAY_SIZE(sizes); i++)
        all = (memory[i] = kzalloc(sizes[i]));
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
        kfree(memory[i]);
    for (u32 i = 0; i < ARRAY_SIZE(object); i++) {
        if (object[i])
            kmem_cache_free(cache, object[i]);
    }
    kmem_cache_destroy(cache);
    return all;
}

KTEST(slab, each_allocation_fails_in_turn)
{
    bool all = false;
    u32 k;

    for (k = 1; !all && k < 1000; k++) {
        u32 before;

        slab_shrink();
        before = nr_free_pages();
        alloc_fail_countdown = k;
        all = build_and_undo();
        expect_eq(all, alloc_fail_countdown != 0);
        alloc_fail_countdown = 0;
        expect_whole();
        slab_shrink();
        expect_eq(nr_free_pages(), before);
    }
    expect(all);
    expect(k > 1 + 300 + 8); /* one for each object, and some for slabs */
}

/* The countdown decreases by one per object, whether it comes from an old slab or a new one. */
KTEST(slab, the_kth_object_fails)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    void *object[4];

    object[0] = kmem_cache_alloc(cache); /* the first of a slab, which has space for more */
    alloc_fail_countdown = 2;
    object[1] = kmem_cache_alloc(cache);
    object[2] = kmem_cache_alloc(cache);
    object[3] = kmem_cache_alloc(cache);
    expect_eq(alloc_fail_countdown, 0);
    expect(object[1] && !object[2] && object[3]);
    for (u32 i = 0; i < ARRAY_SIZE(object); i++)
        if (object[i])
            kmem_cache_free(cache, object[i]);
    kmem_cache_destroy(cache);
}

/* ---- misuse ---- */

static void *foreign_pointer(void *pointer)
{
    asm("" : "+r"(pointer)); /* the compiler must not know that it is not valid for kfree() */
    return pointer;
}

/* Separate functions, so that no variable of a test is changed around the probe. */
static __noinline void expect_bad_free(void *pointer, const char *part)
{
    expect_panic(kfree(foreign_pointer(pointer)), part);
    expect_whole();
}

static __noinline void expect_bad_cache_free(struct kmem_cache *cache, void *pointer,
                                             const char *part)
{
    expect_panic(kmem_cache_free(cache, foreign_pointer(pointer)), part);
    expect_whole();
}

KTEST(slab, double_free)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    void *object = kmem_cache_alloc(cache), *other = kmem_cache_alloc(cache);
    const char *again = SLAB_DEBUG ? "it is not out" : "free already";

    kmem_cache_free(cache, object);
    expect_bad_free(object, again);
    expect_bad_cache_free(cache, object, again);
    kmem_cache_free(cache, other);
    kmem_cache_destroy(cache);
}

/* Freed twice in a row in a slab that is not the active one, and in an empty one. */
KTEST(slab, double_free_elsewhere)
{
    struct kmem_cache *cache = kmem_cache_create("test", 1000);
    const char *again = SLAB_DEBUG ? "it is not out" : "free already";
    u32 per_slab = cache->per_slab, count = 2 * per_slab + 1;
    static void *object[64];

    if (!expect(count <= ARRAY_SIZE(object)))
        return;
    for (u32 i = 0; i < count; i++)
        object[i] = kmem_cache_alloc(cache);
    kmem_cache_free(cache, object[0]);
    expect_bad_free(object[0], again);
    for (u32 i = 1; i < per_slab; i++)
        kmem_cache_free(cache, object[i]);
    expect(cache->empty != NULL);
    expect_bad_free(object[per_slab - 1], again);
    expect_bad_free(object[0], again);
    for (u32 i = per_slab; i < count; i++)
        kmem_cache_free(cache, object[i]);
    kmem_cache_destroy(cache);
}

/* In slabs of one page and of several: inside an object, in the descriptor, after the last one. */
KTEST(slab, foreign_pointers_in_a_slab)
{
    static const u32 sizes[] = {24, 64, 96, 1024, 3000, 8192};

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct kmem_cache *cache = kmem_cache_create("test", sizes[i]);
        u8 *object = kmem_cache_alloc(cache);
        struct slab *slab = cache->active;
        u8 *end = (u8 *)slab_block(slab) + cache->per_slab * cache->size;

        for (u32 offset = 1; offset < sizes[i]; offset += 1 + offset / 3)
            expect_bad_free(object + offset, SLAB_DEBUG ? "from its start" : "not the start");
        expect_bad_free(end + cache->object_offset,
                        SLAB_DEBUG ? "behind the last" : "not the start");
        expect_bad_free(slab, SLAB_DEBUG ? "behind the last" : "not the start");
        expect_bad_cache_free(cache, object + 1, "start");
        kmem_cache_free(cache, object);
        kmem_cache_destroy(cache);
    }
}

KTEST(slab, foreign_pointers_elsewhere)
{
    u32 on_the_stack[4];
    void *area = vmalloc(PAGE_SIZE);
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    u8 *large = kmalloc(5 * PAGE_SIZE), *pages = page_address(page);

    expect_bad_free(on_the_stack, "not in lowmem");
    expect_bad_free(area, "not in lowmem");
    expect_bad_free((void *)0x10000, "not in lowmem");
    expect_bad_free((void *)~0u, "not in lowmem");
    expect_bad_free((void *)slab_check, "neither a slab nor kmalloc");
    expect_bad_free(large + 1, "not the start");
    expect_bad_free(large + PAGE_SIZE, "not the start");
    free_pages(page, 1);
    expect_bad_free(pages, "neither a slab nor kmalloc");
    vfree(area);
    kfree(large);
}

KTEST(slab, wrong_cache)
{
    static const u32 sizes[] = {64, 2048}; /* slabs of one page, of several */

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct kmem_cache *cache = kmem_cache_create("test", sizes[i]);
        struct kmem_cache *other = kmem_cache_create("other", sizes[i]);
        void *object = kmem_cache_alloc(cache);

        expect_bad_cache_free(other, object,
                              SLAB_DEBUG ? "freed to cache other" : "another cache's object");
        expect(strstr(ktest_panic_text, "cache test"));
        kmem_cache_free(cache, object);
        kmem_cache_destroy(other);
        kmem_cache_destroy(cache);
    }
}

/* ---- slab_check ---- */

static void expect_wrong(const char *part)
{
    const char *wrong = slab_check();

    if (!expect(wrong != NULL))
        return;
    if (!strstr(wrong, part) || !strstr(wrong, "cache test"))
        ktest_fail(__FILE__, __LINE__, "expected \"%s\" of cache test, got \"%s\"", part, wrong);
}

KTEST(slab, check_notices_damage)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    u32 *object = kmem_cache_alloc(cache), *next = kmem_cache_alloc(cache), saved;

    kmem_cache_free(cache, next);
    saved = *next;
    *next = (u32)object + PAGE_SIZE; /* a write after free into the list of free objects */
    expect_wrong(SLAB_DEBUG ? "after it was freed" : "not the start of an object");
    *next = (u32)object + 4; /* the block is right, the position in it is not */
    expect_wrong(SLAB_DEBUG ? "after it was freed" : "not the start of an object");
    *next = (u32)next;
    expect_wrong(SLAB_DEBUG ? "after it was freed" : "has a cycle");
    *next = saved;
    expect_whole();
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}

/* Three slabs: full, partly free, active. */
static struct kmem_cache *cache_with_slabs(void *object[64], u32 *count)
{
    struct kmem_cache *cache = kmem_cache_create("test", 1000);

    *count = 2 * cache->per_slab + 1;
    for (u32 i = 0; i < *count; i++)
        object[i] = kmem_cache_alloc(cache);
    kmem_cache_free(cache, object[0]);
    object[0] = NULL;
    return cache;
}

static void free_all(struct kmem_cache *cache, void *object[64], u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (object[i])
            kmem_cache_free(cache, object[i]);
    }
    kmem_cache_destroy(cache);
}

KTEST(slab, check_notices_wrong_counts)
{
    void *object[64];
    u32 count;
    struct kmem_cache *cache = cache_with_slabs(object, &count);
    struct slab *partial = list_first_entry(&cache->partial, struct slab, link);
    struct slab *full =
        slab_of_block(page_address(page_head(virt_to_page(object[cache->per_slab]))), cache->order);

    expect_whole();
    full->used--;
    expect_wrong("of its objects are out");
    full->used++;
    partial->used++;
    expect_wrong("of its objects are out");
    partial->used--;
    cache->active->used--;
    expect_wrong("it is active");
    cache->active->used++;
    cache->slabs++;
    expect_wrong("slabs, there are");
    cache->slabs--;
    cache->order++;
    expect_wrong("does not fit the cache");
    cache->order--;
    expect_whole();
    free_all(cache, object, count);
}

KTEST(slab, check_notices_lost_slabs)
{
    void *object[64];
    u32 count;
    struct kmem_cache *cache = cache_with_slabs(object, &count);
    struct slab *partial = list_first_entry(&cache->partial, struct slab, link);
    struct slab *active = cache->active;
    void *free = cache->free;

    list_del(&partial->link);
    expect_wrong("partly free, 0 of them on its list");
    list_add(&partial->link, &cache->partial);
    list_add(&active->link, &cache->partial);
    expect_wrong("partial list");
    list_del(&active->link);
    cache->empty = partial;
    expect_wrong("not empty");
    cache->empty = NULL;
    cache->active = NULL;
    cache->free = NULL;
    if (!SLAB_DEBUG)
        expect_whole(); /* a full slab looks so */
    cache->free = free;
    expect_wrong(SLAB_DEBUG ? "are marked so" : "active one");
    cache->active = active;
    expect_whole();
    free_all(cache, object, count);
}

KTEST(slab, check_notices_a_dead_cache)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64), *other = cache + 1;
    void *object = kmem_cache_alloc(cache);
    struct slab *slab = cache->active;
    const char *wrong;

    slab->cache = other;
    wrong = slab_check();
    if (expect(wrong != NULL))
        expect(strstr(wrong, "is not a live cache"));
    slab->cache = cache;
    expect_whole();
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}

/* ---- what only a build with DEBUG=1 detects ---- */

#if SLAB_DEBUG

static __noinline void *slab_test_allocate(u32 size)
{
    return kmalloc(size);
}

static __noinline void slab_test_free(void *memory)
{
    kfree(memory);
}

/* One byte past the requested size, one byte before the start. */
KTEST(slab, debug_overrun)
{
    const struct kmem_cache *cache = kmalloc_caches[kmalloc_index(60)];
    const s32 last = cache->size - cache->object_offset - 1; /* of the slot */
    const s32 offsets[] = {60, 63, 64, last, -1, -8};
    u8 *memory = slab_test_allocate(60);

    for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
        u8 saved = memory[offsets[i]];
        char text[64];

        memory[offsets[i]] = 0x11;
        snprintf(text, sizeof(text), "byte %d is 11, not cc", offsets[i]);
        expect_panic(slab_test_free(memory), text);
        expect(strstr(ktest_panic_text, offsets[i] < 0 ? "before its start" : "past its end"));
        expect(strstr(ktest_panic_text, "cache kmalloc-64"));
        expect(strstr(ktest_panic_text, "allocated by slab_test_allocate+"));
        expect(strstr(ktest_panic_text, "now freed by slab_test_free+"));
        expect(slab_check() != NULL);
        memory[offsets[i]] = saved;
        expect_whole();
    }
    kfree(memory);
}

KTEST(slab, debug_write_after_free)
{
    u8 *memory = slab_test_allocate(64);
    const char *wrong;

    slab_test_free(memory);
    expect_eq(memory[0], 0x6b);
    memory[63] = 0;
    wrong = slab_check();
    if (expect(wrong != NULL)) {
        expect(strstr(wrong, "after it was freed: byte 63 is 00, not 6b"));
        expect(strstr(wrong, "allocated by slab_test_allocate+"));
        expect(strstr(wrong, "freed by slab_test_free+"));
    }
    memory[63] = 0x6b;
}

/* The next owner would get an object that somebody else still writes to. */
KTEST(slab, debug_write_after_free_stops_the_next_allocation)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    u8 *memory = kmem_cache_alloc(cache);
    void *free;

    kmem_cache_free(cache, memory);
    free = cache->free;
    memory[63] = 0;
    expect_panic(expect(kmem_cache_alloc(cache) == NULL),
                 "after it was freed: byte 63 is 00, not 6b");
    memory[63] = 0x6b;
    cache->free = free; /* the panic came after it was taken off the list */
    expect_whole();
    kmem_cache_destroy(cache);
}

KTEST(slab, debug_new_memory_is_poisoned)
{
    u8 *memory = kmalloc(100);

    for (u32 i = 0; i < 100; i++)
        expect_eq(memory[i], 0x5a);
    kfree(memory);
}

/* Not in a row, and all three named. */
KTEST(slab, debug_double_free_names_all)
{
    void *memory = slab_test_allocate(64), *other = kmalloc(64);

    slab_test_free(memory);
    kfree(other);
    expect_panic(kfree(memory), "freed, but it is not out");
    expect(strstr(ktest_panic_text, "allocated by slab_test_allocate+"));
    expect(strstr(ktest_panic_text, ", freed by slab_test_free+"));
    expect(strstr(ktest_panic_text, "now freed by ktest_slab_debug_double_free_names_all+"));
}

KTEST(slab, debug_never_allocated)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    u8 *object = kmem_cache_alloc(cache);

    expect_panic(kmem_cache_free(cache, object + cache->size), "it was never allocated");
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}

KTEST(slab, debug_foreign_pointer_names_the_object)
{
    u8 *memory = slab_test_allocate(64);

    expect_panic(slab_test_free(memory + 12), "12 bytes from its start");
    expect(strstr(ktest_panic_text, "allocated by slab_test_allocate+"));
    expect(strstr(ktest_panic_text, "now freed by slab_test_free+"));
    kfree(memory);
}

KTEST(slab, debug_header_overwritten)
{
    u8 *memory = slab_test_allocate(64);
    struct {
        u8 bytes[16];
    } saved, *header = (void *)(memory - kmalloc_caches[6]->object_offset);

    saved = *header;
    *header = (typeof(*header)){0}; /* not memset(), which KASAN=1 checks */
    expect_panic(slab_test_free(memory), "its header is overwritten");
    expect(strstr(ktest_panic_text, "now freed by slab_test_free+"));
    expect(slab_check() != NULL);
    *header = saved;
    expect_whole();
    kfree(memory);
}

#endif
