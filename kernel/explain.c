/*
 * Explanations of addresses, put into words.
 *
 * mm/explain.c has gathered the facts, kernel/explain_words.c has the words; here is only which
 * comes after which. A line has a label of ten columns and one fact, so that the eye finds what it
 * looks for in the same place each time:
 *
 *   address, region, area            where it is, and whose
 *   PDE, PTE                         both entries: value, place, each bit
 *   walk, ring 0, ring 3             what the processor makes of them, and which bit decides
 *   frame, also at                   the memory behind it, and who else sees it
 *   below, above                     what is next to an address that nobody has
 *   device                           what the DMA API would say
 *
 * The short form, for the lines about faults, has the place and the bit. It must be safe in a panic,
 * so nothing but what explain_walk() has gathered goes into it, and the names of functions.
 *
 * Limits: of many other addresses of a frame the first few are listed and the rest counted.
 *
 * Neighbours: kernel/monitor_explain.c is the command, kernel/fault.c and kernel/panic.c take the
 * short form. gdb's `attic explain` prints the same lines from outside, byte for byte.
 */
#include <fs/fs.h>
#include <kernel/explain.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/mm.h>

#define LINE_MAX    200
#define ALIASES_MAX 16

/* ---- text ---- */

/* A line, or a part of one, that grows. What does not fit is cut off. */
struct text {
    char *buf;
    u32 size, used;
};

static void __printf(2, 3) add(struct text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text->used += vscnprintf(text->buf + text->used, text->size - text->used, fmt, args);
    va_end(args);
}

#define LINE(name)                                                                                 \
    char name##_buf[LINE_MAX];                                                                     \
    struct text name = {name##_buf, sizeof(name##_buf), 0};                                        \
    name##_buf[0] = '\0'

static const char *word(enum explain_text text)
{
    return explain_texts[text];
}

static void print_line(enum explain_label label, const struct text *line)
{
    printk("%-10s%s\n", explain_labels[label], line->buf);
}

/* ---- names ---- */

/* "name[pid]" of the first process with this address space. */
static void add_process(struct text *line, const struct mm *mm)
{
    for (const struct task *task = task_next(NULL); task; task = task_next((struct task *)task)) {
        if (task->mm == mm) {
            add(line, "%s[%u]", task->comm, task->pid);
            return;
        }
    }
    add(line, "%s", word(TEXT_ENDED));
}

static void add_path(struct text *line, struct address_space *file)
{
    char path[128];

    if (file->release != fs_root()->data.release) /* memory that is shared without a file */
        return;
    if (inode_path(mapping_inode(file), path, sizeof(path)) < 0)
        path[0] = '\0';
    add(line, " %s %s", word(TEXT_OF), path);
}

/* ---- places ---- */

static void add_range(struct text *line, const struct explain_area *area)
{
    add(line, "0x%08x..0x%08x", area->start, area->last);
}

static void add_user_area(struct text *line, const struct explain_area *area)
{
    add(line, " %c%c%c%c", area->flags & VM_READ ? 'r' : '-', area->flags & VM_WRITE ? 'w' : '-',
        area->flags & VM_EXEC ? 'x' : '-', area->flags & VM_SHARED ? 's' : 'p');
    if (area->name)
        add(line, " %s", area->name);
}

/* An area with `addr` in it or next to it, in one line: of a file, the page there, or the first. */
static void add_area(struct text *line, const struct explain_area *area, u32 addr)
{
    bool inside = addr >= area->start && addr <= area->last;
    const struct task *task = NULL;

    add_range(line, area);
    if (area->kind == EXPLAIN_USER) {
        add_user_area(line, area);
        if (area->file) {
            add(line, ", %s %u", word(TEXT_PAGE),
                area->page + (inside ? addr - area->start : 0) / PAGE_SIZE);
            add_path(line, area->file);
        }
        return;
    }
    if (explain_kinds[area->kind][0])
        add(line, " %s", explain_kinds[area->kind]);
    if (area->name)
        add(line, " %s", area->name);
    if (area->kind == EXPLAIN_VMALLOC)
        task = task_by_stack_address(area->start);
    if (task)
        add(line, ", %s %s[%u]", word(TEXT_STACK_OF), task->comm, task->pid);
}

static void print_area(enum explain_label label, const struct explanation *facts,
                       const struct explain_area *area, enum explain_gap gap)
{
    LINE(line);

    if (area->kind)
        add_area(&line, area, facts->addr);
    else
        add(&line, "%s", word(TEXT_NOTHING));
    if (explain_gaps[gap][0])
        add(&line, "; %s", explain_gaps[gap]);
    print_line(label, &line);
    if (area->caller) {
        LINE(made_by);

        add(&made_by, "%s %pS", word(TEXT_MADE_BY), area->caller);
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

    add(&line, "0x%08x", facts->addr);
    if (symbol_find(facts->addr, &symbol))
        add(&line, " %pS", (const void *)facts->addr);
    if (is_user(facts) && facts->mm) {
        add(&line, " %s ", word(TEXT_OF));
        add_process(&line, facts->mm);
    } else if (is_user(facts)) {
        add(&line, " %s", word(TEXT_NO_PROCESS));
    }
    print_line(LABEL_ADDRESS, &line);
}

/* Who has an area at a user address that was asked for without a process. */
static void print_processes(const struct explanation *facts)
{
    enum explain_label label = LABEL_TRY;

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        LINE(line);

        if (!task->mm || !mm_find_area(task->mm, facts->addr))
            continue;
        add(&line, "%s 0x%08x %-5u (%s)", word(TEXT_TRY), facts->addr, task->pid, task->comm);
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
    add(&line, "0x%08x..0x%08x %s", facts->region->start, layout_region_last(facts->region),
        facts->region->text);
    print_line(LABEL_REGION, &line);
    if (facts->area.kind)
        print_area(LABEL_AREA, facts, &facts->area, EXPLAIN_NO_GAP);
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
    add(line, "%s%s=%u %s", line->used ? ", " : "", bit->name, value, meaning);
}

static void print_bits(const struct explanation *facts, const struct explain_entry *entry)
{
    const struct explain_bit *bits = explain_bits[entry->form];

    for (u32 i = 0; i < EXPLAIN_BITS && bits[i].mask; i += EXPLAIN_BITS_PER_ROW) {
        LINE(line);

        for (u32 j = i; j < i + EXPLAIN_BITS_PER_ROW && bits[j].mask; j++)
            add_bit(&line, facts, entry, &bits[j]);
        print_line(LABEL_MORE, &line);
    }
}

/* The frame that an entry points to. */
static phys_addr_t target(const struct explain_entry *entry)
{
    return entry->val & (entry->form == EXPLAIN_LARGE ? PDE_LARGE_FRAME : PTE_FRAME);
}

static void print_entry(enum explain_level level, const struct explanation *facts,
                        const struct explain_entry *entry)
{
    LINE(line);
    char label[16];

    if (entry->form == EXPLAIN_UNREAD)
        add(&line, "%s %s 0x%08x: %s", word(TEXT_AT), word(TEXT_PHYSICAL), entry->phys,
            word(TEXT_UNREAD));
    else
        add(&line, "0x%08x %s 0x%08x, %s 0x%08x: ", entry->val, word(TEXT_AT), entry->virt,
            word(TEXT_PHYSICAL), entry->phys);
    if (entry->form == EXPLAIN_NOT_PRESENT)
        add(&line, "%s", explain_contents[entry->content]);
    else if (entry->form != EXPLAIN_UNREAD)
        add(&line, "%s %s %s 0x%08x", explain_forms[entry->form], word(TEXT_AT),
            word(TEXT_PHYSICAL), target(entry));
    snprintf(label, sizeof(label), "%s %u", explain_levels[level], entry->index);
    printk("%-10s%s\n", label, line.buf);
    print_bits(facts, entry);
}

/* ---- rights ---- */

/* "PDE 768: US=0" */
static void add_decider(struct text *line, const struct explanation *facts, u8 why, u8 level)
{
    if (level)
        add(line, "%s %u: ", explain_levels[level],
            level == EXPLAIN_PDE ? facts->pde.index : facts->pte.index);
    add(line, "%s", explain_whys[why]);
}

static void print_walk(const struct explanation *facts)
{
    LINE(line);

    if (facts->stop) {
        add(&line, "%s ", word(TEXT_STOPS_AT));
        add_decider(&line, facts, facts->right[EXPLAIN_RING0][EXPLAIN_READ].why, facts->stop);
    } else {
        add(&line, "%s %s 0x%08x", word(TEXT_ENDS_AT), word(TEXT_PHYSICAL), facts->phys);
    }
    print_line(LABEL_WALK, &line);
}

static bool same_right(const struct explain_right *a, const struct explain_right *b)
{
    return a->allowed == b->allowed && a->why == b->why && a->level == b->level;
}

/* The first access that is decided as this one is. */
static u32 first_alike(const struct explain_right *rights, u32 access)
{
    u32 first = 0;

    while (!same_right(&rights[first], &rights[access]))
        first++;
    return first;
}

/* A line for all accesses that are decided as the first of them is. */
static void print_alike(enum explain_label label, const struct explanation *facts,
                        const struct explain_right *rights, u32 first)
{
    LINE(line);

    add(&line, "%s", word(rights[first].allowed ? TEXT_MAY : TEXT_MAY_NOT));
    for (u32 i = first; i < EXPLAIN_ACCESSES; i++) {
        if (first_alike(rights, i) == first)
            add(&line, "%s %s", i == first ? "" : ",", explain_accesses[i]);
    }
    if (rights[first].why != EXPLAIN_NOTHING) {
        add(&line, " (");
        add_decider(&line, facts, rights[first].why, rights[first].level);
        add(&line, ")");
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

/* ---- the frame ---- */

static void print_frame(const struct explain_frame *frame)
{
    LINE(line);

    add(&line, "0x%08x ", frame->phys);
    if (!frame->ram) {
        add(&line, "%s", word(TEXT_NO_FRAME));
        print_line(LABEL_FRAME, &line);
        return;
    }
    add(&line, "%s", frame->owner.name ? frame->owner.name : word(TEXT_LOST));
    if (frame->owner.type == PAGE_RESERVED && frame->owner.ram)
        add(&line, ", %s", word(TEXT_RESERVED));
    if (frame->zero_page)
        add(&line, ", %s", word(TEXT_ZERO_PAGE));
    add(&line, "; %s %d", word(TEXT_REFERENCES), frame->references);
    print_line(LABEL_FRAME, &line);
    if (frame->block_frames > 1) {
        LINE(block);

        add(&block, "%s %u %s 0x%08x, %s %d", word(TEXT_BLOCK_OF), frame->block_frames,
            word(TEXT_FRAMES_AT), frame->block, word(TEXT_ITS_REFERENCES), frame->block_references);
        print_line(LABEL_MORE, &block);
    }
}

/* The other addresses of a frame: the first of them, and how many there are. */
struct aliases {
    const struct explanation *facts;
    u32 count;
    struct {
        const struct mm *mm; /* only to compare it: the process may have ended */
        u32 addr;
        bool present;
    } list[ALIASES_MAX];
};

static void collect(const struct mm *mm, u32 addr, bool present, void *arg)
{
    struct aliases *aliases = arg;
    const struct explanation *facts = aliases->facts;

    if (addr == ALIGN_DOWN(facts->addr, PAGE_SIZE) && (addr >= TASK_SIZE || mm == facts->mm))
        return;
    if (aliases->count < ALIASES_MAX) {
        aliases->list[aliases->count].mm = mm;
        aliases->list[aliases->count].addr = addr;
        aliases->list[aliases->count].present = present;
    }
    aliases->count++;
}

static void print_alias(const struct aliases *aliases, u32 i)
{
    u32 addr = aliases->list[i].addr;
    LINE(line);

    add(&line, "0x%08x ", addr + aliases->facts->addr % PAGE_SIZE);
    if (aliases->list[i].mm) {
        add(&line, "%s ", word(TEXT_OF));
        add_process(&line, aliases->list[i].mm);
    } else {
        add(&line, "%s", layout_region_of(addr)->name);
    }
    if (!aliases->list[i].present)
        add(&line, ", %s", word(TEXT_KEPT));
    print_line(i ? LABEL_MORE : LABEL_ALSO, &line);
}

static void print_aliases(const struct aliases *aliases)
{
    for (u32 i = 0; i < min(aliases->count, (u32)ALIASES_MAX); i++)
        print_alias(aliases, i);
    if (aliases->count == 0)
        printk("%-10s%s\n", explain_labels[LABEL_ALSO], word(TEXT_NO_OTHER));
    if (aliases->count > ALIASES_MAX)
        printk("%-10s%s %u %s\n", explain_labels[LABEL_MORE], word(TEXT_AND_MORE),
               aliases->count - ALIASES_MAX, word(TEXT_MORE));
}

/* ---- devices ---- */

/* May a device have, read or write it; *label is that of the line. */
static void print_verdict(const struct explanation *facts, enum explain_label label,
                          enum explain_text verb, u8 verdict)
{
    const struct dma_refusal *refusal = &dma_refusals[verdict];
    LINE(line);

    add(&line, "%s %s %s", word(verdict ? TEXT_MAY_NOT : TEXT_MAY), word(verb), word(TEXT_IT));
    if (!verdict)
        add(&line, " %s %s 0x%08x", word(TEXT_AT), word(TEXT_PHYSICAL), facts->phys);
    else
        add(&line, ": %s", refusal->name);
    print_line(label, &line);
    if (verdict)
        printk("%-10s%s\n", explain_labels[LABEL_MORE], refusal->why);
}

static void print_device(const struct explanation *facts)
{
    if (facts->dma[0] == facts->dma[1]) {
        print_verdict(facts, LABEL_DEVICE, TEXT_HAVE, facts->dma[0]);
        return;
    }
    print_verdict(facts, LABEL_DEVICE, TEXT_READ, facts->dma[0]);
    print_verdict(facts, LABEL_MORE, TEXT_WRITE, facts->dma[1]);
}

/* ---- all of it, and the short form ---- */

/* Others may run while aliases are looked for, so that comes before the first line. */
void explain_print(const struct explanation *facts)
{
    struct aliases aliases = {.facts = facts};

    if (facts->has_frame)
        rmap_walk(facts->frame.phys, collect, &aliases);
    print_places(facts);
    print_entry(EXPLAIN_PDE, facts, &facts->pde);
    if (facts->pde.form == EXPLAIN_TABLE)
        print_entry(EXPLAIN_PTE, facts, &facts->pte);
    print_walk(facts);
    print_rights(LABEL_RING0, facts, EXPLAIN_RING0);
    print_rights(LABEL_RING3, facts, EXPLAIN_RING3);
    if (facts->has_frame) {
        print_frame(&facts->frame);
        print_aliases(&aliases);
    }
    print_neighbours(facts);
    print_device(facts);
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
        add(line, "%s", area->name);
        return;
    }
    add_range(line, area);
    if (area->kind == EXPLAIN_USER)
        add_user_area(line, area);
    else if (area->caller)
        add(line, " %s %pS", word(TEXT_BY), area->caller);
}

static void add_brief_place(struct text *line, const struct explanation *facts)
{
    const struct explain_area *area = facts->area.kind ? &facts->area : nearest(facts);

    add(line, "%s", facts->region->name);
    if (!area)
        return;
    add(line, ", ");
    if (facts->gap == EXPLAIN_GUARD_PAGE)
        add(line, "%s ", word(TEXT_GUARD_OF));
    else if (area != &facts->area)
        add(line, "%s ", word(area == &facts->below ? TEXT_ABOVE : TEXT_BELOW));
    add_brief_area(line, area);
}

void explain_brief(char *buf, size_t size, const struct explanation *facts, enum explain_ring ring,
                   enum explain_access access)
{
    const struct explain_right *right = &facts->right[ring][access];
    struct text line = {buf, size, 0};

    buf[0] = '\0';
    add_brief_place(&line, facts);
    add(&line, "; ");
    add_decider(&line, facts, right->why, right->level);
}
