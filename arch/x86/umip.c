/*
 * Emulates the five instructions that UMIP forbids in ring 3 (include/arch/x86/umip.h).
 *
 * The instruction is read from the program's memory and decoded as far as these five need it:
 * prefixes, opcode, ModRM and SIB bytes, displacement (Intel SDM vol. 2, chapter 2). If it does not
 * recognize the instruction, it changes nothing, and the program gets the usual signal.
 *
 * The results are Linux's: descriptor tables of size 0 at unused addresses in the kernel's half, no
 * LDT, Linux's selector of the TSS (the same as Attic's), and the machine status word of an
 * ordinary kernel.
 *
 * Neighbours: kernel/exception.c calls this; arch/x86/cpu.c turns UMIP on.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/gdt.h>
#include <arch/x86/uaccess.h>
#include <arch/x86/umip.h>
#include <arch/x86/usersegs.h>
#include <lib/string.h>

#define ANSWER_GDT 0xfffe0000u
#define ANSWER_IDT 0xffff0000u
#define ANSWER_MSW 0x80050033u /* PE, MP, ET, NE, WP, AM, PG */

#define INSN_MAX 15 /* bytes of the longest instruction */

enum insn_kind { SLDT, STR, SGDT, SIDT, SMSW, NONE };

struct insn {
    u8 bytes[INSN_MAX];
    u32 size, next;       /* bytes that could be read, and the next one to decode */
    u8 segment;           /* the prefix, or 0 */
    bool word, address16; /* prefixes 66 and 67 */
    enum insn_kind kind;
    u8 modrm;
    u32 addr; /* of its operand, if it is in memory */
};

static u32 take(struct insn *insn, u32 bytes)
{
    u32 value = 0;

    for (u32 i = 0; i < bytes; i++, insn->next++)
        value |= insn->next < insn->size ? (u32)insn->bytes[insn->next] << 8 * i : 0;
    return value;
}

static s32 take_displacement(struct insn *insn, u32 bytes)
{
    u32 value = take(insn, bytes);

    if (bytes == 1)
        return (s8)value;
    return bytes == 2 ? (s16)value : (s32)value;
}

/* ---- the instruction ---- */

static void take_prefixes(struct insn *insn)
{
    for (;; insn->next++) {
        u8 byte = insn->next < insn->size ? insn->bytes[insn->next] : 0;

        if (byte == 0x66)
            insn->word = true;
        else if (byte == 0x67)
            insn->address16 = true;
        else if (byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
                 byte == 0x65)
            insn->segment = byte;
        else if (byte != 0xf2 && byte != 0xf3)
            return;
    }
}

static bool in_memory(const struct insn *insn)
{
    return insn->modrm >> 6 != 3;
}

static enum insn_kind take_opcode(struct insn *insn)
{
    u32 opcode = take(insn, 2), extension;

    insn->modrm = take(insn, 1);
    extension = insn->modrm >> 3 & 7;
    if (opcode == 0x000f && extension <= 1)
        return extension == 0 ? SLDT : STR;
    if (opcode == 0x010f && extension <= 1 && in_memory(insn))
        return extension == 0 ? SGDT : SIDT;
    return opcode == 0x010f && extension == 4 ? SMSW : NONE;
}

/* ---- the address of its operand ---- */

static u32 *general_register(struct pt_regs *regs, u32 number)
{
    u32 *const registers[] = {&regs->eax, &regs->ecx, &regs->edx, &regs->ebx,
                              &regs->esp, &regs->ebp, &regs->esi, &regs->edi};

    return registers[number];
}

/* The offset in its segment; *stack is set if SS is its default segment. */
static u32 offset32(struct insn *insn, struct pt_regs *regs, bool *stack)
{
    u32 mod = insn->modrm >> 6, base = insn->modrm & 7, offset = 0;

    if (base == 4) {
        u32 sib = take(insn, 1), index = sib >> 3 & 7;

        base = sib & 7;
        if (index != 4)
            offset = *general_register(regs, index) << (sib >> 6);
    }
    if (base == 5 && mod == 0)
        return offset + take(insn, 4);
    *stack = base == 4 || base == 5;
    offset += *general_register(regs, base);
    return mod == 0 ? offset : offset + take_displacement(insn, mod == 1 ? 1 : 4);
}

static u32 offset16(struct insn *insn, const struct pt_regs *regs, bool *stack)
{
    const u32 bases[] = {regs->ebx + regs->esi,
                         regs->ebx + regs->edi,
                         regs->ebp + regs->esi,
                         regs->ebp + regs->edi,
                         regs->esi,
                         regs->edi,
                         regs->ebp,
                         regs->ebx};
    u32 mod = insn->modrm >> 6, base = insn->modrm & 7;

    if (base == 6 && mod == 0)
        return take(insn, 2);
    *stack = base == 2 || base == 3 || base == 6;
    return (u16)(bases[base] + (mod == 0 ? 0 : take_displacement(insn, mod)));
}

static u16 segment_selector(const struct pt_regs *regs, u8 prefix, bool stack)
{
    switch (prefix) {
    case 0x26:
        return regs->es;
    case 0x2e:
        return regs->cs;
    case 0x36:
        return regs->ss;
    case 0x3e:
        return regs->ds;
    case 0x64:
        return read_fs();
    case 0x65:
        return read_gs();
    }
    return stack ? regs->ss : regs->ds;
}

/*
 * Add the segment's base; false for an invalid segment, or when the operand begins beyond its
 * limit.
 */
static bool add_base(u32 *addr, u16 selector)
{
    u64 descriptor = selector / 8 < GDT_ENTRIES ? gdt[selector / 8] : 0;
    u32 limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);

    if (descriptor >> 55 & 1)
        limit = limit << PAGE_SHIFT | (PAGE_SIZE - 1);
    if (!(descriptor >> 47 & 1) || *addr > limit)
        return false;
    *addr += (descriptor >> 16 & 0xffffff) | (descriptor >> 32 & 0xff000000);
    return true;
}

/* ---- the result ---- */

/* Fill in the result; returns its size if it is written to memory. */
static u32 answer(enum insn_kind kind, u8 *out)
{
    u32 base = kind == SGDT ? ANSWER_GDT : ANSWER_IDT;
    u32 word = kind == SMSW ? ANSWER_MSW : kind == STR ? TSS_SELECTOR : 0;

    if (kind == SGDT || kind == SIDT) {
        memset(out, 0, 2); /* the limit */
        memcpy(out + 2, &base, sizeof(base));
        return 6;
    }
    memcpy(out, &word, sizeof(word));
    return 2;
}

static bool decode(struct insn *insn, struct pt_regs *regs)
{
    bool stack = false;

    take_prefixes(insn);
    insn->kind = take_opcode(insn);
    if (insn->kind == NONE)
        return false;
    if (in_memory(insn)) {
        insn->addr = insn->address16 ? offset16(insn, regs, &stack) : offset32(insn, regs, &stack);
        if (!add_base(&insn->addr, segment_selector(regs, insn->segment, stack)))
            return false;
    }
    return insn->next <= insn->size;
}

enum umip_result umip_answer(struct pt_regs *regs, u32 *addr)
{
    struct insn insn = {.kind = NONE};
    u8 out[6];
    u32 size;

    if (!cpu_features.umip || regs->error || regs->cs != USER_CS)
        return UMIP_OTHER;
    insn.size = INSN_MAX - copy_from_user(insn.bytes, (const void *)regs->eip, INSN_MAX);
    if (!decode(&insn, regs))
        return UMIP_OTHER;
    size = answer(insn.kind, out);
    if (!in_memory(&insn)) {
        memcpy(general_register(regs, insn.modrm & 7), out, insn.word ? 2 : 4);
    } else if (copy_to_user((void *)insn.addr, out, size)) {
        *addr = insn.addr;
        return UMIP_FAULT;
    }
    regs->eip += insn.next;
    return UMIP_DONE;
}
