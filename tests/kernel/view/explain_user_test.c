/*
 * Explanations of user addresses, each compared with the raw tables by look(); and of broken
 * structures: an explanation is needed when something is wrong, and must end with any data.
 */
#include "tests/kernel/view/explain.h"
#include <arch/x86/irqflags.h>

/* ---- touched and untouched ---- */

KTEST(explain_user, an_area_without_a_table)
{
    struct mm *mm = space_with(3, RW);
    struct explanation facts;

    if (!mm)
        return;
    facts = look(mm, PAGE(1) + 5);
    expect_eq(facts.stop, EXPLAIN_PDE);
    expect_eq(facts.pde.content, EXPLAIN_EMPTY);
    expect_same_area(&facts.area, EXPLAIN_USER, PAGE(0), PAGE(3) - 1);
    expect_eq(facts.area.flags, RW);
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ,
                 "user, 0x10000000..0x10002fff rw-p; PDE 64: P=0");
    mm->pgd[PDE_INDEX(PAGE(0))].val = 0x12345000 | (PAGE_USER_RW.val & ~PTE_P);
    expect_eq(look(mm, PAGE(1)).pde.content, EXPLAIN_LEFTOVER);
    mm->pgd[PDE_INDEX(PAGE(0))].val = 0;
    mm_put(mm);
}

KTEST(explain_user, a_page)
{
    struct mm *mm = space_with(3, RW);
    struct explanation facts;
    struct page *page;

    if (!mm)
        return;
    put_word(mm, PAGE(1), 1);
    page = page_at(mm, PAGE(1));
    facts = look(mm, PAGE(1) + 5);
    expect_eq(facts.phys, page_to_phys(page) + 5);
    expect_eq(facts.frame.owner.type, PAGE_USER);
    expect_eq(facts.frame.references, 1);
    expect_eq(facts.dma[0], DMA_USER);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_NOTHING, EXPLAIN_NOWHERE);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_EXECUTE,
                 cpu_features.smep ? EXPLAIN_SMEP : EXPLAIN_NOTHING,
                 cpu_features.smep ? EXPLAIN_PTE : EXPLAIN_NOWHERE);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_READ,
                 cpu_features.smap ? EXPLAIN_SMAP : EXPLAIN_NOTHING,
                 cpu_features.smap ? EXPLAIN_PTE : EXPLAIN_NOWHERE);
    expect_eq(find_aliases(page_to_phys(page)), page_is_highmem(page) ? 1 : 2);
    expect(is_alias(mm, PAGE(1), true));
    facts = look(mm, PAGE(2)); /* the table exists, the page does not */
    expect_eq(facts.stop, EXPLAIN_PTE);
    expect_eq(facts.pte.content, EXPLAIN_EMPTY);
    facts = look(NULL, PAGE(1)); /* in no process: the master directory has no user half */
    expect_eq(facts.stop, EXPLAIN_PDE);
    expect_eq(facts.area.kind, EXPLAIN_NONE);
    mm_put(mm);
}

KTEST(explain_user, the_page_of_zeros)
{
    struct mm *mm = space_with(1, RW);
    struct explanation facts;

    if (!mm)
        return;
    expect_eq(get_word(mm, PAGE(0)), 0);
    facts = look(mm, PAGE(0));
    expect(facts.frame.zero_page);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_READ, EXPLAIN_NOTHING, EXPLAIN_NOWHERE);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_RW, EXPLAIN_PTE);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_RW_WP, EXPLAIN_PTE);
    mm_put(mm);
}

/* Ring 0 ignores RW for a moment. SMAP it obeys: that is asked for a page of ring 3, too. */
KTEST(explain_user, a_read_only_page_without_write_protection)
{
    struct mm *mm = space_with(1, RW);
    struct explanation facts;
    u32 flags, cr0;

    if (!mm)
        return;
    expect_eq(get_word(mm, PAGE(0)), 0);
    flags = local_irq_save();
    cr0 = read_cr0();
    write_cr0(cr0 & ~CR0_WP);
    explain_walk(&facts, mm->pgd_phys, mm, PAGE(0));
    write_cr0(cr0);
    local_irq_restore(flags);
    if (cpu_features.smap)
        expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_SMAP, EXPLAIN_PTE);
    else
        expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_RW_WITHOUT_WP, EXPLAIN_PTE);
    expect_eq(facts.right[EXPLAIN_RING0][EXPLAIN_WRITE].allowed, !cpu_features.smap);
    mm_put(mm);
}

KTEST(explain_user, a_page_of_two_processes)
{
    struct mm *mm = space_with(1, RW), *child;
    struct explanation facts;
    phys_addr_t frame;

    if (!mm)
        return;
    put_word(mm, PAGE(0), 1);
    child = mm_fork(mm);
    if (!expect(child != NULL))
        return;
    facts = look(child, PAGE(0));
    frame = facts.frame.phys;
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_RW, EXPLAIN_PTE);
    expect_eq(facts.frame.references, 2);
    expect_eq(find_aliases(frame), frame >= lowmem_size ? 2 : 3);
    expect(is_alias(mm, PAGE(0), true));
    expect(is_alias(child, PAGE(0), true));
    put_word(child, PAGE(0), 2);
    find_aliases(frame);
    expect(!is_alias(child, PAGE(0), true));
    expect_eq(mm->users, 1);
    mm_put(child);
    mm_put(mm);
}

/* A page that is being freed is shown as long as it is mapped, and gets no reference. */
KTEST(explain_user, an_address_space_on_its_way_out)
{
    struct mm *mm = space_with(1, RW);
    phys_addr_t frame;

    if (!mm)
        return;
    put_word(mm, PAGE(0), 1);
    frame = page_to_phys(page_at(mm, PAGE(0)));
    mm->users = 0;
    find_aliases(frame);
    expect(is_alias(mm, PAGE(0), true));
    expect_eq(mm->users, 0);
    mm->users = 1;
    mm_put(mm);
}

KTEST(explain_user, a_page_kept_without_rights)
{
    struct mm *mm = space_with(1, RW);
    struct explanation facts;

    if (!mm)
        return;
    put_word(mm, PAGE(0), 1);
    expect_eq(mm_mprotect(mm, PAGE(0), PAGE_SIZE, PROT_NONE), 0);
    facts = look(mm, PAGE(0));
    expect_eq(facts.stop, EXPLAIN_PTE);
    expect_eq(facts.pte.content, EXPLAIN_KEPT);
    expect(facts.has_frame);
    expect_eq(facts.frame.phys, page_to_phys(page_at(mm, PAGE(0))));
    expect_eq(facts.frame.owner.type, PAGE_USER);
    find_aliases(facts.frame.phys);
    expect(is_alias(mm, PAGE(0), false));
    mm_put(mm);
}

KTEST(explain_user, a_page_of_a_file)
{
    struct address_space *file = mapping_new(4 * PAGE_SIZE);
    struct mm *mm = mm_create();
    struct explanation facts;

    if (!expect(file && mm))
        return;
    expect_eq(mm_add_area(mm, PAGE(0), 2 * PAGE_SIZE, VM_READ | VM_EXEC, NULL, file, 1), 0);
    expect_eq(mm_fault(mm, PAGE(1), false), MM_FAULT_OK);
    facts = look(mm, PAGE(1));
    expect_eq(facts.area.file, file);
    expect_eq(facts.area.page, 1);
    expect_eq(facts.frame.owner.type, PAGE_FILE);
    expect_eq(facts.frame.references, 2);
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_WRITE,
                 "user, 0x10000000..0x10001fff r-xp; PTE 1: RW=0");
    mm_put(mm);
    mapping_put(file);
}

/* ---- neighbours ---- */

KTEST(explain_user, between_two_areas)
{
    struct mm *mm = space_with(2, RW);
    struct explanation facts;

    if (!mm)
        return;
    expect_eq(mm_add_area(mm, PAGE(10), PAGE_SIZE, VM_READ, "[x]", NULL, 0), 0);
    facts = look(mm, PAGE(4));
    expect_eq(facts.gap, EXPLAIN_FREE);
    expect_same_area(&facts.below, EXPLAIN_USER, PAGE(0), PAGE(2) - 1);
    expect_same_area(&facts.above, EXPLAIN_USER, PAGE(10), PAGE(11) - 1);
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ,
                 "user, above 0x10000000..0x10001fff rw-p; PDE 64: P=0");
    facts = look(mm, PAGE(8));
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ,
                 "user, below 0x1000a000..0x1000afff r--p [x]; PDE 64: P=0");
    facts = look(mm, 0); /* below everything */
    expect_eq(facts.below.kind, EXPLAIN_NONE);
    expect_same_area(&facts.above, EXPLAIN_USER, PAGE(0), PAGE(2) - 1);
    facts = look(mm, TASK_SIZE - 1);
    expect_same_area(&facts.below, EXPLAIN_USER, PAGE(10), PAGE(11) - 1);
    expect_eq(facts.above.kind, EXPLAIN_REGION);
    mm_put(mm);
}

/* A tree of many levels is walked to its end. */
KTEST(explain_user, one_of_many_areas)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return;
    for (u32 i = 0; i < 200; i += 2)
        expect_eq(mm_add_area(mm, PAGE(i), PAGE_SIZE, RW, NULL, NULL, 0), 0);
    for (u32 i = 0; i < 200; i += 2) {
        struct explanation facts = look(mm, PAGE(i) + 5);

        expect_same_area(&facts.area, EXPLAIN_USER, PAGE(i), PAGE(i + 1) - 1);
        facts = look(mm, PAGE(i + 1));
        expect_eq(facts.below.start, PAGE(i));
    }
    mm_put(mm);
}

KTEST(explain_user, rights_of_an_area)
{
    static const struct {
        u32 flags;
        const char *brief;
    } areas[] = {{RW | VM_SHARED, "user, 0x10000000..0x10000fff rw-s; PDE 64: P=0"},
                 {VM_READ | VM_EXEC, "user, 0x10000000..0x10000fff r-xp; PDE 64: P=0"},
                 {0, "user, 0x10000000..0x10000fff ---p; PDE 64: P=0"}};

    for (u32 i = 0; i < ARRAY_SIZE(areas); i++) {
        struct mm *mm = space_with(1, areas[i].flags);
        struct explanation facts;

        if (!mm)
            return;
        facts = look(mm, PAGE(0));
        expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ, areas[i].brief);
        mm_put(mm);
    }
}

static __noinline void expect_gap(struct mm *mm, u32 addr, u32 gap)
{
    expect_eq(look(mm, addr).gap, gap);
}

KTEST(explain_user, below_a_stack)
{
    struct mm *mm = mm_create();
    struct explanation facts;

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, PAGE(2000), PAGE_SIZE, RW | VM_GROWSDOWN, "[stack]", NULL, 0), 0);
    expect_gap(mm, PAGE(2001) - STACK_LIMIT, EXPLAIN_STACK_GAP); /* may grow to there */
    expect_gap(mm, PAGE(2001) - STACK_LIMIT - 1, EXPLAIN_FREE);
    mm->stack_limit = PAGE_SIZE; /* may not grow, and keeps its distance */
    facts = look(mm, PAGE(2000) - 1);
    expect_eq(facts.gap, EXPLAIN_STACK_GAP);
    expect_same_area(&facts.above, EXPLAIN_USER, PAGE(2000), PAGE(2001) - 1);
    expect_gap(mm, PAGE(2000) - MM_GUARD_GAP, EXPLAIN_STACK_GAP);
    expect_gap(mm, PAGE(2000) - MM_GUARD_GAP - 1, EXPLAIN_FREE);
    expect_gap(mm, PAGE(2001), EXPLAIN_FREE);
    mm_put(mm);
}

/* ---- what made an area ---- */

static __noinline long map_here(struct mm *mm, u32 addr, u32 pages)
{
    long result = mm_mmap(mm, addr, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);

    return result == (long)addr ? 0 : -1; /* so that it is not a tail call */
}

static __noinline u32 grow_heap(struct mm *mm, u32 brk)
{
    return mm_brk(mm, brk) - brk;
}

static void expect_maker(struct mm *mm, u32 addr, const char *name)
{
    struct explanation facts = look(mm, addr);

    expect_eq(facts.area.kind, EXPLAIN_USER);
    expect_made_by(&facts.area, name);
}

/* Splitting, fork, moving and joining: the recorded caller stays the same. */
KTEST(explain_user, who_made_it_stays)
{
    struct mm *mm = mm_create(), *child;

    if (!expect(mm != NULL))
        return;
    expect_eq(map_here(mm, PAGE(0), 5), 0);
    expect_maker(mm, PAGE(0), "map_here");
    expect_eq(mm_mprotect(mm, PAGE(2), PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm->area_count, 3);
    for (u32 i = 0; i < 5; i++)
        expect_maker(mm, PAGE(i), "map_here");
    child = mm_fork(mm);
    if (expect(child != NULL)) {
        expect_maker(child, PAGE(2), "map_here");
        mm_put(child);
    }
    expect_eq(mm_mremap(mm, PAGE(4), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(20)),
              PAGE(20));
    expect_maker(mm, PAGE(20), "map_here");
    expect_eq(mm_mprotect(mm, PAGE(2), PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    expect_eq(mm->area_count, 2);
    expect_eq(mm_add_area(mm, PAGE(4), PAGE_SIZE, RW, NULL, NULL, 0), 0); /* another maker joins */
    expect_eq(mm->area_count, 2);
    expect_maker(mm, PAGE(4), "map_here");
    mm->start_brk = mm->brk = PAGE(1000);
    expect_eq(grow_heap(mm, PAGE(1001)), 0);
    expect_maker(mm, PAGE(1000), "grow_heap");
    mm_put(mm);
}

/* ---- what is broken ---- */

/*
 * A page table outside of lowmem, or outside of RAM: nothing is read, nothing is claimed.
 */
KTEST(explain_user, a_page_table_that_cannot_be_read)
{
    struct mm *mm = space_with(1, RW);
    struct explanation facts;

    if (!mm)
        return;
    mm->pgd[PDE_INDEX(PAGE(0))].val = 0xfffff000 | PTE_P | PTE_RW | PTE_US;
    explain_address(&facts, mm, PAGE(0));
    find_aliases(0x1000); /* nor is it searched for addresses of a frame */
    expect_eq(seen.count, 1);
    mm->pgd[PDE_INDEX(PAGE(0))].val = 0;
    expect_eq(facts.pde.form, EXPLAIN_TABLE);
    expect_eq(facts.pte.form, EXPLAIN_UNREAD);
    expect_eq(facts.pte.phys, 0xfffff000);
    expect_eq(facts.stop, EXPLAIN_PTE);
    expect(!facts.has_frame);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_READ, EXPLAIN_CANNOT_TELL, EXPLAIN_PTE);
    explain_walk(&facts, 0xfffff000, NULL, PAGE(0)); /* nor is such a directory read */
    expect_eq(facts.pde.form, EXPLAIN_UNREAD);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_READ, EXPLAIN_CANNOT_TELL, EXPLAIN_PDE);
    mm_put(mm);
}

/* A process's entry that kernel addresses must never have: RW and US are shown by level. */
KTEST(explain_user, which_level_decides)
{
    struct mm *mm = space_with(1, RW);
    struct explanation facts;
    pde_t *pde;
    pte_t *pte;

    if (!mm)
        return;
    put_word(mm, PAGE(0), 1);
    pde = &mm->pgd[PDE_INDEX(PAGE(0))];
    pte = pgd_user_pte(mm->pgd, PAGE(0));
    pde->val &= ~PTE_RW;
    facts = look(mm, PAGE(0));
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_RW, EXPLAIN_PDE);
    pte->val &= ~PTE_RW;
    facts = look(mm, PAGE(0));
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_RW, EXPLAIN_PDE);
    pte->val &= ~PTE_US;
    facts = look(mm, PAGE(0));
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_US, EXPLAIN_PTE);
    pde->val |= PTE_RW;
    pte->val |= PTE_RW | PTE_US;
    mm_put(mm);
}

/* Trees whose nodes have invalid pointers, or form a circle. */
KTEST(explain_user, a_damaged_tree)
{
    static struct vm_area area;
    struct mm mm = {.pgd_phys = (u32)swapper_pg_dir - PAGE_OFFSET};
    struct explanation facts;

    mm.areas.rb_node = (struct rb_node *)0xfffff000; /* never mapped */
    explain_walk(&facts, mm.pgd_phys, &mm, PAGE(0));
    expect_eq(facts.below.kind, EXPLAIN_REGION);
    mm.areas.rb_node = (struct rb_node *)0x1234; /* not a kernel address */
    explain_walk(&facts, mm.pgd_phys, &mm, PAGE(0));
    expect_eq(facts.below.kind, EXPLAIN_REGION);
    area = (struct vm_area){.start = PAGE(0), .end = PAGE(1)};
    area.node.rb_left = area.node.rb_right = &area.node;
    mm.areas.rb_node = &area.node;
    explain_walk(&facts, mm.pgd_phys, &mm, PAGE(3));
    expect_same_area(&facts.below, EXPLAIN_USER, PAGE(0), PAGE(1) - 1);
    explain_walk(&facts, mm.pgd_phys, (const struct mm *)0xfffff000, PAGE(3));
    expect_eq(facts.below.kind, EXPLAIN_REGION);
}

/* A name with an invalid pointer is not printed: the line about a fault would fault itself. */
KTEST(explain_user, a_damaged_area)
{
    static struct vm_area area = {.start = PAGE(0), .end = PAGE(1), .name = (char *)0xfffff000};
    struct mm mm = {.pgd_phys = (u32)swapper_pg_dir - PAGE_OFFSET};
    struct explanation facts;

    mm.areas.rb_node = &area.node;
    explain_walk(&facts, mm.pgd_phys, &mm, PAGE(0));
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ,
                 "user, 0x10000000..0x10000fff ---p; PDE 64: P=0");
}
