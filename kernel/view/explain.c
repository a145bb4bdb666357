/*
 * Prints explanations of addresses.
 *
 * mm/check/explain_walk.c has gathered the facts, kernel/view/explain_words.c has the words; this
 * file has only their order. A line has a label of ten columns and one fact, so that a reader finds
 * it in the same place each time:
 *
 *   address, region, area, frames    where it is, its owner, and all frames of a vmalloc area
 *   PDE, PTE                         both entries: value, place, each bit
 *   walk, ring 0, ring 3             what the processor does with them, and which bit decides
 *   frame, also at                   the memory behind it, and its other mappings
 *   below, above                     the areas next to an address that is in no area
 *   device                           the verdict of the DMA API
 *
 * The short form, for the lines about faults, has the place and the bit. It must be safe in a
 * panic, so it contains only the facts of explain_walk(), and the names of functions.
 *
 * Neighbours: kernel/view/explain_frame.c has the lines about frame and device,
 * kernel/monitor/monitor_explain.c is the command, kernel/exception.c and kernel/panic_report.c
 * use the short form. gdb's `attic explain` prints exactly the same lines from outside.
 */
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <kernel/view/area.h>
#include <kernel/view/explain.h>
#include <kernel/view/explain_internal.h>
#include <kernel/view/frame_runs.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/user/mm.h>

/* ---- names ---- */

static void add_path(struct text *line, struct address_space *file)
{
    char path[128];

    if (file->release != fs_root()->data.release) /* shared memory without a file */
        return;
    if (inode_path(mapping_inode(file), path, sizeof(path)) < 0)
        path[0] = '\0';
    text_add(line, " %s %s", word(TEXT_OF), path);
}

/* ---- places ---- */

static void add_range(struct text *line, const struct explain_area *area)
{
    text_add(line, "0x%08x..0x%08x", area->start, area->last);
}

static void add_user_area(struct text *line, const struct explain_area *area)
{
    char rights[AREA_RIGHTS_SIZE];

    area_rights(area->flags, rights);
    text_add(line, " %s", rights);
    if (area->name)
        text_add(line, " %s", area->name);
}

/*
 * An area with `addr` in it or next to it, in one line: for a file, the page at addr, or the first.
 */
static void add_area(struct text *line, const struct explain_area *area, u32 addr)
{
    bool inside = addr >= area->start && addr <= area->last;
    const struct task *task = NULL;

    add_range(line, area);
    if (area->kind == EXPLAIN_USER) {
        add_user_area(line, area);
        if (area->file) {
            text_add(line, ", %s %u", word(TEXT_PAGE),
                     area->page + (inside ? addr - area->start : 0) / PAGE_SIZE);
            add_path(line, area->file);
        }
        return;
    }
    if (explain_kinds[area->kind][0])
        text_add(line, " %s", explain_kinds[area->kind]);
    if (area->name)
        text_add(line, " %s", area->name);
    if (area->kind == EXPLAIN_VMALLOC)
        task = task_by_stack_address(area->start);
    if (task)
        text_add(line, ", %s %s[%u]", word(TEXT_STACK_OF), task->comm, task->pid);
}

static void print_area(enum explain_label label, const struct explanation *facts,
                       const struct explain_area *area, enum explain_gap gap)
{
    LINE(line);

    if (area->kind)
        add_area(&line, area, facts->addr);
    else
        text_add(&line, "%s", word(TEXT_NOTHING));
    print_line(label, &line);
    if (explain_gaps[gap][0])
        printk("%-10s%s\n", explain_labels[LABEL_MORE], explain_gaps[gap]);
    if (area->caller) {
        LINE(made_by);

        text_add(&made_by, "%s %pS", word(TEXT_MADE_BY), area->caller);
        print_line(LABEL_MORE, &made_by);
    }
}

static bool is_user(const struct explanation *facts)
{
    return facts->addr < TASK_SIZE;
}

static void print_address(const struct explanation *facts)
{
    LINE(line);
    struct symbol symbol;

    text_add(&line, "0x%08x", facts->addr);
    if (symbol_find(facts->addr, &symbol))
        text_add(&line, " %pS", (const void *)facts->addr);
    if (facts->mm) {
        text_add(&line, " %s ", word(is_user(facts) ? TEXT_OF : TEXT_DIRECTORY_OF));
        text_add_process(&line, facts->mm);
    } else if (is_user(facts)) {
        text_add(&line, " %s", word(TEXT_NO_PROCESS));
    }
    print_line(LABEL_ADDRESS, &line);
}

/* The processes that have an area at a user address, if no process was given. */
static void print_processes(const struct explanation *facts)
{
    enum explain_label label = LABEL_TRY;

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        LINE(line);

        if (!task->mm || !mm_find_area(task->mm, facts->addr))
            continue;
        text_add(&line, "%s 0x%08x %-5u (%s)", word(TEXT_TRY), facts->addr, task->pid, task->comm);
        print_line(label, &line);
        label = LABEL_MORE;
    }
    if (label == LABEL_TRY)
        printk("%-10s%s\n", explain_labels[label], word(TEXT_TRY_ADDR));
}

static void print_places(const struct explanation *facts)
{
    LINE(line);

    print_address(facts);
    if (is_user(facts) && !facts->mm)
        print_processes(facts);
    text_add(&line, "0x%08x..0x%08x %s", facts->region->start, layout_region_last(facts->region),
             facts->region->text);
    print_line(LABEL_REGION, &line);
    if (facts->area.kind)
        print_area(LABEL_AREA, facts, &facts->area, EXPLAIN_NO_GAP);
    if (facts->area.kind == EXPLAIN_VMALLOC || facts->area.kind == EXPLAIN_VMAP)
        frame_runs_print(explain_labels[LABEL_FRAMES], facts->area.start, facts->area.last);
}

static void print_neighbours(const struct explanation *facts)
{
    if (facts->area.kind)
        return;
    print_area(LABEL_ABOVE, facts, &facts->above,
               facts->gap == EXPLAIN_STACK_GAP ? facts->gap : EXPLAIN_NO_GAP);
    print_area(LABEL_BELOW, facts, &facts->below,
               facts->gap == EXPLAIN_GUARD_PAGE ? facts->gap : EXPLAIN_NO_GAP);
}

/* ---- entries ---- */

static void add_bit(struct text *line, const struct explanation *facts,
                    const struct explain_entry *entry, const struct explain_bit *bit)
{
    u32 value = (entry->val & bit->mask) / (bit->mask & -bit->mask);
    const char *meaning = bit->meaning[value != 0];

    if (bit->mask == PTE_AVL && entry->form == EXPLAIN_PAGE &&
        facts->region == &layout_regions[REGION_VMALLOC])
        meaning = explain_avl[value];
    text_add(line, "%s%s=%u %s", line->used ? ", " : "", bit->name, value, meaning);
}

static void print_bits(const struct explanation *facts, const struct explain_entry *entry)
{
    const struct explain_bit *bits = explain_bits[entry->form];

    for (u32 i = 0; i < EXPLAIN_BITS && bits[i].mask; i += EXPLAIN_BITS_PER_ROW) {
        u32 row_end = min(i + EXPLAIN_BITS_PER_ROW, (u32)EXPLAIN_BITS);
        LINE(line);

        for (u32 j = i; j < row_end && bits[j].mask; j++)
            add_bit(&line, facts, entry, &bits[j]);
        print_line(LABEL_MORE, &line);
    }
}

/* The frame that an entry points to. */
static phys_addr_t target(const struct explain_entry *entry)
{
    return entry->val & (entry->form == EXPLAIN_LARGE ? PDE_LARGE_FRAME : PTE_FRAME);
}

/* What the kernel stores in it, or the address it points to. */
static void print_content(const struct explain_entry *entry)
{
    LINE(line);

    if (entry->form == EXPLAIN_NOT_PRESENT)
        text_add(&line, "%s", explain_contents[entry->content]);
    else
        text_add(&line, "%s %s %s 0x%08x", explain_forms[entry->form], word(TEXT_AT),
                 word(TEXT_PHYSICAL), target(entry));
    print_line(LABEL_MORE, &line);
}

static void print_entry(enum explain_level level, const struct explanation *facts,
                        const struct explain_entry *entry)
{
    LINE(line);
    char label[16];

    if (entry->form == EXPLAIN_UNREAD)
        text_add(&line, "%s %s 0x%08x: %s", word(TEXT_AT), word(TEXT_PHYSICAL), entry->phys,
                 word(TEXT_UNREAD));
    else
        text_add(&line, "0x%08x %s 0x%08x, %s 0x%08x", entry->val, word(TEXT_AT), entry->virt,
                 word(TEXT_PHYSICAL), entry->phys);
    snprintf(label, sizeof(label), "%s %u", explain_levels[level], entry->index);
    printk("%-10s%s\n", label, line.buf);
    if (entry->form != EXPLAIN_UNREAD)
        print_content(entry);
    print_bits(facts, entry);
}

/* ---- rights ---- */

/* "PDE 768: US=0" */
static void add_decider(struct text *line, const struct explanation *facts, enum explain_why why,
                        enum explain_level level)
{
    if (level)
        text_add(line, "%s %u: ", explain_levels[level],
                 level == EXPLAIN_PDE ? facts->pde.index : facts->pte.index);
    text_add(line, "%s", explain_whys[why]);
}

static void print_walk(const struct explanation *facts)
{
    LINE(line);

    if (facts->stop) {
        text_add(&line, "%s ", word(TEXT_STOPS_AT));
        add_decider(&line, facts, facts->right[EXPLAIN_RING0][EXPLAIN_READ].why, facts->stop);
    } else {
        text_add(&line, "%s %s 0x%08x", word(TEXT_ENDS_AT), word(TEXT_PHYSICAL), facts->phys);
    }
    print_line(LABEL_WALK, &line);
    if (facts->wrong)
        printk("%-10s%s\n", explain_labels[LABEL_WRONG], explain_wrongs[facts->wrong]);
}

static bool same_right(const struct explain_right *a, const struct explain_right *b)
{
    return a->allowed == b->allowed && a->why == b->why && a->level == b->level;
}

/* The first access with the same decision as this one. */
static u32 first_alike(const struct explain_right *rights, u32 access)
{
    u32 first = 0;

    while (!same_right(&rights[first], &rights[access]))
        first++;
    return first;
}

/* Print a line for all accesses with the same decision as the first of them. */
static void print_alike(enum explain_label label, const struct explanation *facts,
                        const struct explain_right *rights, u32 first)
{
    LINE(line);

    text_add(&line, "%s", word(rights[first].allowed ? TEXT_MAY : TEXT_MAY_NOT));
    for (u32 i = first; i < EXPLAIN_ACCESSES; i++) {
        if (first_alike(rights, i) == first)
            text_add(&line, "%s %s", i == first ? "" : ",", explain_accesses[i]);
    }
    if (rights[first].why != EXPLAIN_NOTHING) {
        text_add(&line, " (");
        add_decider(&line, facts, rights[first].why, rights[first].level);
        text_add(&line, ")");
    }
    print_line(label, &line);
}

static void print_rights(enum explain_label label, const struct explanation *facts,
                         enum explain_ring ring)
{
    const struct explain_right *rights = facts->right[ring];

    for (u32 access = 0; access < EXPLAIN_ACCESSES; access++) {
        if (first_alike(rights, access) == access)
            print_alike(access ? LABEL_MORE : label, facts, rights, access);
    }
}

/* ---- the long form, and the short form ---- */

/* It does not yield between the facts and the last line, so that all lines are of one moment. */
void explain_print(const struct explanation *facts)
{
    struct explain_aliases aliases = {.facts = facts};

    if (facts->has_frame)
        explain_find_aliases(&aliases);
    print_places(facts);
    print_entry(EXPLAIN_PDE, facts, &facts->pde);
    if (facts->pde.form == EXPLAIN_TABLE)
        print_entry(EXPLAIN_PTE, facts, &facts->pte);
    print_walk(facts);
    print_rights(LABEL_RING0, facts, EXPLAIN_RING0);
    print_rights(LABEL_RING3, facts, EXPLAIN_RING3);
    if (facts->has_frame)
        explain_print_frame(&aliases);
    print_neighbours(facts);
    explain_print_device(facts);
}

/* The area whose guard this is, or the nearer neighbour; NULL when both are whole regions. */
static const struct explain_area *nearest(const struct explanation *facts)
{
    const struct explain_area *below = &facts->below, *above = &facts->above;

    if (facts->gap == EXPLAIN_GUARD_PAGE)
        return below;
    if (below->kind <= EXPLAIN_REGION)
        return above->kind <= EXPLAIN_REGION ? NULL : above;
    if (above->kind <= EXPLAIN_REGION)
        return below;
    return facts->addr - below->last < above->start - facts->addr ? below : above;
}

static void add_brief_area(struct text *line, const struct explain_area *area)
{
    if (area->kind == EXPLAIN_ROW) {
        text_add(line, "%s", area->name);
        return;
    }
    add_range(line, area);
    if (area->kind == EXPLAIN_USER)
        add_user_area(line, area);
    else if (area->caller)
        text_add(line, " %s %pS", word(TEXT_BY), area->caller);
}

static void add_brief_place(struct text *line, const struct explanation *facts)
{
    const struct explain_area *area = facts->area.kind ? &facts->area : nearest(facts);

    text_add(line, "%s", facts->region->name);
    if (!area)
        return;
    text_add(line, ", ");
    if (facts->gap == EXPLAIN_GUARD_PAGE)
        text_add(line, "%s ", word(TEXT_GUARD_OF));
    else if (area != &facts->area)
        text_add(line, "%s ", word(area == &facts->below ? TEXT_ABOVE : TEXT_BELOW));
    add_brief_area(line, area);
}

void explain_brief(char *buf, size_t size, const struct explanation *facts, enum explain_ring ring,
                   enum explain_access access)
{
    const struct explain_right *right = &facts->right[ring][access];
    struct text line = {buf, size, 0};

    buf[0] = '\0';
    add_brief_place(&line, facts);
    text_add(&line, "; ");
    add_decider(&line, facts, right->why, right->level);
    if (facts->wrong)
        text_add(&line, "; %s: %s", explain_labels[LABEL_WRONG], explain_wrongs[facts->wrong]);
}

void explain_init(void)
{
    report_ops.explain = explain_brief;
}
