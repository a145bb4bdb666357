/*
 * Core files: which processes leave one, and its contents. A child changes its memory and is killed
 * with known registers; the parent reads its core file. Also passes on Linux, where core_pattern is
 * "core".
 */
#include "lib/auxv.h"
#include "lib/check.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/wait.h>

#define PAGE        4096u
#define NOTHING     77 /* tests/run/linux/test_linux.py: this machine cannot run the test */
#define FOLDER      "/tmp/core_test"
#define DUMPED      0x80
#define WORD        0x5eed0001u
#define UNLIMITED   (~0u)
#define PRIVATE     (MAP_PRIVATE | MAP_ANONYMOUS)
#define TO_PAGES(p) ((uint32_t *)(p))

static const uint8_t *core;
static uint32_t core_size;
static uint32_t in_bss[2 * PAGE / 4] __attribute__((aligned(4096)));
static uint32_t *touched, *hidden, *shared, *file_private, *file_shared;

/* ---- ending ---- */

static void limit_core(uint32_t bytes)
{
    struct rlimit limit = {bytes, UNLIMITED};

    CHECK(SYS(setrlimit, RLIMIT_CORE, &limit) == 0);
}

static void die(int signal)
{
    SYS(kill, sys_getpid(), signal);
}

static long look(const char *name, struct stat64 *stat)
{
    return SYS(lstat64, name, stat);
}

static bool is_there(const char *name)
{
    struct stat64 stat;

    return look(name, &stat) == 0;
}

#define LEAVES_CORE(signal, ...)                                                                   \
    do {                                                                                           \
        CHECK(CHILD_STATUS(__VA_ARGS__) == ((signal) | DUMPED));                                   \
        CHECK(is_there("core") && SYS(unlink, "core") == 0);                                       \
    } while (0)
#define LEAVES_NONE(signal, ...)                                                                   \
    do {                                                                                           \
        CHECK(CHILD_STATUS(__VA_ARGS__) == (signal));                                              \
        CHECK(!is_there("core"));                                                                  \
    } while (0)

static void which_signals(void)
{
    static const uint8_t with[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                   SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    static const uint8_t without[] = {SIGHUP,  SIGINT,  SIGKILL, SIGUSR1,   SIGPIPE,
                                      SIGALRM, SIGTERM, SIGPROF, SIGVTALRM, 40};

    for (unsigned i = 0; i < sizeof(with); i++)
        LEAVES_CORE(with[i], die(with[i]));
    for (unsigned i = 0; i < sizeof(without); i++)
        LEAVES_NONE(without[i], die(without[i]));
}

static void how_it_is_told(void)
{
    siginfo_t info;
    long pid = fork_process();

    if (pid == 0)
        die(SIGABRT);
    CHECK(SYS(waitid, P_PID, pid, &info, WEXITED, NULL) == 0);
    CHECK(info.si_code == CLD_DUMPED && info.si_status == SIGABRT);
    CHECK(SYS(unlink, "core") == 0);
}

static void when_there_is_none(void)
{
    LEAVES_NONE(SIGABRT, limit_core(0); die(SIGABRT));
    LEAVES_NONE(SIGABRT, limit_core(PAGE - 1); die(SIGABRT));
    LEAVES_NONE(SIGABRT, SYS(prctl, PR_SET_DUMPABLE, 0); die(SIGABRT));
    EXPECT_EXIT(SIGABRT, SYS(prctl, PR_SET_DUMPABLE, 0); sys_exit(CHILD_STATUS(die(SIGABRT))));
    LEAVES_NONE(SIGABRT, SYS(chdir, "/proc"); die(SIGABRT));
    LEAVES_NONE(SIGABRT, SYS(mkdir, "gone", 0700); SYS(chdir, "gone"); SYS(rmdir, "../gone");
                die(SIGABRT));
    CHECK(SYS(prctl, PR_SET_DUMPABLE, 3) == -EINVAL);
    EXPECT_EXIT(0, SYS(prctl, PR_SET_DUMPABLE, 0); sys_exit(SYS(prctl, PR_GET_DUMPABLE)));
}

/* The name exists already. */
static void what_is_in_the_way(void)
{
    struct stat64 stat;

    CHECK(SYS(symlink, "target", "core") == 0);
    LEAVES_CORE(SIGABRT, die(SIGABRT));
    CHECK(!is_there("target"));
    CHECK(SYS(mknod, "core", S_IFIFO | 0600, 0) == 0);
    CHECK(CHILD_STATUS(die(SIGABRT)) == (SIGABRT | DUMPED));
    CHECK(look("core", &stat) == 0 && S_ISREG(stat.st_mode) && (stat.st_mode & 0777) == 0600);
    CHECK(SYS(link, "core", "other") == 0); /* the other name keeps the old one */
    CHECK(CHILD_STATUS(limit_core(PAGE); die(SIGABRT)) == (SIGABRT | DUMPED));
    CHECK(look("core", &stat) == 0 && stat.st_size <= PAGE && stat.st_nlink == 1);
    CHECK(look("other", &stat) == 0 && stat.st_size > PAGE);
    CHECK(SYS(unlink, "core") == 0 && SYS(unlink, "other") == 0);
    CHECK(SYS(mkdir, "core", 0700) == 0);
    CHECK(CHILD_STATUS(die(SIGABRT)) == SIGABRT);
    CHECK(SYS(rmdir, "core") == 0);
}

/* ---- contents ---- */

static void read_core(void)
{
    struct stat64 stat;
    long fd = SYS(open, "core", O_RDONLY);

    CHECK(fd >= 0 && SYS(fstat64, fd, &stat) == 0);
    core_size = stat.st_size;
    core = (const uint8_t *)SYS(mmap2, 0, core_size, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK((uint32_t)core < -4095u && SYS(close, fd) == 0);
    CHECK((int64_t)stat.st_blocks * 512 < stat.st_size); /* it has holes */
    CHECK(SYS(unlink, "core") == 0);
}

static const Elf32_Phdr *program_header(unsigned i)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)core;

    return i < header->e_phnum ? (const Elf32_Phdr *)(core + header->e_phoff) + i : NULL;
}

/* The segment that has an address; its bytes in the core, NULL if they are not there. */
static const Elf32_Phdr *segment_of(const void *addr, const uint32_t **bytes)
{
    const Elf32_Phdr *phdr;
    uint32_t offset;

    for (unsigned i = 0; (phdr = program_header(i)); i++) {
        offset = (uint32_t)addr - phdr->p_vaddr;
        if (phdr->p_type != PT_LOAD || offset >= phdr->p_memsz)
            continue;
        CHECK(phdr->p_offset + phdr->p_filesz <= core_size && phdr->p_offset % PAGE == 0);
        *bytes =
            offset < phdr->p_filesz ? (const uint32_t *)(core + phdr->p_offset + offset) : NULL;
        return phdr;
    }
    check_failed(__FILE__, __LINE__, "an address in no segment");
}

static const void *find_note(uint32_t type, uint32_t *size)
{
    const Elf32_Phdr *phdr = program_header(0);
    uint32_t at = phdr->p_offset, end = at + phdr->p_filesz;

    CHECK(phdr->p_type == PT_NOTE && end <= core_size);
    while (at < end) {
        const Elf32_Nhdr *note = (const Elf32_Nhdr *)(core + at);

        at += sizeof(*note) + ((note->n_namesz + 3) & ~3u);
        if (note->n_type == type) {
            CHECK(note->n_namesz == 5 && streq((const char *)(note + 1), "CORE"));
            *size = note->n_descsz;
            return core + at;
        }
        at += (note->n_descsz + 3) & ~3u;
    }
    check_failed(__FILE__, __LINE__, "a note is missing");
}

static void prepare_memory(void)
{
    long fd = SYS(open, "mapped", O_RDWR | O_CREAT, 0600);

    CHECK(fd >= 0 && SYS(ftruncate, fd, 3 * PAGE) == 0 && sys_write(fd, "file", 4) == 4);
#define MAP(prot, flags, fd_) TO_PAGES(SYS(mmap2, 0, 3 * PAGE, prot, flags, fd_, 0))
    touched = MAP(PROT_READ | PROT_WRITE, PRIVATE, -1);
    hidden = MAP(PROT_READ | PROT_WRITE, PRIVATE, -1);
    shared = MAP(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    file_private = MAP(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
    file_shared = MAP(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    CHECK(SYS(close, fd) == 0);
}

/* Runs in the child; with known registers the last instruction is invalid. */
static void change_memory(void)
{
    in_bss[0] = touched[PAGE / 4] = hidden[0] = shared[0] = file_private[PAGE / 4] = WORD;
    file_shared[1] = WORD;
    CHECK(SYS(mprotect, hidden, 3 * PAGE, PROT_NONE) == 0);
}

extern char bad_instruction[];

static __attribute__((noinline)) void die_with_registers(void)
{
    change_memory();
    asm volatile("mov $0x11, %%ebx; mov $0x22, %%ecx; mov $0x33, %%edx; mov $0x44, %%esi;"
                 "mov $0x55, %%edi; mov $0x66, %%ebp; mov $0x77, %%eax; stc; std;"
                 "bad_instruction: ud2" ::
                     : "memory");
}

struct prstatus { /* of Linux's include/linux/elfcore.h, for i386 */
    int32_t signo, code, error;
    uint16_t cursig, padding;
    uint32_t pending, blocked;
    uint32_t pid, ppid, pgrp, session;
    uint32_t times[8];
    uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp, ss;
    uint32_t fpu_valid;
};

static void check_registers(long pid)
{
    uint32_t size;
    const struct prstatus *status = find_note(NT_PRSTATUS, &size);
    uint16_t ds, ss;

    asm("mov %%ds, %0; mov %%ss, %1" : "=r"(ds), "=r"(ss));
    CHECK(size == sizeof(*status) && size == 144);
    CHECK(status->signo == SIGILL && status->cursig == SIGILL);
    CHECK(status->pid == (uint32_t)pid && status->ppid == (uint32_t)sys_getpid());
    CHECK(status->pgrp == (uint32_t)SYS(getpgrp) && status->session == (uint32_t)SYS(getsid, 0));
    CHECK(status->blocked == 1u << (SIGUSR1 - 1) && status->pending == 1u << (SIGUSR1 - 1));
    CHECK(status->ebx == 0x11 && status->ecx == 0x22 && status->edx == 0x33);
    CHECK(status->esi == 0x44 && status->edi == 0x55 && status->ebp == 0x66);
    CHECK(status->eax == 0x77 && status->orig_eax == ~0u);
    CHECK(status->eip == (uint32_t)bad_instruction && (status->eflags & 0x401) == 0x401);
    CHECK(status->ds == ds && status->es == ds && status->ss == ss && (status->cs & 3) == 3);
    CHECK(status->cs < 0x10000 && status->fs < 0x10000 && status->gs < 0x10000);
}

static void check_other_notes(void)
{
    uint32_t size;
    const uint8_t *info = find_note(NT_PRPSINFO, &size);
    const uint32_t *aux;

    CHECK(size == 124 && streq((const char *)info + 28, "core_test"));
    CHECK(streq((const char *)info + 44, "core_test with arguments "));
    aux = find_note(NT_AUXV, &size);
    for (uint32_t i = 0; i < size / 4; i += 2)
        CHECK(aux[i + 1] == aux_value(aux[i]));
    CHECK(size >= 16 && aux[size / 4 - 2] == AT_NULL);
}

static void check_memory(void)
{
    const uint32_t *bytes;
    const Elf32_Phdr *phdr = segment_of(in_bss, &bytes);

    CHECK(bytes[0] == WORD && bytes[1] == 0 && bytes[PAGE / 4] == 0);
    CHECK(phdr->p_flags == (PF_R | PF_W));
    segment_of(touched, &bytes);
    CHECK(bytes[0] == 0 && bytes[PAGE / 4] == WORD && bytes[PAGE / 4 + 1] == 0);
    phdr = segment_of(hidden, &bytes);
    CHECK(bytes[0] == WORD && phdr->p_flags == 0);
    segment_of(shared, &bytes);
    CHECK(bytes[0] == WORD && bytes[PAGE / 4] == 0);
    segment_of(file_private, &bytes); /* a page of the process's own: all of it */
    CHECK(bytes[0] == 0x656c6966 && bytes[1] == WORD && bytes[PAGE / 4] == WORD);
    segment_of(file_shared, &bytes); /* its contents are in the file */
    CHECK(!bytes);
    segment_of((void *)0x08048000, &bytes); /* the program's ELF header, for gdb */
    CHECK(bytes && *bytes == 0x464c457f);
    phdr = segment_of(bad_instruction, &bytes);
    CHECK(phdr->p_flags == (PF_R | PF_X));
    segment_of(environ, &bytes);
    CHECK(bytes[0] == (uint32_t)environ[0]);
    segment_of((void *)aux_value(AT_SYSINFO_EHDR), &bytes);
    CHECK(bytes && *bytes == 0x464c457f);
}

/* Each page of the child is in one segment, and no segment belongs to the kernel. */
static void check_segments(void)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)core;
    const Elf32_Phdr *phdr;
    uint32_t end = 0;

    CHECK(header->e_ident[0] == 0x7f && header->e_type == ET_CORE && header->e_machine == EM_386);
    CHECK(header->e_ehsize == sizeof(*header) && header->e_phentsize == sizeof(*phdr));
    for (unsigned i = 1; (phdr = program_header(i)); i++) {
        CHECK(phdr->p_type == PT_LOAD && phdr->p_vaddr >= end && phdr->p_filesz <= phdr->p_memsz);
        end = phdr->p_vaddr + phdr->p_memsz;
        CHECK(!in_attic() || end <= 0xc0000000);
    }
}

static void contents(void)
{
    uint64_t mask = 1 << (SIGUSR1 - 1);
    long pid;

    prepare_memory();
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8) == 0);
    CHECK(CHILD_STATUS(SYS(tkill, sys_getpid(), SIGUSR1); die_with_registers()) ==
          (SIGILL | DUMPED));
    pid = child_pid;
    read_core();
    check_segments();
    check_registers(pid);
    check_other_notes();
    check_memory();
    CHECK(SYS(unlink, "mapped") == 0);
}

/* ---- limits ---- */

/* Linux counts a hole only when bytes follow, and so may exceed the limit. */
static void cut_at_the_limit(void)
{
    const uint32_t limit = 5 * PAGE + 100;
    struct stat64 stat;

    CHECK(CHILD_STATUS(limit_core(limit); die(SIGABRT)) == (SIGABRT | DUMPED));
    CHECK(look("core", &stat) == 0 && stat.st_size > PAGE);
    CHECK(stat.st_size <= limit || !in_attic());
    CHECK(SYS(unlink, "core") == 0);
}

/* Large areas: one untouched, and one of a single page that counts. */
static void large_and_empty(void)
{
    struct stat64 stat;
    char *large =
        (char *)SYS(mmap2, 0, 0x30000000, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);

    CHECK((uint32_t)large < -4095u);
    CHECK(CHILD_STATUS(die(SIGABRT)) == (SIGABRT | DUMPED));
    CHECK(look("core", &stat) == 0 && stat.st_size < 0x1000000);
    large[0x2fffffff] = 1;
    CHECK(CHILD_STATUS(die(SIGABRT)) == (SIGABRT | DUMPED));
    CHECK(look("core", &stat) == 0 && stat.st_size > 0x30000000 && stat.st_blocks < 2000);
    CHECK(SYS(unlink, "core") == 0);
}

/*
 * For gdb on the host (tests/run/gdb/test_core.py): words of the core file that are not 0, with
 * their positions.
 */
static void print_core(void)
{
    const uint32_t *word;

    limit_core(UNLIMITED);
    prepare_memory();
    CHECK(CHILD_STATUS(die_with_registers()) == (SIGILL | DUMPED));
    read_core();
    word = (const uint32_t *)core;
    for (uint32_t i = 0; i < core_size / 4; i++)
        if (word[i])
            print("%x %x\n", 4 * i, word[i]);
    print("size %x\n", core_size);
}

/* This machine may not be suitable: cores go to a program, or to another folder. */
static bool pattern_is_core(void)
{
    char pattern[8] = "";
    long fd = SYS(open, "/proc/sys/kernel/core_pattern", O_RDONLY);

    if (fd < 0)
        return true;
    SYS(read, fd, pattern, sizeof(pattern) - 1);
    SYS(close, fd);
    return streq(pattern, "core\n");
}

int main(int argc, char *argv[])
{
    char *const with_arguments[] = {"core_test", "with", "arguments", NULL};

    if (argc == 1) {
        if (!pattern_is_core()) {
            print("cores of this machine do not go to \"core\"\n");
            return NOTHING;
        }
        SYS(execve, "/proc/self/exe", with_arguments, environ);
    }
    if (argc == 2 && streq(argv[1], "print")) {
        print_core();
        return 0;
    }
    SYS(prctl, PR_SET_NAME, "core_test");
    SYS(mkdir, FOLDER, 0700);
    CHECK(SYS(chdir, FOLDER) == 0);
    limit_core(UNLIMITED);
    which_signals();
    how_it_is_told();
    when_there_is_none();
    what_is_in_the_way();
    contents();
    cut_at_the_limit();
    large_and_empty();
    CHECK(SYS(chdir, "/") == 0 && SYS(rmdir, FOLDER) == 0);
    return 0;
}
