/* The growth of the stack, and when it is refused; the same for the heap. */
#include "tests/mm/user/space.h"

#define TOP   0x40000000u
#define FLAGS (RW | VM_GROWSDOWN)

/* A stack of one page that ends at TOP. */
static struct mm *space_with_stack(void)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return NULL;
    expect_eq(mm_add_area(mm, TOP - PAGE_SIZE, PAGE_SIZE, FLAGS, "[stack]", NULL, 0), 0);
    return mm;
}

KTEST(mm_stack, grows_on_a_touch_below)
{
    struct mm *mm = space_with_stack();

    if (!mm)
        return;
    expect_eq(mm_fault(mm, TOP - PAGE_SIZE - 32, true), MM_FAULT_OK); /* pusha at the edge */
    expect_area(mm, TOP - 2 * PAGE_SIZE, TOP, FLAGS);
    expect_eq(mm_fault(mm, TOP - 65536, true),
              MM_FAULT_OK); /* a large frame, past pages never touched */
    expect_area(mm, TOP - 65536, TOP, FLAGS);
    expect_eq(mm_fault(mm, TOP - 100000, false), MM_FAULT_OK); /* a read works as well */
    expect_eq(mm->pages, 3);
    expect_none(mm_audit());
    mm_put(mm);
}

KTEST(mm_stack, grows_to_its_limit)
{
    struct mm *mm = space_with_stack();

    if (!mm)
        return;
    expect_eq(mm_fault(mm, TOP - STACK_LIMIT - 1, true), MM_FAULT_STACK);
    expect_eq(mm_fault(mm, TOP - STACK_LIMIT - MM_GUARD_GAP - PAGE_SIZE, true), MM_FAULT_NO_AREA);
    expect_area(mm, TOP - PAGE_SIZE, TOP, FLAGS);
    expect_eq(mm_fault(mm, TOP - STACK_LIMIT, true), MM_FAULT_OK);
    expect_area(mm, TOP - STACK_LIMIT, TOP, FLAGS);
    expect_eq(mm_fault(mm, TOP - STACK_LIMIT - 1, true), MM_FAULT_STACK);
    mm->stack_limit = STACK_LIMIT + PAGE_SIZE; /* setrlimit */
    expect_eq(mm_fault(mm, TOP - STACK_LIMIT - 1, true), MM_FAULT_OK);
    mm_put(mm);
}

KTEST(mm_stack, keeps_a_gap_to_what_is_below)
{
    u32 below = TOP - MIB(4), lowest = below + PAGE_SIZE + MM_GUARD_GAP;
    struct mm *mm = space_with_stack();

    if (!mm)
        return;
    expect_eq(mm_add_area(mm, below, PAGE_SIZE, RW, NULL, NULL, 0), 0);
    expect_eq(mm_fault(mm, lowest - 1, true), MM_FAULT_STACK);
    expect_eq(mm_fault(mm, below + PAGE_SIZE, true), MM_FAULT_STACK);
    expect_eq(mm_fault(mm, lowest, true), MM_FAULT_OK);
    expect_area(mm, lowest, TOP, FLAGS);
    expect_eq(mm_fault(mm, below, true), MM_FAULT_OK); /* this area is not the stack */
    expect_eq(mm_mremap(mm, below, PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), -ENOMEM);
    mm_put(mm);
}

KTEST(mm_stack, only_where_allowed)
{
    struct mm *mm = space_with_stack();

    if (!mm)
        return;
    expect_eq(mm_mprotect(mm, TOP - PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_fault(mm, TOP - 2 * PAGE_SIZE, true), MM_FAULT_NO_AREA);
    expect_area(mm, TOP - PAGE_SIZE, TOP, VM_READ | VM_GROWSDOWN);
    expect_eq(mm_munmap(mm, TOP - PAGE_SIZE, PAGE_SIZE), 0);
    expect_eq(mm_add_area(mm, TOP - PAGE_SIZE, PAGE_SIZE, RW, NULL, NULL, 0), 0);
    expect_eq(mm_fault(mm, TOP - 2 * PAGE_SIZE, true), MM_FAULT_NO_AREA);
    mm_put(mm);
}

/* RLIM_INFINITY is not a small number. */
KTEST(mm_stack, without_a_limit)
{
    struct mm *mm = space_with_stack();

    if (!mm)
        return;
    mm->stack_limit = UINT32_MAX;
    expect_eq(mm_fault(mm, TOP - 2 * MM_GUARD_GAP, true), MM_FAULT_OK);
    expect_area(mm, TOP - 2 * MM_GUARD_GAP, TOP, FLAGS);
    expect_eq(mm_fault(mm, TOP / 2, true), MM_FAULT_OK);
    mm_put(mm);
}

/* Down to the lowest user address, and not further. */
KTEST(mm_stack, ends_at_the_lowest_address)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, MMAP_MIN_ADDR + PAGE_SIZE, PAGE_SIZE, FLAGS, NULL, NULL, 0), 0);
    expect_eq(mm_fault(mm, MMAP_MIN_ADDR, true), MM_FAULT_OK);
    expect_eq(mm_fault(mm, MMAP_MIN_ADDR - 1, true), MM_FAULT_STACK);
    expect_eq(mm_fault(mm, 0, true), MM_FAULT_STACK);
    expect_none(mm_audit());
    mm_put(mm);
}

KTEST(mm_stack, the_kernel_writes_below_it)
{
    struct mm *mm = space_with_stack();
    u8 bytes[3 * 256];

    if (!mm)
        return;
    memset(bytes, 7, sizeof(bytes));
    for (u32 i = 1; i <= 20; i++)
        expect_eq(mm_write(mm, TOP - i * sizeof(bytes), bytes, sizeof(bytes)), 0);
    expect_area(mm, TOP - 4 * PAGE_SIZE, TOP, FLAGS);
    expect_eq(mm_write(mm, TOP - STACK_LIMIT - 1, bytes, 1), -EFAULT);
    expect_eq(mm_read(mm, TOP - 5 * PAGE_SIZE, bytes, 1), -EFAULT); /* reading does not grow it */
    expect_eq(mm_clear(mm, TOP - 100, 100), 0);
    expect_eq(mm_read(mm, TOP - 101, bytes, 2), 0);
    expect(bytes[0] == 7 && bytes[1] == 0);
    mm_put(mm);
}

/* ---- the heap ---- */

KTEST(mm_stack, heap_past_everything)
{
    struct mm *mm = space_with_stack();
    u32 most = TOP - 2 * PAGE_SIZE - MM_GUARD_GAP; /* a page stays free, as on Linux */

    if (!mm)
        return;
    mm->start_brk = mm->brk = BASE;
    expect_eq(mm_brk(mm, most + 1), BASE);
    expect_eq(mm_brk(mm, most), most);
    expect_eq(mm_fault(mm, most - 1, true), MM_FAULT_OK);
    expect_eq(mm_fault(mm, most + 1, true),
              MM_FAULT_STACK); /* heap and stack keep their distance */
    expect_eq(mm_brk(mm, 0xffffffff), most);
    expect_eq(mm_brk(mm, BASE + 1), BASE + 1);
    expect_area(mm, BASE, PAGE(1), RW);
    expect_eq(mm->pages, 0);
    expect_eq(mm->tables, 1);
    mm_put(mm);
}

/* It works with any changes that a program has made to its heap in between. */
KTEST(mm_stack, heap_with_a_hole)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return;
    mm->start_brk = mm->brk = BASE;
    expect_eq(mm_brk(mm, PAGE(10)), PAGE(10));
    expect_eq(mm_munmap(mm, PAGE(8), 2 * PAGE_SIZE), 0);
    expect_eq(mm_mprotect(mm, PAGE(2), PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_brk(mm, PAGE(12)), PAGE(12)); /* a separate area */
    expect_area(mm, PAGE(10), PAGE(12), RW);
    expect_eq(mm_brk(mm, PAGE(1)), PAGE(1));
    expect_eq(mm->area_count, 1);
    expect_area(mm, PAGE(0), PAGE(1), RW);
    mm_put(mm);
}
