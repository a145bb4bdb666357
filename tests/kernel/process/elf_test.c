/*
 * The ELF loader with damaged files. A valid program is copied into memory, damaged in one place
 * and loaded as a file: it must be refused with a reason, and the address space must be as empty as
 * before. The last tests damage many bytes at random: there the file may be accepted or refused,
 * but no memory may be lost and nothing may break.
 */
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/monitor/ktest.h>
#include <kernel/process/process.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

#define PROGRAM  "/hello"
#define DYN_BASE 0x56555000u /* where kernel/process/elf.c puts position-independent programs */

/* A program in memory that may be changed. */
struct program {
    u8 *file;
    u32 size;
    Elf32_Ehdr *header;
    Elf32_Phdr *phdrs; /* text, rodata, data: see user/user.ld */
};

/* Copy a file into memory. Returns its size, 0 after a failed expectation. */
static u32 read_program(u8 **file)
{
    struct inode *inode;
    u32 size = 0;

    if (!expect_eq(path_lookup(fs_root(), PROGRAM, 0, &inode), 0))
        return 0;
    *file = vmalloc(inode->data.size);
    if (expect(*file != NULL)) {
        size = inode->data.size;
        expect_eq(filemap_read(&inode->data, 0, *file, size, filemap_copy_kernel), size);
    }
    inode_put(inode);
    return size;
}

static bool program_get(struct program *program)
{
    program->size = read_program(&program->file);
    if (!program->size)
        return false;
    program->header = (Elf32_Ehdr *)program->file;
    program->phdrs = (Elf32_Phdr *)(program->file + program->header->e_phoff);
    return true;
}

static void program_put(struct program *program)
{
    vfree(program->file);
}

/*
 * The first `size` bytes of the program as a file. A new one each time, because its pages are
 * cached.
 */
static struct address_space mapping;

static struct address_space *program_file(const struct program *program, u32 size)
{
    mapping_init_backed(&mapping, program->file, size, mapping_destroy);
    return &mapping;
}

static bool is_empty(const struct mm *mm)
{
    return mm->area_count == 0 && mm->pages == 0 && mm->tables == 0;
}

/* Load into a new address space and destroy that; *empty is set if nothing was added to it. */
static int try_load(const struct program *program, u32 size, bool *empty, struct elf_info *info,
                    const char **why)
{
    struct address_space *file = program_file(program, size);
    struct mm *mm = mm_create();
    int result = -ENOMEM;

    if (expect(mm != NULL)) {
        result = elf_load(mm, fs_root(), file, info, why);
        *empty = is_empty(mm);
        mm_put(mm);
    }
    expect_eq(file->refcount, 1);
    mapping_put(file);
    return result;
}

static u32 settle(void)
{
    mm_shrink();
    slab_shrink();
    return nr_free_pages();
}

static void expect_refused(const struct program *program, u32 size, const char *reason)
{
    u32 free_before = settle();
    const char *why = NULL;
    struct elf_info info;
    bool empty = false;

    expect_eq(try_load(program, size, &empty, &info, &why), -ENOEXEC);
    expect(empty);
    if (expect(why != NULL) && reason)
        expect_str_eq(why, reason);
    expect_eq(settle(), free_before);
}

/* KTEST with a valid `program`, which is freed afterwards. */
#define ELF_TEST(name)                                                                             \
    static void elf_test_##name(struct program *program);                                          \
    KTEST(elf, name)                                                                               \
    {                                                                                              \
        struct program program;                                                                    \
        if (!program_get(&program))                                                                \
            return;                                                                                \
        elf_test_##name(&program);                                                                 \
        program_put(&program);                                                                     \
    }                                                                                              \
    static void elf_test_##name(struct program *program)

/*
 * Refused, for exactly this reason, with one field changed to `value`; then the field is restored.
 */
#define expect_refused_with(field, value, reason)                                                  \
    ({                                                                                             \
        __typeof__(field) saved_ = (field);                                                        \
        (field) = (value);                                                                         \
        expect_refused(program, program->size, reason);                                            \
        (field) = saved_;                                                                          \
    })

ELF_TEST(sound_program_is_loaded)
{
    struct address_space *file = program_file(program, program->size);
    struct mm *mm = mm_create();
    const char *why = NULL;
    struct elf_info info;
    struct vm_area *area;
    u32 end = 0;

    if (!expect(mm != NULL))
        return;
    expect_eq(elf_load(mm, fs_root(), file, &info, &why), 0);
    expect_eq(info.entry, program->header->e_entry);
    expect_eq(info.bias, 0);
    area = mm_find_area(mm, info.entry);
    if (expect(area != NULL)) {
        expect_eq(area->flags, VM_READ | VM_EXEC);
        expect_eq(area->file, file);
    }
    area = mm_find_area(mm, program->phdrs[1].p_vaddr);
    if (expect(area != NULL)) {
        expect_eq(area->flags, VM_READ);
        expect_eq(area->pgoff, program->phdrs[1].p_offset / PAGE_SIZE);
    }
    for (area = mm_area_above(mm, 0); area; area = mm_area_above(mm, end))
        end = area->end;
    expect_eq(mm->start_brk, end);
    expect_eq(mm->brk, end);
    mm_put(mm);
    mapping_put(file);
}

/*
 * The rest of a page that the segment fills in part is zero, although the file continues; the file
 * keeps its bytes.
 */
ELF_TEST(bss_is_zero)
{
    Elf32_Phdr *text = &program->phdrs[0];
    u32 used = program->header->e_entry - text->p_vaddr + 1,
        size = min(program->size, (u32)PAGE_SIZE);
    struct address_space *file;
    struct mm *mm = mm_create();
    const char *why = NULL;
    struct elf_info info;
    static u8 page[PAGE_SIZE];

    if (!expect(mm != NULL))
        return;
    text->p_flags |= PF_W;
    text->p_filesz = used;
    text->p_memsz = used + 1;
    file = program_file(program, program->size);
    expect_eq(elf_load(mm, fs_root(), file, &info, &why), 0);
    expect_eq(mm_read(mm, text->p_vaddr, page, PAGE_SIZE), 0);
    expect_eq(memcmp(page, program->file, used), 0);
    for (u32 i = used; i < PAGE_SIZE; i++)
        expect_eq(page[i], 0);
    expect_eq(filemap_read(file, 0, page, size, filemap_copy_kernel), size);
    expect_eq(memcmp(page, program->file, size), 0);
    mm_put(mm);
    mapping_put(file);
}

/* Text and data may map the same page of the file, at different addresses. */
ELF_TEST(two_segments_of_one_page_of_the_file)
{
    Elf32_Phdr *text = &program->phdrs[0], *data = &program->phdrs[2];
    struct elf_info info;
    const char *why;
    bool empty;

    *data = *text;
    data->p_vaddr += 0x100000;
    data->p_flags = PF_R | PF_W;
    expect_eq(try_load(program, program->size, &empty, &info, &why), 0);
    expect(!empty);
}

ELF_TEST(position_independent)
{
    u32 lowest = program->phdrs[0].p_vaddr, entry = program->header->e_entry;
    const char *why;
    struct elf_info info = {0};
    bool empty;

    program->header->e_type = ET_DYN;
    expect_eq(try_load(program, program->size, &empty, &info, &why), 0);
    expect_eq(info.bias, DYN_BASE - lowest);
    expect_eq(info.entry, entry + info.bias);
    expect_eq(info.phdr, DYN_BASE + program->header->e_phoff);
    program->phdrs[0].p_align = 0x10000;
    expect_eq(try_load(program, program->size, &empty, &info, &why), 0);
    expect_eq(info.bias & 0xffff, 0);
    program->phdrs[1].p_vaddr = lowest - PAGE_SIZE; /* now the lowest, and far from all others */
    program->phdrs[2].p_vaddr = lowest - 2 * PAGE_SIZE + 0x80000000;
    expect_eq(try_load(program, program->size, &empty, &info, &why), -ENOEXEC);
}

ELF_TEST(wrong_kind_of_file)
{
    Elf32_Ehdr *header = program->header;

    expect_refused_with(header->e_ident[EI_MAG0], 'E', "not an ELF file");
    expect_refused_with(header->e_ident[EI_CLASS], ELFCLASS64,
                        "not a 32-bit little-endian ELF file");
    expect_refused_with(header->e_ident[EI_DATA], ELFDATA2MSB,
                        "not a 32-bit little-endian ELF file");
    expect_refused_with(header->e_ident[EI_VERSION], 0, "unknown ELF version");
    expect_refused_with(header->e_version, 2, "unknown ELF version");
    expect_refused_with(header->e_machine, EM_X86_64, "built for another processor");
    expect_refused_with(header->e_type, ET_REL, "not an executable");
}

ELF_TEST(absurd_counts)
{
    Elf32_Ehdr *header = program->header;

    expect_refused_with(header->e_phnum, 0, "no program headers");
    expect_refused_with(header->e_phnum, 0xffff, "too many program headers");
    expect_refused_with(header->e_phnum, 65, "too many program headers");
    expect_refused_with(header->e_phentsize, 0, "program headers of the wrong size");
    expect_refused_with(header->e_phentsize, 64, "program headers of the wrong size");
    expect_refused_with(header->e_phoff, program->size,
                        "program headers beyond the end of the file");
    expect_refused_with(header->e_phoff, 0xffffffff, "program headers beyond the end of the file");
    expect_refused_with(header->e_phoff, 0u - sizeof(Elf32_Phdr),
                        "program headers beyond the end of the file");
}

ELF_TEST(segment_beyond_the_file)
{
    Elf32_Phdr *seg = &program->phdrs[0];
    const char *why = "a segment beyond the end of the file";

    expect_refused_with(seg->p_filesz, program->size + 1, why);
    expect_refused_with(seg->p_filesz, 0xffffffff, why);
    expect_refused_with(seg->p_offset, 0x7ffff000, why);
    expect_refused_with(seg->p_offset, 0xfffff000, why);
    expect_refused_with(seg->p_memsz, seg->p_filesz - 1,
                        "a segment with more bytes in the file than in memory");
}

ELF_TEST(segment_outside_user_memory)
{
    Elf32_Phdr *seg = &program->phdrs[0];
    const char *kernel = "a segment in the kernel half";
    const char *low = "a segment below the lowest user address";

    expect_refused_with(seg->p_vaddr, KERNEL_VIRT, kernel);
    expect_refused_with(seg->p_vaddr, TASK_SIZE, kernel);
    expect_refused_with(seg->p_vaddr, 0xfffff000, kernel);
    expect_refused_with(seg->p_memsz, TASK_SIZE - seg->p_vaddr + 1, kernel);
    expect_refused_with(seg->p_memsz, 0xffffffff, kernel);
    expect_refused_with(seg->p_memsz, 0u - seg->p_vaddr, kernel); /* ends at 4 GiB */
    expect_refused_with(seg->p_vaddr, 0, low);
    expect_refused_with(seg->p_vaddr, MMAP_MIN_ADDR - PAGE_SIZE, low);
}

/* If two share a page of memory, the later one in the table gets it. */
ELF_TEST(segments_that_share_a_page)
{
    Elf32_Phdr *text = &program->phdrs[0], *rodata = &program->phdrs[1];
    struct address_space *file;
    struct mm *mm = mm_create();
    struct elf_info info;
    struct vm_area *area;
    const char *why;

    if (!expect(mm != NULL))
        return;
    text->p_memsz = rodata->p_vaddr + 4 * PAGE_SIZE - text->p_vaddr;
    file = program_file(program, program->size);
    expect_eq(elf_load(mm, fs_root(), file, &info, &why), 0);
    area = mm_find_area(mm, rodata->p_vaddr);
    if (expect(area != NULL)) {
        expect_eq(area->flags, VM_READ);
        expect_eq(area->file, file);
        expect_eq(area->pgoff, rodata->p_offset / PAGE_SIZE);
    }
    area = mm_find_area(mm, ALIGN_DOWN(rodata->p_vaddr, PAGE_SIZE) - 1);
    expect(area && area->flags == (VM_READ | VM_EXEC));
    expect_none(mm_audit());
    mm_put(mm);
    mapping_put(file);
}

/* A program with an interpreter: not found, found, and with an invalid name. */
ELF_TEST(interpreter)
{
    Elf32_Phdr *phdr = &program->phdrs[1];
    struct elf_info info;
    const char *why;
    bool empty;

    phdr->p_type = PT_INTERP;
    memcpy(program->file + phdr->p_offset, "/no/such", 9);
    phdr->p_filesz = 9;
    expect_eq(try_load(program, program->size, &empty, &info, &why), -ENOENT);
    expect(empty);
    phdr->p_filesz = 8; /* no end */
    expect_eq(try_load(program, program->size, &empty, &info, &why), -ENOEXEC);
    memcpy(program->file + phdr->p_offset, "/hello", 7);
    phdr->p_filesz = 7;
    expect_refused(program, program->size,
                   "needs a dynamic linker; only static programs can be run");
    phdr->p_filesz = PATH_SIZE + 1;
    expect_eq(try_load(program, program->size, &empty, &info, &why), -ENOEXEC);
    phdr->p_filesz = 0;
    expect_eq(try_load(program, program->size, &empty, &info, &why), -ENOEXEC);
    expect(empty);
}

ELF_TEST(segment_out_of_step)
{
    expect_refused_with(program->phdrs[1].p_vaddr, program->phdrs[1].p_vaddr + 1,
                        "a segment whose offset and address do not agree within a page");
}

ELF_TEST(entry_outside_the_text)
{
    const Elf32_Phdr *text = &program->phdrs[0], *rodata = &program->phdrs[1];
    const char *why = "the entry point is not in an executable segment";

    expect_refused_with(program->header->e_entry, 0, why);
    expect_refused_with(program->header->e_entry, KERNEL_VIRT, why);
    expect_refused_with(program->header->e_entry, 0xffffffff, why);
    expect_refused_with(program->header->e_entry, rodata->p_vaddr, why);
    expect_refused_with(program->header->e_entry, text->p_vaddr - 1, why);
    expect_refused_with(program->header->e_entry, text->p_vaddr + text->p_filesz, why);
    expect_refused_with(program->phdrs[0].p_flags, PF_R, why);
}

static u32 phdr_address(const struct program *program)
{
    struct elf_info info = {.phdr = ~0u};
    const char *why;
    bool empty;

    expect_eq(try_load(program, program->size, &empty, &info, &why), 0);
    expect_eq(info.phdr_count, program->header->e_phnum);
    return info.phdr;
}

/* The program headers lie in the text, whichever segment that is, or in none. */
ELF_TEST(program_headers_in_memory)
{
    Elf32_Ehdr *header = program->header;
    Elf32_Phdr text = program->phdrs[0], *seg = &program->phdrs[1];

    expect_eq(phdr_address(program), text.p_vaddr + header->e_phoff);
    program->phdrs[0] = program->phdrs[1];
    *seg = text;
    expect_eq(phdr_address(program), text.p_vaddr + header->e_phoff);
    seg->p_offset += header->e_phoff; /* a segment that begins with the program headers */
    seg->p_vaddr += header->e_phoff;
    seg->p_filesz -= header->e_phoff;
    seg->p_memsz -= header->e_phoff;
    expect_eq(phdr_address(program), seg->p_vaddr);
    seg->p_offset++;
    seg->p_vaddr++;
    seg->p_filesz--;
    expect_eq(phdr_address(program), 0);
    *seg = text;
    seg->p_filesz = header->e_phoff;
    program->phdrs[0].p_flags |= PF_X; /* the entry point must be in a segment */
    header->e_entry = program->phdrs[0].p_vaddr;
    expect_eq(phdr_address(program), 0);
    seg->p_type = PT_NULL;
    expect_eq(phdr_address(program), 0);
}

/* The bytes of the file that loading reads. */
static u32 bytes_needed(const struct program *program)
{
    u32 needed = program->header->e_phoff + program->header->e_phnum * sizeof(Elf32_Phdr);

    for (u32 i = 0; i < program->header->e_phnum; i++)
        if (program->phdrs[i].p_type == PT_LOAD)
            needed = max(needed, program->phdrs[i].p_offset + program->phdrs[i].p_filesz);
    return needed;
}

ELF_TEST(truncated_anywhere)
{
    u32 needed = bytes_needed(program);
    struct elf_info info;
    const char *why;
    bool empty;

    for (u32 size = 0; size < needed; size += size < 256 ? 1 : 61)
        expect_refused(program, size,
                       size < sizeof(Elf32_Ehdr) ? "too short for an ELF header" : NULL);
    expect_refused(program, needed - 1, "a segment beyond the end of the file");
    expect_eq(try_load(program, needed, &empty, &info, &why), 0);
}

ELF_TEST(any_byte_of_the_headers_damaged)
{
    static const u8 damage[] = {0x01, 0x80, 0xff};
    u32 size = sizeof(Elf32_Ehdr) + program->header->e_phnum * sizeof(Elf32_Phdr);
    u32 refused = 0, free_before = settle();

    for (u32 i = 0; i < size * ARRAY_SIZE(damage); i++) {
        u8 *byte = &program->file[i / ARRAY_SIZE(damage)], saved = *byte;
        const char *why = NULL;
        struct elf_info info;
        bool empty = false;
        int result;

        *byte ^= damage[i % ARRAY_SIZE(damage)];
        result = try_load(program, program->size, &empty, &info, &why);
        *byte = saved;
        expect(result == 0 || result == -ENOEXEC);
        expect(result == 0 || (empty && why));
        refused += result != 0;
    }
    expect(refused > size);
    expect_eq(settle(), free_before);
}
