/*
 * Copies that may fault. Each instruction that touches the doubtful side has an entry in .ex_table:
 * when it faults and the fault cannot be mended, the trap goes on at the fix-up, which computes
 * what is left. Nothing is probed beforehand, so an address that goes away in between is as safe as
 * one that was never there.
 *
 * Between USER_OPEN and USER_CLOSE the processor lets ring 0 touch user pages (SMAP; the no-ops are
 * patched by cpu_init). The copies move words first, then the odd bytes: the processor counts a rep
 * instruction once per element.
 */
#include <arch/x86/extable.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>

#define SMAP_SITE(open)                                                                            \
    "771: .byte 0x0f, 0x1f, 0x00\n\t"                                                              \
    ".pushsection .smap_sites, \"a\"; .long 771b, " #open "; .popsection\n\t"
#define USER_OPEN  SMAP_SITE(1)
#define USER_CLOSE SMAP_SITE(0)

/*
 * Copy upwards; the result is the number of bytes not copied. When a word faults, its first bytes
 * may still be there: the rest is tried byte by byte, so that the result is exact.
 */
static size_t copy_may_fault(void *to, const void *from, size_t size)
{
    size_t left = size / 4, tail = size % 4;

    asm volatile(USER_OPEN "1: rep movsl\n\t"
                           "mov %[tail], %%ecx\n"
                           "2: rep movsb\n"
                           "3: " USER_CLOSE ".pushsection .text.fixup, \"ax\"\n"
                           "4: lea (%[tail], %%ecx, 4), %%ecx\n\t"
                           "jmp 2b\n\t"
                           ".popsection\n\t" EX_TABLE("1b", "4b") EX_TABLE("2b", "3b")
                 : "+c"(left), "+D"(to), "+S"(from)
                 : [tail] "r"(tail)
                 : "memory");
    return left;
}

size_t copy_from_user(void *to, const void *user_from, size_t size)
{
    return likely(access_ok(user_from, size)) ? copy_may_fault(to, user_from, size) : size;
}

size_t copy_to_user(void *user_to, const void *from, size_t size)
{
    return likely(access_ok(user_to, size)) ? copy_may_fault(user_to, from, size) : size;
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
    return copy_may_fault(to, from, size) ? -EFAULT : 0;
}
