/*
 * The border between a program's registers and the kernel's. Programs enter the kernel with null
 * segments and with flags that would harm the kernel; their values are restored
 * (user/tests/entry_test.c checks that in ring 3), and the kernel does not keep them.
 *
 * A task switch saves neither flags nor DS and ES, because at that point they are the kernel's. So
 * a kernel thread that gets the processor from a program in the middle of a system call has the
 * values with which the system call ran, and can check them.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/process/signal.h>
#include <mm/user/mm.h>

#define TEXT        0x08048000 /* a page that every program touches with its first step */
#define EFLAGS_DF   (1u << 10)
#define EFLAGS_NT   (1u << 14)
#define ALL_DATA    "15"
#define DATA_FS     "4"
#define DATA_GS     "8"
#define ALL_NULL    "0"
#define ROUNDS      "6"
#define LOOKS_LEAST 10

KTEST(entry, all_registers_come_back)
{
    expect_passes("entry_test");
}

/* Each sleeps and spins, so that the others run in between. */
KTEST(entry, registers_of_different_processes)
{
    u32 pids[] = {start_program(ARGV("entry_test", DATA_FS, ROUNDS)),
                  start_program(ARGV("entry_test", DATA_GS, ROUNDS)),
                  start_program(ARGV("entry_test", ALL_NULL, ROUNDS))};

    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        expect_eq(wait_for(pids[i]).exit_code, 0);
}

/* ---- the registers with which the kernel runs ---- */

struct kernel_state {
    u32 eflags, ds, es, fs, gs;
};

static struct kernel_state kernel_state(void)
{
    struct kernel_state state;

    asm volatile("pushf; pop %0" : "=r"(state.eflags));
    asm volatile("mov %%ds, %0; mov %%es, %1" : "=r"(state.ds), "=r"(state.es));
    asm volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(state.fs), "=r"(state.gs));
    return state;
}

/* A tick may preempt a program before its first instruction, when no page is mapped yet. */
static bool has_begun(struct mm *mm)
{
    pte_t *pte = pgd_user_pte(mm->pgd, TEXT);

    return pte && pte_present(*pte);
}

/*
 * No values of a program in this thread's registers; its memory is inaccessible. AC has a meaning
 * in ring 0 only with SMAP, and only then it is cleared.
 */
static bool look(const struct task *program)
{
    u32 harmful = EFLAGS_DF | EFLAGS_NT | EFLAGS_TF | (cpu_features.smap ? EFLAGS_AC : 0);
    struct kernel_state state = kernel_state();

    expect_eq(state.eflags & harmful, 0);
    expect_eq(state.ds, KERNEL_DS);
    expect_eq(state.es, KERNEL_DS);
    expect_eq(state.fs, 0);
    expect_eq(state.gs, 0);
    if (!program->mm || pgd_loaded() != program->mm->pgd_phys || !has_begun(program->mm))
        return false;
    if (cpu_features.smap)
        expect_fault((void)*(volatile u32 *)TEXT, TEXT, X86_PF_PROT);
    return true;
}

static void look_at_turns_of(const char *mask)
{
    u32 pid = start_program(ARGV("entry_test", mask, ROUNDS)), looks = 0;
    struct task_result result;

    if (!pid)
        return;
    while (task_try_wait(pid, &result) == -EAGAIN) {
        looks += look(task_find(pid));
        if (!ktest_ok())
            asm volatile("cld"); /* the rest of the kernel needs it */
        sched_yield();
    }
    expect_eq(result.exit_code, 0);
    expect(looks >= LOOKS_LEAST);
}

KTEST(entry, kernel_has_its_own_flags_and_segments)
{
    look_at_turns_of(ALL_DATA);
    look_at_turns_of(ALL_NULL);
}

/* The instructions that UMIP forbids to programs are emulated (user/tests/umip_test.c). */
KTEST(entry, umip)
{
    if (cpu_features.umip)
        expect_passes("umip_test");
    else
        ktest_skip("this processor has no UMIP");
}

/* Ring 3 may use two gates of the IDT; the ring is in bits 5 and 6 of a gate's sixth byte. */
KTEST(entry, gates_for_ring_3)
{
    struct table_register idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    for (u32 v = 0; v < VECTORS; v++) {
        u32 ring = ((const u8 *)idtr.base)[v * 8 + 5] >> 5 & 3;

        if (ring != (v == X86_TRAP_BP || v == SYSCALL_VECTOR ? 3 : 0))
            ktest_fail(__FILE__, __LINE__, "the gate of vector %u is for ring %u", v, ring);
    }
}

/* ---- single steps ---- */

/* A program that single-steps into the kernel is killed; the kernel is not affected. */
KTEST(entry, single_steps)
{
    static const struct {
        const char *name;
        u32 signal;
    } steps[] = {{"step", SIGTRAP},
                 {"step-syscall", SIGTRAP},
                 {"step-segment", SIGTRAP},
                 {"step-fault", SIGTRAP},
                 {"step-opcode", SIGILL}};

    for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
        struct task_result result = run_program(ARGV("trap", steps[i].name));

        if (result.exit_code != steps[i].signal)
            ktest_fail(__FILE__, __LINE__, "trap %s: exit code 0x%x, note \"%s\"", steps[i].name,
                       result.exit_code, result.death_note);
        expect_eq(kernel_state().eflags & EFLAGS_TF, 0);
    }
}

/* There are no local descriptors: a selector of one is refused, and no memory is read for it. */
KTEST(entry, local_selector)
{
    struct task_result result = run_program(ARGV("trap", "selector"));

    expect_eq(result.exit_code, SIGSEGV);
    if (!strstr(result.death_note, "general protection"))
        ktest_fail(__FILE__, __LINE__, "death note: %s", result.death_note);
}

/*
 * A far call and an iret let the processor itself use the program's stack. QEMU treats that as an
 * access by the kernel, which SMAP forbids for any entry: a fault that cannot be resolved. Without
 * SMAP everything works up to the selector at the end, which is always refused.
 */
KTEST(entry, a_fault_that_nothing_forbids_ends)
{
    static const char *const traps[] = {"far-call", "far-call-new", "far-call-shared", "iret"};

    for (u32 i = 0; i < ARRAY_SIZE(traps); i++) {
        u32 pid = start_program(ARGV("trap", traps[i]));
        struct task_result result = {.exit_code = ~0u};

        if (!pid)
            return;
        expect_soon(task_try_wait(pid, &result) != -EAGAIN);
        if (result.exit_code == ~0u && expect_eq(send_signal(task_find(pid), SIGKILL, NULL), 0))
            result = wait_for(pid);
        if (result.exit_code != SIGSEGV)
            ktest_fail(__FILE__, __LINE__, "trap %s: exit code 0x%x, note \"%s\"", traps[i],
                       result.exit_code, result.death_note);
    }
}
