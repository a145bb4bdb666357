/*
 * What a panic of the kernel address sanitizer says of the address (lib/kasan.c finds the access):
 * the kind of error, by its name in Linux's reports, whose the memory is or was, and where it is,
 * in the words of `explain`. Without KASAN=1 nothing calls it.
 */
#include <kernel/kernel.h>
#include <lib/kasan.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/user/mm.h>

static const char *kind_name(enum kasan_shadow why)
{
    switch (why) {
    case KASAN_PAGE_FREE:
        return "use-after-free of a page: the frame is free";
    case KASAN_PAGE_REDZONE:
        return "out-of-bounds: behind the size that was asked of kmalloc()";
    case KASAN_SLAB_REDZONE:
        return "slab-out-of-bounds";
    case KASAN_SLAB_FREE:
        return "slab-use-after-free";
    case KASAN_GLOBAL_REDZONE:
        return "global-out-of-bounds";
    case KASAN_VMALLOC_INVALID:
        return "vmalloc-out-of-bounds";
    case KASAN_VMALLOC_FREE:
        return "vmalloc-use-after-free: the area has been freed";
    case KASAN_STACK_FREE:
        return "stack-use-after-free: the kernel stack of a task that has ended";
    case KASAN_ACCESSIBLE:
        break;
    }
    return "for no known reason";
}

static u32 __printf(3, 4) add(char *text, u32 used, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    used += vscnprintf(text + used, KASAN_TEXT_MAX - used, fmt, args);
    va_end(args);
    return used;
}

/* The facts of explain_walk() only: others may need locks, or memory. */
static u32 add_place(char *text, u32 used, const struct kasan_access *access)
{
    static struct explanation facts;
    static char where[EXPLAIN_BRIEF_MAX];

    explain_walk(&facts, pgd_loaded(), NULL, (u32)access->bad);
    report_ops.explain(where, sizeof(where), &facts, EXPLAIN_RING0,
                       access->write ? EXPLAIN_WRITE : EXPLAIN_READ);
    return add(text, used, "; 0x%08x is in %s", (u32)access->bad, where);
}

static void describe(const struct kasan_access *access, char *text)
{
    const struct asan_global *global = kasan_find_global(access->bad);
    u32 used = add(text, 0, ": %s", kind_name(access->why));

    if (global) {
        used = add(text, used, "; byte %u of %s, which has %u; %s", access->bad - global->start,
                   global->name, global->size, global->file);
    } else if (access->why == KASAN_SLAB_FREE || access->why == KASAN_SLAB_REDZONE) {
        slab_debug_describe(access->bad, text + used, KASAN_TEXT_MAX - used);
        used += strlen(text + used);
    }
    add_place(text, used, access);
}

void kasan_report_init(void)
{
    kasan_set_describe(describe);
}
