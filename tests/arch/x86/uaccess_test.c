/*
 * Copies between kernel and user memory at every edge. The test thread borrows an address space of
 * two areas:
 *
 *     BASE                two pages, writable; the page behind them is not mapped
 *     READ_ONLY one page TASK_SIZE - PAGE    the last user page, which ends where the kernel begins
 */
#include <arch/x86/cpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/sections.h>
#include <arch/x86/tlb.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <mm/user/mm.h>

#define BASE      0x10000000u
#define END       (BASE + 2 * PAGE_SIZE)
#define READ_ONLY 0x20000000u
#define LAST_PAGE (TASK_SIZE - PAGE_SIZE)

static void *user(u32 addr)
{
    return (void *)addr;
}

static void leave(void)
{
    struct mm *mm = current->mm;

    current->mm = NULL;
    mm_put(mm);
}

static bool enter(void)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return false;
    current->mm = mm;
    mm_switch(mm);
    if (expect_eq(mm_add_area(mm, BASE, END - BASE, VM_READ | VM_WRITE, "data", NULL, 0), 0) &&
        expect_eq(mm_add_area(mm, READ_ONLY, PAGE_SIZE, VM_READ, "rodata", NULL, 0), 0) &&
        expect_eq(mm_add_area(mm, LAST_PAGE, PAGE_SIZE, VM_READ | VM_WRITE, "last", NULL, 0), 0))
        return true;
    leave();
    return false;
}

KTEST(uaccess, copies_across_untouched_pages)
{
    char text[] = "across the border", back[sizeof(text)] = "";
    u32 addr = BASE + PAGE_SIZE - 5;

    if (!enter())
        return;
    expect_eq(copy_to_user(user(addr), text, sizeof(text)), 0);
    expect_eq(copy_from_user(back, user(addr), sizeof(back)), 0);
    expect_str_eq(back, text);
    expect_eq(current->mm->pages, 2);
    leave();
}

KTEST(uaccess, untouched_memory_reads_as_zero)
{
    u32 words[4] = {1, 2, 3, 4};

    if (!enter())
        return;
    expect_eq(copy_from_user(words, user(READ_ONLY + PAGE_SIZE - sizeof(words)), sizeof(words)), 0);
    expect_eq(words[0] | words[1] | words[2] | words[3], 0);
    leave();
}

KTEST(uaccess, stops_at_the_end_of_the_mapping)
{
    u8 bytes[16];

    if (!enter())
        return;
    memset(bytes, 0x5a, sizeof(bytes));
    expect_eq(copy_to_user(user(END - 8), bytes, 16), 8);
    memset(bytes, 0, sizeof(bytes));
    expect_eq(copy_from_user(bytes, user(END - 8), 16), 8);
    expect_eq(bytes[7], 0x5a);
    expect_eq(bytes[8], 0);
    expect_eq(copy_from_user(bytes, user(END), 1), 1);
    expect_eq(copy_from_user(bytes, user(BASE - 4), 8), 8);
    leave();
}

KTEST(uaccess, read_only_area_is_not_written)
{
    u32 word = 0x12345678, back = 1;

    if (!enter())
        return;
    expect_eq(copy_to_user(user(READ_ONLY), &word, sizeof(word)), sizeof(word));
    expect_eq(copy_from_user(&back, user(READ_ONLY), sizeof(back)), 0); /* the page is mapped now */
    expect_eq(back, 0);
    expect_eq(copy_to_user(user(READ_ONLY), &word, sizeof(word)), sizeof(word));
    leave();
}

/*
 * A range that begins in user memory and ends in the kernel's is refused completely, although the
 * user part is mapped.
 */
KTEST(uaccess, straddling_task_size)
{
    u8 bytes[16] = {0};

    if (!enter())
        return;
    expect_eq(copy_to_user(user(TASK_SIZE - 16), bytes, 16), 0);
    expect_eq(copy_from_user(bytes, user(TASK_SIZE - 16), 16), 0);
    expect_eq(copy_to_user(user(TASK_SIZE - 8), bytes, 16), 16);
    expect_eq(copy_from_user(bytes, user(TASK_SIZE - 8), 16), 16);
    expect_eq(copy_from_user(bytes, user(TASK_SIZE - 1), 2), 2);
    leave();
}

KTEST(uaccess, kernel_addresses_are_refused)
{
    static const u32 addresses[] = {TASK_SIZE, KERNEL_VIRT, 0xffc00000, 0xfffffff0, 0xffffffff};
    u8 bytes[32] = {0};

    if (!enter())
        return;
    for (u32 i = 0; i < ARRAY_SIZE(addresses); i++) {
        expect_eq(copy_from_user(bytes, user(addresses[i]), sizeof(bytes)), sizeof(bytes));
        expect_eq(copy_to_user(user(addresses[i]), bytes, sizeof(bytes)), sizeof(bytes));
    }
    leave();
}

KTEST(uaccess, sizes_that_wrap_around)
{
    u8 byte = 0;

    if (!enter())
        return;
    expect_eq(copy_from_user(&byte, user(BASE), 0xffffffff), 0xffffffff);
    expect_eq(copy_from_user(&byte, user(BASE), 0u - BASE), 0u - BASE);
    expect_eq(copy_to_user(user(BASE), &byte, TASK_SIZE), TASK_SIZE);
    expect(!access_ok(user(1), TASK_SIZE));
    expect(access_ok(user(0), TASK_SIZE));
    leave();
}

KTEST(uaccess, nothing_to_copy)
{
    u8 byte = 7;

    if (!enter())
        return;
    expect_eq(copy_from_user(&byte, user(0), 0), 0);
    expect_eq(copy_to_user(user(END), &byte, 0), 0);
    expect_eq(byte, 7);
    leave();
}

KTEST(uaccess, without_an_address_space)
{
    u8 byte = 0;

    mm_switch(NULL);
    expect(current->mm == NULL);
    expect_eq(copy_from_user(&byte, user(BASE), 1), 1);
    expect_eq(copy_to_user(user(BASE), &byte, 1), 1);
    expect_eq(copy_from_user(&byte, user(0), 1), 1);
}

KTEST(uaccess, strings)
{
    char text[] = "attic", buf[16] = "";

    if (!enter())
        return;
    expect_eq(copy_to_user(user(BASE + PAGE_SIZE - 3), text, sizeof(text)), 0);
    expect_eq(strncpy_from_user(buf, user(BASE + PAGE_SIZE - 3), sizeof(buf)), 5);
    expect_str_eq(buf, "attic");
    expect_eq(strncpy_from_user(buf, user(BASE + PAGE_SIZE - 3), 6), 5); /* just fits */
    expect_eq(strncpy_from_user(buf, user(BASE + PAGE_SIZE - 3), 5), -ENAMETOOLONG);
    expect_eq(strncpy_from_user(buf, user(READ_ONLY), sizeof(buf)), 0);
    expect_str_eq(buf, "");
    expect_eq(copy_to_user(user(TASK_SIZE - 3), "ab", 3), 0); /* it ends where user memory ends */
    expect_eq(strncpy_from_user(buf, user(TASK_SIZE - 3), sizeof(buf)), 2);
    expect_str_eq(buf, "ab");
    leave();
}

KTEST(uaccess, strings_that_run_into_nothing)
{
    char buf[16] = "";

    if (!enter())
        return;
    expect_eq(copy_to_user(user(END - 3), "abc", 3), 0);
    expect_eq(strncpy_from_user(buf, user(END - 3), sizeof(buf)), -EFAULT);
    expect_eq(copy_to_user(user(TASK_SIZE - 3), "abc", 3), 0);
    expect_eq(strncpy_from_user(buf, user(TASK_SIZE - 3), sizeof(buf)), -EFAULT);
    expect_eq(strncpy_from_user(buf, user(KERNEL_VIRT), sizeof(buf)), -EFAULT);
    expect_eq(strncpy_from_user(buf, user(0), sizeof(buf)), -EFAULT);
    leave();
}

/*
 * Outside uaccess the kernel faults on any user address, even if the process could access the page.
 */
KTEST(uaccess, kernel_bug_is_not_mended)
{
    if (!enter())
        return;
    expect_fault((void)*(volatile u32 *)user(BASE), BASE, 0);
    expect_fault(*(volatile u32 *)user(BASE) = 1, BASE, X86_PF_WRITE);
    expect_eq(current->mm->pages, 0);
    leave();
}

/* With interrupts off no memory may be allocated: the copy fails, and works when they are on. */
KTEST(uaccess, nothing_is_brought_in_with_interrupts_off)
{
    u32 word = 1, flags;

    if (!enter())
        return;
    flags = local_irq_save();
    expect_eq(copy_from_user(&word, user(BASE), sizeof(word)), sizeof(word));
    expect_eq(current->mm->pages, 0);
    local_irq_restore(flags);
    expect_eq(copy_from_user(&word, user(BASE), sizeof(word)), 0);
    expect_eq(word, 0);
    expect_eq(current->mm->pages, 1);
    leave();
}

/*
 * A right that the area does not have cannot be granted: the copy fails, instead of faulting for
 * ever.
 */
KTEST(uaccess, violated_right_is_not_mended)
{
    u32 word = 1;

    if (!enter())
        return;
    expect_eq(copy_from_user(&word, user(READ_ONLY), sizeof(word)), 0);
    expect_eq(copy_to_user(user(READ_ONLY), &word, sizeof(word)), sizeof(word));
    expect_eq(copy_from_user(&word, user(READ_ONLY), sizeof(word)), 0);
    expect_eq(word, 0);
    leave();
}

/*
 * A right that only the entry lacks is granted: a page that a fork shares is copied for the kernel,
 * too.
 */
KTEST(uaccess, copy_to_a_shared_page_separates_it)
{
    struct mm *child;
    u32 word = 1;

    if (!enter())
        return;
    expect_eq(copy_to_user(user(BASE), &word, sizeof(word)), 0);
    child = mm_fork(current->mm);
    if (expect(child != NULL)) {
        word = 2;
        expect_eq(copy_to_user(user(BASE), &word, sizeof(word)), 0);
        expect_eq(mm_read(child, BASE, &word, sizeof(word)), 0);
        expect_eq(word, 1);
        mm_put(child);
    }
    leave();
}

KTEST(uaccess, smap_guards_user_pages)
{
    u32 word = 1;

    if (!cpu_features.smap) {
        ktest_skip("this processor has no SMAP");
        return;
    }
    if (!enter())
        return;
    expect_eq(copy_to_user(user(BASE), &word, sizeof(word)), 0);
    expect_fault((void)*(volatile u32 *)user(BASE), BASE, X86_PF_PROT);
    expect_fault(*(volatile u32 *)user(BASE) = 2, BASE, X86_PF_PROT | X86_PF_WRITE);
    expect_eq(copy_from_user(&word, user(BASE), sizeof(word)), 0);
    expect_eq(word, 1);
    expect_fault((void)*(volatile u32 *)user(BASE), BASE, X86_PF_PROT); /* each copy closes again */
    expect_eq(copy_from_user(&word, user(END), sizeof(word)), sizeof(word));
    expect_fault((void)*(volatile u32 *)user(BASE), BASE, X86_PF_PROT);
    expect_eq(copy_to_user(user(END), &word, sizeof(word)), sizeof(word));
    expect_fault((void)*(volatile u32 *)user(BASE), BASE, X86_PF_PROT);
    leave();
}

/*
 * A copy has one untrusted side. A bad pointer on the other side is a bug, and so is a user pointer
 * that is used as a kernel pointer.
 */
KTEST(uaccess, broken_kernel_pointers)
{
    static void *const bad[] = {(void *)0xfffff000, NULL, (void *)(BASE + PAGE_SIZE)};
    u32 word = 0x24681357;
    volatile size_t left = 0; /* it survives the second return of a probe */

    if (!enter())
        return;
    expect_eq(copy_to_user(user(BASE), &word, sizeof(word)), 0);
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_fault(left = copy_to_user(user(BASE), bad[i], sizeof(word)), (u32)bad[i], 0);
        expect_fault(left = copy_from_user(bad[i], user(BASE), sizeof(word)), (u32)bad[i],
                     X86_PF_WRITE);
    }
    expect_fault(left = copy_from_user(__text_start, user(BASE), sizeof(word)), (u32)__text_start,
                 X86_PF_WRITE | X86_PF_PROT);
    expect_eq(left, 0);
    expect_eq(current->mm->pages, 1);
    leave();
}

KTEST(uaccess, kernel_nofault)
{
    u32 word = 0x13572468, back = 0;

    mm_switch(NULL);
    expect_eq(copy_from_kernel_nofault(&back, &word, sizeof(word)), 0);
    expect_eq(back, word);
    expect_eq(copy_from_kernel_nofault(&back, (void *)0xfffff000, sizeof(back)), -EFAULT);
    expect_eq(copy_from_kernel_nofault(&back, NULL, sizeof(back)), -EFAULT);
    expect_eq(copy_from_kernel_nofault(&back, (void *)0xfffffffe, sizeof(back)), -EFAULT);
    expect_fault(back = copy_from_kernel_nofault(NULL, &word, sizeof(word)), 0, X86_PF_WRITE);
    expect_fault(back = copy_from_kernel_nofault((void *)0xfffff000, &word, sizeof(word)),
                 0xfffff000, X86_PF_WRITE);
}

/* A user address is not a kernel address, whether it is mapped, untouched, or in no area. */
KTEST(uaccess, kernel_nofault_leaves_user_memory_alone)
{
    u32 word = 0x13572468, back = 0;

    if (!enter())
        return;
    expect_eq(copy_to_user(user(BASE), &word, sizeof(word)), 0);
    expect_eq(copy_from_kernel_nofault(&back, user(BASE), sizeof(back)), -EFAULT);
    expect_eq(copy_from_kernel_nofault(&back, user(BASE + PAGE_SIZE), sizeof(back)), -EFAULT);
    expect_eq(copy_from_kernel_nofault(&back, user(TASK_SIZE - 2), sizeof(back)), -EFAULT);
    expect_eq(back, 0);
    expect_eq(current->mm->pages, 1);
    leave();
}
