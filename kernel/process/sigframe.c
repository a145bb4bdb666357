/*
 * The stack of a signal handler, as Linux lays it out for i386 (arch/x86/kernel/signal_32.c; gdb
 * and unwinders depend on it). From the handler's ESP up:
 *
 *     with SA_SIGINFO                      without
 *     return address                       return address
 *     signal number                        signal number = the handler's argument
 *     address of the siginfo               struct sigcontext: the interrupted registers
 *     address of the ucontext              (room of a struct _fpstate, not used)
 *     siginfo_t                            upper half of the old signal mask
 *     ucontext: stack, registers, mask     8 bytes: code, for debuggers only
 *     8 bytes: code, for debuggers only
 *     and above, if the process has used them: the floating-point registers
 *
 * The return address is a function of the vDSO that makes sigreturn(), or the program's
 * SA_RESTORER. sigreturn() finds the frame by ESP and restores everything. The frame lies in user
 * memory, so all of it may be forged: flags are limited to those a program can change itself, and
 * selectors are loaded where a fault is caught.
 *
 * Neighbours: kernel/process/signal.c decides; kernel/process/process_fpu.c has the floating-point
 * registers.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <arch/x86/usersegs.h>
#include <arch/x86/vdso.h>
#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal_internal.h>
#include <lib/string.h>
#include <linux/signal.h>
#include <mm/user/mm.h>

#define EFLAGS_TF (1u << 8)
#define EFLAGS_DF (1u << 10)
#define EFLAGS_RF (1u << 16)

struct sigframe {
    u32 return_address;
    u32 signal;
    struct sigcontext context;
    struct _fpstate unused; /* its place before Linux 2.6.28 */
    u32 mask_high;
    u8 code[8];
};

/* struct ucontext with a mask of 64 bits, <asm/ucontext.h> has only 32 bits. */
struct ucontext64 {
    u32 flags, link;
    struct sigaltstack stack;
    struct sigcontext context;
    u32 mask[2];
};

struct rt_sigframe {
    u32 return_address;
    u32 signal;
    u32 info_address, ucontext_address;
    siginfo_t info;
    struct ucontext64 ucontext;
    u8 code[8];
};

_Static_assert(offsetof(struct rt_sigframe, ucontext.context) == 0xa4 + 0x00 &&
                   sizeof(siginfo_t) == 128,
               "Linux's layout");

/*
 * The code by which debuggers recognize a frame: pop eax; mov eax, number; int 0x80 - and the same
 * without pop.
 */
static const u8 sigreturn_code[8] = {0x58, 0xb8, __NR_sigreturn, 0, 0, 0, 0xcd, 0x80};
static const u8 rt_sigreturn_code[8] = {0xb8, __NR_rt_sigreturn, 0, 0, 0, 0xcd, 0x80, 0};

/* ---- pushing ---- */

bool on_signal_stack(const struct signals *signals, u32 esp)
{
    return !(signals->stack.flags & SS_DISABLE) &&
           esp - signals->stack.base - 1 < signals->stack.size;
}

/* The upper end of the room for the frame. */
static u32 frame_top(const struct pt_regs *regs, const struct action *action)
{
    const struct signals *signals = current->signals;

    if ((action->flags & SA_ONSTACK) && !(signals->stack.flags & SS_DISABLE) &&
        !on_signal_stack(signals, regs->esp))
        return signals->stack.base + signals->stack.size;
    return regs->esp;
}

/* So that ESP + 4 is a multiple of 16 in the handler's first instruction, as after a call. */
static u32 place_frame(u32 top, u32 size)
{
    return ALIGN_DOWN(top - size + 4, 16) - 4;
}

static void fill_context(struct sigcontext *context, const struct pt_regs *regs, u32 fpstate,
                         u64 mask)
{
    *context = (struct sigcontext){
        .gs = read_gs(),
        .fs = read_fs(),
        .es = regs->es,
        .ds = regs->ds,
        .edi = regs->edi,
        .esi = regs->esi,
        .ebp = regs->ebp,
        .esp = regs->esp,
        .ebx = regs->ebx,
        .edx = regs->edx,
        .ecx = regs->ecx,
        .eax = regs->eax,
        .trapno = regs->vector < X86_TRAP_EXCEPTIONS ? regs->vector : 0,
        .err = regs->vector < X86_TRAP_EXCEPTIONS ? regs->error : 0,
        .eip = regs->eip,
        .cs = regs->cs,
        .eflags = regs->eflags,
        .esp_at_signal = regs->esp,
        .ss = regs->ss,
        .fpstate = (struct _fpstate *)fpstate,
        .oldmask = (u32)mask,
        .cr2 = current->signals->fault_addr,
    };
}

static u32 return_address(const struct action *action, u32 vdso_offset)
{
    return action->flags & SA_RESTORER ? action->restorer : VDSO_ADDR + vdso_offset;
}

/* The address of the floating-point registers, above the frame; 0 if there are none. */
static u32 place_fpstate(u32 top)
{
    u32 size = fpu_frame_size();

    return size ? ALIGN_DOWN(top - size, 64) : 0;
}

static int push_plain(u32 sp, const struct pt_regs *regs, u32 signal, const struct action *action,
                      u32 fpstate, u64 mask)
{
    struct sigframe frame = {
        .return_address = return_address(action, vdso_sigreturn),
        .signal = signal,
        .mask_high = mask >> 32,
    };

    memcpy(frame.code, sigreturn_code, sizeof(frame.code));
    fill_context(&frame.context, regs, fpstate, mask);
    return copy_object_to_user((void *)sp, &frame);
}

static void fill_siginfo(siginfo_t *out, u32 signal, const struct signal_info *info)
{
    memset(out, 0, sizeof(*out));
    out->si_signo = signal;
    out->si_code = info->code;
    if (signal == SIGCHLD) {
        out->si_pid = info->pid;
        out->si_status = info->value;
    } else if (info->code > 0 && info->code != SI_KERNEL) {
        out->si_addr = (void *)info->value;
    } else {
        out->si_pid = info->pid;
        out->si_value.sival_int = info->value;
    }
}

int siginfo_to_user(void *user_info, u32 signal, const struct signal_info *info)
{
    siginfo_t siginfo;

    fill_siginfo(&siginfo, signal, info);
    return copy_object_to_user(user_info, &siginfo);
}

static int push_rt(u32 sp, const struct pt_regs *regs, u32 signal, const struct action *action,
                   const struct signal_info *info, u32 fpstate, u64 mask)
{
    const struct signals *signals = current->signals;
    struct rt_sigframe frame = {
        .return_address = return_address(action, vdso_rt_sigreturn),
        .signal = signal,
        .ucontext.stack = {.ss_sp = (void *)signals->stack.base,
                           .ss_flags = signals->stack.flags,
                           .ss_size = signals->stack.size},
        .ucontext.mask = {(u32)mask, mask >> 32},
    };

    memcpy(frame.code, rt_sigreturn_code, sizeof(frame.code));
    fill_siginfo(&frame.info, signal, info);
    fill_context(&frame.ucontext.context, regs, fpstate, mask);
    frame.info_address = sp + offsetof(struct rt_sigframe, info);
    frame.ucontext_address = sp + offsetof(struct rt_sigframe, ucontext);
    return copy_object_to_user((void *)sp, &frame);
}

int sigframe_push(struct pt_regs *regs, u32 signal, const struct action *action,
                  const struct signal_info *info, u64 mask)
{
    bool rt = action->flags & SA_SIGINFO;
    u32 top = frame_top(regs, action), fpstate = place_fpstate(top);
    u32 sp = place_frame(fpstate ? fpstate : top,
                         rt ? sizeof(struct rt_sigframe) : sizeof(struct sigframe));
    int err;

    if (on_signal_stack(current->signals, top) && !on_signal_stack(current->signals, sp))
        return -EFAULT; /* the frame would run below the alternate stack */
    err = fpstate ? fpu_to_user((void *)fpstate) : 0;
    if (!err && rt)
        err = push_rt(sp, regs, signal, action, info, fpstate, mask);
    else if (!err)
        err = push_plain(sp, regs, signal, action, fpstate, mask);
    if (err)
        return err;
    regs->esp = sp;
    regs->eip = action->handler;
    regs->eax = signal;
    regs->edx = rt ? sp + offsetof(struct rt_sigframe, info) : 0;
    regs->ecx = rt ? sp + offsetof(struct rt_sigframe, ucontext) : 0;
    regs->cs = USER_CS;
    regs->ds = regs->es = regs->ss = USER_DS;
    regs->eflags &= ~(EFLAGS_DF | EFLAGS_TF | EFLAGS_RF);
    return 0;
}

/* ---- the return ---- */

/* Restore the state from the frame, as far as a program may set it. 0 or -EFAULT. */
static int restore(struct pt_regs *regs, const struct sigcontext *context, u64 mask)
{
    if (fpu_from_user(context->fpstate) != 0)
        return -EFAULT;
    signal_set_mask(mask);
    regs->ebx = context->ebx;
    regs->ecx = context->ecx;
    regs->edx = context->edx;
    regs->esi = context->esi;
    regs->edi = context->edi;
    regs->ebp = context->ebp;
    regs->eip = context->eip;
    regs->esp = context->esp;
    regs_set_selectors(regs, context->cs, context->ss, context->ds, context->es);
    load_user_fs(context->fs);
    load_user_gs(context->gs);
    regs_set_flags(regs, context->eflags);
    /* The call returns the interrupted EAX, which may be equal to any result. */
    syscall_forget_number(regs);
    return 0;
}

static long bad_frame(const struct pt_regs *regs)
{
    force_signal_fault(SIGSEGV, SI_KERNEL, regs->esp,
                       "sigreturn at eip 0x%08x: no valid frame at esp 0x%08x", regs->eip,
                       regs->esp);
    return 0;
}

/* The handler's ret popped the return address, and __kernel_sigreturn popped the number. */
long sigframe_return(struct pt_regs *regs)
{
    struct sigframe frame;

    if (copy_from_user(&frame, (void *)(regs->esp - 8), sizeof(frame)) ||
        restore(regs, &frame.context, frame.context.oldmask | (u64)frame.mask_high << 32) != 0)
        return bad_frame(regs);
    return frame.context.eax;
}

long rt_sigframe_return(struct pt_regs *regs)
{
    struct rt_sigframe frame;

    if (copy_from_user(&frame, (void *)(regs->esp - 4), sizeof(frame)) ||
        restore(regs, &frame.ucontext.context,
                frame.ucontext.mask[0] | (u64)frame.ucontext.mask[1] << 32) != 0)
        return bad_frame(regs);
    signal_set_stack(&frame.ucontext.stack, regs->esp); /* if refused: unchanged, as on Linux */
    return frame.ucontext.context.eax;
}
