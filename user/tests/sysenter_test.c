/*
 * The vDSO, and its way into the kernel: found as C libraries find it, with all six arguments, with
 * an invalid stack pointer, under a debugger's trap flag, interrupted by signals. Tests of the
 * sysenter instruction are left out where the vDSO uses another. Also passes on Linux.
 */
#include "lib/auxv.h"
#include "lib/handler.h"
#include <asm/ldt.h>
#include <linux/elf.h>
#include <linux/time.h>
#include <linux/wait.h>

#define PAGE         4096u
#define KERNEL_HALF  0xc0000000u
#define EFLAGS_TF    0x100
#define VSYSCALL_MAX 64 /* bytes to look for the instruction in */

static uintptr_t vsyscall, vdso, sysenter_insn;

/* ---- the page as a shared object ---- */

static uint32_t dynamic_value(const Elf32_Dyn *dyn, int32_t tag)
{
    for (; dyn->d_tag != DT_NULL; dyn++)
        if (dyn->d_tag == tag)
            return dyn->d_un.d_val;
    return 0;
}

/* The address of a symbol, by the tables that a dynamic linker uses; 0 if not found. */
static uintptr_t vdso_symbol(const char *name)
{
    const Elf32_Ehdr *header = (const void *)vdso;
    const Elf32_Phdr *segments = (const void *)(vdso + header->e_phoff);
    const Elf32_Dyn *dyn = NULL;
    uintptr_t bias = vdso;
    const Elf32_Sym *symbols;
    const uint32_t *hash;
    const char *strings;

    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD)
            bias = vdso + segments[i].p_offset - segments[i].p_vaddr;
        else if (segments[i].p_type == PT_DYNAMIC)
            dyn = (const void *)(vdso + segments[i].p_offset);
    }
    CHECK(dyn != NULL);
    symbols = (const void *)(bias + dynamic_value(dyn, DT_SYMTAB));
    strings = (const void *)(bias + dynamic_value(dyn, DT_STRTAB));
    hash = (const void *)(bias + dynamic_value(dyn, DT_HASH));
    if ((uintptr_t)hash == bias)
        return 0;
    for (uint32_t i = 1; i < hash[1]; i++)
        if (streq(strings + symbols[i].st_name, name))
            return bias + symbols[i].st_value;
    return 0;
}

static void check_object(void)
{
    const Elf32_Ehdr *header = (const void *)vdso;

    CHECK(vdso % PAGE == 0);
    CHECK(header->e_ident[0] == ELFMAG0 && header->e_ident[1] == 'E');
    CHECK(header->e_ident[EI_CLASS] == ELFCLASS32 && header->e_ident[EI_DATA] == ELFDATA2LSB);
    CHECK(header->e_type == ET_DYN && header->e_machine == EM_386);
    CHECK(vdso + header->e_entry == vsyscall);
    if (vdso_symbol("__kernel_vsyscall") == 0)
        return; /* a Linux without DT_HASH */
    CHECK(vdso_symbol("__kernel_vsyscall") == vsyscall);
    CHECK(vdso_symbol("__kernel_sigreturn") != 0);
    CHECK(vdso_symbol("__kernel_rt_sigreturn") != 0);
    CHECK(vdso_symbol("no_such_name") == 0);
}

/* Code and constants: not writable. */
static void check_readonly(void)
{
    EXPECT_DEATH(SIGSEGV, *(volatile char *)vsyscall = 0);
    CHECK(SYS(brk, 0) > 0);
}

/* ---- calls ---- */

static long vsyscall6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;

    asm volatile("pushl %[f]; push %%ebp; mov 4(%%esp), %%ebp; call *%%ss:vsyscall\n\t"
                 "pop %%ebp; add $4, %%esp"
                 : "=a"(result)
                 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "g"(f)
                 : "memory", "cc");
    return result;
}

#define VSYS_SIX(number, a, b, c, d, e, f, ...)                                                    \
    vsyscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define VSYS(name, ...) VSYS_SIX(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static void check_calls(void)
{
    struct __kernel_old_timespec no_time = {0, 0};
    long pid = sys_getpid();

    CHECK(VSYS(getpid) == pid);
    CHECK(vsyscall6(100000, 1, 2, 3, 4, 5, 6) == -ENOSYS);
    CHECK(vsyscall6(-1, 1, 2, 3, 4, 5, 6) == -ENOSYS);
    CHECK(VSYS(nanosleep, &no_time, NULL) == 0);
    CHECK(VSYS(nanosleep, KERNEL_HALF, NULL) == -EFAULT);
    CHECK(VSYS(write, 77, "", 0) == -EBADF);
}

/* The sixth argument of pselect6 is a pointer. */
static void check_sixth_argument(void)
{
    struct __kernel_old_timespec no_time = {0, 0};

    CHECK(VSYS(pselect6, 0, NULL, NULL, NULL, &no_time, NULL) == 0);
    CHECK(VSYS(pselect6, 0, NULL, NULL, NULL, &no_time, 1) == -EFAULT);
    CHECK(VSYS(pselect6, 0, NULL, NULL, NULL, &no_time, KERNEL_HALF) == -EFAULT);
}

/* The kernel cannot use the program's DS and ES, not even for its first load. */
static void check_segments(void)
{
    struct user_desc desc = {.entry_number = -1,
                             .base_addr = 0x10000000,
                             .limit = 0xfffff,
                             .seg_32bit = 1,
                             .limit_in_pages = 1,
                             .useable = 1};
    long result = __NR_getpid;
    uint32_t selector;

    CHECK(SYS(set_thread_area, &desc) == 0);
    selector = desc.entry_number << 3 | 3;
    asm volatile("push %%ds; push %%es; mov %1, %%ds; mov %1, %%es\n\t"
                 "call *%%ss:vsyscall\n\t"
                 "mov %%es, %1; pop %%es; pop %%ds"
                 : "+a"(result), "+r"(selector)
                 :
                 : "memory");
    CHECK(result == sys_getpid());
    CHECK(selector == (desc.entry_number << 3 | 3) || !in_attic()); /* as entry_test.c */
}

/* ---- EBP is the stack pointer that the program passes ---- */

static struct sigcontext faulted;

static void check_context(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    CHECK(context_of(context)->eax == faulted.eax && context_of(context)->esp == faulted.esp);
    sys_exit(0);
}

/* Jump to the instruction with this EBP. */
static __attribute__((noreturn)) void sysenter_with(long number, uintptr_t ebp)
{
    asm volatile("mov %0, %%ebp; jmp *%%ecx"
                 :
                 : "r"(ebp), "a"(number), "c"(sysenter_insn)
                 : "memory");
    __builtin_unreachable();
}

/*
 * The program has no stack to return to, so it gets SIGSEGV there, with the result of the call.
 */
static void check_stack_pointer(uintptr_t ebp, long result, uintptr_t esp_then)
{
    long pid = fork_process();

    if (pid == 0) {
        set_signal_stack();
        set_handler(SIGSEGV, check_context, SA_ONSTACK);
        faulted.eax = result ? result : sys_getpid();
        faulted.esp = esp_then;
        sysenter_with(__NR_getpid, ebp);
    }
    CHECK(wait_status(pid) == 0);
}

static void check_stack_pointers(void)
{
    uintptr_t heap = sys_brk(0), top = heap + 2 * PAGE;

    check_stack_pointer(0, -EFAULT, 0);
    check_stack_pointer(3, -EFAULT, 3);
    check_stack_pointer(KERNEL_HALF, -EFAULT, KERNEL_HALF);
    check_stack_pointer(0xfffffffe, -EFAULT, 0xfffffffe);
    CHECK(heap % PAGE == 0 && sys_brk(top) == top);
    check_stack_pointer(top - 2, -EFAULT, top - 2); /* half of it is mapped */
    check_stack_pointer(top, -EFAULT, top);
    /*
     * Mapped, but not touched yet: the call is made. Zeros are popped, and the return is to address
     * 0.
     */
    check_stack_pointer(top - PAGE - 4, 0, top - PAGE + 12);
    /* The last word of memory: no space for what is to be popped. */
    check_stack_pointer(top - 4, 0, top);
    CHECK(sys_brk(heap) == heap);
}

/* ---- single steps ---- */

static volatile int steps;
static volatile uintptr_t step_above;

/* Flags that the instruction does not change, and that would do harm in the kernel. */
static void check_flags(void)
{
    static const uint32_t flags[] = {1u << 10, 1u << 14}; /* DF, NT */
    static char by_interrupt[6 * 65], by_vdso[6 * 65];

    CHECK(SYS(uname, by_interrupt) == 0);
    for (int i = 0; i < 2; i++) {
        uint32_t result = __NR_uname;

        memset(by_vdso, 0, sizeof(by_vdso));
        asm volatile("pushf; orl %2, (%%esp); popf\n\t"
                     "call *%3\n\t"
                     "pushf; andl %4, (%%esp); popf"
                     : "+a"(result)
                     : "b"(by_vdso), "S"(flags[i]), "D"(vsyscall), "d"(~flags[i])
                     : "memory", "cc");
        CHECK(result == 0 && streq(by_vdso, by_interrupt) &&
              streq(by_vdso + 65, by_interrupt + 65));
    }
}

static void count_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    steps++;
    if (context_of(context)->eip > step_above)
        step_above = context_of(context)->eip;
}

static void check_steps(void)
{
    long result = __NR_getpid, pid = sys_getpid();

    set_handler(SIGTRAP, count_step, 0);
    asm volatile("pushf; orl %1, (%%esp); popf\n\t"
                 "call *%%ss:vsyscall\n\t"
                 "pushf; andl %2, (%%esp); popf"
                 : "+a"(result)
                 : "i"(EFLAGS_TF), "i"(~EFLAGS_TF)
                 : "memory", "cc");
    CHECK(result == pid);
    CHECK(steps >= 10); /* the pushes, the call and the pops, one by one */
    CHECK(step_above < KERNEL_HALF || aux_value(AT_SYSINFO_EHDR) > KERNEL_HALF);
    CHECK(sys_getpid() == pid);
}

/* ---- signals ---- */

static volatile int signals;

static void count_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    signals++;
}

/* A child that sends a signal after 30 ms, and a byte after another 30 ms. */
static long start_disturber(int fd, int signal)
{
    long parent = sys_getpid(), pid = fork_process();

    if (pid == 0) {
        sleep_ms(30);
        SYS(kill, parent, signal);
        sleep_ms(30);
        SYS(write, fd, "x", 1);
        sys_exit(0);
    }
    return pid;
}

/* The call continues after the handler, with all its arguments, or it ends with EINTR. */
static void check_interrupted(bool through_vdso, unsigned long flags, long result)
{
    int fds[2];
    long pid, got;
    char byte = 0;

    CHECK(SYS(pipe, fds) == 0);
    set_handler(SIGUSR1, count_signal, flags);
    signals = 0;
    pid = start_disturber(fds[1], SIGUSR1);
    got = through_vdso ? VSYS(read, fds[0], &byte, 1) : SYS(read, fds[0], &byte, 1);
    CHECK(got == result);
    CHECK(signals == 1);
    CHECK(result < 0 || byte == 'x');
    CHECK(wait_status(pid) == 0);
    CHECK(SYS(close, fds[0]) == 0 && SYS(close, fds[1]) == 0);
}

/* Both kinds of handlers return through the vDSO if they have no restorer. */
static void check_return_through_vdso(void)
{
    struct action plain = {.handler = count_signal};

    signals = 0;
    set_handler(SIGUSR1, count_signal, 0);
    CHECK(VSYS(kill, sys_getpid(), SIGUSR1) == 0);
    CHECK(SYS(rt_sigaction, SIGUSR1, &plain, NULL, 8) == 0);
    CHECK(VSYS(kill, sys_getpid(), SIGUSR1) == 0);
    CHECK(signals == 2);
}

/* ---- */

static void find_instruction(void)
{
    const uint8_t *code = (const uint8_t *)vsyscall;

    for (int i = 0; i < VSYSCALL_MAX && code[i] != 0xc3; i++)
        if (code[i] == 0x0f && code[i + 1] == 0x34)
            sysenter_insn = vsyscall + i;
}

int main(int argc, char *argv[])
{
    (void)argv;
    vsyscall = aux_value(AT_SYSINFO);
    vdso = aux_value(AT_SYSINFO_EHDR);
    if (!vsyscall || !vdso)
        return argc == 2 ? 1 : 0; /* a Linux without it */
    find_instruction();
    check_object();
    check_calls();
    check_readonly();
    check_sixth_argument();
    check_segments();
    if (sysenter_insn)
        check_stack_pointers();
    check_flags();
    check_steps();
    for (int through_vdso = 0; through_vdso < 2; through_vdso++) {
        check_interrupted(through_vdso, SA_RESTART, 1);
        check_interrupted(through_vdso, 0, -EINTR);
    }
    check_return_through_vdso();
    return argc == 2 && streq(argv[1], "sysenter") && !sysenter_insn ? 2 : 0;
}
