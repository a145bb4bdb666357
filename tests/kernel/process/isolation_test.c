/*
 * What a process cannot do. Every one of the 256 page-directory entries of the kernel half is
 * attacked in four ways; if it has a mapped page the attack goes there, so that only the user bit
 * prevents it.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/pgtable.h>
#include <asm/signal.h>
#include <lib/printf.h>
#include <mm/user/mm.h>

/*
 * An address in the range of a kernel PDE: mapped if it has any page, and writable if that is
 * requested and possible.
 */
static u32 target_in(u32 pde_index, bool writable)
{
    u32 start = pde_index << PDE_SHIFT, target = start;

    if (!pde_present(swapper_pg_dir[pde_index]))
        return start;
    for (u32 i = 0; i < LARGE_PAGE_SIZE / PAGE_SIZE; i++) {
        struct pgwalk walk = pgd_walk(swapper_pg_dir, start + i * PAGE_SIZE);

        if (!walk.mapped)
            continue;
        target = start + i * PAGE_SIZE;
        if (walk.writable || !writable)
            break;
    }
    return target;
}

static struct task_result attack(const char *how, u32 addr)
{
    char number[12];

    snprintf(number, sizeof(number), "0x%08x", addr);
    return run_program(ARGV("attack", how, number));
}

static bool starts_with(const char *s, const char *start)
{
    return strncmp(s, start, strlen(start)) == 0;
}

/* The attack ends in SIGSEGV, and the note says what was tried, where, and why it failed. */
static void expect_death(const char *how, const char *what, u32 addr, const char *why)
{
    struct task_result result = attack(how, addr);
    char expected[80];

    snprintf(expected, sizeof(expected), "attack[%u]: SIGSEGV: %s 0x%08x at eip 0x", result.pid,
             what, addr);
    if (result.exit_code != SIGSEGV || !starts_with(result.death_note, expected) ||
        !strstr(result.death_note, why))
        ktest_fail(__FILE__, __LINE__, "attack %s 0x%08x: exit code 0x%x, note \"%s\"", how, addr,
                   result.exit_code, result.death_note);
}

static void attack_all_kernel_pdes(const char *how, const char *what)
{
    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++)
        expect_death(how, what, target_in(i, strcmp(how, "write") == 0),
                     "the address belongs to the kernel");
}

KTEST(isolation, read)
{
    attack_all_kernel_pdes("read", "read from");
}

KTEST(isolation, write)
{
    attack_all_kernel_pdes("write", "write to");
}

KTEST(isolation, jump)
{
    attack_all_kernel_pdes("jump", "jump to");
}

KTEST(isolation, syscall_pointer)
{
    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        u32 addr = target_in(i, false), exit_code = attack("syscall", addr).exit_code;

        if (exit_code != 0)
            ktest_fail(__FILE__, __LINE__, "write() from 0x%08x: exit code 0x%x", addr, exit_code);
    }
}

KTEST(isolation, borders)
{
    expect_death("read", "read from", TASK_SIZE - 1, "nothing is mapped there");
    expect_death("read", "read from", TASK_SIZE, "the address belongs to the kernel");
    expect_death("read", "read from", 0xffffffff, "the address belongs to the kernel");
    expect_death("jump", "jump to", 0, "nothing is mapped there");
    expect_death("write", "write to", 0x08048000, "the page is read-only");
}

/* ---- exceptions other than page faults ---- */

KTEST(isolation, exceptions_end_the_process)
{
    static const struct {
        const char *name;
        u32 signal;
    } traps[] = {
        {"divide", SIGFPE}, {"opcode", SIGILL},     {"breakpoint", SIGTRAP}, {"halt", SIGSEGV},
        {"port", SIGSEGV},  {"interrupt", SIGSEGV}, {"step", SIGTRAP},
    };

    for (u32 i = 0; i < ARRAY_SIZE(traps); i++) {
        struct task_result result = run_program(ARGV("trap", traps[i].name));

        if (result.exit_code != traps[i].signal || result.death_note[0] == '\0')
            ktest_fail(__FILE__, __LINE__, "trap %s: exit code 0x%x, note \"%s\"", traps[i].name,
                       result.exit_code, result.death_note);
    }
}

/* ---- processes against each other ---- */

struct heap_word {
    u32 addr;
    phys_addr_t phys;
    u32 value;
};

/* The first word of a process's heap; all 0 when it has none. */
static struct heap_word first_heap_word(u32 pid)
{
    struct task *task = task_find(pid);
    struct heap_word word = {0, 0, 0};
    struct pgwalk walk;

    if (!task || !task->mm)
        return word;
    walk = pgd_walk(task->mm->pgd, task->mm->start_brk);
    if (walk.mapped && walk.user) {
        word = (struct heap_word){task->mm->start_brk, walk.phys, 0};
        read_phys(&word.value, walk.phys, sizeof(word.value));
    }
    return word;
}

KTEST(isolation, two_processes_same_address)
{
    u32 a = start_program(ARGV("same_address", "0x11111111"));
    u32 b = start_program(ARGV("same_address", "0x22222222"));
    struct heap_word in_a = {0}, in_b = {0};

    expect_soon((in_a = first_heap_word(a)).value && (in_b = first_heap_word(b)).value);
    expect(in_a.addr != 0);
    expect_eq(in_a.addr, in_b.addr);
    expect(in_a.phys != in_b.phys);
    expect_eq(in_a.value, 0x11111111);
    expect_eq(in_b.value, 0x22222222);
    expect_eq(wait_for(a).exit_code, 0);
    expect_eq(wait_for(b).exit_code, 0);
}

KTEST(isolation, neighbour_notices_nothing)
{
    u32 neighbour = start_program(ARGV("same_address", "0x33333333"));

    expect_death("write", "write to", KERNEL_VIRT, "the address belongs to the kernel");
    expect_death("jump", "jump to", KERNEL_VIRT, "the address belongs to the kernel");
    expect_eq(wait_for(neighbour).exit_code, 0);
}

/*
 * At the first instruction, and after system calls, faults and switches, each process finds its own
 * values in its registers, and never those of another process.
 */
KTEST(isolation, registers_not_leaked)
{
    u32 neighbour = start_program(ARGV("entry_test", "15", "8"));

    expect_passes("start_test", "one", "two");
    expect_passes("entry_test", "0", "4");
    expect_passes("start_test", "one", "two");
    expect_eq(wait_for(neighbour).exit_code, 0);
}
