/*
 * `peek ADDR [N [PID]]` and `poke ADDR VALUE`: read and write memory as words of 32 bits.
 *
 * An access that the page tables forbid is refused with the bit that decides, as in `explain`.
 * There is no other check, so poke writes everything that ring 0 may write, even data that must not
 * be changed while the kernel runs. Text, read-only data and the sealed page tables are protected.
 * A word is written whole or not at all, even if it lies in two pages.
 *
 * A user address is valid in one process only, so peek needs a pid; it reads the contents that a
 * page would have, without mapping it. poke does not write to processes: such a page may be shared
 * with others and with the file, and would have to be copied first.
 *
 * Registers of devices are neither read nor written here: with many of them a read is a command.
 * The text screen, at 0xc00b8000, is memory like any other.
 *
 * Neighbours: kernel/monitor/monitor_address.c reads addresses; mm/check/explain_walk.c reads the
 * tables; mm/user/access.c reads address spaces.
 */
#include <arch/x86/uaccess.h>
#include <kernel/kernel.h>
#include <kernel/monitor/monitor.h>
#include <kernel/view/explain.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

#define WORDS_DEFAULT 4
#define WORDS_MAX     1024
#define WORDS_PER_ROW 4

/* ---- what may be done ---- */

/* Registers, mapped by ioremap() or in the fixmap. */
static bool is_device(const struct explanation *facts)
{
    return facts->addr >= VMALLOC_START && facts->has_frame && !facts->frame.ram;
}

/* The line with the reason of a refusal; "" if there is none. */
struct refusal {
    char text[EXPLAIN_BRIEF_MAX + 40];
};

static void refuse_access(struct refusal *refusal, const char *command,
                          const struct explanation *facts, enum explain_ring ring,
                          enum explain_access access)
{
    char why[EXPLAIN_BRIEF_MAX];

    explain_brief(why, sizeof(why), facts, ring, access);
    snprintf(refusal->text, sizeof(refusal->text), "%s: cannot %s 0x%08x (%s)", command,
             explain_accesses[access], facts->addr, why);
}

/* True when ring 0 may make this access to a byte of the kernel. */
static bool may_access(struct refusal *refusal, const char *command, u32 addr,
                       enum explain_access access)
{
    struct explanation facts;

    explain_address(&facts, NULL, addr);
    if (!facts.right[EXPLAIN_RING0][access].allowed)
        refuse_access(refusal, command, &facts, EXPLAIN_RING0, access);
    else if (is_device(&facts))
        snprintf(refusal->text, sizeof(refusal->text),
                 "%s: 0x%08x is a register of a device: even a read may change something", command,
                 addr);
    else
        return true;
    return false;
}

/* The word may lie in two pages. It cannot wrap around: the last page is never mapped. */
static bool may_access_word(struct refusal *refusal, const char *command, u32 addr,
                            enum explain_access access)
{
    return may_access(refusal, command, addr, access) &&
           may_access(refusal, command, addr + sizeof(u32) - 1, access);
}

/* ---- peek ---- */

/* If a word lies in two pages, the first byte that cannot be read is reported. */
static bool read_user(struct refusal *refusal, struct mm *mm, u32 addr, u32 *word)
{
    u32 end = addr + sizeof(*word);
    struct explanation facts;
    u8 byte;

    if (!mm) {
        snprintf(refusal->text, sizeof(refusal->text),
                 "peek: 0x%08x is a user address: which process? peek ADDR N PID", addr);
        return false;
    }
    if (mm_read(mm, addr, word, sizeof(*word)) == 0)
        return true;
    while (addr < end - 1 && mm_read(mm, addr, &byte, sizeof(byte)) == 0)
        addr++;
    explain_address(&facts, mm, addr);
    refuse_access(refusal, "peek", &facts, EXPLAIN_RING3, EXPLAIN_READ);
    return false;
}

static bool read_word(struct refusal *refusal, struct mm *mm, u32 addr, u32 *word)
{
    if (addr < TASK_SIZE)
        return read_user(refusal, mm, addr, word);
    return may_access_word(refusal, "peek", addr, EXPLAIN_READ) &&
           copy_from_kernel_nofault(word, (const void *)addr, sizeof(*word)) == 0;
}

/* "0xc0101000  464c457f 00010101 00000000 00000000  .ELF............" */
static void print_row(u32 addr, const u32 *words, u32 count)
{
    const u8 *bytes = (const u8 *)words;
    char text[WORDS_PER_ROW * sizeof(u32) + 1];

    printk("0x%08x ", addr);
    for (u32 i = 0; i < WORDS_PER_ROW; i++) {
        if (i < count)
            printk(" %08x", words[i]);
        else
            printk("%9s", "");
    }
    for (u32 i = 0; i < count * sizeof(u32); i++)
        text[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.';
    text[count * sizeof(u32)] = '\0';
    printk("  %s\n", text);
}

/* Print up to the first word that cannot be read; a line gives the reason. */
static void print_words(struct mm *mm, u32 addr, u32 count)
{
    struct refusal refusal = {""};
    u32 words[WORDS_PER_ROW];

    for (u32 at = addr; count > 0 && !refusal.text[0]; at += sizeof(words)) {
        u32 row = min(count, (u32)WORDS_PER_ROW), got = 0;

        while (got < row && read_word(&refusal, mm, at + got * sizeof(u32), &words[got]))
            got++;
        if (got > 0)
            print_row(at, words, got);
        count -= row;
    }
    if (refusal.text[0])
        printk_folded(refusal.text);
}

void monitor_peek(u32 argc, const char **argv)
{
    struct monitor_address address;
    u32 count = WORDS_DEFAULT;

    if (argc > 2 && (!monitor_parse_u32(argv[2], &count) || count == 0 || count > WORDS_MAX)) {
        printk("usage: %s; N: 1 to %u words\n", MONITOR_PEEK_USAGE, WORDS_MAX);
        return;
    }
    if (!monitor_parse_address("peek", argv[1], argc > 3 ? argv[3] : NULL, &address))
        return;
    print_words(address.mm, address.addr, count);
    monitor_put_address(&address);
}

/* ---- poke ---- */

/* One instruction, so that no other code sees a half-written word. */
static void write_word(u32 addr, u32 value)
{
    struct __attribute__((packed, may_alias)) {
        u32 word;
    } *at = (void *)addr;

    at->word = value;
}

static void poke(u32 addr, u32 value)
{
    struct refusal refusal;
    u32 before, after;

    if (addr < TASK_SIZE) {
        printk("poke: 0x%08x is a user address: poke writes kernel addresses only\n", addr);
    } else if (!may_access_word(&refusal, "poke", addr, EXPLAIN_WRITE)) {
        printk_folded(refusal.text);
    } else if (read_word(&refusal, NULL, addr, &before)) {
        write_word(addr, value);
        if (read_word(&refusal, NULL, addr, &after))
            printk("0x%08x: 0x%08x, was 0x%08x\n", addr, after, before);
    }
}

void monitor_poke(u32 argc, const char **argv)
{
    struct monitor_address address;
    u32 value;

    (void)argc;
    if (!monitor_parse_u32(argv[2], &value)) {
        printk("usage: %s; VALUE: 32 bits, 0x1234abcd or decimal\n", MONITOR_POKE_USAGE);
        return;
    }
    if (!monitor_parse_address("poke", argv[1], NULL, &address))
        return;
    poke(address.addr, value);
    monitor_put_address(&address);
}
