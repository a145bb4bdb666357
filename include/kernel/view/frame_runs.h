/*
 * The frames behind an area of the kernel, as runs of consecutive frames
 * (kernel/view/frame_runs.c).
 */
#pragma once

#include <lib/types.h>

/*
 * Print the frames that are mapped at [start, last], a part of the vmalloc area: how many, in how
 * many runs, and where they are, as physical addresses. The lines fit 80 columns: a label of ten
 * columns before the first one, then as many runs as fit. If there are more runs, only their number
 * is printed. From a task or a fault.
 */
void frame_runs_print(const char *label, u32 start, u32 last);
