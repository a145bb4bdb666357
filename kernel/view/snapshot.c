/*
 * Snapshots: the state of memory as one JSON document.
 *
 * Programs compare two documents, so a document must show one moment, and a snapshot must change
 * nothing. So nothing is allocated, because the text is sent as it is generated, and it does not
 * yield until it is complete, because it does not call cond_resched() and the kernel is not
 * preempted. Two snapshots without an action between them therefore differ only in name and time.
 * The cost is that programs do not run meanwhile: under QEMU 10 ms for a machine at its prompt, 3
 * ms more for each process.
 *
 * The hardware tables and the kernel's structures are written separately: so a mapping without an
 * area, or a directory whose kernel half differs from the master, is visible. Addresses are
 * strings, because that is how people read them; frames are numbered by their place in physical
 * memory.
 *
 * Limits: interrupts stay on, so a sleeping task may appear as ready. RAM above 4 GiB is only a
 * number. Objects in slabs are not listed separately.
 *
 * Neighbours: docs/snapshot.schema.json describes each member; kernel/view/snapshot_map.c has the
 * page tables, kernel/monitor/monitor_snapshot.c the command; scripts/memdiff compares.
 */
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <kernel/view/area.h>
#include <kernel/view/snapshot.h>
#include <lib/string.h>
#include <mm/check/frames.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

#define PAGES_END (1u << (32 - PAGE_SHIFT)) /* pages of the address space */

bool snapshot_name_ok(const char *name)
{
    size_t len = 0;

    for (; name[len]; len++) {
        char c = name[len], lower = c | 0x20;

        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !strchr("_.-", c))
            return false;
    }
    return len > 0 && len <= SNAPSHOT_NAME_MAX;
}

/* ---- the machine ---- */

static void tell_memory(struct json *json)
{
    struct frames frames;

    frames_count(&frames);
    json_object(json, "memory");
    json_uint(json, "ram_frames", frames.ram);
    json_uint(json, "free_frames", nr_free_pages());
    json_uint(json, "free_lowmem_frames", nr_free_lowmem_pages());
    json_uint(json, "lowmem_bytes", lowmem_size);
    json_uint(json, "above_4g_bytes", memblock_total_above_4g());
    json_uint(json, "zero_frame", page_to_pfn(zero_page));
    json_close(json);
}

static void tell_regions(struct json *json)
{
    json_array(json, "regions");
    for (u32 i = LAYOUT_REGIONS; i-- > 0;) {
        const struct layout_region *region = &layout_regions[i];

        json_object(json, NULL);
        json_string(json, "name", region->name);
        json_address(json, "start", region->start);
        json_address(json, "end", (u64)layout_region_last(region) + 1);
        json_close(json);
    }
    json_close(json);
}

/* ---- the kernel's half ---- */

static void tell_area(struct json *json, const struct vmap_area *area)
{
    char caller[SYMBOL_TEXT_MAX];

    symbol_format(caller, sizeof(caller), (u32)area->caller);
    json_object(json, NULL);
    json_address(json, "start", area->start);
    json_address(json, "end", area->end);
    json_string(json, "kind",
                area->flags & VM_ALLOC ? "vmalloc"
                : area->flags & VM_MAP ? "vmap"
                                       : "ioremap");
    json_uint(json, "pages", vmap_area_pages(area));
    json_string(json, "caller", caller);
    json_address(json, "caller_address", (u32)area->caller);
    snapshot_mappings(json, "mappings", swapper_pg_dir, PFN_DOWN(area->start), PFN_DOWN(area->end));
    json_close(json);
}

static void tell_areas(struct json *json)
{
    const struct vmap_area *area;

    json_array(json, "areas");
    for (u32 addr = VMALLOC_START; (area = vmap_area_at_or_above(addr)); addr = area->end)
        tell_area(json, area);
    json_close(json);
}

/* All mappings outside the areas, so that a mapping without an area is included. */
static void tell_other_mappings(struct json *json)
{
    const struct vmap_area *area;
    u32 page = PFN_DOWN(PAGE_OFFSET);

    json_array(json, "mappings");
    for (u32 addr = VMALLOC_START; (area = vmap_area_at_or_above(addr)); addr = area->end) {
        snapshot_add_mappings(json, swapper_pg_dir, page, PFN_DOWN(area->start));
        page = PFN_DOWN(area->end);
    }
    snapshot_add_mappings(json, swapper_pg_dir, page, PAGES_END);
    json_close(json);
}

static void tell_kernel(struct json *json)
{
    json_object(json, "kernel");
    json_address(json, "pgd", virt_to_phys(swapper_pg_dir));
    snapshot_directory(json, "pdes", swapper_pg_dir, 0, 1024);
    tell_other_mappings(json);
    tell_areas(json);
    json_close(json);
}

/* ---- tasks and address spaces ---- */

static void tell_tasks(struct json *json)
{
    json_array(json, "tasks");
    for (const struct task *task = task_next(NULL); task; task = task_next((struct task *)task)) {
        json_object(json, NULL);
        json_uint(json, "pid", task->pid);
        json_uint(json, "ppid", task_ppid(task));
        json_string(json, "comm", task->comm);
        json_string(json, "state", task_state_name(task));
        json_address(json, "stack", (u32)task->stack);
        if (task->mm)
            json_address(json, "pgd", task->mm->pgd_phys);
        else
            json_null(json, "pgd");
        json_close(json);
    }
    json_close(json);
}

static void tell_vma(struct json *json, const struct vm_area *area)
{
    static char path[PATH_SIZE]; /* only one snapshot is taken at a time */
    const char *name = area_name(area, path);
    char rights[AREA_RIGHTS_SIZE];

    area_rights(area->flags, rights);
    json_object(json, NULL);
    json_address(json, "start", area->start);
    json_address(json, "end", area->end);
    json_string(json, "rights", rights);
    if (name)
        json_string(json, "name", name);
    else
        json_null(json, "name");
    if (area->file)
        json_uint(json, "offset", (u64)area->pgoff << PAGE_SHIFT);
    else
        json_null(json, "offset");
    json_close(json);
}

/* Indices of entries that differ from the master: the list should be empty. */
static void tell_kernel_differences(struct json *json, const pde_t *pgd)
{
    json_array(json, "kernel_differs");
    for (u32 i = KERNEL_PDE_FIRST; i < KERNEL_PDE_FIRST + KERNEL_PDES; i++) {
        if (pgd[i].val != swapper_pg_dir[i].val)
            json_uint(json, NULL, i);
    }
    json_close(json);
}

static void tell_space(struct json *json, struct mm *mm)
{
    const struct vm_area *area;

    json_object(json, NULL);
    json_address(json, "pgd", mm->pgd_phys);
    json_uint(json, "users", mm->users);
    json_address(json, "heap_start", mm->start_brk);
    json_address(json, "heap_end", mm->brk);
    snapshot_directory(json, "pdes", mm->pgd, 0, KERNEL_PDE_FIRST);
    tell_kernel_differences(json, mm->pgd);
    json_array(json, "vmas");
    for (u32 addr = 0; (area = mm_area_above(mm, addr)); addr = area->end)
        tell_vma(json, area);
    json_close(json);
    snapshot_mappings(json, "mappings", mm->pgd, 0, PFN_DOWN(PAGE_OFFSET));
    json_close(json);
}

static void tell_spaces(struct json *json)
{
    json_array(json, "spaces");
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        tell_space(json, mm);
    json_close(json);
}

/* ---- frames ---- */

/* Consecutive frames with one owner and the same count. */
struct frame_run {
    u32 first, count;
    const char *owner; /* NULL: no owner */
    s32 references;
    bool ram;
};

/* The frames from pfn on that are one block, or outside blocks and of one owner. */
static struct frame_run frame_run_at(u32 pfn)
{
    const struct page *page = pfn_to_page(pfn);
    struct frame_owner owner;
    u32 most = frame_owner(pfn, &owner), count = owner.type == PAGE_RESERVED ? 1 : most;

    while (count < most && page[count].refcount == page->refcount)
        count++;
    return (struct frame_run){
        .first = pfn,
        .count = count,
        .owner = owner.name,
        .references = page_head(pfn_to_page(pfn))->refcount,
        .ram = owner.ram,
    };
}

static bool same_frames(const struct frame_run *a, const struct frame_run *b)
{
    return a->owner == b->owner && a->references == b->references && a->ram == b->ram;
}

static void tell_frame_run(struct json *json, const struct frame_run *run)
{
    if (!run->ram)
        return;
    json_array(json, NULL);
    json_uint(json, NULL, run->first);
    json_uint(json, NULL, run->count);
    json_string(json, NULL, run->owner ? run->owner : "nobody");
    json_uint(json, NULL, run->references);
    json_close(json);
}

static void tell_all_frames(struct json *json)
{
    struct frame_run run = frame_run_at(0);

    json_array(json, "frames");
    while (run.first + run.count < max_pfn) {
        struct frame_run next = frame_run_at(run.first + run.count);

        if (same_frames(&run, &next)) {
            run.count += next.count;
        } else {
            tell_frame_run(json, &run);
            run = next;
        }
    }
    tell_frame_run(json, &run);
    json_close(json);
}

/* ---- the document ---- */

void snapshot_write(const char *name, u64 uptime_ms, format_put_t put, void *arg)
{
    struct json json;

    json_init(&json, put, arg);
    json_object(&json, NULL);
    json_string(&json, "format", "attic-snapshot");
    json_uint(&json, "version", SNAPSHOT_VERSION);
    json_string(&json, "name", name);
    json_uint(&json, "uptime_ms", uptime_ms);
    tell_memory(&json);
    tell_regions(&json);
    tell_kernel(&json);
    tell_tasks(&json);
    tell_spaces(&json);
    tell_all_frames(&json);
    json_close(&json);
    json_end(&json);
    put(arg, "\n", 1);
}
