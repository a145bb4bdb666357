/*
 * The processor state of a thread that is not on its stack.
 *
 * The first stack frames: for the first switch to a new thread, and for the first return of a new
 * process to ring 3. Both must match the pops in entry.asm.
 *
 * The segments of programs: FS and GS, which keep the running program's values even while the
 * kernel runs, and the three descriptors of each process, which are in the GDT while it runs.
 * Removing a descriptor does not change registers already loaded with it, but the next load fails,
 * so every load in ring 0 has a fix-up: here, in switch_to() and on the return to ring 3 the
 * register becomes 0, as on Linux.
 *
 * The floating-point registers are switched later, at their first use (arch/x86/fpu.c); a thread
 * switch only makes this use trap.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/extable.h>
#include <arch/x86/fpu.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/usersegs.h>
#include <lib/string.h>

/* The registers that switch_to() pushes, from the lowest address up. */
struct switch_frame {
    u32 edi, esi, ebx, ebp, eip;
};

void thread_init(struct thread *thread, u32 stack_top, void (*entry)(void *), void *arg)
{
    struct switch_frame *frame = (struct switch_frame *)stack_top - 1;

    *frame = (struct switch_frame){.esi = (u32)arg, .ebx = (u32)entry, .eip = (u32)thread_start};
    *thread = (struct thread){.esp = (u32)frame};
}

void regs_init_user(struct pt_regs *regs, u32 eip, u32 esp)
{
    *regs = (struct pt_regs){.ds = USER_DS,
                             .es = USER_DS,
                             .eip = eip,
                             .cs = USER_CS,
                             .eflags = EFLAGS_FIXED | EFLAGS_IF,
                             .esp = esp,
                             .ss = USER_DS};
}

/* ---- segments ---- */

#define LOAD_SEGMENT(name, selector)                                                               \
    asm volatile("1: mov %0, %%" name "\n"                                                         \
                 "2: .pushsection .text.fixup, \"ax\"\n"                                           \
                 "3: xor %0, %0\n\t"                                                               \
                 "jmp 1b\n\t"                                                                      \
                 ".popsection\n\t" EX_TABLE("1b", "3b")                                            \
                 : "+r"(selector)                                                                  \
                 : [kind] "i"(EX_SELECTOR)                                                         \
                 : "cc")

void load_user_fs(u16 selector)
{
    u32 value = selector;

    LOAD_SEGMENT("fs", value);
}

void load_user_gs(u16 selector)
{
    u32 value = selector;

    LOAD_SEGMENT("gs", value);
}

static inline void load_tls(const u64 *tls)
{
    u64 *slots = &gdt[GDT_ENTRY_TLS_MIN];

    if (likely(slots[0] == tls[0] && slots[1] == tls[1] && slots[2] == tls[2]))
        return;
    for (u32 i = 0; i < TLS_ENTRIES; i++)
        slots[i] = tls[i];
}

void thread_set_tls(struct thread *thread, u32 slot, u64 descriptor, bool running)
{
    u32 flags = local_irq_save();

    thread->tls[slot] = descriptor;
    if (running) {
        gdt[GDT_ENTRY_TLS_MIN + slot] = descriptor;
        load_user_fs(read_fs());
        load_user_gs(read_gs());
    }
    local_irq_restore(flags);
}

void thread_copy_segments(struct thread *to, const struct thread *from)
{
    to->fs = read_fs();
    to->gs = read_gs();
    memcpy(to->tls, from->tls, sizeof(to->tls));
}

void thread_clear_segments(struct thread *thread)
{
    u32 flags = local_irq_save();

    load_user_fs(0);
    load_user_gs(0);
    memset(thread->tls, 0, sizeof(thread->tls));
    load_tls(thread->tls);
    local_irq_restore(flags);
}

/* ---- a switch ---- */

void thread_load(const struct thread *next)
{
    load_tls(next->tls);
    if (unlikely((next != fpu_owner) != fpu_traps))
        fpu_set_traps(next != fpu_owner);
}
