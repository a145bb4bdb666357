/*
 * The initial stack: what the System V ABI for i386 (2.3.1, "Initial Stack and Register State") and
 * Linux (fs/binfmt_elf.c) define for a program's first instruction.
 *
 *     USER_STACK_TOP  0; the path that was executed; the strings of the environment; those of the arguments
 *                     "i686" for AT_PLATFORM, 16 bytes for AT_RANDOM
 *                     auxiliary vector: pairs {type, value}, ended by AT_NULL
 *                     0, environment
 *                     0, argv[argc - 1] ... argv[0]
 *     ESP             argc                                    (a multiple of 16)
 *
 * The positions are computed first; then an area of sufficient size is created, and filled through
 * mm_write(), without loading the address space. The words below the strings are written in pieces,
 * because there may be tens of thousands.
 *
 * Neighbours: kernel/process/exec_args.c has the strings; mm/ lets the stack grow later.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <arch/x86/vdso.h>
#include <asm/signal.h>
#include <kernel/process/exec.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <mm/user/mm.h>

#define STACK_EXTRA 0x20000 /* free room below the initial contents, as on Linux */
#define PLATFORM    "i686"

/* The positions on the stack, and the words that are still to be written at `sp`. */
struct stack {
    struct mm *mm;
    u32 sp;
    u32 strings, execfn, platform, random;
    u32 words[64], count;
    int err; /* the first error */
};

#define AUX_COUNT 22 /* entries of add_auxiliary_vector() */

static void flush_words(struct stack *stack)
{
    if (!stack->err)
        stack->err = mm_write(stack->mm, stack->sp, stack->words, stack->count * sizeof(u32));
    stack->sp += stack->count * sizeof(u32);
    stack->count = 0;
}

static void add_word(struct stack *stack, u32 word)
{
    stack->words[stack->count++] = word;
    if (stack->count == ARRAY_SIZE(stack->words)) {
        flush_words(stack);
        cond_resched();
    }
}

static void add_aux(struct stack *stack, u32 type, u32 value)
{
    add_word(stack, type);
    add_word(stack, value);
}

static void add_auxiliary_vector(struct stack *stack, const struct elf_info *info)
{
    stack->mm->auxv = stack->sp + stack->count * sizeof(u32);
    stack->mm->auxv_end = stack->mm->auxv + 2 * AUX_COUNT * sizeof(u32);
    add_aux(stack, AT_SYSINFO, VDSO_ADDR + vdso_vsyscall);
    add_aux(stack, AT_SYSINFO_EHDR, VDSO_ADDR);
    add_aux(stack, AT_MINSIGSTKSZ, MINSIGSTKSZ);
    add_aux(stack, AT_HWCAP, cpu_features.edx);
    add_aux(stack, AT_PAGESZ, PAGE_SIZE);
    add_aux(stack, AT_CLKTCK, HZ);
    add_aux(stack, AT_PHDR, info->phdr);
    add_aux(stack, AT_PHENT, sizeof(Elf32_Phdr));
    add_aux(stack, AT_PHNUM, info->phdr_count);
    add_aux(stack, AT_BASE, 0);
    add_aux(stack, AT_FLAGS, 0);
    add_aux(stack, AT_ENTRY, info->entry);
    add_aux(stack, AT_UID, 0);
    add_aux(stack, AT_EUID, 0);
    add_aux(stack, AT_GID, 0);
    add_aux(stack, AT_EGID, 0);
    add_aux(stack, AT_SECURE, 0);
    add_aux(stack, AT_RANDOM, stack->random);
    add_aux(stack, AT_HWCAP2, 0);
    add_aux(stack, AT_EXECFN, stack->execfn);
    add_aux(stack, AT_PLATFORM, stack->platform);
    add_aux(stack, AT_NULL, 0);
}

/* Add `count` pointers to consecutive strings, and a 0. Returns the next string. */
static const char *add_pointers(struct stack *stack, const struct exec_args *args,
                                const char *string, u32 count)
{
    for (; count > 0; count--) {
        add_word(stack, stack->strings + (string - args->bytes));
        string += strlen(string) + 1;
    }
    add_word(stack, 0);
    return string;
}

/* Compute the positions. */
static void lay_out(struct stack *stack, const struct exec_args *args, const char *path)
{
    u32 words = 1 + args->argc + 1 + args->envc + 1 + 2 * AUX_COUNT;

    stack->execfn = USER_STACK_TOP - sizeof(u32) - (strlen(path) + 1);
    stack->strings = stack->execfn - args->used;
    stack->platform = stack->strings - sizeof(PLATFORM);
    stack->random = ALIGN_DOWN(stack->platform - 16, sizeof(u32));
    stack->sp = ALIGN_DOWN(stack->random - words * sizeof(u32), 16);
}

/*
 * Create the area: the contents of the stack and some more, but not more than RLIMIT_STACK if
 * possible.
 */
static int add_stack_area(struct stack *stack)
{
    u32 used = USER_STACK_TOP - ALIGN_DOWN(stack->sp, PAGE_SIZE);
    u32 limit = ALIGN_DOWN(stack->mm->stack_limit, PAGE_SIZE);
    u32 size = max(used, min(used + STACK_EXTRA, limit));

    return mm_add_area(stack->mm, USER_STACK_TOP - size, size, VM_READ | VM_WRITE | VM_GROWSDOWN,
                       "[stack]", NULL, 0);
}

static void write_at(struct stack *stack, u32 addr, const void *from, u32 size)
{
    if (!stack->err)
        stack->err = mm_write(stack->mm, addr, from, size);
}

int exec_make_stack(struct mm *mm, const struct exec_args *args, const char *path,
                    const struct elf_info *info, u32 *sp)
{
    u32 random[4] = {arch_random(), arch_random(), arch_random(), arch_random()};
    struct stack stack = {.mm = mm};
    const char *string = args->bytes;
    int err;

    lay_out(&stack, args, path);
    *sp = stack.sp;
    err = add_stack_area(&stack);
    if (err)
        return err;
    write_at(&stack, stack.execfn, path, strlen(path) + 1);
    write_at(&stack, stack.strings, args->bytes, args->used);
    write_at(&stack, stack.platform, PLATFORM, sizeof(PLATFORM));
    write_at(&stack, stack.random, random, sizeof(random));
    add_word(&stack, args->argc);
    string = add_pointers(&stack, args, string, args->argc);
    add_pointers(&stack, args, string, args->envc);
    add_auxiliary_vector(&stack, info);
    flush_words(&stack);
    mm->arg_start = stack.strings;
    mm->arg_end = mm->env_start = stack.strings + args->argv_bytes;
    mm->env_end = stack.strings + args->used;
    return stack.err;
}
