/* Internal to the two files that print explanations. */
#pragma once

#include <kernel/view/explain.h>

/* A line, or a part of one, that grows. What does not fit is cut off. */
struct text {
    char *buf;
    u32 size, used;
};

#define LINE_MAX 200
#define LINE(name)                                                                                 \
    char name##_buf[LINE_MAX] = "";                                                                \
    struct text name = {name##_buf, sizeof(name##_buf), 0}

static inline const char *word(enum explain_text text)
{
    return explain_texts[text];
}

void text_add(struct text *text, const char *fmt, ...) __printf(2, 3);

/*
 * "name[pid]" of the first process with this address space; one that is being created or freed has
 * no process.
 */
void text_add_process(struct text *line, const struct mm *mm);

/* The label in ten columns, then the line. */
void print_line(enum explain_label label, const struct text *line);

/* ---- kernel/view/explain_frame.c ---- */

#define ALIASES_MAX 16

/* The other addresses of a frame: the first of them, and how many there are. */
struct explain_aliases {
    const struct explanation *facts;
    u32 count;
    struct {
        const struct mm *mm;
        u32 addr;
        bool present;
    } list[ALIASES_MAX];
};

/* Fill in the other fields; only `facts` is set. */
void explain_find_aliases(struct explain_aliases *aliases);

/* Print the frame and its aliases, and what a device may do with the address. */
void explain_print_frame(const struct explain_aliases *aliases);
void explain_print_device(const struct explanation *facts);
