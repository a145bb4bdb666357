/*
 * What a fork copies, shares, and separates: memory of every kind, registers, descriptors; vfork();
 * what clone() accepts and refuses. Also passes on Linux.
 */
#include "lib/auxv.h"
#include "lib/check.h"
#include <asm/ldt.h>
#include <asm/mman.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/sched.h>

#define PAGE 4096
#define FILE "/tmp/fork_test.file"

#define HWCAP_FPU (1u << 0) /* there is a floating-point unit */

static volatile uint32_t in_data = 1, in_bss;

/* Not through SYS(): a child of vfork() must not change its parent's stack frame. */
static long sys_fork(void)
{
    return syscall3(__NR_fork, 0, 0, 0);
}

static long sys_vfork(void)
{
    return syscall3(__NR_vfork, 0, 0, 0);
}

static uint32_t wait_for(long pid)
{
    uint32_t status = ~0u;

    CHECK(SYS(waitpid, pid, &status, 0) == pid);
    return status;
}

/* ---- memory ---- */

struct places {
    volatile uint32_t *at[5];
};

static struct places places(volatile uint32_t *on_stack)
{
    uintptr_t heap = sys_brk(0);
    long map;

    CHECK(sys_brk(heap + PAGE) == heap + PAGE);
    map = SYS(mmap2, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map > 0 || map < -PAGE);
    return (struct places){
        {&in_data, &in_bss, on_stack, (volatile uint32_t *)heap, (volatile uint32_t *)map}};
}

/* Each writes what the other must not see; first the child, then the parent. */
static void memory_is_separated(void)
{
    volatile uint32_t on_stack = 0;
    struct places p = places(&on_stack);
    long pid;

    for (uint32_t i = 0; i < 5; i++)
        *p.at[i] = i + 100;
    pid = sys_fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        for (uint32_t i = 0; i < 5; i++)
            CHECK(*p.at[i] == i + 100);
        for (uint32_t i = 0; i < 5; i++)
            *p.at[i] = i + 200;
        sys_sched_yield();
        for (uint32_t i = 0; i < 5; i++)
            CHECK(*p.at[i] == i + 200);
        sys_exit(0);
    }
    for (uint32_t i = 0; i < 5; i++)
        CHECK(*p.at[i] == i + 100);
    for (uint32_t i = 0; i < 5; i++)
        *p.at[i] = i + 300;
    CHECK(wait_for(pid) == 0);
    for (uint32_t i = 0; i < 5; i++)
        CHECK(*p.at[i] == i + 300);
}

/* A page shared by three processes is copied for each of them. */
static void three_generations(void)
{
    long child;

    in_data = 1;
    child = sys_fork();
    if (child == 0) {
        long grandchild = sys_fork();

        if (grandchild == 0) {
            CHECK(in_data == 1);
            in_data = 3;
            sys_exit(in_data);
        }
        CHECK(wait_for(grandchild) == 3 << 8);
        CHECK(in_data == 1);
        in_data = 2;
        sys_exit(in_data);
    }
    CHECK(wait_for(child) == 2 << 8);
    CHECK(in_data == 1);
}

/* ---- registers ---- */

/* Fork with marks in the registers: true in both if all are unchanged. */
static bool fork_with_marks(long *pid)
{
    uint32_t ebx = 0x11111111, ecx = 0x22222222, edx = 0x33333333, esi = 0x44444444;
    uint32_t edi = 0x55555555, eax = __NR_fork;

    asm volatile("int $0x80"
                 : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi)
                 :
                 : "memory");
    *pid = eax;
    return ebx == 0x11111111 && ecx == 0x22222222 && edx == 0x33333333 && esi == 0x44444444 &&
           edi == 0x55555555;
}

static void registers_are_copied(void)
{
    long pid;
    bool good = fork_with_marks(&pid);

    if (pid == 0)
        sys_exit(good ? 0 : 1);
    CHECK(good && wait_for(pid) == 0);
}

/* Both have the contents of the FPU's stack. */
static void floating_point_is_copied(void)
{
    uint32_t number = 12345, result = 0;
    long pid;

    asm volatile("fildl %0" : : "m"(number));
    pid = sys_fork();
    asm volatile("fistpl %0" : "=m"(result));
    if (pid == 0)
        sys_exit(result == number ? 0 : 1);
    CHECK(result == number);
    CHECK(wait_for(pid) == 0);
}

static uint32_t read_gs(void)
{
    uint32_t value;

    asm volatile("mov %%gs:0, %0" : "=r"(value));
    return value;
}

static void thread_local_segment_is_copied(void)
{
    static uint32_t word = 0x1234;
    struct user_desc desc = {.entry_number = -1,
                             .base_addr = (uintptr_t)&word,
                             .limit = 0xfffff,
                             .seg_32bit = 1,
                             .limit_in_pages = 1,
                             .useable = 1};
    long pid;

    CHECK(SYS(set_thread_area, &desc) == 0);
    asm volatile("mov %0, %%gs" : : "r"(desc.entry_number * 8 + 3));
    pid = sys_fork();
    if (pid == 0) {
        CHECK(read_gs() == 0x1234);
        word = 0x5678;
        CHECK(read_gs() == 0x5678);
        sys_exit(0);
    }
    CHECK(wait_for(pid) == 0);
    CHECK(read_gs() == 0x1234);
    asm volatile("mov %0, %%gs" : : "r"(0));
}

/* ---- what a process has ---- */

static void identity(void)
{
    long parent = sys_getpid(), group = SYS(getpgrp), session = SYS(getsid, 0), pid = sys_fork();

    if (pid == 0) {
        CHECK(sys_getpid() != parent && SYS(getppid) == parent);
        CHECK(SYS(getpgrp) == group && SYS(getsid, 0) == session);
        CHECK(SYS(gettid) == sys_getpid());
        sys_exit(sys_getpid() % 200);
    }
    CHECK(wait_for(pid) == (uint32_t)pid % 200 << 8);
}

/* The open file is the same, with one position for both; each has its own descriptors. */
static void descriptors(void)
{
    long fd = SYS(open, FILE, O_RDWR | O_CREAT | O_TRUNC, 0600), pid;

    CHECK(fd >= 0);
    pid = sys_fork();
    if (pid == 0) {
        CHECK(sys_write(fd, "child", 5) == 5);
        CHECK(SYS(close, fd) == 0);
        CHECK(sys_write(fd, "x", 1) == -EBADF);
        sys_exit(0);
    }
    CHECK(wait_for(pid) == 0);
    CHECK(SYS(lseek, fd, 0, 1) == 5);
    CHECK(sys_write(fd, "parent", 6) == 6);
    CHECK(SYS(close, fd) == 0);
    CHECK(SYS(unlink, FILE) == 0);
}

static void folder_and_umask(void)
{
    char folder[64] = "";
    long pid;

    CHECK(SYS(umask, 027) >= 0);
    CHECK(SYS(chdir, "/tmp") == 0);
    pid = sys_fork();
    if (pid == 0) {
        CHECK(SYS(umask, 0) == 027);
        CHECK(SYS(getcwd, folder, sizeof(folder)) == 5 && streq(folder, "/tmp"));
        CHECK(SYS(chdir, "/") == 0);
        sys_exit(0);
    }
    CHECK(wait_for(pid) == 0);
    CHECK(SYS(umask, 022) == 027);
    CHECK(SYS(getcwd, folder, sizeof(folder)) == 5 && streq(folder, "/tmp"));
}

/* ---- vfork ---- */

static void vfork_shares_memory(void)
{
    long pid;

    in_data = 1;
    pid = sys_vfork();
    if (pid == 0) {
        sys_sched_yield(); /* the parent must not run */
        in_data++;
        syscall3(__NR_exit, in_data == 2 ? 7 : 8, 0, 0);
    }
    CHECK(in_data == 2);
    CHECK(wait_for(pid) == 7 << 8);
}

/* The parent continues when the child has a new program, which no longer shares anything. */
static void vfork_and_exec(const char *self)
{
    static const char *argv[] = {"fork_test", "slow", NULL};
    uint32_t status;
    long pid;

    in_data = 1;
    pid = sys_vfork();
    if (pid == 0) {
        in_data = 2;
        syscall3(__NR_execve, (long)self, (long)argv, 0);
        syscall3(__NR_exit, 9, 0, 0);
    }
    CHECK(in_data == 2);
    CHECK(SYS(waitpid, pid, &status, 1 /* WNOHANG */) == 0); /* it has not ended yet */
    CHECK(wait_for(pid) == 3 << 8);
}

static void vfork_child_killed(void)
{
    long pid = sys_vfork();

    if (pid == 0)
        syscall3(__NR_kill, syscall3(__NR_getpid, 0, 0, 0), SIGKILL, 0);
    CHECK(wait_for(pid) == SIGKILL);
}

/* A limit that is set for the parent while its child uses its memory is in force afterwards. */
static void vfork_parent_gets_a_limit(void)
{
    static const struct rlimit64 limit = {64 << 20, 64 << 20};
    long child = fork_process(), pid, addr;

    if (child) {
        CHECK(wait_for(child) == 0);
        return;
    }
    pid = sys_vfork();
    if (pid == 0) {
        long parent = syscall3(__NR_getppid, 0, 0, 0), err;

        asm volatile("int $0x80"
                     : "=a"(err)
                     : "0"(__NR_prlimit64), "b"(parent), "c"(RLIMIT_AS), "d"(&limit), "S"(0)
                     : "memory");
        syscall3(__NR_exit, err != 0, 0, 0);
    }
    CHECK(wait_for(pid) == 0);
    addr = SYS(mmap2, 0, 65 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sys_exit(addr == -ENOMEM ? 0 : 1);
}

/* ---- clone ---- */

static void clone_refuses(void)
{
    CHECK(SYS(clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0) == -EINVAL);
    CHECK(SYS(clone, CLONE_THREAD | CLONE_VM | SIGCHLD, 0, 0, 0, 0) == -EINVAL);
    CHECK(SYS(clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0) == -EINVAL);
    CHECK(SYS(waitpid, -1, 0, 0) == -ECHILD);
}

static void clone_tells_pids(void)
{
    static volatile int in_parent, in_child;
    long pid;

    pid =
        SYS(clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &in_parent, 0, &in_child);
    if (pid == 0)
        sys_exit(in_child == sys_getpid() ? 0 : 1);
    CHECK(in_parent == pid && in_child == 0);
    CHECK(wait_for(pid) == 0);
}

/* The call succeeds even if the address cannot be written. */
static void clone_with_bad_pointers(void)
{
    long pid = SYS(clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
                   0, 4, 0, 0xfffffff0);

    if (pid == 0)
        sys_exit(4);
    CHECK(pid > 0 && wait_for(pid) == 4 << 8);
    CHECK(SYS(clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0xfffffff0, 0) == -EFAULT);
}

/* So it does with a read-only address; and nothing is written there. */
static void clone_tells_where_it_may_not(volatile int *word, int expected)
{
    unsigned tids = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    uintptr_t page = (uintptr_t)word & -PAGE;
    long pid = SYS(clone, tids | SIGCHLD, 0, word, 0, word);

    if (pid == 0) {
        CHECK(SYS(mprotect, page, PAGE, PROT_READ) == 0);
        sys_exit(*word == expected ? 0 : 1);
    }
    CHECK(pid > 0 && wait_for(pid) == 0);
    /* The child of a vfork() uses the same memory, and its end is reported there, too. */
    pid = SYS(clone, tids | CLONE_VM | CLONE_VFORK | SIGCHLD, 0, word, 0, word);
    if (pid == 0)
        sys_exit(0);
    CHECK(pid > 0 && wait_for(pid) == 0);
    CHECK(SYS(mprotect, page, PAGE, PROT_READ) == 0);
    CHECK(*word == expected);
}

static void clone_respects_rights(void)
{
    static const int in_text = 0x7e87;
    int fd = SYS(open, FILE, O_RDWR | O_CREAT | O_TRUNC, 0600), word = 0x600d;
    long flags[] = {MAP_SHARED, MAP_PRIVATE};

    CHECK(sys_write(fd, &word, sizeof(word)) == sizeof(word));
    SYS(close, fd);
    fd = SYS(open, FILE, O_RDONLY);
    CHECK(fd >= 0);
    for (int i = 0; i < 2; i++) {
        for (int touched = 0; touched < 2; touched++) {
            volatile int *file = (int *)SYS(mmap2, 0, PAGE, PROT_READ, flags[i], fd, 0);
            volatile int *none =
                (int *)SYS(mmap2, 0, PAGE, PROT_READ | PROT_WRITE, flags[i] | MAP_ANONYMOUS, -1, 0);

            if (touched)
                *none = 5;
            CHECK(!touched || *file == 0x600d);
            CHECK(SYS(mprotect, none, PAGE, PROT_NONE) == 0);
            clone_tells_where_it_may_not(file, 0x600d);
            clone_tells_where_it_may_not(none, touched ? 5 : 0);
        }
    }
    clone_tells_where_it_may_not((volatile int *)&in_text, 0x7e87);
    CHECK(SYS(pread64, fd, &word, sizeof(word), 0, 0) == sizeof(word) && word == 0x600d);
    CHECK(SYS(close, fd) == 0 && SYS(unlink, FILE) == 0);
}

static void __attribute__((noreturn)) on_new_stack(void)
{
    uint32_t here;

    sys_exit((uintptr_t)&here >= sys_brk(0) - PAGE && (uintptr_t)&here < sys_brk(0) ? 0 : 1);
}

static void clone_on_another_stack(void)
{
    uintptr_t top = sys_brk(sys_brk(0) + 2 * PAGE);
    long pid = __NR_clone;

    asm volatile("int $0x80; test %%eax, %%eax; jnz 1f; jmp *%%esi; 1:"
                 : "+a"(pid)
                 : "b"(SIGCHLD), "c"(top - 64), "d"(0), "S"(on_new_stack), "D"(0)
                 : "memory", "cc");
    CHECK(pid > 0 && wait_for(pid) == 0);
}

/* Ends without a signal to its parent, which finds it only by waiting for such children. */
static void clone_without_signal(void)
{
    long pid = SYS(clone, 0, 0, 0, 0, 0);
    uint32_t status;

    if (pid == 0)
        sys_exit(6);
    CHECK(pid > 0);
    CHECK(SYS(waitpid, pid, 0, 0) == -ECHILD);
    CHECK(SYS(wait4, pid, &status, 0x80000000 /* __WCLONE */, 0) == pid);
    CHECK(status == 6 << 8);
}

int main(int argc, char *argv[])
{
    if (argc == 2 && streq(argv[1], "slow")) {
        sleep_ms(50);
        return 3;
    }
    vfork_and_exec((const char *)aux_value(AT_EXECFN));
    memory_is_separated();
    three_generations();
    registers_are_copied();
    if (aux_value(AT_HWCAP) & HWCAP_FPU)
        floating_point_is_copied();
    thread_local_segment_is_copied();
    identity();
    descriptors();
    folder_and_umask();
    vfork_shares_memory();
    vfork_child_killed();
    vfork_parent_gets_a_limit();
    clone_refuses();
    clone_tells_pids();
    clone_with_bad_pointers();
    clone_respects_rights();
    clone_on_another_stack();
    clone_without_signal();
    return 0;
}
