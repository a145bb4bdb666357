/*
 * The virtual side of the map, read from mm/ when it is drawn: the contents of the vmalloc area,
 * the used part of the fixmap, and the mapped pages of each process.
 *
 * Pages of the vmalloc area are looked up through their entries: vmap() maps pages of other owners,
 * and the picture shows these owners. The bars of processes also show the owners of their pages;
 * each kind of area (text, data, heap, mmap, stack) begins in a new cell, and the gaps between
 * areas are left out, because they are most of the 3 GiB.
 *
 * Kernel code is not preempted, so long walks yield (cond_resched()), and the objects may be freed
 * meanwhile: areas are found again by address, tasks by pid, and the walk holds a reference of the
 * address space.
 *
 * Neighbours: mm/kva/vmap_area.c, mm/user/vma.c, mm/check/frames.c have the data;
 * kernel/view/map_cells.c counts; kernel/view/map_ram.c does the same for frames.
 */
#include <arch/x86/pgtable.h>
#include <kernel/view/map.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/check/frames.h>
#include <mm/kva/lowmem.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

/* ---- the kernel's addresses ---- */

static enum map_owner owner_of_pte(pte_t pte)
{
    struct frame_owner owner;

    if (pte_none(pte))
        return MAP_UNTOUCHED;
    if (pte_device(pte) || pte_pfn(pte) >= max_pfn)
        return MAP_DEVICE;
    frame_owner(pte_pfn(pte), &owner);
    return map_owner_of(&owner);
}

static void gather_fixmap(struct map *map)
{
    map->mapped[REGION_FIXMAP] = 0;
    for (u32 addr = FIXMAP_START; addr < FIXMAP_END; addr += PAGE_SIZE)
        map->mapped[REGION_FIXMAP] += pte_present(*kernel_pte(addr));
}

/* The end of the last area, or VMALLOC_START if there is no area; counts the areas. */
static u32 last_area_end(u32 *areas)
{
    const struct vmap_area *area;
    u32 end = VMALLOC_START, looks = 0;

    *areas = 0;
    for (; (area = vmap_area_at_or_above(end)); ++*areas) {
        end = area->end;
        map_give_turns(&looks);
    }
    return end;
}

/* An area that is freed while this yields leaves entries of 0, or tags. */
static void add_area(struct map_cells *cells, u32 start, u32 end, u32 *looks)
{
    struct map_run run = {.cells = cells};

    for (u32 addr = start; addr < end - PAGE_SIZE; addr += PAGE_SIZE) {
        pte_t pte = *kernel_pte(addr);

        map_run_add(&run, pte_present(pte) ? owner_of_pte(pte) : MAP_FREE, 1);
        map_give_turns(looks);
    }
    map_run_end(&run);
    map_cells_add(cells, MAP_GUARD, 1);
}

void map_gather_vmalloc(struct map *map)
{
    u32 end = last_area_end(&map->areas), at = VMALLOC_START, looks = 0;
    u32 max = min((map->shape.wide - 1) * map->shape.bar_rows, (u32)MAP_BAR_MAX);
    const struct vmap_area *area;

    map_cells_begin(&map->vmalloc, map->vmalloc_cell, max, (end - VMALLOC_START) >> PAGE_SHIFT);
    while (at < end && (area = vmap_area_at_or_above(at))) {
        u32 area_start = area->start, area_end = area->end;

        map_cells_add(&map->vmalloc, MAP_FREE, (area_start - at) >> PAGE_SHIFT);
        add_area(&map->vmalloc, area_start, area_end, &looks);
        at = area_end;
    }
    map->mapped[REGION_VMALLOC] = map_pages_in_use(&map->vmalloc);
}

/* ---- processes ---- */

/* The heap starts where the program's own text and data end (kernel/process/elf.c). */
static enum map_kind kind_of(const struct mm *mm, const struct vm_area *area)
{
    if (area->flags & VM_GROWSDOWN)
        return MAP_STACK;
    if (area->name && strcmp(area->name, "[heap]") == 0)
        return MAP_HEAP;
    if (area->end > mm->start_brk)
        return MAP_MMAP;
    return area->flags & VM_WRITE ? MAP_DATA : MAP_TEXT;
}

/* Entries of one page table: [addr, end) does not cross a multiple of 4 MiB. */
static void add_table(struct map_run *run, struct mm *mm, u32 addr, u32 end)
{
    u32 pages = (end - addr) >> PAGE_SHIFT;
    pte_t *pte = pgd_user_pte(mm->pgd, addr), *last;

    if (!pte) {
        map_run_add(run, MAP_UNTOUCHED, pages);
        return;
    }
    for (last = pte + pages; pte < last; pte++) {
        pte_t *used = pte_skip_none(pte, last);

        if (used > pte)
            map_run_add(run, MAP_UNTOUCHED, used - pte);
        if (used < last)
            map_run_add(run, owner_of_pte(*used), 1);
        pte = used;
    }
}

static void add_user_range(struct map_cells *cells, struct mm *mm, u32 start, u32 end)
{
    struct map_run run = {.cells = cells};
    u32 table_end;

    for (u32 addr = start; addr < end; addr = table_end) {
        table_end = min(ALIGN_DOWN(addr, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE, end);
        add_table(&run, mm, addr, table_end);
        cond_resched();
    }
    map_run_end(&run);
}

/* All areas of a kind; cells == NULL: only count their pages. */
static u32 add_kind(struct map_cells *cells, struct mm *mm, enum map_kind kind)
{
    const struct vm_area *area;
    u32 pages = 0, looks = 0, end;

    for (u32 addr = 0; (area = mm_area_above(mm, addr)); addr = end) {
        u32 start = area->start;

        end = area->end;
        if (kind_of(mm, area) == kind) {
            pages += (end - start) >> PAGE_SHIFT;
            if (cells)
                add_user_range(cells, mm, start, end);
        }
        map_give_turns(&looks);
    }
    return pages;
}

/*
 * The number of cells of `1 << shift` pages for all kinds of areas, each of which begins a new
 * cell.
 */
static u32 cells_needed(const u32 *pages, u32 shift)
{
    u32 cells = 0;

    for (u32 kind = 0; kind < MAP_KINDS; kind++)
        cells += (pages[kind] + (1u << shift) - 1) >> shift;
    return cells;
}

void map_gather_areas(struct map_process *process, struct mm *mm, u32 cells)
{
    u32 pages[MAP_KINDS], sum = 0;

    for (u32 kind = 0; kind < MAP_KINDS; kind++)
        sum += pages[kind] = add_kind(NULL, mm, kind);
    map_cells_begin(&process->cells, process->cell, cells, sum);
    while (cells_needed(pages, process->cells.shift) > cells)
        process->cells.shift++;
    for (u32 kind = 0; kind < MAP_KINDS; kind++) {
        add_kind(&process->cells, mm, kind);
        map_cells_break(&process->cells);
        process->kind_end[kind] = process->cells.count;
    }
}

static void gather_process(struct map_process *process, const struct task *task, u32 cells)
{
    struct mm *mm = mm_get(task->mm); /* the process may end meanwhile */

    process->pid = task->pid;
    process->pages = mm->pages;
    strscpy(process->comm, task->comm, sizeof(process->comm));
    map_gather_areas(process, mm, cells);
    mm_put(mm);
}

/* The first process with a higher pid; NULL past the last. */
static struct task *process_after(struct task *task, u32 pid)
{
    while (task && (task->pid <= pid || !task->mm))
        task = task_next(task);
    return task;
}

static void gather_processes(struct map *map)
{
    struct task *task;
    u32 pid = 0;

    map->shown = map->process_count = 0;
    while (map->shown < map->shape.processes && (task = process_after(task_next(NULL), pid))) {
        pid = task->pid;
        gather_process(&map->process[map->shown++], task, map->shape.process_bar);
    }
    for (task = task_next(NULL); task; task = task_next(task))
        map->process_count += task->mm != NULL;
}

void map_gather_virtual(struct map *map)
{
    map->wrong = lowmem_check();
    gather_fixmap(map);
    map_gather_vmalloc(map);
    gather_processes(map);
}
