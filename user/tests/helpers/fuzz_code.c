/*
 * `fuzz_code SEED COUNT [say]`: random machine code in ring 3, in rounds (lib/fuzz_rounds.h). A
 * step is a piece of code of up to forty instructions: those that ring 3 must not use, with random
 * operands and prefixes, and random bytes. It runs with random registers, flags and segments, also
 * across the end of its memory and with a stack that does not exist. The kernel must survive that
 * and be as before: what it must never trust is the state that it finds at an entry.
 *
 * The status is 0; 1 if processes cannot be killed or files cannot be removed.
 */
#include "lib/fuzz_code.h"
#include "lib/fuzz_rounds.h"

#define STEPS      300
#define CODE_PAGES 4u
#define LONGEST    40 /* instructions of a piece */
#define ROOM       16 /* bytes of an instruction, with its operands */

static volatile int steps_left;
static uint8_t *code, *stack;

static uint8_t prefix(void)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x64, 0x65};

    return PICK(prefixes);
}

/* An instruction of the table, or bytes; its length. The bytes behind it are operands. */
static uint32_t write_instruction(uint8_t *at)
{
    const char *bytes = PICK(instructions);
    uint32_t length = 0;

    for (uint32_t i = 0; i < ROOM; i++)
        at[i] = one_in(2) ? rnd() : below(8);
    if (one_in(3))
        return 1 + below(6);
    while (one_in(4) && length < 4)
        at[length++] = prefix();
    memcpy(at + length, bytes, strlen(bytes));
    return length + strlen(bytes) + (one_in(2) ? below(5) : 0);
}

/* A piece that ends in a return, at most at the end of the memory for code. */
static uint32_t write_piece(void)
{
    uint8_t *at = code + below(CODE_PAGES * PAGE - LONGEST * ROOM), *start;

    if (one_in(8))
        at = code + CODE_PAGES * PAGE - ROOM - below(64);
    start = at;
    for (uint32_t i = below(LONGEST); i > 0 && at + ROOM < code + CODE_PAGES * PAGE; i--)
        at += write_instruction(at);
    *at = 0xc3;
    return (uint32_t)start;
}

/* Stack segment and pointer as they are, or random ones; the code never returns from those. */
static void run_without_stack(uint32_t piece)
{
    asm volatile("mov %%ebx, %%esp\n\t push %%ecx\n\t popf\n\t jmp *%%edx"
                 :
                 : "a"(harmless_call()), "b"(one_in(2) ? (uint32_t)stack + below(2 * PAGE) : rnd()),
                   "c"(flags_value()), "d"(piece)
                 : "memory");
}

static void step(void)
{
    uint32_t piece = write_piece();

    if (one_in(6))
        run_without_stack(piece);
    else
        run(piece, one_in(8) ? below(0x1000) + 1000 : harmless_call(), flags_value());
}

static void play(uint32_t from)
{
    give_up = 1; /* many pieces never end */
    begin_round(from);
    code = map(NULL, CODE_PAGES * PAGE, RW | PROT_EXEC, ANONYMOUS, -1);
    stack = map(NULL, PAGE, RW, ANONYMOUS, -1);
    restore();
    steps_left = STEPS;
    RESUME();
    while (steps_left-- > 0)
        step();
    sys_exit(0);
}

FIRST int main(int argc, char *argv[])
{
    return fuzz_rounds(argc, argv);
}
