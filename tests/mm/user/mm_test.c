/* Address spaces, without a process in them. */
#include <arch/x86/cpu.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <linux/mman.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/user/mm_internal.h>

#define BASE 0x08048000

KTEST(mm, refuses_bad_areas)
{
    struct mm *mm = mm_create();
    u32 rw = VM_READ | VM_WRITE;

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, BASE + 1, PAGE_SIZE, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, BASE, PAGE_SIZE - 1, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, BASE, 0, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, 0, PAGE_SIZE, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, MMAP_MIN_ADDR - PAGE_SIZE, PAGE_SIZE, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, PAGE_OFFSET, PAGE_SIZE, rw, "x", NULL, 0), -EINVAL);
    expect_eq(mm_add_area(mm, BASE, 0xfffff000, rw, "x", NULL, 0), -EINVAL);
    expect((mm->area_count == 0));
    mm_put(mm);
}

KTEST(mm, refuses_overlaps)
{
    struct mm *mm = mm_create();

    expect_eq(mm_add_area(mm, BASE, 4 * PAGE_SIZE, VM_READ, "one", NULL, 0), 0);
    expect_eq(mm_add_area(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE, VM_READ, "x", NULL, 0), -EEXIST);
    expect_eq(mm_add_area(mm, BASE - PAGE_SIZE, 2 * PAGE_SIZE, VM_READ, "x", NULL, 0), -EEXIST);
    expect_eq(mm_add_area(mm, BASE - PAGE_SIZE, 8 * PAGE_SIZE, VM_READ, "x", NULL, 0), -EEXIST);
    expect_eq(mm_add_area(mm, BASE + 4 * PAGE_SIZE, PAGE_SIZE, VM_READ, "after", NULL, 0), 0);
    expect_eq(mm_add_area(mm, BASE - PAGE_SIZE, PAGE_SIZE, VM_READ, "before", NULL, 0), 0);
    expect_eq(mm_find_area(mm, BASE - 1)->start, BASE - PAGE_SIZE);
    expect(mm_find_area(mm, BASE + 5 * PAGE_SIZE) == NULL);
    mm_put(mm);
}

KTEST(mm, faults_are_judged)
{
    struct mm *mm = mm_create();

    expect_eq(mm_add_area(mm, BASE, PAGE_SIZE, VM_READ, "constants", NULL, 0), 0);
    expect_eq(mm_fault(mm, BASE, false), MM_FAULT_OK);
    expect_eq(mm_fault(mm, BASE, true), MM_FAULT_READONLY);
    expect_eq(mm_fault(mm, BASE + PAGE_SIZE, false), MM_FAULT_NO_AREA);
    expect_eq(mm_fault(mm, 0, false), MM_FAULT_NO_AREA);
    expect_eq(mm_fault(mm, PAGE_OFFSET, false), MM_FAULT_KERNEL);
    expect_eq(mm->pages, 1);
    mm_put(mm);
}

KTEST(mm, pages_come_with_the_first_touch)
{
    struct mm *mm = mm_create();
    u32 word = 0;

    expect_eq(mm_add_area(mm, BASE, 64 * PAGE_SIZE, VM_READ | VM_WRITE, "heap", NULL, 0), 0);
    expect_eq(mm->pages, 0);
    mm_switch(mm);
    /* No process runs here, so the fault is not resolved: the copy reports it. */
    expect_eq(copy_from_user(&word, (void *)BASE, 4), 4);
    expect_eq(mm_fault(mm, BASE + 5 * PAGE_SIZE, true), MM_FAULT_OK);
    word = 77;
    expect_eq(copy_to_user((void *)(BASE + 5 * PAGE_SIZE), &word, 4), 0);
    expect_eq(mm->pages, 1);
    expect_eq(mm->tables, 1);
    mm_switch(NULL);
    mm_put(mm);
}

KTEST(mm, write_crosses_pages)
{
    static u8 out[3000], in[3000];
    struct mm *mm = mm_create();

    for (u32 i = 0; i < sizeof(out); i++)
        out[i] = i * 7;
    expect_eq(mm_add_area(mm, BASE, 2 * PAGE_SIZE, VM_READ | VM_WRITE, "data", NULL, 0), 0);
    expect_eq(mm_add_area(mm, BASE + 2 * PAGE_SIZE, PAGE_SIZE, VM_READ, "text", NULL, 0), 0);
    expect_eq(mm_write(mm, BASE + 3000, out, sizeof(out)), 0);
    expect_eq(mm_write(mm, BASE + 2 * PAGE_SIZE - 10, out, 11), -EFAULT); /* one is read-only */
    expect_eq(mm_write(mm, BASE + 3 * PAGE_SIZE - 10, out, 11), -EFAULT);
    mm_switch(mm);
    expect_eq(copy_from_user(in, (void *)(BASE + 3000), sizeof(in)), 0);
    mm_switch(NULL);
    for (u32 i = 0; i < sizeof(out); i++) {
        if (!expect_eq(in[i], out[i]))
            break;
    }
    mm_put(mm);
}

/* An address space with an empty heap at BASE, and an area that lies `above` bytes higher. */
static struct mm *mm_with_heap(u32 above)
{
    struct mm *mm = mm_create();

    if (!mm)
        return NULL;
    mm->start_brk = mm->brk = BASE;
    expect_eq(mm_add_area(mm, BASE + above, PAGE_SIZE, VM_READ | VM_WRITE, "next", NULL, 0), 0);
    return mm;
}

KTEST(mm, brk_moves)
{
    struct mm *mm = mm_with_heap(MIB(4));

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_brk(mm, 0), BASE);
    expect_eq(mm_brk(mm, BASE + 100), BASE + 100);
    expect_eq(mm_fault(mm, BASE + 50, true), MM_FAULT_OK);
    expect_eq(mm_brk(mm, BASE + 3 * PAGE_SIZE), BASE + 3 * PAGE_SIZE);
    expect_eq(mm_fault(mm, BASE + 2 * PAGE_SIZE, true), MM_FAULT_OK);
    expect_eq(mm->pages, 2);
    expect_eq(mm_brk(mm, BASE + PAGE_SIZE), BASE + PAGE_SIZE);
    expect_eq(mm->pages, 1);
    expect_eq(mm_fault(mm, BASE + 2 * PAGE_SIZE, true), MM_FAULT_NO_AREA);
    expect_eq(mm_brk(mm, BASE), BASE);
    expect_eq(mm->pages, 0);
    expect_eq(mm_brk(mm, BASE + PAGE_SIZE), BASE + PAGE_SIZE);
    mm_put(mm);
}

KTEST(mm, brk_refuses)
{
    struct mm *mm = mm_with_heap(MIB(4));
    u32 most = BASE + MIB(4) - PAGE_SIZE;

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_brk(mm, most + 1), BASE);
    expect_eq(mm_brk(mm, most), most);
    expect_eq(mm_brk(mm, most + 1), most);
    expect_eq(mm_brk(mm, BASE - 1), most);
    expect_eq(mm_brk(mm, TASK_SIZE), most);
    expect_eq(mm_brk(mm, 0xffffffff), most);
    mm_put(mm);
}

/* The size of all areas, and of the private writable ones. */
KTEST(mm, limits)
{
    const u32 anon = MAP_PRIVATE | MAP_ANONYMOUS, fixed = anon | MAP_FIXED;
    const u32 rw = PROT_READ | PROT_WRITE, at = BASE + MIB(8);
    struct mm *mm = mm_with_heap(MIB(4));

    if (!expect(mm != NULL))
        return;
    mm->size_limit = 9 * PAGE_SIZE + 100; /* there is one page: mm_with_heap() */
    expect_eq(mm_mmap(mm, at, 9 * PAGE_SIZE, PROT_READ, fixed, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, at, 6 * PAGE_SIZE, PROT_READ, fixed, NULL, 0), at);
    expect_eq(mm_brk(mm, BASE + 3 * PAGE_SIZE), BASE);
    expect_eq(mm_brk(mm, BASE + 2 * PAGE_SIZE), BASE + 2 * PAGE_SIZE);
    expect_eq(mm_mremap(mm, at, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, at, 6 * PAGE_SIZE, rw, fixed, NULL, 0), at); /* in place of itself */
    expect_eq(mm_munmap(mm, at + 4 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    mm->size_limit = ~0u;
    mm->data_limit = 8 * PAGE_SIZE; /* there are seven */
    expect_eq(mm_mmap(mm, 0, 2 * PAGE_SIZE, rw, anon, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, at + MIB(4), 2 * PAGE_SIZE, PROT_READ, fixed, NULL, 0), at + MIB(4));
    expect_eq(mm_mprotect(mm, at + MIB(4), 2 * PAGE_SIZE, rw), -ENOMEM);
    expect_eq(mm_mprotect(mm, at + MIB(4), PAGE_SIZE, rw), 0);
    expect_eq(mm_mprotect(mm, at, PAGE_SIZE, rw), 0); /* as before */
    expect_eq(mm_brk(mm, BASE + 3 * PAGE_SIZE), BASE + 2 * PAGE_SIZE);
    mm->data_limit = ~0u;
    mm->heap_limit = 3 * PAGE_SIZE;
    expect_eq(mm_brk(mm, BASE + 3 * PAGE_SIZE + 1), BASE + 2 * PAGE_SIZE);
    expect_eq(mm_brk(mm, BASE + 3 * PAGE_SIZE), BASE + 3 * PAGE_SIZE);
    mm_put(mm);
}

/* An area that begins at the heap's start is not the heap. */
KTEST(mm, brk_leaves_strangers_alone)
{
    struct mm *mm = mm_with_heap(0);

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_brk(mm, BASE), BASE);
    expect_eq(mm_brk(mm, BASE + PAGE_SIZE), BASE);
    expect(mm_find_area(mm, BASE) != NULL);
    mm_put(mm);
}

/* What the heap gets at its end can be written, whatever was done to the end before. */
KTEST(mm, brk_grows_past_changed_rights)
{
    struct mm *mm = mm_with_heap(MIB(4));
    u32 old = BASE + 2 * PAGE_SIZE;

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_brk(mm, old), old);
    expect_eq(mm_mprotect(mm, old - PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_brk(mm, old + PAGE_SIZE), old + PAGE_SIZE);
    expect_eq(mm_fault(mm, old, true), MM_FAULT_OK);
    expect_eq(mm_fault(mm, old - PAGE_SIZE, true), MM_FAULT_READONLY);
    expect_none(vma_check(mm));
    mm_put(mm);
}

KTEST(mm, brk_skips_what_was_never_touched)
{
    struct mm *mm = mm_with_heap(MIB(64));

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_brk(mm, BASE + MIB(40)), BASE + MIB(40));
    expect_eq(mm_fault(mm, BASE + MIB(39), true), MM_FAULT_OK);
    expect_eq(mm_fault(mm, BASE + MIB(4) - PAGE_SIZE, true), MM_FAULT_OK);
    expect_eq(mm_brk(mm, BASE + PAGE_SIZE), BASE + PAGE_SIZE);
    expect_eq(mm->pages, 0);
    mm_put(mm);
}

KTEST(mm, create_and_destroy_give_everything_back)
{
    u32 before;

    mm_shrink();
    slab_shrink();
    before = nr_free_pages();
    for (u32 round = 0; round < 20; round++) {
        struct mm *mm = mm_create();

        expect_eq(mm_add_area(mm, BASE, 16 * PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0), 0);
        for (u32 i = 0; i < 16; i++)
            expect_eq(mm_fault(mm, BASE + i * PAGE_SIZE, true), MM_FAULT_OK);
        mm_put(mm);
    }
    mm_shrink();
    slab_shrink();
    expect_eq(nr_free_pages(), before);
}

/* SMEP: the kernel does not run code of a process. */
KTEST(mm, kernel_may_not_run_user_pages)
{
    struct mm *mm = mm_create();
    void (*user)(void) = (void (*)(void))BASE;

    if (!cpu_features.smep) {
        ktest_skip("this processor has no SMEP");
        mm_put(mm);
        return;
    }
    expect_eq(mm_add_area(mm, BASE, PAGE_SIZE, VM_READ | VM_WRITE | VM_EXEC, "x", NULL, 0), 0);
    expect_eq(mm_write(mm, BASE, "\xc3", 1), 0); /* ret */
    mm_switch(mm);
    expect_fault(user(), BASE, X86_PF_PROT | X86_PF_INSTR);
    mm_switch(NULL);
    mm_put(mm);
}
