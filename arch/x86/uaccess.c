/*
 * Copies that may fault on one side: each instruction that accesses this side has an entry in
 * .ex_table with the kind of access. If it faults and the page cannot be mapped, the trap continues
 * at the fix-up, which computes the number of bytes left; a fault on the kernel's side is a bug,
 * and panics. Addresses are not checked in advance, so an address that is unmapped in between is
 * handled like one that was never mapped.
 *
 * Between USER_OPEN and USER_CLOSE the processor lets ring 0 access user pages (SMAP; the no-ops
 * are patched by cpu_init). The copies move words first, then the odd bytes: the processor counts a
 * rep instruction once per element.
 */
#include <arch/x86/extable.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <lib/kasan.h>

#define SMAP_SITE(open)                                                                            \
    "771: .byte 0x66, 0x66, 0x90\n\t"                                                              \
    ".pushsection .smap_sites, \"a\"; .long 771b, " #open "; .popsection\n\t"
#define USER_OPEN  SMAP_SITE(1)
#define USER_CLOSE SMAP_SITE(0)

/*
 * Copy upwards, with `open` before and `close` behind it; the number of bytes not copied becomes
 * `left`. When a word faults, its first bytes may be accessible: the rest is tried byte by byte, so
 * that the result is exact.
 */
#define COPY_MAY_FAULT(open, close, ex_kind, left, to, from, size)                                 \
    asm volatile(open "1: rep movsl\n\t"                                                           \
                      "mov %[tail], %%ecx\n"                                                       \
                      "2: rep movsb\n"                                                             \
                      "3: " close ".pushsection .text.fixup, \"ax\"\n"                             \
                      "4: lea (%[tail], %%ecx, 4), %%ecx\n\t"                                      \
                      "jmp 2b\n\t"                                                                 \
                      ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "3b")                  \
                 : "=&c"(left), "+D"(to), "+S"(from)                                               \
                 : [tail] "r"((size) % 4), "0"((size) / 4), [kind] "i"(ex_kind)                    \
                 : "memory")

size_t copy_from_user(void *to, const void *user_from, size_t size)
{
    size_t left = size;

    if (unlikely(!access_ok(user_from, size)))
        return size;
    kasan_check_write(to, size);
    COPY_MAY_FAULT(USER_OPEN, USER_CLOSE, EX_USER_READ, left, to, user_from, size);
    return left;
}

size_t copy_to_user(void *user_to, const void *from, size_t size)
{
    size_t left = size;

    if (unlikely(!access_ok(user_to, size)))
        return size;
    kasan_check_read(from, size);
    COPY_MAY_FAULT(USER_OPEN, USER_CLOSE, EX_USER_WRITE, left, user_to, from, size);
    return left;
}

long strncpy_from_user(char *to, const char *user_from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (copy_from_user(&to[i], user_from + i, 1))
            return -EFAULT;
        if (to[i] == '\0')
            return i;
    }
    return -ENAMETOOLONG;
}

int copy_from_kernel_nofault(void *to, const void *from, size_t size)
{
    size_t left = size;

    if ((u32)from >= TASK_SIZE && size <= 0u - (u32)from)
        COPY_MAY_FAULT("", "", EX_KERNEL_READ, left, to, from, size);
    return left ? -EFAULT : 0;
}
