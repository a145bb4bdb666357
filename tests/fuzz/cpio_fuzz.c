/* fs/cpio.c: each entry, its name and its data lie in the archive, and the archive has an end. */
#include "tests/fuzz/fuzz.h"
#include <fs/initramfs.h>

static void check_entry(const u8 *archive, u32 size, const struct cpio_entry *entry)
{
    const u8 *data = entry->data;

    assert(data >= archive && entry->size <= size && data + entry->size <= archive + size);
    fuzz_read(data, entry->size);
    fuzz_read(entry->name, strlen(entry->name));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    const u8 *archive = fuzz_copy(data, &size, 1);
    struct cpio_entry entry;
    const char *why;
    u32 offset = 0;

    do {
        u32 before = offset;

        while (cpio_next(archive, size, &offset, &entry, &why)) {
            assert(offset > before && offset <= size);
            before = offset;
            check_entry(archive, size, &entry);
        }
    } while (!why && cpio_next_archive(archive, size, &offset));
    assert(offset <= size);
    return 0;
}
