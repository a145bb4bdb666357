/*
 * The ELF loader against damaged files. A sound program is copied out of the initramfs, damaged in
 * one place and offered: it must be refused with a reason, and the address space must be as empty
 * as before. The last tests damage at random and by the dozen: there the file may be accepted or
 * refused, but nothing may be lost and nothing may break.
 */
#include <asm/errno.h>
#include <fs/initramfs.h>
#include <kernel/ktest.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/highmem.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define PROGRAM "hello"

/* A program in memory that may be changed. */
struct program {
    u8 *file;
    u32 size;
    Elf32_Ehdr *header;
    Elf32_Phdr *phdrs; /* text, rodata, data: see user/user.ld */
};

static bool program_get(struct program *program)
{
    struct initramfs_file file = {0};

    if (!expect(initramfs_lookup(PROGRAM, &file)))
        return false;
    program->file = vmalloc(file.size);
    if (!expect(program->file != NULL))
        return false;
    memcpy(program->file, file.data, file.size);
    program->size = file.size;
    program->header = (Elf32_Ehdr *)program->file;
    program->phdrs = (Elf32_Phdr *)(program->file + program->header->e_phoff);
    return true;
}

static void program_put(struct program *program)
{
    vfree(program->file);
}

/* Load into a new address space and throw that away; *empty tells whether anything was entered. */
static long try_load(const struct program *program, u32 size, bool *empty, const char **why)
{
    struct mm *mm = mm_create();
    long result;
    u32 entry;

    if (!expect(mm != NULL))
        return -ENOMEM;
    result = elf_load(mm, program->file, size, &entry, why);
    *empty = list_empty(&mm->areas) && mm->pages == 0 && mm->tables == 0;
    mm_destroy(mm);
    return result;
}

static void expect_refused(const struct program *program, u32 size, const char *reason)
{
    const char *why = NULL;
    bool empty = false;
    u32 free_before;

    slab_shrink();
    free_before = nr_free_pages();
    expect_eq(try_load(program, size, &empty, &why), -ENOEXEC);
    expect(empty);
    if (expect(why != NULL) && reason)
        expect_str_eq(why, reason);
    slab_shrink();
    expect_eq(nr_free_pages(), free_before);
}

/* KTEST with a `program` that is sound, and is put back afterwards. */
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
 * Refused, for exactly this reason, with one field changed to `value`; then the field is put back.
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
    struct mm *mm = mm_create();
    const char *why = NULL;
    struct vm_area *area;
    u32 entry, end = 0;

    if (!expect(mm != NULL))
        return;
    expect_eq(elf_load(mm, program->file, program->size, &entry, &why), 0);
    expect_eq(entry, program->header->e_entry);
    area = mm_find_area(mm, entry);
    if (expect(area != NULL)) {
        expect_str_eq(area->name, "text");
        expect_eq(area->flags, VM_READ | VM_EXEC);
    }
    area = mm_find_area(mm, program->phdrs[1].p_vaddr);
    if (expect(area != NULL))
        expect_str_eq(area->name, "rodata");
    list_for_each_entry (area, &mm->areas, link)
        end = area->end;
    expect_eq(mm->start_brk, end);
    expect_eq(mm->brk, end);
    mm_destroy(mm);
}

/* The page that the file fills in part is zero behind it, although the file goes on. */
ELF_TEST(bss_is_zero)
{
    Elf32_Phdr *text = &program->phdrs[0];
    struct mm *mm = mm_create();
    const char *why = NULL;
    struct pgwalk walk;
    const u8 *page;
    u32 entry, used = program->header->e_entry - text->p_vaddr + 1;

    if (!expect(mm != NULL))
        return;
    text->p_flags |= PF_W;
    text->p_filesz = used;
    expect_eq(elf_load(mm, program->file, program->size, &entry, &why), 0);
    walk = pgd_walk(mm->pgd, text->p_vaddr);
    if (expect(walk.mapped && walk.writable && walk.user)) {
        page = kmap_local_page(phys_to_page(walk.phys));
        expect_eq(memcmp(page, program->file, used), 0);
        for (u32 i = used; i < PAGE_SIZE; i++)
            expect_eq(page[i], 0);
        kunmap_local(page);
    }
    mm_destroy(mm);
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
    expect_refused_with(
        header->e_type, ET_DYN,
        "position-independent; only static programs with fixed addresses can be run");
    expect_refused_with(program->phdrs[1].p_type, PT_INTERP,
                        "needs a dynamic linker; only static programs can be run");
}

ELF_TEST(absurd_counts)
{
    Elf32_Ehdr *header = program->header;

    expect_refused_with(header->e_phnum, 0, "no program headers");
    expect_refused_with(header->e_phnum, 0xffff, "too many program headers");
    expect_refused_with(header->e_phnum, 17, "too many program headers");
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

ELF_TEST(segments_that_overlap)
{
    Elf32_Phdr *text = &program->phdrs[0], *rodata = &program->phdrs[1];
    const char *why = "two segments share a page";

    expect_refused_with(rodata->p_vaddr, rodata->p_vaddr - PAGE_SIZE, why);
    expect_refused_with(text->p_memsz, rodata->p_vaddr - text->p_vaddr + 1, why);
    expect_refused_with(text->p_memsz, TASK_SIZE - text->p_vaddr, why);
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

/* The program headers lie in the text, whichever segment that is, or in none. */
ELF_TEST(program_headers_in_memory)
{
    Elf32_Ehdr *header = program->header;
    Elf32_Phdr text = program->phdrs[0];
    u32 count = 0;

    expect_eq(elf_phdr_address(program->file, &count), text.p_vaddr + header->e_phoff);
    expect_eq(count, header->e_phnum);
    program->phdrs[0] = program->phdrs[1];
    program->phdrs[1] = text;
    expect_eq(elf_phdr_address(program->file, &count), text.p_vaddr + header->e_phoff);
    program->phdrs[1].p_offset = header->e_phoff; /* a segment that begins with them */
    expect_eq(elf_phdr_address(program->file, &count), text.p_vaddr);
    program->phdrs[1].p_offset = header->e_phoff + 1;
    expect_eq(elf_phdr_address(program->file, &count), 0);
    program->phdrs[1].p_offset = 0;
    program->phdrs[1].p_filesz = header->e_phoff;
    expect_eq(elf_phdr_address(program->file, &count), 0);
    program->phdrs[1].p_type = PT_NULL;
    expect_eq(elf_phdr_address(program->file, &count), 0);
}

/* Bytes of the file that a load reads. */
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
    const char *why;
    bool empty;

    for (u32 size = 0; size < needed; size += size < 256 ? 1 : 61)
        expect_refused(program, size,
                       size < sizeof(Elf32_Ehdr) ? "too short for an ELF header" : NULL);
    expect_refused(program, needed - 1, "a segment beyond the end of the file");
    expect_eq(try_load(program, needed, &empty, &why), 0);
}

ELF_TEST(any_byte_of_the_headers_damaged)
{
    static const u8 damage[] = {0x01, 0x80, 0xff};
    u32 size = sizeof(Elf32_Ehdr) + program->header->e_phnum * sizeof(Elf32_Phdr);
    u32 refused = 0, free_before;

    slab_shrink();
    free_before = nr_free_pages();
    for (u32 i = 0; i < size * ARRAY_SIZE(damage); i++) {
        u8 *byte = &program->file[i / ARRAY_SIZE(damage)], saved = *byte;
        const char *why = NULL;
        bool empty = false;
        long result;

        *byte ^= damage[i % ARRAY_SIZE(damage)];
        result = try_load(program, program->size, &empty, &why);
        *byte = saved;
        expect(result == 0 || result == -ENOEXEC);
        expect(result == 0 || (empty && why));
        refused += result != 0;
    }
    expect(refused > size);
    slab_shrink();
    expect_eq(nr_free_pages(), free_before);
}
