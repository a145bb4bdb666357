/* Caches of small objects and kmalloc. */
#include <kernel/ktest.h>
#include <lib/string.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

KTEST(slab, objects_do_not_overlap)
{
    struct kmem_cache *cache = kmem_cache_create("test", 40);
    u8 *object[300];

    if (!expect(cache != NULL))
        return;
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
    expect_none(slab_check());
}

KTEST(slab, kmalloc_of_nothing_and_too_much)
{
    expect(kmalloc(0) == NULL);
    expect(kmalloc((PAGE_SIZE << MAX_ORDER) + 1) == NULL);
    expect(kmalloc(~(size_t)0) == NULL);
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
    u32 before = nr_free_pages();
    void *memory = kmalloc(5 * PAGE_SIZE);

    expect_eq(before - nr_free_pages(), 8);
    kfree(memory);
    expect_eq(nr_free_pages(), before);
}

KTEST(slab, check_notices_damage)
{
    struct kmem_cache *cache = kmem_cache_create("test", 64);
    u32 *object = kmem_cache_alloc(cache), *next = kmem_cache_alloc(cache), saved;

    kmem_cache_free(cache, next);
    saved = *next;
    *next = (u32)object + PAGE_SIZE; /* a write after free into the list of free objects */
    expect(slab_check() != NULL);
    *next = saved;
    expect_none(slab_check());
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}
