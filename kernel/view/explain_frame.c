/*
 * Explanations of addresses: the lines about the memory behind one. They give the frame, its owner
 * and reference count, all other addresses that map it, and whether a device may use it.
 *
 * Also here: functions for lines and their parts, also for kernel/view/explain.c.
 *
 * Limits: of many other addresses the first few are listed and the rest counted.
 *
 * Neighbours: mm/check/rmap.c finds the addresses, mm/kva/dma_verdict.c decides what a device may
 * use.
 */
#include <kernel/task.h>
#include <kernel/view/explain_internal.h>
#include <lib/printf.h>
#include <lib/printk.h>

/* ---- lines ---- */

void text_add(struct text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text->used += vscnprintf(text->buf + text->used, text->size - text->used, fmt, args);
    va_end(args);
}

void text_add_process(struct text *line, const struct mm *mm)
{
    for (const struct task *task = task_next(NULL); task; task = task_next((struct task *)task)) {
        if (task->mm == mm) {
            text_add(line, "%s[%u]", task->comm, task->pid);
            return;
        }
    }
    text_add(line, "%s", word(TEXT_ENDED));
}

void print_line(enum explain_label label, const struct text *line)
{
    printk("%-10s%s\n", explain_labels[label], line->buf);
}

/* ---- the frame ---- */

static void print_frame(const struct explain_frame *frame)
{
    LINE(line);

    text_add(&line, "0x%08x ", frame->phys);
    if (!frame->ram) {
        text_add(&line, "%s", word(TEXT_NO_FRAME));
        print_line(LABEL_FRAME, &line);
        return;
    }
    text_add(&line, "%s", frame->owner.name ? frame->owner.name : word(TEXT_LOST));
    if (frame->owner.type == PAGE_RESERVED && frame->owner.ram)
        text_add(&line, ", %s", word(TEXT_RESERVED));
    if (frame->zero_page)
        text_add(&line, ", %s", word(TEXT_ZERO_PAGE));
    text_add(&line, "; %s %d", word(TEXT_REFERENCES), frame->references);
    print_line(LABEL_FRAME, &line);
    if (frame->block_frames > 1) {
        LINE(block);

        text_add(&block, "%s %u %s 0x%08x, %s %d", word(TEXT_BLOCK_OF), frame->block_frames,
                 word(TEXT_FRAMES_AT), frame->block, word(TEXT_ITS_REFERENCES),
                 frame->block_references);
        print_line(LABEL_MORE, &block);
    }
}

static void collect(const struct mm *mm, u32 addr, bool present, void *arg)
{
    struct explain_aliases *aliases = arg;
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

static void print_alias(const struct explain_aliases *aliases, u32 i)
{
    u32 addr = aliases->list[i].addr;
    LINE(line);

    text_add(&line, "0x%08x ", addr + aliases->facts->addr % PAGE_SIZE);
    if (aliases->list[i].mm) {
        text_add(&line, "%s ", word(TEXT_OF));
        text_add_process(&line, aliases->list[i].mm);
    } else {
        text_add(&line, "%s", layout_region_of(addr)->name);
    }
    if (!aliases->list[i].present)
        text_add(&line, ", %s", word(TEXT_KEPT));
    print_line(i ? LABEL_MORE : LABEL_ALSO, &line);
}

static void print_aliases(const struct explain_aliases *aliases)
{
    for (u32 i = 0; i < min(aliases->count, (u32)ALIASES_MAX); i++)
        print_alias(aliases, i);
    if (aliases->count == 0)
        printk("%-10s%s\n", explain_labels[LABEL_ALSO], word(TEXT_NO_OTHER));
    if (aliases->count > ALIASES_MAX)
        printk("%-10s%s %u %s\n", explain_labels[LABEL_MORE], word(TEXT_AND_MORE),
               aliases->count - ALIASES_MAX, word(TEXT_MORE));
}

void explain_find_aliases(struct explain_aliases *aliases)
{
    rmap_walk(aliases->facts->frame.phys, collect, aliases);
}

void explain_print_frame(const struct explain_aliases *aliases)
{
    print_frame(&aliases->facts->frame);
    print_aliases(aliases);
}

/* ---- devices ---- */

/* Print whether a device may read or write it; *label is that of the line. */
static void print_verdict(const struct explanation *facts, enum explain_label label,
                          enum explain_text verb, enum dma_verdict verdict)
{
    const struct dma_refusal *refusal = &dma_refusals[verdict];
    LINE(line);

    text_add(&line, "%s %s %s", word(verdict ? TEXT_MAY_NOT : TEXT_MAY), word(verb), word(TEXT_IT));
    if (!verdict)
        text_add(&line, " %s %s 0x%08x", word(TEXT_AT), word(TEXT_PHYSICAL), facts->phys);
    else
        text_add(&line, ": %s", refusal->name);
    print_line(label, &line);
    if (verdict)
        printk("%-10s%s\n", explain_labels[LABEL_MORE], refusal->why);
}

void explain_print_device(const struct explanation *facts)
{
    if (facts->dma[0] == facts->dma[1]) {
        print_verdict(facts, LABEL_DEVICE, TEXT_HAVE, facts->dma[0]);
        return;
    }
    print_verdict(facts, LABEL_DEVICE, TEXT_READ, facts->dma[0]);
    print_verdict(facts, LABEL_MORE, TEXT_WRITE, facts->dma[1]);
}
