/*
 * Misuse of caches and kmalloc is detected, and slab_check() detects every kind of damage. The tests
 * that break internal data repair it again.
 *
 * In a build with DEBUG=1 objects have other positions in their slabs and the panics have other
 * words: tests that depend on it check SLAB_DEBUG.
 */
#include <kernel/monitor/ktest.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab_internal.h>
#include <mm/kva/vmalloc.h>

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
    expect_none(slab_check());
}

static __noinline void expect_bad_cache_free(struct kmem_cache *cache, void *pointer,
                                             const char *part)
{
    expect_panic(kmem_cache_free(cache, foreign_pointer(pointer)), part);
    expect_none(slab_check());
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
    expect_none(slab_check());
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

    expect_none(slab_check());
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
    expect_none(slab_check());
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
        expect_none(slab_check()); /* a full slab looks so */
    cache->free = free;
    expect_wrong(SLAB_DEBUG ? "are marked so" : "active one");
    cache->active = active;
    expect_none(slab_check());
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
    expect_none(slab_check());
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
        expect_none(slab_check());
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
    expect_none(slab_check());
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
    expect_none(slab_check());
    kfree(memory);
}

#endif
