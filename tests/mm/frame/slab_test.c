/*
 * Caches of small objects and kmalloc: memory is available, not overlapping and is freed. Failing
 * allocations are in slab_fail_test.c, misuse and damage in slab_misuse_test.c.
 *
 * In a build with DEBUG=1 objects have other positions in their slabs: tests that depend on it check
 * SLAB_DEBUG.
 */
#include <kernel/monitor/ktest.h>
#include <lib/printk.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab_internal.h>

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
