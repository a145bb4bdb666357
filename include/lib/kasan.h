/*
 * The kernel address sanitizer: `make KASAN=1`. A shadow byte for each eight bytes of memory says
 * which of them may be accessed; the compiler puts a check in front of each access, and memory's
 * owners change the shadow. Names and values are Linux's (mm/kasan/kasan.h). lib/kasan.c explains
 * the idea. In other builds everything here is empty.
 */
#pragma once

#include <lib/types.h>

/* One shadow byte is for this many bytes. */
#define KASAN_GRANULE_SIZE 8

/*
 * Shadow bytes: 0, all eight may be accessed; 1 to 7, so many from the first on; otherwise none,
 * and the value says why.
 */
enum kasan_shadow {
    KASAN_ACCESSIBLE = 0,
    KASAN_PAGE_FREE = 0xff,
    KASAN_PAGE_REDZONE = 0xfe,
    KASAN_SLAB_REDZONE = 0xfc,
    KASAN_SLAB_FREE = 0xfb,
    KASAN_GLOBAL_REDZONE = 0xf9,
    KASAN_VMALLOC_INVALID = 0xf8,
    KASAN_VMALLOC_FREE = 0xf7,
    KASAN_STACK_FREE = 0xf5, /* Attic's: the kernel stack of a task that has ended */
};

/* A bad access: the first byte that may not be accessed, and why. */
struct kasan_access {
    const u8 *addr, *bad;
    u32 size;
    enum kasan_shadow why;
    bool write;
    const void *caller;
};

/* A global variable, as the compiler describes it (libsanitizer/asan/asan_interface_internal.h). */
struct asan_global {
    const u8 *start;
    u32 size, size_with_redzone;
    const char *name, *file;
    u32 unused[3];
};

#define KASAN_REGIONS  2
#define KASAN_TEXT_MAX 400

#ifdef CONFIG_KASAN

#define KASAN 1

/*
 * The shadow of [start, start + size): `shadow` has a byte for each granule, and is all 0. From
 * here on accesses to this range are checked. At start-up, at most KASAN_REGIONS times.
 */
void kasan_add_region(const void *start, u32 size, u8 *shadow);

/* Mark the redzones of global variables. Once, when their region exists. */
void kasan_init_globals(void);

/* The global variable that an address belongs to, with the redzone behind it; or NULL. */
const struct asan_global *kasan_find_global(const u8 *addr);

/* What higher layers say of a bad access, in the panic: `text` has KASAN_TEXT_MAX bytes. */
void kasan_set_describe(void (*describe)(const struct kasan_access *access, char *text));

/*
 * The range, of whole granules, may not be accessed, for this reason. What has no shadow is
 * ignored.
 */
void kasan_poison(const volatile void *start, u32 size, enum kasan_shadow why);

/* The first `size` bytes may be accessed; the rest of the last granule may not. */
void kasan_unpoison(const volatile void *start, u32 size);

/* The first byte that may not be accessed, or NULL. */
const u8 *kasan_first_bad(const volatile void *start, u32 size);

/* An access by this caller: panics if one of its bytes may not be accessed. */
void kasan_check(const void *start, u32 size, bool write, const void *caller);

#else

#define KASAN 0

static inline void kasan_add_region(const void *start, u32 size, u8 *shadow)
{
    (void)start, (void)size, (void)shadow;
}

static inline void kasan_init_globals(void)
{
}

static inline const struct asan_global *kasan_find_global(const u8 *addr)
{
    return (void)addr, NULL;
}

static inline void kasan_set_describe(void (*describe)(const struct kasan_access *access,
                                                       char *text))
{
    (void)describe;
}

static inline void kasan_poison(const volatile void *start, u32 size, enum kasan_shadow why)
{
    (void)start, (void)size, (void)why;
}

static inline void kasan_unpoison(const volatile void *start, u32 size)
{
    (void)start, (void)size;
}

static inline void kasan_check(const void *start, u32 size, bool write, const void *caller)
{
    (void)start, (void)size, (void)write, (void)caller;
}

#endif

/*
 * For a function that accesses memory in assembly, which the compiler does not see: a bad access is
 * its caller's.
 */
static inline __attribute__((always_inline)) void kasan_check_read(const void *start, u32 size)
{
    kasan_check(start, size, false, __builtin_return_address(0));
}

static inline __attribute__((always_inline)) void kasan_check_write(const void *start, u32 size)
{
    kasan_check(start, size, true, __builtin_return_address(0));
}

/* `used` bytes of `total` may be accessed; `total` is of whole granules. */
static inline void kasan_unpoison_part(const volatile void *start, u32 used, u32 total,
                                       enum kasan_shadow rest)
{
    u32 whole = ALIGN_UP(used, KASAN_GRANULE_SIZE);

    kasan_unpoison(start, used);
    kasan_poison((const volatile char *)start + whole, total - whole, rest);
}
