/*
 * Explanations of addresses in words. The facts are those of mm/check/explain_walk.h;
 * kernel/view/explain_words.c has the words, kernel/view/explain.c puts them in order.
 */
#pragma once

#include <mm/check/explain_walk.h>

/* Print all facts about an address, which were gathered just before. From a task. */
void explain_print(const struct explanation *facts);

/*
 * The short form, for a line about a fault: where the address is, and which bit at which level
 * decides about this access. Needs only the facts of explain_walk(). Any context.
 */
void explain_brief(char *buf, size_t size, const struct explanation *facts, enum explain_ring ring,
                   enum explain_access access);

/* Register it with the reports of faults. Start-up. */
void explain_init(void);

/* ---- the words (kernel/view/explain_words.c): for C here, and for gdb, by symbol ---- */

enum explain_label {
    LABEL_ADDRESS,
    LABEL_TRY,
    LABEL_REGION,
    LABEL_AREA,
    LABEL_WALK,
    LABEL_WRONG,
    LABEL_RING0,
    LABEL_RING3,
    LABEL_FRAMES,
    LABEL_FRAME,
    LABEL_ALSO,
    LABEL_BELOW,
    LABEL_ABOVE,
    LABEL_DEVICE,
    LABEL_MORE, /* of the lines that continue the one above */
    LABELS,
};

enum explain_text {
    TEXT_OF,
    TEXT_DIRECTORY_OF,
    TEXT_NO_PROCESS,
    TEXT_TRY,
    TEXT_TRY_ADDR,
    TEXT_MADE_BY,
    TEXT_STACK_OF,
    TEXT_PAGE,
    TEXT_AT,
    TEXT_PHYSICAL,
    TEXT_UNREAD,
    TEXT_ENDS_AT,
    TEXT_STOPS_AT,
    TEXT_MAY,
    TEXT_MAY_NOT,
    TEXT_NO_FRAME,
    TEXT_LOST,
    TEXT_RESERVED,
    TEXT_ZERO_PAGE,
    TEXT_REFERENCES,
    TEXT_BLOCK_OF,
    TEXT_FRAMES_AT,
    TEXT_ITS_REFERENCES,
    TEXT_NO_OTHER,
    TEXT_KEPT,
    TEXT_ENDED,
    TEXT_AND_MORE,
    TEXT_MORE,
    TEXT_NOTHING,
    TEXT_HAVE,
    TEXT_READ,
    TEXT_WRITE,
    TEXT_IT,
    TEXT_GUARD_OF,
    TEXT_BY,
    TEXT_ABOVE,
    TEXT_BELOW,
    TEXT_IN,
    TEXT_RUN,
    TEXT_RUNS,
    TEXTS,
};

/* A bit of an entry: its name, and its meaning when it is 0 and 1. */
struct explain_bit {
    u32 mask; /* 0: past the last */
    const char *name;
    const char *meaning[2];
};

/* Bits of a form, and in a line. An enumeration, so that debuggers know the names. */
enum explain_bit_counts { EXPLAIN_BITS = 10, EXPLAIN_BITS_PER_ROW = 4 };

extern const char *const explain_labels[LABELS];
extern const char *const explain_texts[TEXTS];
extern const struct explain_bit explain_bits[EXPLAIN_FORMS][EXPLAIN_BITS];
extern const char *const explain_avl[8]; /* PTE_AVL of an entry in the vmalloc area */
extern const char *const explain_levels[EXPLAIN_LEVELS];
extern const char *const explain_forms[EXPLAIN_FORMS]; /* what the entry points to */
extern const char *const explain_contents[EXPLAIN_CONTENTS];
extern const char *const explain_accesses[EXPLAIN_ACCESSES];
extern const char *const explain_whys[EXPLAIN_WHYS];
extern const char *const explain_kinds[EXPLAIN_KINDS];
extern const char *const explain_gaps[EXPLAIN_GAPS];
extern const char *const explain_wrongs[EXPLAIN_WRONGS];
