/*
 * What execve() gives a program and what it keeps; scripts; every case that it refuses, after which
 * the caller is unchanged; and files that are damaged in every way. Also passes on Linux.
 *
 * With arguments it is the program that was executed, and returns by its status whether it found
 * the expected state.
 */
#include "lib/auxv.h"
#include "lib/check.h"
#include <asm/mman.h>
#include <asm/signal.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#define PAGE     4096
#define FILE     "/tmp/exec_test.file"
#define HUGE     0x20000 /* one argument of this size is too long, on Linux as well */
#define GOOD     77      /* status of a program that found the expected state */
#define NOT_EXEC 99      /* status when execve() returned */

static const char *self; /* a path to this program */

/* ---- helpers ---- */

static uint32_t wait_for(long pid)
{
    uint32_t status = ~0u;

    CHECK(SYS(waitpid, pid, &status, 0) == pid);
    return status;
}

/* Execute in a child. Returns its status from waitpid(). */
static uint32_t run(const char *path, const char *const argv[], const char *const envp[])
{
    long pid = syscall3(__NR_fork, 0, 0, 0);

    if (pid == 0) {
        SYS(execve, path, argv, envp);
        sys_exit(NOT_EXEC);
    }
    CHECK(pid > 0);
    return wait_for(pid);
}

#define ARGV(...)    ((const char *const[]){__VA_ARGS__, NULL})
#define EXITED(code) ((uint32_t)(code) << 8)

static void write_file(const void *bytes, size_t size, int mode)
{
    long fd = SYS(open, FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    CHECK(sys_write(fd, bytes, size) == (long)size);
    CHECK(SYS(fchmod, fd, mode) == 0);
    CHECK(SYS(close, fd) == 0);
}

static void write_text(const char *text, int mode)
{
    write_file(text, strlen(text), mode);
}

static bool is_open(long fd)
{
    return SYS(fcntl64, fd, F_GETFD, 0) >= 0;
}

/* ---- the program that was executed ---- */

static int found(bool right)
{
    return right ? GOOD : 1;
}

static unsigned count_environment(void)
{
    unsigned count = 0;

    while (environ[count])
        count++;
    return count;
}

static int found_arguments(int argc, char *argv[])
{
    return found(argc == 5 && streq(argv[2], "") && streq(argv[3], "two words") &&
                 streq(argv[4], "last") && !argv[5] && count_environment() == 2 &&
                 streq(environ[0], "A=1") && streq(environ[1], "EMPTY=") &&
                 streq((const char *)aux_value(AT_EXECFN), self));
}

/* /proc/self/cmdline has all arguments, each with its 0, and nothing behind them. */
static bool cmdline_is(int argc, char *argv[])
{
    long size = argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0];
    long fd = SYS(open, "/proc/self/cmdline", O_RDONLY);
    char text[512];
    bool same = SYS(read, fd, text, sizeof(text)) == size;

    for (long i = 0; same && i < size; i++)
        same = text[i] == argv[0][i];
    SYS(close, fd);
    return same;
}

/* After the program's own name: the script's argument, its path, its arguments. */
static int found_script(int argc, char *argv[])
{
    return found(argc == 4 && streq(argv[1], "script one  argument") && streq(argv[2], FILE) &&
                 streq(argv[3], "given") && cmdline_is(argc, argv));
}

static int found_many(int argc, char *argv[])
{
    unsigned sum = 0;

    for (int i = 2; i < argc; i++)
        sum += strlen(argv[i]);
    return found(argc == 2 + 1000 && sum == 1000 * 50);
}

/* A new program has a zeroed heap and bss, even if it is the same program. */
static int found_clean(void)
{
    static uint8_t bss[2 * PAGE];
    const uint8_t *heap = (const uint8_t *)sys_brk(0);

    sys_brk((uintptr_t)heap + PAGE);
    for (unsigned i = 0; i < PAGE; i++)
        if (bss[i] || bss[PAGE + i] || heap[i])
            return 1;
    memset(bss, 1, sizeof(bss));
    return GOOD;
}

static int executed(int argc, char *argv[])
{
    const char *what = argv[1];

    if (streq(what, "arguments"))
        return found_arguments(argc, argv);
    if (streq(what, "many"))
        return found_many(argc, argv);
    if (streq(what, "clean"))
        return found_clean();
    if (streq(what, "files"))
        return found(is_open(10) && !is_open(11));
    if (streq(what, "pid"))
        return found(argv[2][0] == (char)sys_getpid() && argv[2][1] == 1);
    if (streq(what, "good"))
        return GOOD;
    return found_script(argc, argv);
}

/* ---- what it gives and keeps ---- */

static void arguments(void)
{
    const char *envp[] = {"A=1", "EMPTY=", NULL};

    CHECK(run(self, ARGV("name", "arguments", "", "two words", "last"), envp) == EXITED(GOOD));
    CHECK(run(self, ARGV("name", "clean"), NULL) == EXITED(GOOD));
}

/* A thousand arguments of 50 letters use many pages of the stack. */
static void many_arguments(void)
{
    static const char *argv[1003] = {"name", "many"};
    static char text[51];

    memset(text, 'x', 50);
    for (unsigned i = 0; i < 1000; i++)
        argv[2 + i] = text;
    CHECK(run(self, argv, NULL) == EXITED(GOOD));
}

static void descriptors(void)
{
    long fd = SYS(open, "/tmp", O_RDONLY | O_DIRECTORY, 0);

    CHECK(fd >= 0);
    CHECK(SYS(dup2, fd, 10) == 10 && SYS(dup2, fd, 11) == 11);
    CHECK(SYS(fcntl64, 11, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(run(self, ARGV("name", "files"), NULL) == EXITED(GOOD));
    CHECK(is_open(11)); /* a child's execve() closes the child's */
    SYS(close, fd), SYS(close, 10), SYS(close, 11);
}

/* It is still the same process. */
static void pid_stays(void)
{
    long pid = syscall3(__NR_fork, 0, 0, 0);

    if (pid == 0) {
        char text[3] = {sys_getpid(), 1, 0};

        if (!text[0])
            sys_exit(GOOD); /* no C string can hold that */
        SYS(execve, self, ARGV("name", "pid", text), NULL);
        sys_exit(NOT_EXEC);
    }
    CHECK(wait_for(pid) == EXITED(GOOD));
}

/* ---- scripts ---- */

static void script_line(char *line, const char *start, const char *interpreter, const char *end)
{
    const char *parts[] = {start, interpreter, end};
    char *to = line;

    for (int i = 0; i < 3; i++)
        for (const char *from = parts[i]; *from;)
            *to++ = *from++;
    *to = '\0';
}

static void scripts(void)
{
    static char line[600];

    script_line(line, "#! ", self, " \t script one  argument \t\nexit 1\n");
    write_text(line, 0700);
    CHECK(run(FILE, ARGV("lost", "given"), NULL) == EXITED(GOOD));
    script_line(line, "#!", self, " good"); /* the file may end where the line does */
    write_text(line, 0700);
    CHECK(run(FILE, ARGV("x"), NULL) == EXITED(GOOD));

    write_text("#!/no/such/interpreter\n", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOENT);
    write_text("#!/\n", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -EACCES);
    write_text("#!\n", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOEXEC);
    write_text("#!  \t \n", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOEXEC);
    write_text("#!" FILE "\n", 0700); /* its own interpreter */
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ELOOP);
    memset(line, 'x', sizeof(line) - 1);
    line[0] = '#', line[1] = '!', line[2] = '/';
    write_text(line, 0700); /* a name that is too long for the kernel */
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOEXEC);
}

/* A chain of scripts that are interpreters: five are allowed, not six. */
static void nested_scripts(void)
{
    char name[] = "/tmp/exec_test.0", line[64];
    long fd;

    for (int i = 0; i < 6; i++) {
        char before[] = "/tmp/exec_test.0";

        before[15] = '0' + i - 1;
        name[15] = '0' + i;
        script_line(line, "#!", i ? before : self, i ? "\n" : " good\n");
        fd = SYS(open, name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
        CHECK(fd >= 0 && sys_write(fd, line, strlen(line)) > 0 && SYS(close, fd) == 0);
    }
    name[15] = '4';
    CHECK(run(name, ARGV("x"), NULL) == EXITED(GOOD));
    name[15] = '5';
    CHECK(SYS(execve, name, ARGV("x"), NULL) == -ELOOP);
    for (int i = 0; i < 6; i++) {
        name[15] = '0' + i;
        CHECK(SYS(unlink, name) == 0);
    }
}

/* ---- refusals ---- */

#define BAD ((void *)0xfffff000)

static void bad_paths(void)
{
    static char path[PAGE + 8];

    CHECK(SYS(execve, "/no/such/file", ARGV("x"), NULL) == -ENOENT);
    CHECK(SYS(execve, "", ARGV("x"), NULL) == -ENOENT);
    CHECK(SYS(execve, "/", ARGV("x"), NULL) == -EACCES);
    CHECK(SYS(execve, "/tmp", ARGV("x"), NULL) == -EACCES);
    write_text("x", 0600);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -EACCES);
    CHECK(SYS(execve, FILE "/x", ARGV("x"), NULL) == -ENOTDIR);
    write_text("x", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOEXEC);
    write_text("", 0700);
    CHECK(SYS(execve, FILE, ARGV("x"), NULL) == -ENOEXEC);
    memset(path, '/', sizeof(path) - 1);
    CHECK(SYS(execve, path, ARGV("x"), NULL) == -ENAMETOOLONG);
}

static void bad_pointers(void)
{
    const char *const strings[] = {"x", (const char *)4, NULL};
    long map = SYS(mmap2, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char **end = (const char **)(map + PAGE) - 1;

    CHECK(SYS(munmap, map + PAGE, PAGE) == 0);
    *end = "x"; /* a vector, and a string, that reach into a hole */
    ((char *)map)[PAGE - 5] = 'x';
    CHECK(SYS(execve, NULL, ARGV("x"), NULL) == -EFAULT);
    CHECK(SYS(execve, BAD, ARGV("x"), NULL) == -EFAULT);
    CHECK(SYS(execve, self, BAD, NULL) == -EFAULT);
    CHECK(SYS(execve, self, ARGV("x"), BAD) == -EFAULT);
    CHECK(SYS(execve, self, 4, NULL) == -EFAULT);
    CHECK(SYS(execve, self, strings, NULL) == -EFAULT);
    CHECK(SYS(execve, self, ARGV("x"), strings) == -EFAULT);
    CHECK(SYS(execve, self, end, NULL) == -EFAULT);
    CHECK(SYS(execve, self, ARGV("x"), end) == -EFAULT);
    memset((void *)map, 'x', PAGE);
    CHECK(SYS(execve, map + PAGE - 5, ARGV("x"), NULL) == -EFAULT);
    CHECK(SYS(execve, self, ARGV((const char *)map + PAGE - 5), NULL) == -EFAULT);
    CHECK(SYS(munmap, map, PAGE) == 0);
}

/* An argument and an environment variable that are too large. */
static void too_big(void)
{
    long map =
        SYS(mmap2, 0, HUGE + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset((void *)map, 'x', HUGE);
    CHECK(SYS(execve, self, ARGV("x", (const char *)map), NULL) == -E2BIG);
    CHECK(SYS(execve, self, ARGV("x"), ARGV((const char *)map)) == -E2BIG);
    CHECK(SYS(munmap, map, HUGE + PAGE) == 0);
}

/* ---- damaged files ---- */

static union {
    uint8_t bytes[0x20000];
    Elf32_Ehdr header;
} image;
static uint32_t image_size;

static Elf32_Phdr *phdr(unsigned i)
{
    return (Elf32_Phdr *)(image.bytes + image.header.e_phoff) + i;
}

static void read_self(void)
{
    long fd = SYS(open, self, O_RDONLY, 0), size;

    CHECK(fd >= 0);
    while ((size = SYS(read, fd, image.bytes + image_size, sizeof(image.bytes) - image_size)) > 0)
        image_size += size;
    CHECK(size == 0 && image_size < sizeof(image.bytes));
    CHECK(SYS(close, fd) == 0);
}

/*
 * Such a file is refused, or is killed by a signal at once, as on Linux some files that Attic
 * refuses. `any`: on Linux it may even run, if the damaged part is not used.
 */
static void try_damaged(uint32_t size, bool any)
{
    uint32_t status;

    write_file(image.bytes, size, 0700);
    status = run(FILE, ARGV("name", "good"), NULL);
    CHECK(status == EXITED(NOT_EXEC) || (status & 0x7f) || (any && status == EXITED(GOOD)));
}

#define DAMAGE(field, value, any)                                                                  \
    do {                                                                                           \
        __typeof__(field) sound = (field);                                                         \
        (field) = (value);                                                                         \
        try_damaged(image_size, any);                                                              \
        (field) = sound;                                                                           \
    } while (0)

static void damaged_headers(void)
{
    Elf32_Ehdr *header = &image.header;

    DAMAGE(header->e_ident[EI_MAG0], 0, false);
    DAMAGE(header->e_machine, EM_X86_64, false);
    DAMAGE(header->e_machine, 0, false);
    DAMAGE(header->e_type, ET_REL, false);
    DAMAGE(header->e_type, ET_CORE, false);
    DAMAGE(header->e_phnum, 0, false);
    DAMAGE(header->e_phnum, 0xffff, false);
    DAMAGE(header->e_phentsize, 0, false);
    DAMAGE(header->e_phentsize, 31, false);
    DAMAGE(header->e_phoff, image_size, false);
    DAMAGE(header->e_phoff, 0xffffffff, false);
    DAMAGE(header->e_phoff, 0x7ffffff0, false);
    DAMAGE(header->e_entry, 0, false);
    DAMAGE(header->e_entry, 0xc0100000, false);
    DAMAGE(header->e_entry, 0xffffffff, false);
    DAMAGE(header->e_ident[EI_CLASS], ELFCLASS64, true);
    DAMAGE(header->e_ident[EI_DATA], ELFDATA2MSB, true);
    DAMAGE(header->e_version, 2, true);
}

static void damaged_segments(void)
{
    Elf32_Phdr *text = phdr(0), *rodata = phdr(1);

    CHECK(text->p_type == PT_LOAD && rodata->p_type == PT_LOAD);
    DAMAGE(text->p_offset, 0x7ffff000, false);
    DAMAGE(text->p_offset, 0xfffff000, false);
    DAMAGE(text->p_filesz, 0xffffffff, false);
    DAMAGE(text->p_filesz, text->p_memsz + 1, true);
    DAMAGE(text->p_memsz, 0xffffffff, false);
    DAMAGE(text->p_memsz, 0xc0000000 - text->p_vaddr + 1, true); /* a 64-bit Linux has space */
    DAMAGE(text->p_memsz, 0u - text->p_vaddr, false);
    DAMAGE(text->p_vaddr, 0xc0100000, false);
    DAMAGE(text->p_vaddr, 0xfffff000, false);
    DAMAGE(text->p_vaddr, 0, false);
    DAMAGE(text->p_vaddr, text->p_vaddr + 1, false);
    DAMAGE(rodata->p_vaddr, text->p_vaddr, true); /* overlap */
    DAMAGE(text->p_memsz, rodata->p_vaddr - text->p_vaddr + 1, true);
    DAMAGE(text->p_type, PT_NULL, false);
    DAMAGE(rodata->p_type, PT_INTERP, false);
    DAMAGE(text->p_flags, PF_R, true); /* without NX, Linux runs that */
}

static void truncated(void)
{
    for (uint32_t size = 1; size < PAGE; size += size < 256 ? 7 : 701)
        try_damaged(size, false);
    for (uint32_t size = PAGE; size < image_size; size += PAGE + 77)
        try_damaged(size, true);
}

/* The undamaged file runs: the files above were refused because of the damage. */
static void sound_file_runs(void)
{
    write_file(image.bytes, image_size, 0700);
    CHECK(run(FILE, ARGV("name", "good"), NULL) == EXITED(GOOD));
}

int main(int argc, char *argv[])
{
    self = (const char *)aux_value(AT_EXECFN);
    if (argc > 1)
        return executed(argc, argv);
    arguments();
    many_arguments();
    descriptors();
    pid_stays();
    scripts();
    nested_scripts();
    bad_paths();
    bad_pointers();
    too_big();
    read_self();
    damaged_headers();
    damaged_segments();
    truncated();
    sound_file_runs();
    CHECK(SYS(unlink, FILE) == 0);
    return 0;
}
