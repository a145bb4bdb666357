/*
 * Checks what a program finds at its first instruction, against the System V ABI for i386, 2.3.1:
 * the stack, the auxiliary vector, and registers that reveal nothing about the kernel. Run as
 * `start_test one two`. Also passes on Linux.
 */
#include "lib/check.h"
#include <linux/auxvec.h>
#include <linux/elf.h>

#define EFLAGS_IF   (1u << 9)
#define EFLAGS_DF   (1u << 10)
#define EFLAGS_IOPL (3u << 12)

extern char _start[];

static void check_arguments(int argc, char *argv[])
{
    CHECK(argc == 3);
    CHECK((uintptr_t)&start_frame->argc % 16 == 0);
    CHECK(streq(argv[1], "one") && streq(argv[2], "two"));
    CHECK(argv[3] == NULL);
}

/* The value of an entry; the program fails if it is missing. */
static uint32_t aux(char *argv[], int argc, uint32_t type)
{
    uint32_t *word = (uint32_t *)&argv[argc + 1];

    while (*word) /* environment */
        word++;
    for (word++; *word != AT_NULL; word += 2)
        if (word[0] == type)
            return word[1];
    check_failed(__FILE__, __LINE__, "an entry in the auxiliary vector");
}

static void check_auxiliary_vector(char *argv[], int argc)
{
    const Elf32_Phdr *phdrs = (const Elf32_Phdr *)aux(argv, argc, AT_PHDR);
    uint32_t code = 0;

    CHECK(aux(argv, argc, AT_PAGESZ) == 4096);
    CHECK(aux(argv, argc, AT_ENTRY) == (uint32_t)_start);
    CHECK(aux(argv, argc, AT_PHENT) == sizeof(Elf32_Phdr));
    for (uint32_t i = 0; i < aux(argv, argc, AT_PHNUM); i++)
        if (phdrs[i].p_type == PT_LOAD && (phdrs[i].p_flags & PF_X) &&
            (uint32_t)_start - phdrs[i].p_vaddr < phdrs[i].p_filesz)
            code++;
    CHECK(code == 1);
    CHECK(aux(argv, argc, AT_RANDOM) != 0);
    (void)aux(argv, argc, AT_UID);
}

static void check_registers(void)
{
    uint32_t flags, cs, fs, gs;

    CHECK(start_frame->eax == 0 && start_frame->ebx == 0 && start_frame->ecx == 0);
    CHECK(start_frame->edx == 0 && start_frame->esi == 0 && start_frame->edi == 0);
    CHECK(start_frame->ebp == 0);
    asm volatile("pushf; pop %0; mov %%cs, %1" : "=r"(flags), "=r"(cs));
    CHECK((cs & 3) == 3);
    asm volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
    CHECK(fs == 0 && gs == 0);
    CHECK((flags & (EFLAGS_IF | EFLAGS_DF | EFLAGS_IOPL)) == EFLAGS_IF);
}

/* A system call changes EAX and nothing else. */
static void check_registers_after_call(void)
{
    uint32_t eax = __NR_getpid, ebx = 0x11111111, ecx = 0x22222222, edx = 0x33333333;
    uint32_t esi = 0x44444444, edi = 0x55555555;

    asm volatile("std; int $0x80; pushf; cld; testl %[df], (%%esp); jnz 1f; xor %%ebx, %%ebx\n"
                 "1: add $4, %%esp"
                 : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi)
                 : [df] "i"(EFLAGS_DF)
                 : "memory", "cc");
    CHECK(eax == (uint32_t)sys_getpid());
    CHECK(ebx == 0x11111111 && ecx == 0x22222222 && edx == 0x33333333);
    CHECK(esi == 0x44444444 && edi == 0x55555555);
}

int main(int argc, char *argv[])
{
    check_arguments(argc, argv);
    check_auxiliary_vector(argv, argc);
    check_registers();
    check_registers_after_call();
    return 0;
}
