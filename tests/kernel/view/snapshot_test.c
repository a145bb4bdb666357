/*
 * Snapshots, tested in the kernel: taking one changes nothing and does not yield, and errors in the
 * tables are visible. The numbers are checked by tests/run/test_snapshot.py, which reads the tables
 * from outside.
 */
#include <kernel/task.h>
#include <kernel/view/snapshot.h>
#include <lib/printf.h>
#include <lib/resched.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#include "tests/mm/user/space.h"

/* A document while it is written: length, a sum over its bytes, lines, and a text to look for. */
struct seen {
    u32 bytes, hash, lines;
    const char *wanted;
    u32 matched; /* bytes of `wanted` that the last ones match */
    u32 found;
};

static void see(void *arg, const char *text, size_t len)
{
    struct seen *seen = arg;

    seen->bytes += len;
    for (size_t i = 0; i < len; i++) {
        seen->hash = (seen->hash ^ (u8)text[i]) * 16777619u;
        seen->lines += text[i] == '\n';
        if (!seen->wanted)
            continue;
        seen->matched =
            text[i] == seen->wanted[seen->matched] ? seen->matched + 1 : text[i] == seen->wanted[0];
        if (!seen->wanted[seen->matched]) {
            seen->found++;
            seen->matched = 0;
        }
    }
}

static struct seen take(const char *wanted)
{
    struct seen seen = {.wanted = wanted};

    snapshot_write("test", 0, see, &seen);
    return seen;
}

static u32 times(const char *wanted)
{
    return take(wanted).found;
}

KTEST(snapshot, names)
{
    expect(snapshot_name_ok("a"));
    expect(snapshot_name_ok("Before_1.2-x"));
    expect(snapshot_name_ok("01234567890123456789012345678901"));
    expect(!snapshot_name_ok("012345678901234567890123456789012"));
    expect(!snapshot_name_ok(""));
    expect(!snapshot_name_ok("a b"));
    expect(!snapshot_name_ok("a/b"));
    expect(!snapshot_name_ok("\"a"));
    expect(!snapshot_name_ok("\xe4"));
    expect(!snapshot_name_ok("["));
    expect(!snapshot_name_ok("@"));
    expect(!snapshot_name_ok("`"));
    expect(!snapshot_name_ok("{"));
}

KTEST(snapshot, one_line)
{
    struct seen seen = take("{\"format\":\"attic-snapshot\",\"version\":1,\"name\":\"test\",");

    expect_eq(seen.lines, 1);
    expect_eq(seen.found, 1);
    expect(seen.bytes > 1000);
}

KTEST(snapshot, changes_nothing)
{
    u32 free = nr_free_pages(), slabs = slab_pages(), areas = vmalloc_stats().busy_areas;
    struct seen first = take(NULL), second = take(NULL);

    expect_eq(first.bytes, second.bytes);
    expect_eq(first.hash, second.hash);
    expect_eq(nr_free_pages(), free);
    expect_eq(slab_pages(), slabs);
    expect_eq(vmalloc_stats().busy_areas, areas);
}

static u32 turns;

static void count_turn(void)
{
    turns++;
}

/* No function that a snapshot calls yields: otherwise it would not describe one moment. */
KTEST(snapshot, gives_no_turn)
{
    static const bool always = true;
    struct resched_hook hook = resched_hook;
    u32 switches = current->nvcsw;

    turns = 0;
    resched_hook = (struct resched_hook){.needed = &always, .resched = count_turn};
    cond_resched();
    expect_eq(turns, 1);
    take(NULL);
    resched_hook = hook;
    expect_eq(turns, 1);
    expect_eq(current->nvcsw, switches);
}

KTEST(snapshot, an_area)
{
    char wanted[40];
    void *memory = vmalloc(3 * PAGE_SIZE);

    snprintf(wanted, sizeof(wanted), "{\"start\":\"0x%08x\"", (u32)memory);
    expect_eq(times(wanted), 2); /* the area, and its pages */
    expect(times("\"caller\":\"ktest_snapshot_an_area+") >= 1);
    vfree(memory);
    expect_eq(times(wanted), 0);
}

/* A page that is mapped outside of any area: the walk follows the tables. */
KTEST(snapshot, a_mapping_that_no_area_has)
{
    char wanted[40];
    u32 addr = VMALLOC_END - 16 * PAGE_SIZE;
    pte_t *pte = kernel_pte(addr), before = *pte;

    snprintf(wanted, sizeof(wanted), "{\"start\":\"0x%08x\"", addr);
    expect_eq(times(wanted), 0);
    *pte = pte_make(0x5000, PAGE_KERNEL);
    expect_eq(times(wanted), 1);
    *pte = before;
    expect_eq(times(wanted), 0);
}

/* A directory whose kernel half is not the master's. */
KTEST(snapshot, a_directory_that_differs)
{
    struct mm *mm = mm_create();
    u32 differing = times("\"kernel_differs\":[800,1023]");
    pde_t at_800 = mm->pgd[800], at_1023 = mm->pgd[1023];

    expect_eq(differing, 0);
    mm->pgd[800].val ^= PTE_US;
    mm->pgd[1023].val = 0;
    expect_eq(times("\"kernel_differs\":[800,1023]"), 1);
    mm->pgd[800] = at_800;
    mm->pgd[1023] = at_1023;
    mm_put(mm);
}

/* Invalid page tables: their entries are shown, as runs, and the tables are not read. */
KTEST(snapshot, entries_that_lead_nowhere)
{
    struct mm *mm = mm_create();
    pde_t entry = {0xff000000 | PTE_P | PTE_RW}, next = {entry.val + PAGE_SIZE};

    mm->pgd[5] = mm->pgd[7] = entry;
    mm->pgd[6] = next;
    expect_eq(times("[{\"index\":5,\"count\":2,\"phys\":\"0xff000000\",\"bits\":\"P RW\"},"
                    "{\"index\":7,\"count\":1,\"phys\":\"0xff000000\",\"bits\":\"P RW\"}]"),
              1);
    expect_eq(times("{\"start\":\"0x01400000\""), 0);
    mm->pgd[5] = mm->pgd[6] = mm->pgd[7] = (pde_t){0};
    mm_put(mm);
}

/* Pages that a process holds without any right to them, and areas with all their members. */
KTEST(snapshot, an_address_space)
{
    struct mm *mm = space_with(4, RW);

    put_pages(mm, 2, 7);
    expect_eq(times("\"rights\":\"rw-p\",\"name\":null,\"offset\":null}],\"mappings\":[{\"start\":"
                    "\"0x10000000\",\"end\":\"0x10002000\",\"bits\":\"P RW US\""),
              1);
    expect_eq(mm_mprotect(mm, BASE, PAGE_SIZE, PROT_NONE), 0);
    expect_eq(times("{\"start\":\"0x10000000\",\"end\":\"0x10001000\",\"rights\":\"---p\""), 1);
    expect_eq(times("{\"start\":\"0x10000000\",\"end\":\"0x10001000\",\"bits\":\"US\""), 1);
    expect_eq(times("{\"start\":\"0x10001000\",\"end\":\"0x10002000\",\"bits\":\"P RW US\""), 1);
    mm_put(mm);
}

/* A name that is not ASCII, and not valid in JSON. */
KTEST(snapshot, a_strange_name)
{
    char before[TASK_COMM_LEN];

    strscpy(before, current->comm, sizeof(before));
    strscpy(current->comm, "\"\\\n\xff", sizeof(current->comm));
    expect_eq(times("\"comm\":\"\\\"\\\\\\u000a\\u00ff\","), 1);
    strscpy(current->comm, before, sizeof(current->comm));
}
