/* Allocations of slabs that fail, one after the other: nothing is left over. */
#include <kernel/monitor/ktest.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab_internal.h>

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
        expect_none(slab_check());
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
