/*
 * All words of an explanation of an address: the names and meanings of the bits at each level
 * (Intel SDM vol. 3, tables 4-4 to 4-6), of rights, reasons, areas and neighbours.
 *
 * They are in named tables, and all printed words come from here, because two programs print them:
 * kernel/view/explain.c in the kernel, and gdb's `attic explain` (scripts/attic/gdb) from outside,
 * which reads the words from here, by symbol, and so prints the same. Those two add the text
 * between the words (blanks, commas, brackets, 0x).
 *
 * The order of each table is that of its enumeration in mm/check/explain_walk.h or
 * kernel/view/explain.h.
 *
 * Neighbours: mm/check/explain_walk.c gathers the facts; the reasons of the DMA API are in
 * mm/kva/dma_verdict.c, the names of regions in mm/layout.c, of owners of frames in
 * mm/frame/zone.c.
 */
#include <kernel/view/explain.h>

const char *const explain_labels[LABELS] = {
    [LABEL_ADDRESS] = "address", [LABEL_TRY] = "try",       [LABEL_REGION] = "region",
    [LABEL_AREA] = "area",       [LABEL_WALK] = "walk",     [LABEL_WRONG] = "WRONG",
    [LABEL_RING0] = "ring 0",    [LABEL_RING3] = "ring 3",  [LABEL_FRAMES] = "frames",
    [LABEL_FRAME] = "frame",     [LABEL_ALSO] = "also at",  [LABEL_BELOW] = "below",
    [LABEL_ABOVE] = "above",     [LABEL_DEVICE] = "device", [LABEL_MORE] = "",
};

const char *const explain_texts[TEXTS] = {
    [TEXT_OF] = "of",
    [TEXT_DIRECTORY_OF] = "in the directory of",
    [TEXT_NO_PROCESS] = "of no process: each process has its own user half",
    [TEXT_TRY] = "explain",
    [TEXT_TRY_ADDR] = "explain ADDR PID; but no process has an area there",
    [TEXT_MADE_BY] = "made by",
    [TEXT_STACK_OF] = "kernel stack of",
    [TEXT_PAGE] = "page",
    [TEXT_AT] = "at",
    [TEXT_PHYSICAL] = "physical",
    [TEXT_UNREAD] = "cannot be read: it does not lie in lowmem",
    [TEXT_ENDS_AT] = "ends at",
    [TEXT_STOPS_AT] = "stops at",
    [TEXT_MAY] = "may",
    [TEXT_MAY_NOT] = "may not",
    [TEXT_NO_FRAME] = "above all RAM: a device's, or no owner",
    [TEXT_LOST] = "lost: no owner",
    [TEXT_RESERVED] = "reserved at start-up",
    [TEXT_ZERO_PAGE] = "the page of zeros",
    [TEXT_REFERENCES] = "references:",
    [TEXT_BLOCK_OF] = "in a block of",
    [TEXT_FRAMES_AT] = "frames at",
    [TEXT_ITS_REFERENCES] = "which has references:",
    [TEXT_NO_OTHER] = "no other address",
    [TEXT_KEPT] = "kept without rights",
    [TEXT_ENDED] = "an address space that no process has",
    [TEXT_AND_MORE] = "and",
    [TEXT_MORE] = "more",
    [TEXT_NOTHING] = "nothing: here the address space ends",
    [TEXT_HAVE] = "have",
    [TEXT_READ] = "read",
    [TEXT_WRITE] = "write",
    [TEXT_IT] = "it",
    [TEXT_GUARD_OF] = "guard of",
    [TEXT_BY] = "by",
    [TEXT_ABOVE] = "above",
    [TEXT_BELOW] = "below",
    [TEXT_IN] = "in",
    [TEXT_RUN] = "run:",
    [TEXT_RUNS] = "runs:",
};

/* ---- entries ---- */

/* clang-format off */
#define BIT_P   {PTE_P, "P", {"not present", "present"}}
#define BIT_RW  {PTE_RW, "RW", {"read-only", "writable"}}
#define BIT_US  {PTE_US, "US", {"ring 0 only", "ring 3 too"}}
#define BIT_PWT {PTE_PWT, "PWT", {"write-back", "write-through"}}
#define BIT_PCD {PTE_PCD, "PCD", {"cached", "not cached"}}
#define BIT_A   {PTE_A, "A", {"not accessed", "accessed"}}
#define BIT_D   {PTE_D, "D", {"clean", "dirty"}}
#define BIT_G   {PTE_G, "G", {"not global", "global"}}
#define BIT_AVL {PTE_AVL, "AVL", {"not used", "not used"}}
/* clang-format on */

const struct explain_bit explain_bits[EXPLAIN_FORMS][EXPLAIN_BITS] = {
    [EXPLAIN_NOT_PRESENT] =
        {
            {PTE_P, "P", {"not present: the processor looks at no other bit", "present"}},
        },
    [EXPLAIN_TABLE] =
        {
            BIT_P,
            BIT_RW,
            BIT_US,
            BIT_PWT,
            BIT_PCD,
            BIT_A,
            {PTE_D, "D", {"ignored", "ignored"}},
            {PTE_PS, "PS", {"a page table", "a 4 MiB page"}},
            {PTE_G, "G", {"ignored", "ignored"}},
            BIT_AVL,
        },
    [EXPLAIN_LARGE] =
        {
            BIT_P,
            BIT_RW,
            BIT_US,
            BIT_PWT,
            BIT_PCD,
            BIT_A,
            BIT_D,
            {PTE_PS, "PS", {"a page table", "a 4 MiB page"}},
            BIT_G,
            BIT_AVL,
        },
    [EXPLAIN_PAGE] =
        {
            BIT_P,
            BIT_RW,
            BIT_US,
            BIT_PWT,
            BIT_PCD,
            BIT_A,
            BIT_D,
            {PTE_PS, "PAT", {"type by PWT, PCD", "upper half of the PAT"}},
            BIT_G,
            BIT_AVL,
        },
};

const char *const explain_avl[8] = {
    "no area starts",         "a vmalloc area starts", "a vmap area starts", "makes no sense",
    "an ioremap area starts", "makes no sense",        "makes no sense",     "makes no sense",
};

const char *const explain_levels[EXPLAIN_LEVELS] = {"", "PDE", "PTE"};

const char *const explain_forms[EXPLAIN_FORMS] = {
    [EXPLAIN_UNREAD] = "",          [EXPLAIN_NOT_PRESENT] = "", [EXPLAIN_TABLE] = "page table",
    [EXPLAIN_LARGE] = "4 MiB page", [EXPLAIN_PAGE] = "frame",
};

const char *const explain_contents[EXPLAIN_CONTENTS] = {
    [EXPLAIN_EMPTY] = "empty",
    [EXPLAIN_KEPT] = "keeps a frame without rights (PROT_NONE)",
    [EXPLAIN_GUARD] = "the tag of an area: this is its guard",
    [EXPLAIN_BORDER] = "the tag of a free range, which begins or ends here",
    [EXPLAIN_LEFTOVER] = "not a value of the kernel",
};

/* ---- rights ---- */

const char *const explain_accesses[EXPLAIN_ACCESSES] = {"read", "write", "execute"};

const char *const explain_whys[EXPLAIN_WHYS] = {
    [EXPLAIN_NOTHING] = "no bit forbids it",
    [EXPLAIN_CANNOT_TELL] = "cannot be read",
    [EXPLAIN_P] = "P=0",
    [EXPLAIN_US] = "US=0",
    [EXPLAIN_RW] = "RW=0",
    [EXPLAIN_RW_WP] = "RW=0, CR0.WP=1",
    [EXPLAIN_RW_WITHOUT_WP] = "RW=0, but CR0.WP=0",
    [EXPLAIN_SMAP] = "US=1, CR4.SMAP=1, EFLAGS.AC=0",
    [EXPLAIN_SMEP] = "US=1, CR4.SMEP=1",
};

/* ---- against the address map ---- */

const char *const explain_wrongs[EXPLAIN_WRONGS] = {
    [EXPLAIN_SOUND] = "",
    [EXPLAIN_WRONG_PDE] = "I2: the master directory has another entry here",
    [EXPLAIN_WRONG_TABLE] = "I2: this region has a page table of its own, another one",
    [EXPLAIN_WRONG_USER] = "I4: a kernel address, but ring 3 may access it",
    [EXPLAIN_WRONG_FRAME] = "I1: lowmem must map address - PAGE_OFFSET here",
    [EXPLAIN_WRONG_RIGHTS] = "the row or area gives other rights",
    [EXPLAIN_WRONG_MAPPED] = "nothing should be mapped here",
    [EXPLAIN_WRONG_MISSING] = "this address should be mapped",
};

/* ---- places ---- */

const char *const explain_kinds[EXPLAIN_KINDS] = {
    [EXPLAIN_NONE] = "",           [EXPLAIN_REGION] = "",   [EXPLAIN_ROW] = "lowmem:",
    [EXPLAIN_VMALLOC] = "vmalloc", [EXPLAIN_VMAP] = "vmap", [EXPLAIN_IOREMAP] = "ioremap",
    [EXPLAIN_SLOT] = "kmap slot",  [EXPLAIN_USER] = "",
};

const char *const explain_gaps[EXPLAIN_GAPS] = {
    [EXPLAIN_NO_GAP] = "",
    [EXPLAIN_GUARD_PAGE] = "its guard is here",
    [EXPLAIN_STACK_GAP] = "it may grow down to here, or keeps it free",
    [EXPLAIN_FREE] = "",
};
