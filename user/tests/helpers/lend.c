/*
 * `lend DEPTH`: a chain of so many processes, each of which has lent its memory to the next one by
 * vfork() and sleeps; the last one moves large mappings in it back and forth for ever. For tests
 * that kill some of them and check the memory then: the heap has a word for each lender, which the
 * kernel clears when that process ends while others exist, a word that shows that the last one has
 * begun, and a page for signal frames, which stays empty.
 *
 * The first process ends with status 0 when it has its memory back and its child was killed.
 */
#include "lib/handler.h"
#include <asm/mman.h>
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/sched.h>

#define PAGE       4096
#define DEPTH_MAX  4
#define BEGUN      DEPTH_MAX /* number of the word in the heap */
#define MARK       0x6c656e64
#define MOVED_SIZE 0x1000000
#define FROM       0x10000000
#define TO         0x20000000

static char stacks[DEPTH_MAX][2 * PAGE];
static volatile uint32_t *heap;
static uint32_t depth;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    sys_exit(9);
}

static void __attribute__((noreturn)) use(void)
{
    CHECK(SYS(mmap2, FROM, MOVED_SIZE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == FROM);
    for (uint32_t addr = FROM; addr < FROM + MOVED_SIZE; addr += PAGE)
        CHECK(*(volatile char *)addr == 0);
    heap[BEGUN] = 1;
    for (;;) {
        CHECK(SYS(mremap, FROM, MOVED_SIZE, MOVED_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, TO) == TO);
        CHECK(SYS(mremap, TO, MOVED_SIZE, MOVED_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, FROM) == FROM);
    }
}

/* Each process has its own stack. */
static void __attribute__((noreturn)) lend(void)
{
    uint32_t status = 0;
    long pid = __NR_clone;

    if (depth == 0)
        use();
    depth--;
    heap[depth] = MARK;
    SYS(set_tid_address, &heap[depth]);
    asm volatile("int $0x80; test %%eax, %%eax; jnz 1f; jmp *%%esi; 1:"
                 : "+a"(pid)
                 : "b"(CLONE_VM | CLONE_VFORK | SIGCHLD),
                   "c"(stacks[depth] + sizeof(stacks[0]) - 64), "d"(0), "S"(lend), "D"(0)
                 : "memory", "cc");
    CHECK(pid > 0 && SYS(waitpid, pid, &status, 0) == pid);
    sys_exit(status == SIGKILL ? 0 : 1);
}

int main(int argc, char *argv[])
{
    stack_t stack = {.ss_size = PAGE};
    uintptr_t start = sys_brk(0);

    if (argc != 2 || !parse_number(argv[1], &depth) || depth > DEPTH_MAX) {
        print("usage: lend DEPTH\n");
        return 2;
    }
    CHECK(sys_brk(start + 2 * PAGE) == start + 2 * PAGE);
    heap = (volatile uint32_t *)start;
    stack.ss_sp = (char *)start + PAGE;
    CHECK(SYS(sigaltstack, &stack, NULL) == 0);
    set_handler(SIGHUP, on_signal, SA_ONSTACK);
    lend();
}
