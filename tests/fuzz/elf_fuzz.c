/*
 * kernel/process/elf.c and elf_symbols.c: a program's file. The functions that change an address
 * space only check here what they are told: whole pages of the user half, and pages of the file
 * that exist.
 */
#include "tests/fuzz/fuzz.h"
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/process/process.h>
#include <mm/frame/slab.h>
#include <mm/layout.h>
#include <mm/user/filemap.h>
#include <mm/user/mm.h>

void *malloc(size_t size); /* <stdlib.h> has other types of the kernel's names */
void free(void *memory);

struct kmem_cache *kmalloc_caches[KMALLOC_CACHES];
static const u8 *bytes;

void *kmem_cache_alloc(struct kmem_cache *cache)
{
    (void)cache;
    return malloc(PAGE_SIZE);
}

void *__kmalloc(size_t size)
{
    return malloc(size);
}

void kfree(const void *object)
{
    free((void *)object);
}

size_t filemap_copy_kernel(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return 0;
}

long filemap_read(struct address_space *mapping, u32 pos, void *to, u32 count, filemap_copy_t copy)
{
    if (pos >= mapping->size)
        return 0;
    count = min(count, mapping->size - pos);
    copy(to, bytes + pos, count);
    return count;
}

int path_lookup(struct inode *base, const char *path, u32 flags, struct inode **out)
{
    (void)base, (void)flags, (void)out;
    fuzz_read(path, strlen(path));
    return -ENOENT;
}

/* ---- an address space ---- */

static void check_range(u32 start, u32 size)
{
    assert(start >= MMAP_MIN_ADDR && start < TASK_SIZE && size > 0 && size <= TASK_SIZE - start);
}

int mm_munmap(struct mm *mm, u32 addr, u32 size)
{
    (void)mm;
    check_range(addr, size);
    assert(addr % PAGE_SIZE == 0 && size % PAGE_SIZE == 0);
    return 0;
}

int mm_add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name,
                struct address_space *file, u32 pgoff)
{
    (void)name;
    assert(mm_munmap(mm, start, size) == 0 && !(flags & ~(VM_READ | VM_WRITE | VM_EXEC)));
    if (file)
        assert(((u64)pgoff << PAGE_SHIFT) + size <= PAGE_ALIGN((u64)file->size));
    return 0;
}

int mm_clear(struct mm *mm, u32 addr, u32 size)
{
    (void)mm;
    check_range(addr, size);
    return 0;
}

/* ---- a file ---- */

static void see_name(const char *name, void *arg)
{
    (void)arg;
    fuzz_read(name, strlen(name) + 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct address_space file;
    static struct mm mm;
    struct elf_info info;
    const char *why = NULL;
    u32 addr = 0;

    bytes = fuzz_copy(data, &size, 1);
    file.size = size;
    if (elf_load(&mm, NULL, &file, &info, &why) == 0)
        assert(!why && info.entry < TASK_SIZE && info.entry >= MMAP_MIN_ADDR);
    if (elf_find_symbol(&file, "main", &addr, &why) == 0)
        assert(addr >= MMAP_MIN_ADDR && addr < TASK_SIZE);
    elf_symbol_each(&file, see_name, NULL);
    return 0;
}
