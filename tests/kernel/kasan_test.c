/*
 * With KASAN=1: the shadow says of each kind of memory what may be accessed, and a report names the
 * kind of error, the object and who had it. This file is compiled without checks, so it asks for
 * the shadow, and lets strlen() and memset() do what is wrong.
 */
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/kasan.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#ifdef CONFIG_KASAN

/* Exactly `size` bytes may be accessed, and `around` them some that may not. */
static void expect_bounds(const u8 *memory, u32 size)
{
    expect(!kasan_first_bad(memory, size));
    expect_eq((u32)kasan_first_bad(memory, size + 1), (u32)memory + size);
    expect_eq((u32)kasan_first_bad(memory + size - 1, 9), (u32)memory + size);
    expect_eq((u32)kasan_first_bad(memory + size, 1), (u32)memory + size);
}

static void expect_all_bad(const u8 *memory, u32 size)
{
    for (u32 i = 0; i < size; i++)
        expect_eq((u32)kasan_first_bad(memory + i, 1), (u32)memory + i);
}

KTEST(kasan, kmalloc_ends_where_it_was_asked_to)
{
    static const u32 sizes[] = {1, 7, 8, 9, 60, 64, 100, 192, 4096, 8192, 8193, 20000};

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        u8 *memory = kmalloc(sizes[i]);

        if (!expect(memory != NULL))
            return;
        expect_bounds(memory, sizes[i]);
        if (sizes[i] <= 8192) /* nothing lies in front of a block of pages */
            expect_all_bad(memory - 8, 8);
        kfree(memory);
        expect_all_bad(memory, sizes[i]);
    }
}

KTEST(kasan, objects_of_a_cache)
{
    struct kmem_cache *cache = kmem_cache_create("test", 24);
    u8 *first = cache ? kmem_cache_alloc(cache) : NULL;
    u8 *second = first ? kmem_cache_alloc(cache) : NULL;

    if (!expect(second != NULL))
        return;
    expect_bounds(first, 24);
    kmem_cache_free(cache, first);
    expect_all_bad(first, 24);
    expect_bounds(second, 24);
    kmem_cache_free(cache, second);
    kmem_cache_destroy(cache);
}

KTEST(kasan, blocks_of_pages)
{
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    u8 *memory;

    if (!expect(page != NULL))
        return;
    memory = page_address(page);
    expect(!kasan_first_bad(memory, 4 * PAGE_SIZE));
    free_pages(page, 2);
    for (u32 i = 0; i < 4; i++)
        expect_all_bad(memory + i * PAGE_SIZE, 1);
}

KTEST(kasan, vmalloc_ends_where_it_was_asked_to)
{
    u8 *memory = vmalloc(5000);

    if (!expect(memory != NULL))
        return;
    expect_bounds(memory, 5000);
    expect_all_bad(memory - 1, 1);
    expect_all_bad(memory + 2 * PAGE_SIZE, PAGE_SIZE);
    vfree(memory);
    expect_all_bad(memory, 5000);
}

KTEST(kasan, mappings_of_pages)
{
    struct page *page = alloc_page(GFP_KERNEL);
    u8 *memory = page ? vmap(&page, 1) : NULL;

    if (!expect(memory != NULL))
        return;
    expect_bounds(memory, PAGE_SIZE);
    vunmap(memory);
    expect_all_bad(memory, 16);
    free_page(page);
}

KTEST(kasan, a_range_is_bad_if_one_byte_is)
{
    u8 *memory = kmalloc(64);

    if (!expect(memory != NULL))
        return;
    for (u32 from = 0; from < 64; from++) {
        for (u32 size = 1; size < 80; size++)
            expect_eq((u32)kasan_first_bad(memory + from, size),
                      from + size > 64 ? (u32)memory + 64 : 0);
    }
    kfree(memory);
}

KTEST(kasan, what_has_no_shadow_is_not_checked)
{
    expect(!kasan_first_bad(NULL, 4096));
    expect(!kasan_first_bad((void *)FIXMAP_START, 4096));
    expect(!kasan_first_bad((void *)(high_memory - 8), 4096)); /* the end of RAM is reserved */
}

/* ---- reports ---- */

static __noinline u8 *make(u32 size)
{
    return kmalloc(size);
}

static __noinline void drop(u8 *memory)
{
    kfree(memory);
}

KTEST(kasan, report_of_freed_memory)
{
    u8 *memory = make(64);

    if (!expect(memory != NULL))
        return;
    drop(memory);
    expect_panic((void)strlen((char *)memory + 8), "slab-use-after-free; object");
    expect(strstr(ktest_panic_text, "KASAN: read of size 1 at"));
    expect(strstr(ktest_panic_text, "by strlen+"));
    expect(strstr(ktest_panic_text, "of cache kmalloc-64, 64 bytes; byte 8 of it"));
    expect(strstr(ktest_panic_text, "allocated by make+"));
    expect(strstr(ktest_panic_text, "freed by drop+"));
    expect(strstr(ktest_panic_text, "is in lowmem, memory"));
}

KTEST(kasan, report_of_an_overrun)
{
    u8 *memory = make(60);

    if (!expect(memory != NULL))
        return;
    expect_panic(memset(memory, 0, 61), "slab-out-of-bounds; object");
    expect(strstr(ktest_panic_text, "KASAN: write of size 61 at"));
    expect(strstr(ktest_panic_text, "by ktest_kasan_report_of_an_overrun+"));
    expect(strstr(ktest_panic_text, "of cache kmalloc-64, 60 bytes; byte 60 of it"));
    expect(strstr(ktest_panic_text, "allocated by make+"));
    drop(memory);
    memory = make(9000);
    if (!expect(memory != NULL))
        return;
    expect_panic(memset(memory, 0, 9001), "behind the size that was asked of kmalloc()");
    drop(memory);
}

KTEST(kasan, report_of_a_free_page)
{
    struct page *page = alloc_page(GFP_KERNEL);

    if (!expect(page != NULL))
        return;
    free_page(page);
    expect_panic(memset(page_address(page), 0, 1), "use-after-free of a page");
}

KTEST(kasan, report_of_vmalloc_memory)
{
    u8 *memory = vmalloc(100);

    if (!expect(memory != NULL))
        return;
    expect_panic(memset(memory, 0, 101), "vmalloc-out-of-bounds");
    expect(strstr(ktest_panic_text, "is in vmalloc, "));
    vfree(memory);
    expect_panic((void)strlen((char *)memory), "vmalloc-use-after-free: the area has been freed");
}

static void note_stack(void *place)
{
    *(char **)place = __builtin_frame_address(0);
}

KTEST(kasan, report_of_a_freed_stack)
{
    struct task_result result;
    char *stack = NULL;
    struct task *task = kthread_create("short", note_stack, &stack);

    if (!expect(task != NULL))
        return;
    expect(task_wait(task->pid, &result) >= 0);
    expect_panic((void)strlen(stack),
                 "stack-use-after-free: the kernel stack of a task that has ended");
}

KTEST(kasan, report_of_a_global_variable)
{
    u32 size = sizeof(resched_hook);

    expect(!kasan_first_bad(&resched_hook, size));
    expect_panic(memset((u8 *)&resched_hook + size, 0, 1),
                 "global-out-of-bounds; byte 12 of resched_hook, which has 12; lib/resched.c");
}

#endif
