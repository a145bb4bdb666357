/*
 * The rounds of a program that attacks the kernel at random, from ring 3. Each round is a child, in
 * which play() does its work; afterwards all other processes are killed, in all groups and
 * sessions, and the round's files are removed, from one folder and from the root. So run it only on
 * a separate machine, never on Linux, where it would kill your processes.
 *
 * Round i depends only on SEED + i, so `PROGRAM SEED 1` repeats it, as far as the clock allows;
 * with `say` each round is announced. A round that does not end is killed.
 *
 * The code that does this is on separate pages, which a child unmaps before its first step: its
 * jumps go anywhere, and one into the middle of kill_others() would kill the first process.
 */
#pragma once

#include "fuzz_values.h"
#include "handler.h"
#include <linux/stat.h>
#include <linux/utsname.h>
#include <linux/wait.h>

#define PATIENCE_MS 300
#define TICK_US     20000 /* a call that waits is interrupted after this time */
#define RESUME()    __builtin_setjmp(resume)

/* The code that only the first process runs; the linker defines where it begins and ends. */
#define FIRST __attribute__((section("first_process")))
extern char __start_first_process[], __stop_first_process[];

static void *resume[5];
static uint32_t give_up = 4; /* one in so many signals ends a step */
static char signal_stack[16384];
static uint64_t folder_ino;
extern char edata[], end[]; /* user.ld */

/* One round, in a process of its own; the program defines it. It begins with begin_round(). */
static void __attribute__((noreturn, noinline)) play(uint32_t from);

/* ---- signals ---- */

static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
           number == SIGTRAP;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    asm volatile("push $0x202; popf; cld" : : : "cc", "memory");
    if (is_fault(number) || one_in(give_up))
        __builtin_longjmp(resume, 1);
}

static void set_handlers(void)
{
    static const uint8_t numbers[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE,  SIGTRAP, SIGALRM,
                                      SIGUSR1, SIGSYS, SIGPIPE, SIGCHLD, SIGXFSZ};
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    struct action action = {.handler = on_signal, .flags = SA_NODEFER | SA_ONSTACK};

    for (uint32_t i = 0; i < sizeof(numbers); i++)
        SYS(rt_sigaction, numbers[i], &action, NULL, 8);
    SYS(sigaltstack, &stack, NULL);
}

static void set_timer(void)
{
    uint32_t value[4] = {0, TICK_US, 0, TICK_US};

    SYS(setitimer, 0, value, NULL);
}

static void restore(void)
{
    uint64_t none = 0;

    set_handlers();
    set_timer();
    SYS(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

/* Handlers and timer come later: until RESUME() a signal has nowhere to go. */
static void begin_round(uint32_t from)
{
    CHECK(SYS(munmap, __start_first_process, __stop_first_process - __start_first_process) == 0);
    seed(from);
    SYS(setpgid, 0, 0);
}

/* ---- files ---- */

static void copy_program(const char *from, const char *to)
{
    long in = SYS(open, from, O_RDONLY), out = SYS(open, to, O_RDWR | O_CREAT | O_TRUNC, 0755);

    SYS(sendfile, out, in, NULL, 1 << 20);
    SYS(close, in);
    SYS(close, out);
}

static FIRST void make_files(void)
{
    static struct statx stat;

    SYS(mkdir, "/tmp", 0777);
    SYS(mkdir, FOLDER, 0777);
    CHECK(SYS(chdir, FOLDER) == 0); /* or all files in the root would be removed at the end */
    CHECK(SYS(statx, AT_FDCWD, ".", 0, STATX_INO, &stat) == 0);
    folder_ino = stat.stx_ino;
    copy_program("/hello", "x0");
    copy_program("x0", "x1");
    SYS(mkdir, "d0", 0777);
    SYS(mkdir, "d0/d1", 0777);
    SYS(symlink, "loop", "loop");
    SYS(symlink, "pong", "ping");
    SYS(symlink, "missing", "dangling");
    SYS(symlink, "d0/d1", "link");
    SYS(mknod, "fifo", S_IFIFO | 0666, 0);
    SYS(mknod, "null", S_IFCHR | 0666, 1 << 8 | 3);
    SYS(mknod, "zero", S_IFCHR | 0666, 1 << 8 | 5);
    SYS(mknod, "full", S_IFCHR | 0666, 1 << 8 | 7);
    SYS(mkdir, "pong", 0777);
    SYS(mknod, "/stray", S_IFREG | 0666, 0);
}

/* An entry of getdents64(). */
struct entry {
    uint64_t ino, off;
    uint16_t size;
    uint8_t type;
    char name[];
};

static bool is_dots(const char *name)
{
    return streq(name, ".") || streq(name, "..");
}

static FIRST bool empty_folder(long folder, uint64_t ino);

/* Remove an entry, and first what is in it. */
static FIRST bool remove_entry(long folder, const char *name, uint64_t ino)
{
    long inside;
    bool empty;

    if (SYS(unlinkat, folder, name, 0) == 0)
        return true;
    inside = SYS(openat, folder, name, O_RDONLY | O_DIRECTORY);
    empty = inside >= 0 && empty_folder(inside, ino);
    SYS(close, inside);
    return empty && SYS(unlinkat, folder, name, AT_REMOVEDIR) == 0;
}

/* Remove the entries of a folder with a greater inode number. True if none of them is left. */
static FIRST bool empty_folder(long folder, uint64_t ino)
{
    char buf[1024] __attribute__((aligned(8)));
    bool done = true;
    long size;

    while (done && (size = SYS(getdents64, folder, buf, sizeof(buf))) > 0) {
        const struct entry *entry = (const struct entry *)buf;

        for (; done && (char *)entry < buf + size; entry = (void *)((char *)entry + entry->size))
            if (!is_dots(entry->name) && entry->ino > ino)
                done = remove_entry(folder, entry->name, ino);
    }
    return done && size == 0;
}

static FIRST bool empty_path(const char *path)
{
    long folder = SYS(open, path, O_RDONLY | O_DIRECTORY);
    bool empty = folder >= 0 && empty_folder(folder, folder_ino);

    SYS(close, folder);
    return empty;
}

/*
 * Inode numbers only grow, so what is newer than FOLDER is the round's, also in the root: a path
 * may be any bytes of memory that happen to begin with a slash.
 */
static FIRST bool remove_files(void)
{
    bool empty = empty_path(FOLDER);

    SYS(chdir, "/");
    return empty_path("/") && empty && SYS(rmdir, FOLDER) == 0;
}

/* ---- the first process ---- */

/*
 * Memory may run out while the child exists, and then this process must not need any: it gets its
 * own copies of the pages that it writes before the child begins.
 */
static FIRST void own_memory(void)
{
    volatile char deep[32768];

    for (uint32_t i = 0; i < sizeof(deep); i += PAGE)
        deep[i] = 0;
    for (volatile char *at = (volatile char *)data_page; at < end; at += PAGE) {
        char byte = *at;

        *at = byte;
    }
}

static FIRST bool has_ended(long child)
{
    return SYS(wait4, child, NULL, WNOHANG, NULL) != 0;
}

/* Kill all other processes. False if some cannot be killed. */
static FIRST bool kill_others(void)
{
    const struct __kernel_old_timespec nap = {0, 10000000};

    for (int i = 0; SYS(kill, -1, SIGKILL) == 0; i++) {
        if (i > 2000)
            return false;
        if (i < 100)
            sys_sched_yield();
        else
            sys_nanosleep(&nap);
    }
    while (SYS(wait4, -1, NULL, 0, NULL) > 0)
        ;
    return true;
}

static FIRST bool round(const char *name, uint32_t number)
{
    const uint64_t child_ended = 1ull << (SIGCHLD - 1);
    const struct __kernel_old_timespec moment = {0, PATIENCE_MS / 10 * 1000000};
    int ends[2];
    long child;
    bool done;

    make_files();
    CHECK(SYS(pipe, ends) == 0);
    child = SYS(fork);
    if (child == 0) {
        SYS(read, ends[0], ends, 1);
        SYS(close, ends[0]);
        SYS(close, ends[1]);
        play(number);
    }
    own_memory();
    SYS(write, ends[1], "", 1);
    for (int i = 0; i < 10 && !has_ended(child); i++)
        SYS(rt_sigtimedwait, &child_ended, NULL, &moment, 8);
    done = kill_others();
    SYS(close, ends[0]);
    SYS(close, ends[1]);
    if (!done)
        print("%s: seed %u: there are processes that do not end\n", name, number);
    if (!remove_files()) {
        print("%s: seed %u: there are files that cannot be removed\n", name, number);
        return false;
    }
    return done;
}

/* `PROGRAM SEED COUNT [say]`: the rounds; the status. */
static FIRST int fuzz_rounds(int argc, char *argv[])
{
    static struct new_utsname names;
    const uint64_t all = ~0ull;
    uint32_t first, count;
    bool done = true;

    if (argc < 3 || !parse_number(argv[1], &first) || !parse_number(argv[2], &count))
        return 2;
    text_page = (uint32_t)play & -PAGE;
    data_page = (uint32_t)edata & -PAGE;
    SYS(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    SYS(setpgid, 0, 0);
    SYS(uname, &names);
    for (uint32_t i = 0; i < count && done; i++) {
        if (argc > 3)
            print("%s: seed %u\n", argv[0], first + i);
        done = round(argv[0], first + i);
    }
    SYS(sethostname, names.nodename, strlen(names.nodename));
    SYS(setdomainname, names.domainname, strlen(names.domainname));
    return !done;
}
