/* Fork: what is shared, when it is copied, and how it is counted. */
#include "tests/mm/user/space.h"
#include <lib/resched.h>

#define MANY 40

/* An address space of MANY written pages, and its child. */
static bool parent_and_child(struct mm **parent, struct mm **child)
{
    *parent = space_with(MANY, RW);
    if (!*parent)
        return false;
    put_pages(*parent, MANY, 100);
    *child = mm_fork(*parent);
    return expect(*child != NULL);
}

KTEST(mm_fork, shares_every_page_and_separates_it)
{
    struct mm *parent, *child;

    if (!parent_and_child(&parent, &child))
        return;
    for (u32 i = 0; i < MANY; i++) {
        expect_eq(page_at(child, PAGE(i)), page_at(parent, PAGE(i)));
        expect_eq(page_at(child, PAGE(i))->refcount, 2);
        expect(!(entry_at(parent, PAGE(i)) & PTE_RW));
        expect(!(entry_at(child, PAGE(i)) & PTE_RW));
    }
    expect_none(mm_audit());
    put_pages(child, MANY / 2, 500);
    for (u32 i = MANY / 2; i < MANY; i++)
        put_word(parent, PAGE(i), 900 + i);
    for (u32 i = 0; i < MANY; i++) {
        expect(page_at(child, PAGE(i)) != page_at(parent, PAGE(i)));
        expect_eq(page_at(child, PAGE(i))->refcount, 1);
        expect_eq(page_at(parent, PAGE(i))->refcount, 1);
        expect_eq(get_word(parent, PAGE(i)), i < MANY / 2 ? 100 + i : 900 + i);
        expect_eq(get_word(child, PAGE(i)), i < MANY / 2 ? 500 + i : 100 + i);
    }
    expect_none(mm_audit());
    mm_put(parent);
    expect_none(mm_audit());
    mm_put(child);
}

KTEST(mm_fork, the_last_owner_takes_over)
{
    struct mm *parent, *child;
    struct page *page;

    if (!parent_and_child(&parent, &child))
        return;
    page = page_at(parent, PAGE(3));
    put_word(child, PAGE(3), 1);
    expect_eq(page->refcount, 1);
    put_word(parent, PAGE(3), 2); /* the other process has its copy */
    expect_eq(page_at(parent, PAGE(3)), page);
    page = page_at(parent, PAGE(4));
    mm_put(child);
    expect_eq(page->refcount, 1);
    expect(!(entry_at(parent, PAGE(4)) & PTE_RW));
    put_word(parent, PAGE(4), 2); /* the other process has unmapped it */
    expect_eq(page_at(parent, PAGE(4)), page);
    expect(entry_at(parent, PAGE(4)) & PTE_RW);
    mm_put(parent);
}

KTEST(mm_fork, the_child_outlives_its_parent)
{
    struct mm *parent, *child, *grandchild;

    if (!parent_and_child(&parent, &child))
        return;
    grandchild = mm_fork(child);
    if (!expect(grandchild != NULL))
        return;
    expect_eq(page_at(parent, BASE)->refcount, 3);
    mm_put(parent);
    put_word(child, BASE, 1);
    expect_eq(get_word(grandchild, BASE), 100);
    mm_put(child);
    expect_pages(grandchild, MANY, 100);
    mm_put(grandchild);
}

KTEST(mm_fork, reads_do_not_separate)
{
    struct mm *parent, *child;

    if (!parent_and_child(&parent, &child))
        return;
    expect_pages(child, MANY, 100);
    expect_pages(parent, MANY, 100);
    expect_eq(page_at(child, BASE), page_at(parent, BASE));
    mm_put(child);
    mm_put(parent);
}

/* The copy has everything: areas, kinds, names, the heap. */
KTEST(mm_fork, copies_the_layout)
{
    struct mm *parent = space_with(2, VM_READ), *child;
    struct vm_area *area;

    if (!parent)
        return;
    parent->start_brk = parent->brk = PAGE(64);
    parent->stack_limit = MIB(1);
    parent->size_limit = MIB(2);
    parent->data_limit = MIB(3);
    parent->heap_limit = MIB(4);
    expect_eq(mm_brk(parent, PAGE(64) + 1), PAGE(64) + 1);
    expect_eq(mm_add_area(parent, PAGE(8), PAGE_SIZE, RW | VM_GROWSDOWN, "[stack]", NULL, 0), 0);
    child = mm_fork(parent);
    if (!expect(child != NULL))
        return;
    expect_eq(child->area_count, 3);
    expect_eq(child->brk, PAGE(64) + 1);
    expect_eq(child->stack_limit, MIB(1));
    expect_eq(child->size_limit, MIB(2));
    expect_eq(child->data_limit, MIB(3));
    expect_eq(child->heap_limit, MIB(4));
    area = mm_find_area(child, PAGE(8));
    expect(area && area->flags == (RW | VM_GROWSDOWN) && strcmp(area->name, "[stack]") == 0);
    expect_none(vma_check(child));
    mm_put(parent);
    mm_put(child);
}

/* madvise() about forks: what the child lacks, and what is zeroed in the child. */
KTEST(mm_fork, heeds_advice)
{
    struct mm *parent = space_with(8, RW), *child;

    if (!parent)
        return;
    put_pages(parent, 8, 20);
    expect_eq(mm_madvise(parent, PAGE(1), 2 * PAGE_SIZE, MADV_DONTFORK), 0);
    expect_eq(mm_madvise(parent, PAGE(5), 2 * PAGE_SIZE, MADV_WIPEONFORK), 0);
    expect_eq(mm_madvise(parent, PAGE(6), 0, MADV_DONTFORK), 0);
    expect_eq(parent->area_count, 5);
    child = mm_fork(parent);
    if (!expect(child != NULL))
        return;
    expect_eq(child->area_count, 4);
    expect_eq(child->pages, 4);
    expect_eq(mm_fault(child, PAGE(2), false), MM_FAULT_NO_AREA);
    expect_eq(get_word(child, PAGE(3)), 23);
    expect_eq(get_word(child, PAGE(6)), 0);
    expect_pages(parent, 8, 20);
    put_word(child, PAGE(5), 1);
    expect_eq(get_word(parent, PAGE(5)), 25);
    expect_none(mm_audit());
    mm_put(child);
    expect_eq(mm_madvise(parent, BASE, 8 * PAGE_SIZE, MADV_DOFORK), 0);
    expect_eq(mm_madvise(parent, BASE, 8 * PAGE_SIZE, MADV_KEEPONFORK), 0);
    expect_area(parent, BASE, PAGE(8), RW); /* one again */
    expect_eq(mm_mmap(parent, PAGE(8), PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
                      NULL, 0),
              PAGE(8));
    expect_eq(mm_madvise(parent, PAGE(7), 2 * PAGE_SIZE, MADV_WIPEONFORK), -EINVAL);
    expect_area(parent, BASE, PAGE(8), RW);
    mm_put(parent);
}

KTEST(mm_fork, shared_memory_stays_shared)
{
    struct mm *parent = mm_create(), *child;

    if (!expect(parent != NULL))
        return;
    expect_eq(mm_mmap(parent, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
              BASE);
    put_word(parent, PAGE(0), 1);
    child = mm_fork(parent);
    if (!expect(child != NULL))
        return;
    expect(entry_at(parent, PAGE(0)) & entry_at(child, PAGE(0)) & PTE_RW); /* no fault is needed */
    put_word(child, PAGE(0), 2);
    put_word(child, PAGE(1), 3); /* touched after the fork */
    expect_eq(get_word(parent, PAGE(0)), 2);
    expect_eq(get_word(parent, PAGE(1)), 3);
    expect_none(mm_audit());
    mm_put(parent);
    expect_eq(get_word(child, PAGE(0)), 2);
    mm_put(child);
}

KTEST(mm_fork, zero_page_is_counted)
{
    s32 before = zero_page->refcount;
    struct mm *parent = space_with(8, RW), *child;

    if (!parent)
        return;
    expect_eq(get_word(parent, PAGE(0)), 0);
    expect_eq(get_word(parent, PAGE(1)), 0);
    expect_eq(page_at(parent, PAGE(0)), zero_page);
    expect_eq(zero_page->refcount, before + 2);
    child = mm_fork(parent);
    if (!expect(child != NULL))
        return;
    expect_eq(zero_page->refcount, before + 4);
    put_word(child, PAGE(0), 5);
    expect_eq(zero_page->refcount, before + 3);
    expect_eq(get_word(parent, PAGE(0)), 0);
    expect(!(entry_at(parent, PAGE(0)) & PTE_RW));
    mm_put(child);
    mm_put(parent);
    expect_eq(zero_page->refcount, before);
}

/* A page without rights is shared like any other. */
KTEST(mm_fork, pages_without_rights)
{
    struct mm *parent, *child;

    if (!parent_and_child(&parent, &child))
        return;
    mm_put(child);
    expect_eq(mm_mprotect(parent, BASE, MANY * PAGE_SIZE, PROT_NONE), 0);
    child = mm_fork(parent);
    if (!expect(child != NULL))
        return;
    expect_none(mm_audit());
    expect_eq(mm_fault(child, BASE, false), MM_FAULT_NO_ACCESS);
    expect_eq(mm_mprotect(child, BASE, MANY * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    expect_pages(child, MANY, 100);
    put_word(child, BASE, 1);
    expect_eq(mm_mprotect(parent, BASE, MANY * PAGE_SIZE, PROT_READ), 0);
    expect_pages(parent, MANY, 100);
    mm_put(child);
    mm_put(parent);
}

/*
 * The kernel's accesses copy pages, too. They require the rights that the process would need; the
 * loader's require none.
 */
KTEST(mm_fork, kernel_writes_separate)
{
    struct mm *parent, *child;
    u32 word = 7;

    if (!parent_and_child(&parent, &child))
        return;
    expect_eq(mm_mprotect(child, BASE, PAGE_SIZE, PROT_NONE), 0);
    expect_eq(mm_write(child, BASE, &word, sizeof(word)), -EFAULT);
    expect_eq(mm_clear(child, BASE, sizeof(word)), 0);
    expect_none(mm_audit()); /* the entry allows no more than the area */
    expect_eq(mm_mprotect(child, BASE, PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_clear(child, BASE, sizeof(word)), 0); /* the page has no other owner now */
    expect_none(mm_audit());
    expect_eq(mm_mprotect(child, BASE, PAGE_SIZE, PROT_NONE), 0);
    expect_eq(get_word(parent, BASE), 100);
    expect_eq(mm_fault(child, BASE, false), MM_FAULT_NO_ACCESS);
    expect_eq(mm_mprotect(child, BASE, PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_write(child, BASE, &word, sizeof(word)), -EFAULT);
    expect_eq(get_word(child, BASE), 0);
    expect_eq(mm_fault(child, BASE, true), MM_FAULT_READONLY);
    expect_eq(mm_mprotect(child, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    expect_eq(mm_write(child, BASE, &word, sizeof(word)), 0);
    expect_eq(get_word(child, BASE), 7);
    expect_eq(get_word(parent, BASE), 100);
    mm_put(child);
    mm_put(parent);
}

/* ---- others run in the middle ---- */

static const char *found; /* by the audit, in the middle of an operation */
static u32 looks;

static void look(void)
{
    if (!found)
        found = mm_audit();
    looks++;
}

/* Run a statement with the audit at each point where it yields; it must yield. */
#define audit_within(statement)                                                                    \
    ({                                                                                             \
        static const bool always_ = true;                                                          \
        const struct resched_hook saved_ = resched_hook;                                           \
                                                                                                   \
        found = NULL;                                                                              \
        looks = 0;                                                                                 \
        resched_hook = (struct resched_hook){&always_, look, NULL};                                \
        statement;                                                                                 \
        resched_hook = saved_;                                                                     \
        expect_none(found);                                                                        \
        expect(looks > 1);                                                                         \
    })

/* Reading an address space does not change it. */
KTEST(mm_fork, kernel_reads_touch_nothing)
{
    struct mm *mm = space_with(2, RW);
    u32 words[2] = {1, 1};

    if (!mm)
        return;
    put_word(mm, PAGE(1), 5);
    expect_eq(mm_mprotect(mm, BASE, 2 * PAGE_SIZE, PROT_NONE), 0);
    expect_eq(mm_read(mm, PAGE(1) - sizeof(u32), words, sizeof(words)), 0);
    expect(words[0] == 0 && words[1] == 5);
    expect_eq(mm_read(mm, PAGE(2) - 1, words, 2), -EFAULT);
    expect_eq(mm_read(mm, BASE - 1, words, 2), -EFAULT);
    expect_eq(mm_read(mm, TASK_SIZE - 1, words, 2), -EFAULT);
    expect_eq(mm_read(mm, 1, words, 0xffffffff), -EFAULT);
    expect_eq(mm->pages, 1);
    expect_eq(entry_at(mm, PAGE(1)) & PTE_P, 0);
    mm_put(mm);
}

static u32 looked_at;

/* What /proc/PID/cmdline does when it runs. */
static void read_memory(void)
{
    struct mm *mm = NULL, *next;
    u32 word;

    while ((next = mm_next(mm)))
        mm = next;
    if (mm && mm_read(mm, looked_at, &word, sizeof(word)) == 0)
        looks++;
}

#define TABLES 6

/* Others read the memory of a process that moves it or removes its rights. They change nothing. */
KTEST(mm_fork, others_may_read_meanwhile)
{
    static const bool always = true;
    const struct resched_hook saved = resched_hook;
    u32 size = TABLES * LARGE_PAGE_SIZE, to = BASE + 2 * size;
    struct mm *mm = space_with(size / PAGE_SIZE, RW);

    if (!mm)
        return;
    for (u32 i = 0; i < TABLES; i++)
        put_word(mm, BASE + i * LARGE_PAGE_SIZE, i);
    looks = 0;
    looked_at = to + (TABLES - 1) * LARGE_PAGE_SIZE;
    resched_hook = (struct resched_hook){&always, read_memory, NULL};
    expect_eq(mm_mremap(mm, BASE, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
    resched_hook = saved;
    expect(looks > 1);
    expect_eq(mm->pages, TABLES);
    expect_none(mm_audit());
    expect_eq(get_word(mm, looked_at), TABLES - 1);
    looked_at = to;
    resched_hook = (struct resched_hook){&always, read_memory, NULL};
    expect_eq(mm_mprotect(mm, to, size, PROT_NONE), 0);
    resched_hook = saved;
    expect_none(mm_audit());
    expect_eq(mm_fault(mm, to, false), MM_FAULT_NO_ACCESS);
    if (mm->pages == TABLES)
        mm_put(mm);
}

KTEST(mm_fork, counts_are_right_whenever_others_run)
{
    struct mm *parent = mm_create(), *child = NULL;
    u32 all = TABLES * LARGE_PAGE_SIZE;
    long moved = 0;

    if (!expect(parent != NULL))
        return;
    for (u32 i = 0; i < TABLES; i++) {
        u32 addr = BASE + i * LARGE_PAGE_SIZE, rights = i < 2 ? VM_READ : RW;

        expect_eq(mm_add_area(parent, addr, LARGE_PAGE_SIZE, rights, NULL, NULL, 0), 0);
        for (u32 k = 0; k < 8; k++)
            expect_eq(mm_fault(parent, addr + k * 9 * PAGE_SIZE, i >= 2), MM_FAULT_OK);
    }
    audit_within(child = mm_fork(parent));
    audit_within(expect_eq(mm_mprotect(parent, BASE, all, PROT_NONE), 0));
    audit_within(expect_eq(mm_mprotect(parent, BASE, all, PROT_READ | PROT_WRITE), 0));
    audit_within(expect_eq(mm_mprotect(parent, BASE, all, PROT_READ), 0));
    audit_within(moved = mm_mremap(parent, BASE, all, all, MREMAP_MAYMOVE | MREMAP_FIXED,
                                   BASE + 2 * all + PAGE_SIZE));
    expect(child != NULL);
    expect_eq(moved, BASE + 2 * all + PAGE_SIZE);
    if (child)
        audit_within(expect_eq(mm_munmap(child, PAGE(1), all - PAGE_SIZE), 0));
    audit_within(mm_put(parent));
    if (child)
        mm_put(child);
}
