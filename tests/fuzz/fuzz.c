/*
 * Memory with an end that faults, for the targets of this folder; and sinks for what the parsers
 * say.
 */
#include "tests/fuzz/fuzz.h"
#include <lib/printk.h>
#include <sys/mman.h>
#include <unistd.h>

static u8 *memory_end;

static void check_text(const char *text, size_t len)
{
    fuzz_read(text, len);
}

static void make_memory(void)
{
    size_t page = sysconf(_SC_PAGESIZE);
    u8 *memory = mmap(NULL, FUZZ_INPUT_MAX + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert(memory != MAP_FAILED);
    memory_end = memory + FUZZ_INPUT_MAX;
    assert(mprotect(memory_end, page, PROT_NONE) == 0);
    printk_add_sink(check_text);
}

const u8 *fuzz_copy(const u8 *data, size_t *size, size_t align)
{
    if (!memory_end)
        make_memory();
    *size = ALIGN_DOWN(min(*size, (size_t)FUZZ_INPUT_MAX), align);
    return memcpy(memory_end - *size, data, *size);
}

void fuzz_read(const void *from, size_t size)
{
    const volatile u8 *bytes = from;

    for (size_t i = 0; i < size; i++)
        (void)bytes[i];
}
