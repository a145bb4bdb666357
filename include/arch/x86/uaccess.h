/*
 * The only functions that access user memory and memory that may not be mapped. A fault on that
 * side is caught by the exception table; SMAP is opened just around the access. A fault on the
 * other side, in the kernel's memory, panics.
 */
#pragma once

#include <asm/errno.h>
#include <lib/types.h>
#include <mm/layout.h>

/* True when [addr, addr + size) lies below PAGE_OFFSET. */
static inline bool access_ok(const void *addr, size_t size)
{
    return size <= TASK_SIZE && (u32)addr <= TASK_SIZE - size;
}

/*
 * Copy; the result is the number of bytes that could NOT be copied, 0 on success. May sleep in a
 * page fault.
 */
__must_check size_t copy_from_user(void *to, const void *user_from, size_t size);
__must_check size_t copy_to_user(void *user_to, const void *from, size_t size);

/*
 * Copy a whole kernel object, a structure or a number: 0 or -EFAULT. The padding between the
 * members of a structure, which may hold old stack contents, is set to 0 first. The only way out
 * for structures: tests/run/test_tools.py looks for others. Where the compiler cannot do this
 * (clang before 20), the code that fills a structure with padding must do it;
 * tests/kernel/process/process_test.c finds what is left.
 */
#define copy_object_to_user(user_to, object)                                                       \
    ({                                                                                             \
        CLEAR_PADDING(object);                                                                     \
        copy_to_user(user_to, object, sizeof(*(object))) ? -EFAULT : 0;                            \
    })

#if defined(__GNUC__) && !defined(__clang__)
#define CLEAR_PADDING(object) __builtin_clear_padding(object)
#else
#define CLEAR_PADDING(object) ((void)0)
#endif

/*
 * Copy a string of at most size - 1 bytes and end it with 0. Its length; -EFAULT; -ENAMETOOLONG
 * when no 0 is found.
 */
__must_check long strncpy_from_user(char *to, const char *user_from, size_t size);

/*
 * Copy from a kernel address that may not be mapped. 0 or -EFAULT. User addresses give -EFAULT,
 * too: user memory is neither read nor paged in. Any context.
 */
__must_check int copy_from_kernel_nofault(void *to, const void *from, size_t size);
