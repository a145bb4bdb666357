/*
 * The cases about memory and processes in xv6's usertests, by their names there, written for
 * Linux's system calls. Also passes on Linux.
 */
#include "lib/cases.h"
#include <linux/wait.h>

/* ---- the heap ---- */

static void sbrkbasic(void)
{
    uint8_t *start = sbrk(0);

    CHECK(sbrk(0x60000000) == (void *)-1 || sbrk(-0x60000000) != (void *)-1);
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t *byte = sbrk(1);

        CHECK(byte == start + i);
        *byte = 1;
    }
    EXPECT_EXIT(0, {
        CHECK(sbrk(1) == start + 5000 && sbrk(1) == start + 5001);
        sys_exit(0);
    });
    CHECK(sbrk(0) == start + 5000);
}

static void sbrkmuch(void)
{
    enum { MUCH = 100 << 20 };
    uint8_t *start = sbrk(0), *page;

    CHECK(sbrk(MUCH) == start);
    start[MUCH - 1] = 99;
    CHECK(sbrk(-PAGE) == start + MUCH && sbrk(0) == start + MUCH - PAGE);
    page = sbrk(PAGE);
    CHECK(page == start + MUCH - PAGE);
    CHECK(page[PAGE - 1] == 0); /* freed memory comes back as zeros */
    CHECK(sbrk(-MUCH) != (void *)-1 && sbrk(0) == start);
    EXPECT_DEATH(SIGSEGV, load(start + 2 * PAGE));
}

static void sbrkfail(void)
{
    uint8_t *start = sbrk(0);

    if ((uintptr_t)start_frame < KERNEL) { /* a 64-bit Linux gives its programs all of 4 GiB */
        CHECK(sys_brk(KERNEL) == (uintptr_t)start);
        CHECK(sys_brk(KERNEL - PAGE) == (uintptr_t)start);
    }
    CHECK(sys_brk(0xffffffff) == (uintptr_t)start);
    CHECK(sys_brk((uintptr_t)start_frame) == (uintptr_t)start); /* into the stack */
    CHECK(sys_brk(0x1000) == (uintptr_t)start);
    CHECK(sbrk(0) == start);
}

/* Untouched heap as an argument of system calls. */
static void sbrkarg(void)
{
    uint8_t *memory = sbrk(PAGE);
    long fd = open_new("/tmp/sbrk");
    int *ends = sbrk(PAGE);

    CHECK(memory != (void *)-1 && ends != (void *)-1);
    CHECK(sys_write(fd, memory, PAGE) == PAGE);
    CHECK(SYS(pipe, ends) == 0);
    CHECK(SYS(close, ends[0]) == 0 && SYS(close, ends[1]) == 0 && SYS(close, fd) == 0);
    CHECK(SYS(unlink, "/tmp/sbrk") == 0);
}

static void sbrkbugs(void)
{
    uintptr_t end = sys_brk(0);

    EXPECT_EXIT(0, {
        CHECK(sys_brk(PAGE) == end); /* below its start: refused, and nothing changes */
        CHECK(sys_brk(end + 3500) == end + 3500);
        CHECK(sys_brk(end) == end);
        sys_exit(0);
    });
    EXPECT_EXIT(0, {
        CHECK(sys_brk(end + 10 * PAGE + 2048) == end + 10 * PAGE + 2048);
        CHECK(sys_brk(end + 10 * PAGE + 2038) == end + 10 * PAGE + 2038);
        sys_exit(0);
    });
}

static void sbrklast(void)
{
    uint8_t *top = (uint8_t *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE), name[8] = "x";
    long fd;

    sys_brk((uintptr_t)top);
    CHECK(sbrk(PAGE) == top && sbrk(10) == top + PAGE && sbrk(-20) == top + PAGE + 10);
    top[PAGE - 64] = 'x';
    top[PAGE - 63] = 0;
    CHECK(sys_brk((uintptr_t)top + PAGE - 62) == (uintptr_t)top + PAGE - 62);
    fd = open_new("/tmp/last");
    CHECK(sys_write(fd, top + PAGE - 64, 1) == 1);
    CHECK(SYS(lseek, fd, 0, 0) == 0);
    CHECK(SYS(read, fd, name, 2) == 1 && name[0] == 'x');
    SYS(close, fd);
    CHECK(SYS(unlink, "/tmp/last") == 0);
}

static void rwsbrk(void)
{
    uint8_t *memory = sbrk(8192);
    long fd = open_new("/tmp/rwsbrk");

    CHECK(memory != (void *)-1 && sbrk(-8192) != (void *)-1);
    memory = (uint8_t *)(((uintptr_t)memory + PAGE - 1) & -PAGE);
    CHECK(sys_write(fd, memory + PAGE, 1024) == -EFAULT);
    SYS(close, fd);
    fd = SYS(open, self, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(SYS(read, fd, memory + PAGE, 10) == -EFAULT);
    CHECK(SYS(unlink, "/tmp/rwsbrk") == 0);
}

static void mem(void)
{
    EXPECT_EXIT(0, {
        void **last = NULL, **block;

        for (int i = 0; i < 200; i++) {
            block = sbrk(10001);
            if (block == (void *)-1)
                break;
            block = (void **)(((uintptr_t)block + 3) & ~3u);
            *block = last;
            last = block;
        }
        CHECK(last != NULL);
        for (block = last; *block; block = *block)
            ;
        sys_exit(0);
    });
}

/* ---- pointers ---- */

static void validatetest(void)
{
    for (uintptr_t address = 0; address <= 1100 * PAGE; address += PAGE) {
        long result = SYS(open, address, O_RDONLY);

        CHECK(result == -EFAULT || result == -ENOENT);
    }
}

static uint8_t untouched[10000];

static void bsstest(void)
{
    CHECK(all_bytes(untouched, sizeof(untouched), 0));
}

static const uintptr_t outside[] = {KERNEL, KERNEL + 0x100000, 0xfffff000, 0xffffffff};
#define OUTSIDE (sizeof(outside) / sizeof(outside[0]))

static void copyin(void)
{
    int ends[2];

    CHECK(SYS(pipe, ends) == 0);
    for (unsigned i = 0; i < OUTSIDE; i++) {
        long fd = open_new("/tmp/copyin");

        CHECK(sys_write(fd, (void *)outside[i], 8192) == -EFAULT);
        CHECK(sys_write(ends[1], (void *)outside[i], 8192) == -EFAULT);
        CHECK(sys_write(1, (void *)outside[i], 8192) == -EFAULT);
        SYS(close, fd);
    }
    CHECK(SYS(unlink, "/tmp/copyin") == 0);
}

static void copyout(void)
{
    int ends[2];

    CHECK(SYS(pipe, ends) == 0);
    CHECK(sys_write(ends[1], "x", 1) == 1);
    for (unsigned i = 0; i < OUTSIDE; i++) {
        long fd = SYS(open, self, O_RDONLY);

        CHECK(fd >= 0);
        CHECK(SYS(read, fd, outside[i], 8192) == -EFAULT);
        CHECK(SYS(read, ends[0], outside[i], 8192) == -EFAULT);
        SYS(close, fd);
    }
}

static void copyinstr1(void)
{
    for (unsigned i = 0; i < OUTSIDE; i++)
        CHECK(SYS(open, outside[i], O_CREAT | O_WRONLY, 0600) == -EFAULT);
}

/* A path that is too long, for every path argument. */
static void copyinstr2(void)
{
    static char name[4097];

    memset(name, 'x', sizeof(name) - 1);
    CHECK(SYS(unlink, name) == -ENAMETOOLONG);
    CHECK(SYS(open, name, O_CREAT | O_WRONLY, 0600) == -ENAMETOOLONG);
    CHECK(SYS(link, name, name) == -ENAMETOOLONG);
    CHECK(SYS(execve, name, NULL, NULL) == -ENAMETOOLONG);
}

/* A path that reaches the end of memory without a 0. */
static void copyinstr3(void)
{
    uint8_t *page = map(NULL, 2 * PAGE, RW, ANONYMOUS, -1);

    CHECK(!IS_ERR(page) && SYS(munmap, page + PAGE, PAGE) == 0);
    page[PAGE - 1] = 'x';
    CHECK(SYS(unlink, page + PAGE - 1) == -EFAULT);
    CHECK(SYS(open, page + PAGE - 1, O_CREAT | O_WRONLY, 0600) == -EFAULT);
    CHECK(SYS(execve, page + PAGE - 1, NULL, NULL) == -EFAULT);
}

static void kernmem(void)
{
    for (uintptr_t address = KERNEL; address < KERNEL + 2000000; address += 50000)
        EXPECT_DEATH(SIGSEGV, load((void *)address));
}

static void maxvaplus(void)
{
    for (uintptr_t address = KERNEL; address != 0; address <<= 1)
        EXPECT_DEATH(SIGSEGV, store((void *)address, 99));
}

static void stacktest(void)
{
    EXPECT_DEATH(SIGSEGV, load((uint8_t *)start_frame - (64 << 20)));
}

static void textwrite(void)
{
    EXPECT_DEATH(SIGSEGV, store((void *)(uintptr_t)textwrite, 10));
    EXPECT_DEATH(SIGSEGV, store(NULL, 10));
}

static void pgbug(void)
{
    char *argv[1] = {NULL};

    CHECK(SYS(execve, (void *)0xeaeb0b5b, argv, NULL) == -EFAULT);
    CHECK(SYS(pipe, (void *)0xeaeb0b5b) == -EFAULT);
}

/* ---- exec ---- */

static void bigargtest(void)
{
    static char big[132000], *argv[34], text[400];
    long pid;

    memset(text, ' ', sizeof(text) - 1);
    for (int i = 1; i < 32; i++)
        argv[i] = text;
    argv[0] = (char *)self;
    argv[1] = "--count";
    pid = fork_process();
    if (pid == 0) {
        SYS(execve, self, argv, NULL);
        sys_exit(98);
    }
    CHECK(wait_status(pid) == 32 << 8);
    argv[1] = big; /* one string of more than 128 KiB */
    argv[2] = NULL;
    memset(big, 'x', sizeof(big) - 1);
    CHECK(SYS(execve, self, argv, NULL) == -E2BIG);
}

static void exectest(void)
{
    char out[8] = "", *echo[] = {(char *)self, "--echo", "OK", NULL};
    long pid = fork_process(), fd;

    if (pid == 0) {
        SYS(close, 1);
        CHECK(open_new("/tmp/echo-ok") == 1);
        SYS(execve, self, echo, NULL);
        sys_exit(98);
    }
    CHECK(wait_status(pid) == 0);
    fd = SYS(open, "/tmp/echo-ok", O_RDONLY);
    CHECK(SYS(read, fd, out, 8) == 3 && streq(out, "OK\n"));
    SYS(close, fd);
    CHECK(SYS(unlink, "/tmp/echo-ok") == 0);
}

static void badarg(void)
{
    for (int i = 0; i < 500; i++) {
        char *argv[] = {(char *)0xffffffff, NULL};

        CHECK(SYS(execve, self, argv, NULL) == -EFAULT);
    }
}

/* ---- processes ---- */

static void forktest(void)
{
    int count = 0;

    for (; count < 200; count++) {
        long pid = SYS(fork);

        if (pid < 0)
            break;
        if (pid == 0)
            sys_exit(0);
    }
    CHECK(count > 0);
    for (; count > 0; count--)
        CHECK(SYS(wait4, -1, NULL, 0, NULL) > 0);
    CHECK(SYS(wait4, -1, NULL, 0, NULL) == -ECHILD);
}

static void exitwait(void)
{
    for (int i = 0; i < 100; i++)
        EXPECT_EXIT(i, sys_exit(i));
}

static void twochildren(void)
{
    for (int i = 0; i < 50; i++) {
        if (fork_process() == 0)
            sys_exit(0);
        if (fork_process() == 0)
            sys_exit(0);
        CHECK(SYS(wait4, -1, NULL, 0, NULL) > 0 && SYS(wait4, -1, NULL, 0, NULL) > 0);
    }
}

static void forkfork(void)
{
    for (int i = 0; i < 2; i++) {
        if (fork_process() == 0) {
            for (int j = 0; j < 30; j++)
                EXPECT_EXIT(0, sys_exit(0));
            sys_exit(0);
        }
    }
    for (int i = 0; i < 2; i++)
        CHECK(SYS(wait4, -1, NULL, 0, NULL) > 0);
}

/* Grandchildren that outlive their parent. */
static void reparent(void)
{
    for (int i = 0; i < 30; i++)
        EXPECT_EXIT(0, {
            fork_process();
            sys_exit(0);
        });
}

static void preempt(void)
{
    long spinners[3];

    for (int i = 0; i < 3; i++) {
        spinners[i] = fork_process();
        if (spinners[i] == 0)
            for (;;)
                ;
    }
    sleep_ms(30);
    for (int i = 0; i < 3; i++) {
        CHECK(SYS(kill, spinners[i], SIGKILL) == 0);
        CHECK((wait_status(spinners[i]) & 0x7f) == SIGKILL);
    }
}

static void killstatus(void)
{
    for (int i = 0; i < 20; i++) {
        long pid = fork_process();

        if (pid == 0)
            for (;;)
                sys_getpid();
        CHECK(SYS(kill, pid, SIGKILL) == 0);
        CHECK((wait_status(pid) & 0x7f) == SIGKILL);
    }
}

static void pipe1(void)
{
    static uint8_t buf[8192];
    uint32_t total = 0, sequence = 0;
    int ends[2];
    long pid, n;

    CHECK(SYS(pipe, ends) == 0);
    pid = fork_process();
    if (pid == 0) {
        SYS(close, ends[0]);
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 1033; j++)
                buf[j] = sequence++;
            CHECK(sys_write(ends[1], buf, 1033) == 1033);
        }
        sys_exit(0);
    }
    SYS(close, ends[1]);
    while ((n = SYS(read, ends[0], buf, sizeof(buf))) > 0) {
        for (long i = 0; i < n; i++)
            CHECK(buf[i] == (uint8_t)sequence++);
        total += n;
    }
    CHECK(total == 5 * 1033);
    CHECK(wait_status(pid) == 0);
}

/* ---- copy-on-write and lazy allocation, from the laboratory exercises ---- */

static void cow_simple(void)
{
    enum { SIZE = 2 << 20 };
    uint8_t *memory = map(NULL, SIZE, RW, ANONYMOUS, -1);

    CHECK(!IS_ERR(memory));
    for (uint32_t i = 0; i < SIZE; i += PAGE)
        memory[i] = 1;
    EXPECT_EXIT(0, sys_exit(memory[SIZE - PAGE] == 1 ? 0 : 1));
    CHECK(SYS(munmap, memory, SIZE) == 0);
}

static void cow_three(void)
{
    enum { PAGES = 128 };
    uint32_t *memory = map(NULL, PAGES * PAGE, RW, ANONYMOUS, -1);

    CHECK(!IS_ERR(memory));
    EXPECT_EXIT(0, {
        EXPECT_EXIT(0, {
            for (uint32_t i = 0; i < PAGES; i++)
                memory[i * PAGE / 4] = sys_getpid();
            for (uint32_t i = 0; i < PAGES; i++)
                CHECK(memory[i * PAGE / 4] == (uint32_t)sys_getpid());
            sys_exit(0);
        });
        for (uint32_t i = 0; i < PAGES / 2; i++)
            memory[i * PAGE / 4] = 9999;
        sys_exit(0);
    });
    for (uint32_t i = 0; i < PAGES; i++)
        CHECK(memory[i * PAGE / 4] == 0);
}

/* read() into pages that are still shared with the parent. */
static void cow_file(void)
{
    static char buf[PAGE] = "parent";

    for (int i = 0; i < 4; i++) {
        int ends[2];

        CHECK(SYS(pipe, ends) == 0);
        EXPECT_EXIT(0, {
            CHECK(sys_write(ends[1], "child", 6) == 6);
            CHECK(SYS(read, ends[0], buf, 6) == 6 && streq(buf, "child"));
            sys_exit(0);
        });
        CHECK(streq(buf, "parent"));
        SYS(close, ends[0]);
        SYS(close, ends[1]);
    }
}

static void sparse_memory(void)
{
    enum { SIZE = 256 << 20 };
    uint8_t *memory = map(NULL, SIZE, RW, ANONYMOUS | MAP_NORESERVE, -1);

    CHECK(!IS_ERR(memory));
    for (uint32_t i = 0; i < SIZE; i += 4 << 20)
        *(uint8_t **)(memory + i) = memory + i;
    for (uint32_t i = 0; i < SIZE; i += 4 << 20)
        CHECK(*(uint8_t **)(memory + i) == memory + i);
    CHECK(SYS(munmap, memory, SIZE) == 0);
}

#define CASE(name) ((struct test_case){#name, name})

static const struct test_case cases[] = {
    CASE(sbrkbasic),   CASE(sbrkmuch),   CASE(sbrkfail),   CASE(sbrkarg),      CASE(sbrkbugs),
    CASE(sbrklast),    CASE(rwsbrk),     CASE(mem),        CASE(validatetest), CASE(bsstest),
    CASE(copyin),      CASE(copyout),    CASE(copyinstr1), CASE(copyinstr2),   CASE(copyinstr3),
    CASE(kernmem),     CASE(maxvaplus),  CASE(stacktest),  CASE(textwrite),    CASE(pgbug),
    CASE(bigargtest),  CASE(exectest),   CASE(badarg),     CASE(forktest),     CASE(exitwait),
    CASE(twochildren), CASE(forkfork),   CASE(reparent),   CASE(preempt),      CASE(killstatus),
    CASE(pipe1),       CASE(cow_simple), CASE(cow_three),  CASE(cow_file),     CASE(sparse_memory),
};

int main(int argc, char *argv[])
{
    if (argc > 1 && streq(argv[1], "--count"))
        return argc;
    if (argc > 2 && streq(argv[1], "--echo")) {
        print("%s\n", argv[2]);
        return 0;
    }
    return run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
