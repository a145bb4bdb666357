/*
 * The ELF loader: static i386 executables (System V ABI, chapters 4 and 5; names from
 * <linux/elf.h>).
 *
 * A file comes from outside and may contain anything. It is read in two passes: the first checks
 * every number in it against the file's size, the user half of the address map and the other
 * segments, and changes nothing; the second maps it into the address space, and can fail only for
 * lack of memory. The headers are copied first, so that the second pass uses what the first one
 * checked.
 *
 * The contents of the file are not copied: a segment is an area that maps the file's pages, each at
 * its first touch, shared by all processes that run the program. Only if a segment is longer in
 * memory than in the file, the rest of its last page is cleared, which makes a private copy of this
 * page; behind it is an area of zeros.
 *
 * Two segments may map the same page of the file, each at its own address: the end of the text and
 * the start of the data do so in most programs. If they share a page of memory, the later one in
 * the table gets the whole page, as on Linux: rights apply to whole pages, and an area maps whole
 * pages. Segments may come in any order. The heap starts on the page after the highest one.
 *
 * A position-independent program that needs no interpreter ("static-pie": it relocates itself) is
 * always mapped at ELF_DYN_BASE, so that addresses are the same in every run.
 *
 * Limits: no dynamic linker. A program that needs one (PT_INTERP) is refused, with the error of the
 * lookup if it is not found. At most ELF_PHDRS_MAX program headers.
 *
 * Neighbours: kernel/process/exec.c calls it; mm/ creates the areas.
 */
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/process/process.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>
#include <mm/user/mm.h>

#define ELF_PHDRS_MAX 64
#define ELF_DYN_BASE                                                                               \
    0x56555000 /* where Linux maps such programs without address space randomization */
#define ELF_ALIGN_MAX 0x1000000 /* the largest alignment above a page that is used there */

struct image {
    struct address_space *file;
    u32 bias; /* added to the file's addresses; already in phdrs and header.e_entry */
    Elf32_Ehdr header;
    const Elf32_Phdr *interpreter; /* of phdrs, or NULL */
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

/* True when all `size` bytes could be read. */
static bool read_at(const struct image *image, u32 offset, void *to, u32 size)
{
    return filemap_read(image->file, offset, to, size, filemap_copy_kernel) == (long)size;
}

/* ---- check: each returns the error, or NULL ---- */

const char *elf_check_header(const Elf32_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return "not a 32-bit little-endian ELF file";
    if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
        return "unknown ELF version";
    if (header->e_machine != EM_386)
        return "built for another processor";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
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
    u32 table_size, offset, file_size = image->file->size;
    const char *why;

    if (!read_at(image, 0, &image->header, sizeof(Elf32_Ehdr)))
        return "too short for an ELF header";
    why = elf_check_header(&image->header);
    if (why)
        return why;
    offset = image->header.e_phoff;
    table_size = image->header.e_phnum * sizeof(Elf32_Phdr);
    if (offset > file_size || table_size > file_size - offset ||
        !read_at(image, offset, image->phdrs, table_size))
        return "program headers beyond the end of the file";
    return NULL;
}

/* Move a position-independent program so that its lowest page is at ELF_DYN_BASE. */
static const char *apply_bias(struct image *image)
{
    u32 lowest = UINT32_MAX, align = PAGE_SIZE, count = image->header.e_phnum;

    for (u32 i = 0; i < count; i++) {
        const Elf32_Phdr *seg = &image->phdrs[i];

        if (!is_segment(seg))
            continue;
        lowest = min(lowest, first_page(seg));
        if (seg->p_align <= ELF_ALIGN_MAX && (seg->p_align & (seg->p_align - 1)) == 0)
            align = max(align, seg->p_align);
    }
    image->bias = ALIGN_DOWN((u32)ELF_DYN_BASE, align) - ALIGN_DOWN(lowest, align);
    for (u32 i = 0; i < count; i++) {
        Elf32_Phdr *seg = &image->phdrs[i];

        if (is_segment(seg) && seg->p_vaddr - lowest >= TASK_SIZE - ELF_DYN_BASE)
            return "a segment in the kernel half";
        seg->p_vaddr += image->bias;
    }
    image->header.e_entry += image->bias;
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

static bool entry_in_segment(const Elf32_Ehdr *header, const Elf32_Phdr *seg)
{
    return (seg->p_flags & PF_X) && header->e_entry - seg->p_vaddr < seg->p_filesz;
}

static const char *check_image(struct image *image)
{
    const char *why = read_headers(image);
    bool entry_found = false;

    if (!why && image->header.e_type == ET_DYN)
        why = apply_bias(image);
    for (u32 i = 0; !why && i < image->header.e_phnum; i++) {
        const Elf32_Phdr *phdr = &image->phdrs[i];

        if (phdr->p_type == PT_INTERP) {
            image->interpreter = phdr;
            return "needs a dynamic linker; only static programs can be run";
        }
        if (!is_segment(phdr))
            continue;
        why = check_segment(phdr, image->file->size);
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

static int map_segment(struct mm *mm, struct address_space *file, const Elf32_Phdr *seg)
{
    u32 start = first_page(seg), end = end_page(seg, seg->p_memsz);
    u32 file_end = seg->p_filesz ? end_page(seg, seg->p_filesz) : start;
    u32 bytes_end = seg->p_vaddr + seg->p_filesz, flags = area_flags(seg);
    int err = mm_munmap(mm, start, end - start); /* unmap what an earlier segment has there */

    if (!err && file_end > start)
        err = mm_add_area(mm, start, file_end - start, flags, NULL, file,
                          seg->p_offset >> PAGE_SHIFT);
    if (!err && end > file_end)
        err = mm_add_area(mm, file_end, end - file_end, flags, NULL, NULL, 0);
    if (!err && file_end > bytes_end && file_end > start && seg->p_memsz > seg->p_filesz)
        err = mm_clear(mm, bytes_end, file_end - bytes_end);
    return err;
}

static int map_image(struct mm *mm, const struct image *image)
{
    u32 end = 0;

    for (u32 i = 0; i < image->header.e_phnum; i++) {
        const Elf32_Phdr *phdr = &image->phdrs[i];
        int err = is_segment(phdr) ? map_segment(mm, image->file, phdr) : 0;

        if (err)
            return err;
        if (is_segment(phdr))
            end = max(end, end_page(phdr, phdr->p_memsz));
    }
    mm->start_brk = mm->brk = end;
    return 0;
}

/* The user address of the program headers; 0 when they are in no segment. */
static u32 phdr_address(const struct image *image)
{
    u32 offset = image->header.e_phoff;

    for (u32 i = 0; i < image->header.e_phnum; i++) {
        const Elf32_Phdr *seg = &image->phdrs[i];

        if (is_segment(seg) && offset - seg->p_offset < seg->p_filesz)
            return seg->p_vaddr + (offset - seg->p_offset);
    }
    return 0;
}

/*
 * For a file that cannot be run: the error of the lookup of the interpreter that it names. -ENOEXEC
 * if that exists, or no valid path is named.
 */
static int find_interpreter(const struct image *image, struct inode *base)
{
    const Elf32_Phdr *phdr = image->interpreter;
    struct inode *inode;
    char *path;
    int err = -ENOEXEC;

    if (!phdr || phdr->p_filesz < 2 || phdr->p_filesz > PATH_SIZE)
        return err;
    path = kmalloc(PATH_SIZE);
    if (!path)
        return -ENOMEM;
    if (read_at(image, phdr->p_offset, path, phdr->p_filesz) && !path[phdr->p_filesz - 1]) {
        err = path_lookup(base, path, 0, &inode);
        if (!err) {
            inode_put(inode);
            err = -ENOEXEC;
        }
    }
    kfree(path);
    return err;
}

int elf_load(struct mm *mm, struct inode *base, struct address_space *file, struct elf_info *info,
             const char **why)
{
    struct image *image = kmalloc(sizeof(*image));
    int err;

    if (!image)
        return -ENOMEM;
    image->file = file;
    image->bias = 0;
    image->interpreter = NULL;
    *why = check_image(image);
    err = *why ? find_interpreter(image, base) : map_image(mm, image);
    if (!err)
        *info = (struct elf_info){.entry = image->header.e_entry,
                                  .phdr = phdr_address(image),
                                  .phdr_count = image->header.e_phnum,
                                  .bias = image->bias};
    kfree(image);
    return err;
}
