/*
 * The run-time part of the kernel address sanitizer (Serebryany et al., AddressSanitizer: A Fast
 * Address Sanity Checker, USENIX ATC 2012; Linux: Documentation/dev-tools/kasan.rst).
 *
 * With KASAN=1 the compiler puts a call of __asan_load4(), __asan_store1() and so on in front of
 * each access. They look at the shadow: one byte for each eight bytes of memory. The owners of
 * memory keep it: the page allocator, the slabs, kmalloc() and vmalloc() poison what is free and
 * what lies behind the end of an object, and the compiler lists the gaps that it has left behind
 * global variables. So a bad access is found before it happens, with the instruction that does it.
 *
 * Linux places the shadow so that it is found by one shift and one addition, which takes an eighth
 * of all kernel addresses. Attic, whose addresses are few, has one shadow for lowmem and one for
 * the vmalloc area, where kernel stacks lie, and looks which of the two it is. All other addresses,
 * user addresses too, are not checked: a page fault finds those that are not mapped.
 *
 * Limits: an access that skips a whole redzone and hits another live object is not seen, and
 * neither is one to a freed object whose memory has been allocated again. Variables on a stack have
 * no redzones, because the compiler finds their shadow only in Linux's way.
 *
 * This file and the slab allocator, which lives in poisoned memory, are compiled without checks.
 */
#include <lib/kasan.h>
#include <lib/panic.h>

#ifdef CONFIG_KASAN

static struct {
    u32 start, size;
    u8 *shadow;
} regions[KASAN_REGIONS];

static void (*describe_access)(const struct kasan_access *access, char *text);

/* ---- the shadow ---- */

/* Before each access of the kernel: a loop would take longer. */
static inline u8 *shadow_at(u32 addr)
{
    u32 offset = addr - regions[0].start;

    if (likely(offset < regions[0].size))
        return regions[0].shadow + offset / KASAN_GRANULE_SIZE;
    offset = addr - regions[1].start;
    if (offset < regions[1].size)
        return regions[1].shadow + offset / KASAN_GRANULE_SIZE;
    return NULL;
}

void kasan_add_region(const void *start, u32 size, u8 *shadow)
{
    u32 i = 0;

    while (i < KASAN_REGIONS && regions[i].size)
        i++;
    assert_op(i, <, KASAN_REGIONS);
    regions[i].start = (u32)start;
    regions[i].shadow = shadow;
    regions[i].size = size;
}

void kasan_poison(const volatile void *start, u32 size, enum kasan_shadow why)
{
    u8 *shadow = shadow_at((u32)start);

    assert(IS_ALIGNED((u32)start | size, (u32)KASAN_GRANULE_SIZE));
    for (u32 i = 0; shadow && i < size / KASAN_GRANULE_SIZE; i++)
        shadow[i] = why;
}

void kasan_unpoison(const volatile void *start, u32 size)
{
    u32 rest = size % KASAN_GRANULE_SIZE;
    u8 *shadow = shadow_at((u32)start);

    kasan_poison(start, size - rest, KASAN_ACCESSIBLE);
    if (shadow && rest)
        shadow[size / KASAN_GRANULE_SIZE] = rest;
}

/* How many bytes of a granule, from its first on, may be accessed. */
static u32 accessible(u8 shadow)
{
    if (shadow == KASAN_ACCESSIBLE)
        return KASAN_GRANULE_SIZE;
    return shadow < KASAN_GRANULE_SIZE ? shadow : 0;
}

/* What lies behind the end of a region has no shadow, and faults. */
const u8 *kasan_first_bad(const volatile void *start, u32 size)
{
    u32 skipped = (u32)start % KASAN_GRANULE_SIZE, granule = (u32)start - skipped;
    const u8 *shadow;

    for (size += skipped; size > 0 && (shadow = shadow_at(granule)); skipped = 0) {
        u32 good = accessible(*shadow), wanted_here = min(size, (u32)KASAN_GRANULE_SIZE);

        if (good < wanted_here)
            return (const u8 *)granule + max(good, skipped);
        granule += KASAN_GRANULE_SIZE;
        size -= wanted_here;
    }
    return NULL;
}

/* ---- checks ---- */

void kasan_set_describe(void (*describe)(const struct kasan_access *access, char *text))
{
    describe_access = describe;
}

/* The shadow byte of a byte that may not be accessed; of an object's last granule, the next one. */
static enum kasan_shadow why_bad(const u8 *bad)
{
    const u8 *shadow = shadow_at((u32)bad);

    return *shadow < KASAN_GRANULE_SIZE ? shadow[1] : shadow[0];
}

static __noinline void __noreturn report(const void *addr, u32 size, bool write, const void *caller)
{
    static char text[KASAN_TEXT_MAX];
    const u8 *bad = kasan_first_bad(addr, size);
    struct kasan_access access = {addr, bad, size, why_bad(bad), write, caller};
    static bool describing; /* a bad access by what describes this one is only named */

    text[0] = '\0';
    if (describe_access && !describing) {
        describing = true;
        describe_access(&access, text);
        describing = false;
    }
    panic("KASAN: %s of size %u at %p by %pS%s", write ? "write" : "read", size, addr, caller,
          text);
}

/* An access within one granule whose shadow is 0 needs no more than this. */
static inline __attribute__((always_inline)) void check(const void *addr, u32 size, bool write,
                                                        const void *caller)
{
    const u8 *shadow = shadow_at((u32)addr);

    if (likely(!shadow ||
               (*shadow == 0 && (u32)addr % KASAN_GRANULE_SIZE + size <= KASAN_GRANULE_SIZE)))
        return;
    if (size && kasan_first_bad(addr, size))
        report(addr, size, write, caller);
}

void kasan_check(const void *start, u32 size, bool write, const void *caller)
{
    check(start, size, write, caller);
}

/* ---- what the compiler calls ---- */

#define CHECKS(size)                                                                               \
    void __asan_load##size##_noabort(const void *addr);                                            \
    void __asan_load##size##_noabort(const void *addr)                                             \
    {                                                                                              \
        check(addr, size, false, __builtin_return_address(0));                                     \
    }                                                                                              \
    void __asan_store##size##_noabort(const void *addr);                                           \
    void __asan_store##size##_noabort(const void *addr)                                            \
    {                                                                                              \
        check(addr, size, true, __builtin_return_address(0));                                      \
    }

CHECKS(1)
CHECKS(2)
CHECKS(4)
CHECKS(8)
CHECKS(16)

void __asan_loadN_noabort(const void *addr, u32 size);
void __asan_loadN_noabort(const void *addr, u32 size)
{
    check(addr, size, false, __builtin_return_address(0));
}

void __asan_storeN_noabort(const void *addr, u32 size);
void __asan_storeN_noabort(const void *addr, u32 size)
{
    check(addr, size, true, __builtin_return_address(0));
}

/* Before a call that does not return; for variables on the stack, which have no shadow here. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}

/* What kasan_find_global() looks for: then nothing is marked. */
static const u8 *wanted;
static const struct asan_global *found;

void __asan_register_globals(const struct asan_global *globals, u32 count);
void __asan_register_globals(const struct asan_global *globals, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const struct asan_global *global = &globals[i];

        if (!wanted)
            kasan_unpoison_part(global->start, global->size, global->size_with_redzone,
                                KASAN_GLOBAL_REDZONE);
        else if ((u32)(wanted - global->start) < global->size_with_redzone)
            found = global;
    }
}

/* For modules that are unloaded, which Attic has not. */
void __asan_unregister_globals(const struct asan_global *globals, u32 count);
void __asan_unregister_globals(const struct asan_global *globals, u32 count)
{
    (void)globals, (void)count;
}

/* The functions that call __asan_register_globals(), one for each source file (linker.ld). */
extern void (*const __init_array_start[])(void), (*const __init_array_end[])(void);

void kasan_init_globals(void)
{
    for (void (*const *at)(void) = __init_array_start; at < __init_array_end; at++)
        (*at)();
}

const struct asan_global *kasan_find_global(const u8 *addr)
{
    wanted = addr;
    found = NULL;
    kasan_init_globals();
    wanted = NULL;
    return found;
}

#endif
