/*
 * The ELF loader: static i386 executables (System V ABI, chapters 4 and 5; names from
 * <linux/elf.h>).
 *
 * A file comes from outside and may say anything. It is read in two passes: the first checks every
 * number in it against the file's size, the user half of the address map and the other segments,
 * and changes nothing; the second enters it into the address space, and can then only fail for lack
 * of memory. The headers are copied out first, so that the second pass sees what the first one
 * checked.
 *
 * Rights hold for whole pages, so two segments must not share one: the file is refused rather than
 * given the sum of their rights. Segments may come in any order.
 *
 * Each segment becomes an area named for its rights, "text", "rodata" or "data"; pages of it for
 * which the file has nothing become a second one, "bss". Untouched memory is zero, which also
 * clears the rest of the last page that the file fills. The heap starts on the page after the
 * highest segment.
 *
 * Limits: ET_EXEC only (no position-independent or dynamic programs), at most ELF_PHDRS_MAX program
 * headers. Segments are copied, not mapped from the file.
 *
 * Neighbours: kernel/process.c calls it; mm/ makes the areas.
 */
#include <asm/errno.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/mm.h>

#define ELF_PHDRS_MAX 16

struct image {
    const u8 *file;
    u32 size;
    Elf32_Ehdr header;
    Elf32_Phdr phdrs[ELF_PHDRS_MAX];
};

static bool is_segment(const Elf32_Phdr *phdr)
{
    return phdr->p_type == PT_LOAD && phdr->p_memsz > 0;
}

static u32 first_page(const Elf32_Phdr *seg)
{
    return ALIGN_DOWN(seg->p_vaddr, PAGE_SIZE);
}

/* End of the last page that holds the first `size` bytes of a segment. */
static u32 end_page(const Elf32_Phdr *seg, u32 size)
{
    return PAGE_ALIGN(seg->p_vaddr + size);
}

/* ---- check: each returns what is wrong, or NULL ---- */

static const char *check_header(const Elf32_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return "not a 32-bit little-endian ELF file";
    if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
        return "unknown ELF version";
    if (header->e_machine != EM_386)
        return "built for another processor";
    if (header->e_type == ET_DYN)
        return "position-independent; only static programs with fixed addresses can be run";
    if (header->e_type != ET_EXEC)
        return "not an executable";
    if (header->e_phentsize != sizeof(Elf32_Phdr))
        return "program headers of the wrong size";
    if (header->e_phnum == 0)
        return "no program headers";
    if (header->e_phnum > ELF_PHDRS_MAX)
        return "too many program headers";
    return NULL;
}

/* Copy the headers out of the file. */
static const char *read_headers(struct image *image)
{
    u32 table_size, offset;
    const char *why;

    if (image->size < sizeof(Elf32_Ehdr))
        return "too short for an ELF header";
    memcpy(&image->header, image->file, sizeof(Elf32_Ehdr));
    why = check_header(&image->header);
    if (why)
        return why;
    offset = image->header.e_phoff;
    table_size = image->header.e_phnum * sizeof(Elf32_Phdr);
    if (offset > image->size || table_size > image->size - offset)
        return "program headers beyond the end of the file";
    memcpy(image->phdrs, image->file + offset, table_size);
    return NULL;
}

static const char *check_segment(const Elf32_Phdr *seg, u32 file_size)
{
    if (seg->p_offset > file_size || seg->p_filesz > file_size - seg->p_offset)
        return "a segment beyond the end of the file";
    if (seg->p_filesz > seg->p_memsz)
        return "a segment with more bytes in the file than in memory";
    if (seg->p_vaddr < MMAP_MIN_ADDR)
        return "a segment below the lowest user address";
    if (seg->p_vaddr >= TASK_SIZE || seg->p_memsz > TASK_SIZE - seg->p_vaddr)
        return "a segment in the kernel half";
    if (!IS_ALIGNED(seg->p_offset - seg->p_vaddr, PAGE_SIZE))
        return "a segment whose offset and address do not agree within a page";
    return NULL;
}

static const char *check_overlap(const struct image *image, u32 index)
{
    const Elf32_Phdr *seg = &image->phdrs[index];

    for (u32 i = 0; i < index; i++) {
        const Elf32_Phdr *other = &image->phdrs[i];

        if (is_segment(other) && first_page(seg) < end_page(other, other->p_memsz) &&
            first_page(other) < end_page(seg, seg->p_memsz))
            return "two segments share a page";
    }
    return NULL;
}

static bool entry_in_segment(const Elf32_Ehdr *header, const Elf32_Phdr *seg)
{
    return (seg->p_flags & PF_X) && header->e_entry - seg->p_vaddr < seg->p_filesz;
}

static const char *check_image(struct image *image)
{
    const char *why = read_headers(image);
    bool entry_found = false;

    for (u32 i = 0; !why && i < image->header.e_phnum; i++) {
        const Elf32_Phdr *phdr = &image->phdrs[i];

        if (phdr->p_type == PT_INTERP)
            return "needs a dynamic linker; only static programs can be run";
        if (!is_segment(phdr))
            continue;
        why = check_segment(phdr, image->size);
        if (!why)
            why = check_overlap(image, i);
        entry_found |= entry_in_segment(&image->header, phdr);
    }
    if (!why && !entry_found)
        return "the entry point is not in an executable segment";
    return why;
}

/* ---- map ---- */

static u32 area_flags(const Elf32_Phdr *seg)
{
    return (seg->p_flags & PF_R ? VM_READ : 0) | (seg->p_flags & PF_W ? VM_WRITE : 0) |
           (seg->p_flags & PF_X ? VM_EXEC : 0);
}

static const char *area_name(const Elf32_Phdr *seg)
{
    if (seg->p_flags & PF_X)
        return "text";
    return seg->p_flags & PF_W ? "data" : "rodata";
}

static int map_segment(struct mm *mm, const u8 *file, const Elf32_Phdr *seg)
{
    u32 start = first_page(seg), end = end_page(seg, seg->p_memsz);
    u32 file_end = seg->p_filesz ? end_page(seg, seg->p_filesz) : start;
    u32 flags = area_flags(seg);
    int err = 0;

    if (file_end > start)
        err = mm_add_area(mm, start, file_end - start, flags, area_name(seg));
    if (!err && end > file_end)
        err = mm_add_area(mm, file_end, end - file_end, flags, "bss");
    if (!err && seg->p_filesz)
        err = mm_write(mm, seg->p_vaddr, file + seg->p_offset, seg->p_filesz);
    return err;
}

long elf_load(struct mm *mm, const void *file, u32 size, u32 *entry, const char **why)
{
    struct image image = {.file = file, .size = size};
    u32 end = 0;

    *why = check_image(&image);
    if (*why)
        return -ENOEXEC;
    for (u32 i = 0; i < image.header.e_phnum; i++) {
        const Elf32_Phdr *phdr = &image.phdrs[i];
        int err = is_segment(phdr) ? map_segment(mm, image.file, phdr) : 0;

        if (err)
            return err;
        if (is_segment(phdr))
            end = max(end, end_page(phdr, phdr->p_memsz));
    }
    mm->start_brk = mm->brk = end;
    *entry = image.header.e_entry;
    return 0;
}

u32 elf_phdr_address(const void *file, u32 *count)
{
    Elf32_Ehdr header;
    Elf32_Phdr phdr;

    memcpy(&header, file, sizeof(header));
    *count = header.e_phnum;
    for (u32 i = 0; i < header.e_phnum; i++) {
        memcpy(&phdr, (const u8 *)file + header.e_phoff + i * sizeof(phdr), sizeof(phdr));
        if (is_segment(&phdr) && header.e_phoff - phdr.p_offset < phdr.p_filesz)
            return phdr.p_vaddr + (header.e_phoff - phdr.p_offset);
    }
    return 0;
}
