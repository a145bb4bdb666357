/*
 * The frames behind an area of the kernel, as runs: frames that are consecutive in physical memory,
 * like their pages in the area. A device could use an area of one run; an area with as many runs as
 * frames is completely scattered.
 *
 * The page-table entries are the only record of an area's frames, so these are read.
 *
 * Limits: if there are many runs, the first ones are listed and the rest is counted, so that an
 * area of 100 MiB does not print 100 lines. gdb's `attic explain` prints the same
 * (scripts/attic/gdb/frame_runs.py).
 *
 * Neighbours: kernel/view/explain.c and the monitor's `vmalloc` and `vmallocinfo` print them.
 */
#include <arch/x86/pgtable.h>
#include <kernel/view/explain_internal.h>
#include <kernel/view/frame_runs.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/layout.h>

/* An enumeration, so that debuggers know the names. RUN_COLUMNS are those behind the label. */
enum frame_run_counts { RUN_COLUMNS = 70, RUNS_SHOWN = 15 };

struct run {
    phys_addr_t first, last; /* bytes */
};

/*
 * The run that begins at *addr, or behind the following pages without a frame; *addr advances
 * behind it.
 */
static bool next_run(u32 *addr, u32 end, struct run *run)
{
    while (*addr < end && !pte_present(*kernel_pte(*addr)))
        *addr += PAGE_SIZE;
    if (*addr >= end)
        return false;
    run->first = run->last = pte_frame(*kernel_pte(*addr));
    for (*addr += PAGE_SIZE; *addr < end && pte_present(*kernel_pte(*addr)); *addr += PAGE_SIZE) {
        if (pte_frame(*kernel_pte(*addr)) != run->last + PAGE_SIZE)
            break;
        run->last += PAGE_SIZE;
    }
    run->last += PAGE_SIZE - 1;
    return true;
}

/* The number of frames, and of runs. */
static u32 count_frames(u32 start, u32 end, u32 *runs)
{
    struct run run;
    u32 frames = 0;

    for (*runs = 0; next_run(&start, end, &run); ++*runs)
        frames += (run.last - run.first + 1) / PAGE_SIZE;
    return frames;
}

/* Add a word to the line or, if there is no room for a blank and the word, to a new one. */
static void add_word(struct text *line, const char **label, const char *text)
{
    if (line->used + 1 + strlen(text) > RUN_COLUMNS) {
        printk("%-10s%s\n", *label, line->buf);
        *label = "";
        line->used = 0;
    }
    text_add(line, "%s%s", line->used ? " " : "", text);
}

static void add_run(struct text *line, const char **label, const struct run *run)
{
    char text[32];
    u32 len = snprintf(text, sizeof(text), "0x%08x", run->first);

    if (run->last - run->first >= PAGE_SIZE)
        snprintf(text + len, sizeof(text) - len, "..0x%08x", run->last);
    add_word(line, label, text);
}

static void add_rest(struct text *line, const char **label, u32 runs)
{
    char text[32];

    snprintf(text, sizeof(text), "%s %u %s", word(TEXT_AND_MORE), runs, word(TEXT_MORE));
    add_word(line, label, text);
}

/* After a kernel bug the borders of an area may be invalid. */
void frame_runs_print(const char *label, u32 start, u32 last)
{
    u32 end = min(last, VMALLOC_END - 1) + 1, runs, frames;
    struct run run;
    LINE(line);

    start = max(start, VMALLOC_START);
    frames = count_frames(start, end, &runs);
    text_add(&line, "%u %s %u %s", frames, word(TEXT_IN), runs,
             word(runs == 1 ? TEXT_RUN : TEXT_RUNS));
    for (u32 i = 0; i < min(runs, (u32)RUNS_SHOWN) && next_run(&start, end, &run); i++)
        add_run(&line, &label, &run);
    if (runs > RUNS_SHOWN)
        add_rest(&line, &label, runs - RUNS_SHOWN);
    printk("%-10s%s\n", label, line.buf);
}
