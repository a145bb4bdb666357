/*
 * The cases about memory in Pintos' tests (userprog and vm), by their names there, written for
 * Linux's system calls. Where Pintos requires less than Linux provides (its stack does not grow far
 * below ESP), Linux decides. Also passes on Linux.
 */
#include "lib/cases.h"
#include <linux/wait.h>

#define SAMPLE                                                                                     \
    "Amazing Electronic Fact: If you scuffed your feet long enough without touching anything, "    \
    "you would\n"
#define SAMPLE_SIZE (sizeof(SAMPLE) - 1)

static long open_sample(void)
{
    long fd = open_new("/tmp/sample.txt");

    CHECK(sys_write(fd, SAMPLE, SAMPLE_SIZE) == SAMPLE_SIZE);
    return fd;
}

static uint8_t *map_file(void *at, uint32_t size, int prot, int flags, long fd)
{
    uint8_t *memory = map(at, size, prot, flags, fd);

    CHECK(!IS_ERR(memory));
    return memory;
}

static bool same(const volatile uint8_t *a, const char *b, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        if (a[i] != (uint8_t)b[i])
            return false;
    return true;
}

/* ---- the stack ---- */

static uint32_t sum_of(const volatile uint8_t *from, uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < size; i++)
        sum += from[i];
    return sum;
}

static void __attribute__((noinline)) use_stack(uint32_t size)
{
    volatile uint8_t *memory = __builtin_alloca(size);

    for (uint32_t i = 0; i < size; i += 512)
        memory[i] = 1;
    CHECK(sum_of(memory, 1) == 1);
}

static void pt_grow_stack(void)
{
    use_stack(PAGE);
}

static void pt_big_stk_obj(void)
{
    use_stack(65536);
    use_stack(1 << 20);
}

/*
 * PUSHA at the border of a page: its first store is 4 bytes below ESP, its last 32. ENTER goes
 * further.
 */
static void pt_grow_pusha(void)
{
    asm volatile("mov %%esp, %%eax; and $0xfffff000, %%esp; pushal; mov %%eax, %%esp"
                 :
                 :
                 : "eax", "memory");
    asm volatile(
        "mov %%esp, %%eax; mov %%ebp, %%ecx; sub $0x40000, %%esp; and $0xfffff000, %%esp\n\t"
        "enter $0xffff, $0; push $1; mov %%ecx, %%ebp; mov %%eax, %%esp"
        :
        :
        : "eax", "ecx", "memory");
}

/* Beyond the maximum size of a stack. */
static void pt_grow_bad(void)
{
    EXPECT_DEATH(SIGSEGV, store((void *)((uintptr_t)start_frame - (64 << 20)), 1));
}

/* The kernel is the first to touch a new page of the stack. */
static void pt_grow_stk_sc(void)
{
    long fd = open_sample();
    volatile uint8_t *deep = (volatile uint8_t *)((uintptr_t)start_frame - 0x20000);

    CHECK(SYS(lseek, fd, 0, 0) == 0);
    asm volatile("mov %%esp, %%esi; mov %[deep], %%esp\n\t"
                 "int $0x80\n\t"
                 "mov %%esi, %%esp"
                 : "+a"((long){__NR_read})
                 : "b"(fd), "c"(deep), "d"(SAMPLE_SIZE), [deep] "r"(deep)
                 : "esi", "memory");
    CHECK(same(deep, SAMPLE, SAMPLE_SIZE));
}

/* After a fork the stacks are separate. */
static void page_merge_stk(void)
{
    volatile uint8_t memory[8192];

    for (uint32_t i = 0; i < sizeof(memory); i++)
        memory[i] = i;
    EXPECT_EXIT(0, {
        for (uint32_t i = 0; i < sizeof(memory); i++)
            memory[i] = 7;
        sys_exit(0);
    });
    for (uint32_t i = 0; i < sizeof(memory); i++)
        CHECK(memory[i] == (uint8_t)i);
}

/* ---- bad addresses ---- */

static void pt_bad_addr(void)
{
    EXPECT_DEATH(SIGSEGV, load((void *)0x04000000));
}

static void pt_bad_read(void)
{
    long fd = open_sample();

    SYS(lseek, fd, 0, 0);
    CHECK(SYS(read, fd, (uintptr_t)start_frame - (64 << 20), 1) == -EFAULT);
}

static void pt_write_code(void)
{
    EXPECT_DEATH(SIGSEGV, store((void *)(uintptr_t)pt_write_code, 0));
}

static void pt_write_code2(void)
{
    long fd = open_sample();

    SYS(lseek, fd, 0, 0);
    CHECK(SYS(read, fd, (void *)(uintptr_t)pt_write_code2, 1) == -EFAULT);
}

static void bad_read(void)
{
    EXPECT_DEATH(SIGSEGV, load(NULL));
}

static void bad_write(void)
{
    EXPECT_DEATH(SIGSEGV, store(NULL, 42));
}

static void bad_read2(void)
{
    EXPECT_DEATH(SIGSEGV, load((void *)KERNEL));
}

static void bad_write2(void)
{
    EXPECT_DEATH(SIGSEGV, store((void *)KERNEL, 42));
}

static void bad_jump(void)
{
    EXPECT_DEATH(SIGSEGV, asm volatile("xor %%eax, %%eax; jmp *%%eax" : : : "eax"));
}

static void bad_jump2(void)
{
    EXPECT_DEATH(SIGSEGV, asm volatile("mov $0xc0000000, %%eax; jmp *%%eax" : : : "eax"));
}

/* A system call with an invalid stack pointer: the kernel does not need it. */
static void sc_bad_sp(void)
{
    long result;

    asm volatile("mov %%esp, %%esi; mov $0x1000, %%esp; int $0x80; mov %%esi, %%esp"
                 : "=a"(result)
                 : "a"(__NR_getpid)
                 : "esi", "memory");
    CHECK(result == sys_getpid());
}

static void sc_bad_arg(void)
{
    CHECK(sys_write(1, (void *)(KERNEL - 2), 8) == -EFAULT || (uintptr_t)start_frame > KERNEL);
    CHECK(SYS(read, 0x7fffffff, NULL, 1) == -EBADF);
}

/* ---- arguments across the border of two pages ---- */

/* Two pages with `size` bytes of text ending `behind` bytes after their border. */
static char *at_border(const char *text, uint32_t before)
{
    uint8_t *pages = map_file(NULL, 2 * PAGE, RW, ANONYMOUS, -1);
    char *place = (char *)pages + PAGE - before;

    memcpy(place, text, strlen(text) + 1);
    return place;
}

static void create_bound(void)
{
    long fd = SYS(open, at_border("/tmp/quux.dat", 6), O_CREAT | O_RDWR, 0600);

    CHECK(fd >= 0);
    CHECK(SYS(unlink, at_border("/tmp/quux.dat", 1)) == 0);
}

static void open_boundary(void)
{
    open_sample();
    CHECK(SYS(open, at_border("/tmp/sample.txt", 8), O_RDONLY) >= 0);
}

static void read_boundary(void)
{
    long fd = open_sample();
    char *buf = at_border("", SAMPLE_SIZE / 2);

    SYS(lseek, fd, 0, 0);
    CHECK(SYS(read, fd, buf, SAMPLE_SIZE) == SAMPLE_SIZE);
    CHECK(same((uint8_t *)buf, SAMPLE, SAMPLE_SIZE));
}

static void write_boundary(void)
{
    long fd = open_new("/tmp/sample.txt");

    CHECK(sys_write(fd, at_border(SAMPLE, SAMPLE_SIZE / 2), SAMPLE_SIZE) == SAMPLE_SIZE);
}

/* Arguments of an exec: the array and a string, both across a border. */
static void exec_boundary(void)
{
    char **argv = (char **)at_border("", 6);
    long pid;

    argv[0] = at_border("pintos_test", 4);
    argv[1] = at_border("--child", 3);
    argv[2] = NULL;
    pid = fork_process();
    if (pid == 0) {
        SYS(execve, at_border(self, strlen(self) / 2), argv, NULL);
        sys_exit(98);
    }
    CHECK(wait_status(pid) == 81 << 8);
}

/* The buffer's first page is mapped, its second is not. */
static char *before_hole(uint32_t before)
{
    uint8_t *pages = map_file(NULL, 2 * PAGE, RW, ANONYMOUS, -1);

    CHECK(SYS(munmap, pages + PAGE, PAGE) == 0);
    return (char *)pages + PAGE - before;
}

static void exec_bound_2(void)
{
    char **argv = (char **)before_hole(4);

    argv[0] = (char *)self;
    CHECK(SYS(execve, self, argv, NULL) == -EFAULT);
}

static void exec_bound_3(void)
{
    char *name = before_hole(1);

    *name = 'a';
    CHECK(SYS(execve, name, NULL, NULL) == -EFAULT);
}

/* System calls whose structures lie across a border, or half in a hole. */
static void sc_boundary(void)
{
    struct __kernel_old_timespec *time = (void *)at_border("", 4);

    *time = (struct __kernel_old_timespec){0, 1000};
    CHECK(sys_nanosleep(time) == 0);
}

static void sc_boundary_2(void)
{
    int *ends = (int *)at_border("", 2);

    CHECK(SYS(pipe, ends) == 0);
    CHECK(ends[0] != ends[1]);
}

static void sc_boundary_3(void)
{
    int *ends = (int *)before_hole(4);

    CHECK(SYS(pipe, ends) == -EFAULT);
    CHECK(SYS(clock_gettime, 0, before_hole(7)) == -EFAULT);
}

/* ---- much memory ---- */

#define BIG (1 << 20)

static uint8_t big[BIG];

static void page_linear(void)
{
    for (uint32_t i = 0; i < BIG; i++)
        big[i] = 0x5a;
    CHECK(all_bytes(big, BIG, 0x5a));
    for (uint32_t i = 0; i < BIG; i++)
        big[i] ^= i;
    for (uint32_t i = 0; i < BIG; i++)
        big[i] ^= i;
    CHECK(all_bytes(big, BIG, 0x5a));
}

static void page_parallel(void)
{
    long children[4];

    for (int i = 0; i < 4; i++) {
        children[i] = fork_process();
        if (children[i] == 0) {
            page_linear();
            sys_exit(0x42);
        }
    }
    for (int i = 0; i < 4; i++)
        CHECK(wait_status(children[i]) == 0x42 << 8);
}

static uint32_t seed = 1;

static uint32_t random_number(void)
{
    seed = seed * 1103515245 + 12345;
    return seed >> 8;
}

static void shuffle(volatile uint8_t *memory, uint32_t size)
{
    for (uint32_t i = size - 1; i > 0; i--) {
        uint32_t j = random_number() % (i + 1);
        uint8_t byte = memory[i];

        memory[i] = memory[j];
        memory[j] = byte;
    }
}

static void page_shuffle(void)
{
    enum { SIZE = 128 << 10 };
    uint32_t sum = 0;

    for (uint32_t i = 0; i < SIZE; i++)
        sum += big[i] = i * 257;
    for (int i = 0; i < 4; i++)
        shuffle(big, SIZE);
    CHECK(sum_of(big, SIZE) == sum);
}

/* Sort pieces in children that return them through files, one after the other and all at once. */
static void sort_piece(const char *path)
{
    long fd = SYS(open, path, O_RDWR);
    uint32_t count[256] = {0}, at = 0;
    static uint8_t piece[65536];
    long size = SYS(read, fd, piece, sizeof(piece));

    CHECK(size == sizeof(piece));
    for (long i = 0; i < size; i++)
        count[piece[i]]++;
    for (uint32_t byte = 0; byte < 256; byte++)
        for (; count[byte] > 0; count[byte]--)
            piece[at++] = byte;
    CHECK(SYS(lseek, fd, 0, 0) == 0 && sys_write(fd, piece, size) == size);
    sys_exit(72);
}

static void merge(bool at_once, bool through_mapping)
{
    static char path[] = "/tmp/buf0";
    long children[4];

    for (int i = 0; i < 4; i++) {
        long fd;

        path[8] = '0' + i;
        fd = open_new(path);
        for (uint32_t j = 0; j < 65536; j++)
            big[j] = random_number();
        CHECK(sys_write(fd, big, 65536) == 65536);
        SYS(close, fd);
        children[i] = fork_process();
        if (children[i] == 0)
            sort_piece(path);
        if (!at_once)
            CHECK(wait_status(children[i]) == 72 << 8);
    }
    for (int i = 0; i < 4; i++) {
        const uint8_t *sorted = big;
        long fd;

        if (at_once)
            CHECK(wait_status(children[i]) == 72 << 8);
        path[8] = '0' + i;
        fd = SYS(open, path, O_RDONLY);
        if (through_mapping)
            sorted = map_file(NULL, 65536, PROT_READ, MAP_PRIVATE, fd);
        else
            CHECK(SYS(read, fd, big, 65536) == 65536);
        for (uint32_t j = 1; j < 65536; j++)
            CHECK(sorted[j - 1] <= sorted[j]);
        SYS(close, fd);
        SYS(unlink, path);
    }
}

static void page_merge_seq(void)
{
    merge(false, false);
}

static void page_merge_par(void)
{
    merge(true, false);
}

static void page_merge_mm(void)
{
    merge(true, true);
}

/* Children that take as much memory as possible, repeatedly: no memory may be lost. */
static void multi_oom(void)
{
    for (int round = 0; round < 10; round++) {
        EXPECT_EXIT(20, {
            long pid;
            int depth = 0;

            while (depth < 20 && (pid = SYS(fork)) == 0) {
                depth++;
                for (int i = 0; i < 8; i++)
                    SYS(open, self, O_RDONLY);
                if (depth % 3 == 0)
                    store(NULL, 1); /* one in three crashes */
            }
            if (depth == 0)
                CHECK(pid > 0 && wait_status(pid) == 1 << 8);
            else
                CHECK(pid < 0 || (wait_status(pid) & 0x7f) == (depth % 3 == 2 ? SIGSEGV : 0));
            sys_exit(depth == 0 ? 20 : 1);
        });
    }
}

/* ---- mapped files ---- */

static void mmap_read(void)
{
    uint8_t *memory = map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, open_sample());

    CHECK(same(memory, SAMPLE, SAMPLE_SIZE));
    CHECK(all_bytes(memory + SAMPLE_SIZE, PAGE - SAMPLE_SIZE, 0));
    CHECK(SYS(munmap, memory, PAGE) == 0);
}

static void mmap_close(void)
{
    long fd = open_sample();
    uint8_t *memory = map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd);

    CHECK(SYS(close, fd) == 0);
    CHECK(same(memory, SAMPLE, SAMPLE_SIZE));
}

static void mmap_unmap(void)
{
    uint8_t *memory = map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, open_sample());

    load(memory);
    CHECK(SYS(munmap, memory, PAGE) == 0);
    EXPECT_DEATH(SIGSEGV, load(memory));
}

/* MAP_FIXED replaces existing mappings, MAP_FIXED_NOREPLACE keeps them. */
static void mmap_overlap(void)
{
    uint8_t *memory = map_file(NULL, 4 * PAGE, RW, ANONYMOUS, -1);
    long fd = open_sample();

    memory[PAGE] = 7;
    CHECK((long)map(memory + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd) ==
          -EEXIST);
    CHECK(memory[PAGE] == 7);
    CHECK(map(memory + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd) == memory + PAGE);
    CHECK(same(memory + PAGE, SAMPLE, SAMPLE_SIZE) && memory[0] == 0 && memory[2 * PAGE] == 0);
    EXPECT_DEATH(SIGSEGV, store(memory + PAGE, 1));
    EXPECT_EXIT(0, store(memory + 2 * PAGE, 1); sys_exit(0));
}

static void mmap_twice(void)
{
    long fd = open_sample();

    for (int i = 0; i < 2; i++)
        CHECK(same(map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd), SAMPLE, SAMPLE_SIZE));
}

static void mmap_write(void)
{
    long fd = open_new("/tmp/sample.txt");
    char buf[SAMPLE_SIZE];
    uint8_t *memory;

    CHECK(SYS(ftruncate64, fd, SAMPLE_SIZE, 0) == 0);
    memory = map_file(NULL, PAGE, RW, MAP_SHARED, fd);
    memcpy(memory, SAMPLE, SAMPLE_SIZE);
    CHECK(SYS(munmap, memory, PAGE) == 0);
    CHECK(SYS(read, fd, buf, SAMPLE_SIZE) == SAMPLE_SIZE &&
          same((uint8_t *)buf, SAMPLE, SAMPLE_SIZE));
}

static void mmap_exit(void)
{
    long fd = open_new("/tmp/sample.txt");
    char buf[SAMPLE_SIZE];

    CHECK(SYS(ftruncate64, fd, SAMPLE_SIZE, 0) == 0);
    EXPECT_EXIT(0, {
        memcpy(map_file(NULL, PAGE, RW, MAP_SHARED, fd), SAMPLE, SAMPLE_SIZE);
        sys_exit(0);
    });
    CHECK(SYS(read, fd, buf, SAMPLE_SIZE) == SAMPLE_SIZE &&
          same((uint8_t *)buf, SAMPLE, SAMPLE_SIZE));
}

static void mmap_shuffle(void)
{
    enum { SIZE = 128 << 10 };
    long fd = open_new("/tmp/buffer");
    uint32_t sum = 0;
    uint8_t *memory;

    CHECK(SYS(ftruncate64, fd, SIZE, 0) == 0);
    memory = map_file(NULL, SIZE, RW, MAP_SHARED, fd);
    for (uint32_t i = 0; i < SIZE; i++)
        sum += memory[i] = i * 257;
    shuffle(memory, SIZE);
    CHECK(sum_of(memory, SIZE) == sum);
    CHECK(SYS(read, fd, big, SIZE) == SIZE && sum_of(big, SIZE) == sum);
    SYS(unlink, "/tmp/buffer");
}

static void mmap_bad_fd(void)
{
    CHECK((long)map(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0x5678) == -EBADF);
    CHECK((long)map(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1) == -EBADF);
}

/* A private mapping's writes never reach the file. */
static void mmap_clean(void)
{
    long fd = open_sample();
    char buf[SAMPLE_SIZE];
    uint8_t *memory = map_file(NULL, PAGE, RW, MAP_PRIVATE, fd);

    memset(memory, 'x', SAMPLE_SIZE);
    CHECK(SYS(munmap, memory, PAGE) == 0 && SYS(lseek, fd, 0, 0) == 0);
    CHECK(SYS(read, fd, buf, SAMPLE_SIZE) == SAMPLE_SIZE &&
          same((uint8_t *)buf, SAMPLE, SAMPLE_SIZE));
}

/* Children of fork inherit mappings, exec removes them. */
static void mmap_inherit(void)
{
    uint8_t *at = (uint8_t *)0x20000000;
    uint8_t *memory = map_file(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, open_sample());
    char *argv[] = {(char *)self, "--touch", NULL};

    EXPECT_EXIT(0, sys_exit(same(memory, SAMPLE, SAMPLE_SIZE) ? 0 : 1));
    EXPECT_DEATH(SIGSEGV, SYS(execve, self, argv, NULL));
}

static void mmap_misalign(void)
{
    long fd = open_sample();

    CHECK((long)map((void *)0x20001234, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd) == -EINVAL);
    CHECK(SYS(munmap, 0x20001234, PAGE) == -EINVAL);
    CHECK(SYS(mprotect, 0x20001234, PAGE, PROT_READ) == -EINVAL);
}

static void mmap_null(void)
{
    long result = (long)map(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, open_sample());

    /* Root on Linux may map page 0. */
    CHECK(result == -EPERM || (result == 0 && !in_attic()));
}

/* MAP_FIXED replaces anything, as the manual says: code, data, stack. */
static void mmap_over(void *place)
{
    uint8_t *page = (uint8_t *)((uintptr_t)place & -PAGE);

    EXPECT_EXIT(0, {
        CHECK((long)map(page, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED_NOREPLACE, -1) == -EEXIST);
        CHECK((long)map(page + 1, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1) == -EINVAL);
        sys_exit(0);
    });
}

static void mmap_over_code(void)
{
    mmap_over((void *)(uintptr_t)mmap_over_code);
}

static void mmap_over_data(void)
{
    static int data = 1;

    mmap_over(&data);
}

static void mmap_over_stk(void)
{
    int local;

    mmap_over(&local);
}

static void mmap_remove(void)
{
    uint8_t *memory = map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, open_sample());

    CHECK(SYS(unlink, "/tmp/sample.txt") == 0);
    CHECK(SYS(open, "/tmp/sample.txt", O_RDONLY) == -ENOENT);
    CHECK(same(memory, SAMPLE, SAMPLE_SIZE));
}

/* An empty file can be mapped; touching it is SIGBUS. */
static void mmap_zero(void)
{
    long fd = open_new("/tmp/empty");
    uint8_t *memory;

    CHECK((long)map(NULL, 0, PROT_READ, MAP_PRIVATE, fd) == -EINVAL);
    memory = map_file(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd);
    EXPECT_DEATH(SIGBUS, load(memory));
    SYS(unlink, "/tmp/empty");
}

#define CASE(name) ((struct test_case){#name, name})

static const struct test_case cases[] = {
    CASE(pt_grow_stack),  CASE(pt_big_stk_obj), CASE(pt_grow_pusha), CASE(pt_grow_bad),
    CASE(pt_grow_stk_sc), CASE(page_merge_stk), CASE(pt_bad_addr),   CASE(pt_bad_read),
    CASE(pt_write_code),  CASE(pt_write_code2), CASE(bad_read),      CASE(bad_write),
    CASE(bad_read2),      CASE(bad_write2),     CASE(bad_jump),      CASE(bad_jump2),
    CASE(sc_bad_sp),      CASE(sc_bad_arg),     CASE(create_bound),  CASE(open_boundary),
    CASE(read_boundary),  CASE(write_boundary), CASE(exec_boundary), CASE(exec_bound_2),
    CASE(exec_bound_3),   CASE(sc_boundary),    CASE(sc_boundary_2), CASE(sc_boundary_3),
    CASE(page_linear),    CASE(page_parallel),  CASE(page_shuffle),  CASE(page_merge_seq),
    CASE(page_merge_par), CASE(page_merge_mm),  CASE(multi_oom),     CASE(mmap_read),
    CASE(mmap_close),     CASE(mmap_unmap),     CASE(mmap_overlap),  CASE(mmap_twice),
    CASE(mmap_write),     CASE(mmap_exit),      CASE(mmap_shuffle),  CASE(mmap_bad_fd),
    CASE(mmap_clean),     CASE(mmap_inherit),   CASE(mmap_misalign), CASE(mmap_null),
    CASE(mmap_over_code), CASE(mmap_over_data), CASE(mmap_over_stk), CASE(mmap_remove),
    CASE(mmap_zero),
};

int main(int argc, char *argv[])
{
    if (argc > 1 && streq(argv[1], "--child"))
        return 81;
    if (argc > 1 && streq(argv[1], "--touch"))
        return load((void *)0x20000000);
    return run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
