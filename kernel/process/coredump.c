/*
 * Core files: the memory and the registers of a process killed by a signal that causes a core dump
 * (man 5 core), in an ELF file that gdb reads.
 *
 *     Elf32_Ehdr, ET_CORE
 *     PT_NOTE, and PT_LOAD for each area, in order of address
 *     notes: NT_PRSTATUS, NT_PRPSINFO, NT_AUXV
 *     pages of the areas, from a page boundary on
 *
 * The file is "core" in the working directory, created again each time. As on Linux, it contains a
 * whole area if the process has written to private pages in it, or if it is shared memory without a
 * file. Of another private mapping of a file it contains the first page, by which debuggers
 * identify programs (the vDSO is one); of all others only the header. Pages of zeros are holes.
 *
 * Everything goes through one buffer; user memory is read with mm_read(), which touches no page.
 * Each area is examined once, so its header and its contents agree although other tasks may run in
 * between, and may truncate files. SIGKILL ends the dump.
 *
 * Limits: RLIMIT_CORE cuts the file (no file if it is less than a page); so does a lack of memory.
 * No floating-point registers. There is no core_pattern.
 *
 * Neighbours: kernel/process/signal.c calls it; fs/ and mm/ do the work.
 */
#include <arch/x86/usersegs.h>
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <fs/fs.h>
#include <kernel/process/process.h>
#include <kernel/process/signal_internal.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <linux/resource.h>
#include <mm/frame/slab.h>
#include <mm/user/mm.h>

#define AUXV_WORDS 64 /* of the auxiliary vector, at most */

/* Linux's elf_prstatus and elf_prpsinfo of i386 (include/linux/elfcore.h, not a UAPI header). */
struct prstatus {
    s32 signo, code, error;
    u16 cursig, padding;
    u32 pending, blocked;
    u32 pid, ppid, pgrp, session;
    struct __kernel_old_timeval times[4]; /* user, system; the same of children */
    u32 regs[17];
    u32 fpu_valid;
};

struct prpsinfo {
    u8 state, state_name, zombie, nice;
    u32 flags;
    u16 uid, gid;
    u32 pid, ppid, pgrp, session;
    char name[16], args[80];
};

_Static_assert(sizeof(struct prstatus) == 144 && sizeof(struct prpsinfo) == 124, "Linux's layout");

/* A note's head with its name. */
struct note {
    Elf32_Nhdr head;
    char name[8];
};

struct notes {
    struct note prstatus_note;
    struct prstatus prstatus;
    struct note prpsinfo_note;
    struct prpsinfo prpsinfo;
    struct note auxv_note;
    u32 auxv[AUXV_WORDS];
};

struct dump {
    struct mm *mm;
    struct inode *file;
    u32 limit; /* the file's maximum size: the limit, or where a write failed */
    u32 pos;   /* file position of the next area's pages */
    struct notes notes;
    u8 page[PAGE_SIZE];
};

/* ---- notes ---- */

static struct note note(u32 type, u32 size)
{
    return (struct note){{.n_namesz = sizeof("CORE"), .n_descsz = size, .n_type = type}, "CORE"};
}

static void fill_prstatus(struct prstatus *to, u32 signal)
{
    const struct pt_regs *regs = task_pt_regs(current);
    const struct signals *signals = current->signals;
    const u32 registers[] = {
        regs->ebx, regs->ecx,     regs->edx,
        regs->esi, regs->edi,     regs->ebp,
        regs->eax, (u16)regs->ds, (u16)regs->es,
        read_fs(), read_gs(),     in_syscall(regs) ? syscall_number(regs) : NO_SYSCALL,
        regs->eip, (u16)regs->cs, regs->eflags,
        regs->esp, (u16)regs->ss};
    struct rusage usage;

    *to = (struct prstatus){.signo = signal,
                            .cursig = signal,
                            .pending = signals->pending,
                            .blocked = signals->blocked,
                            .pid = current->pid,
                            .ppid = task_ppid(current),
                            .pgrp = current->pgrp,
                            .session = current->session};
    memcpy(to->regs, registers, sizeof(to->regs));
    task_rusage(current, true, false, &usage);
    memcpy(&to->times[0], &usage.ru_utime, 2 * sizeof(to->times[0]));
    task_rusage(current, false, true, &usage);
    memcpy(&to->times[2], &usage.ru_utime, 2 * sizeof(to->times[0]));
}

static void fill_prpsinfo(struct prpsinfo *to, struct mm *mm)
{
    u32 size = min(mm->arg_end - mm->arg_start, (u32)sizeof(to->args) - 1);

    *to = (struct prpsinfo){.state_name = 'R',
                            .nice = current->nice,
                            .pid = current->pid,
                            .ppid = task_ppid(current),
                            .pgrp = current->pgrp,
                            .session = current->session};
    strscpy(to->name, current->comm, sizeof(to->name));
    if (mm_read(mm, mm->arg_start, to->args, size) != 0)
        size = 0;
    for (u32 i = 0; i < size; i++)
        to->args[i] = to->args[i] ? to->args[i] : ' ';
}

/* Fill all notes; returns their size in bytes. */
static u32 fill_notes(struct notes *notes, struct mm *mm, u32 signal)
{
    u32 auxv_size = min(mm->auxv_end - mm->auxv, (u32)sizeof(notes->auxv));

    if (mm_read(mm, mm->auxv, notes->auxv, auxv_size) != 0)
        auxv_size = 0; /* the process has unmapped its own stack */
    fill_prstatus(&notes->prstatus, signal);
    fill_prpsinfo(&notes->prpsinfo, mm);
    notes->prstatus_note = note(NT_PRSTATUS, sizeof(notes->prstatus));
    notes->prpsinfo_note = note(NT_PRPSINFO, sizeof(notes->prpsinfo));
    notes->auxv_note = note(NT_AUXV, auxv_size);
    return offsetof(struct notes, auxv) + auxv_size;
}

/* ---- writing ---- */

/* Write as much as the limit allows; if a write fails, the file ends there. */
static void emit(struct dump *dump, u32 pos, const void *from, u32 size)
{
    size = min(size, pos < dump->limit ? dump->limit - pos : 0);
    if (size && inode_write(dump->file, pos, from, size) != (long)size)
        dump->limit = pos;
}

/* True when the area has private pages that the process has written. */
static bool has_own_pages(pde_t *pgd, const struct vm_area *area)
{
    for (u32 addr = area->start; addr < area->end; addr += PAGE_SIZE) {
        const pte_t *pte = pgd_user_pte(pgd, addr);

        if (!pte)
            addr = ALIGN_DOWN(addr, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE - PAGE_SIZE;
        else if (!pte_none(*pte) && pfn_to_page(pte_pfn(*pte))->type == PAGE_USER)
            return true;
    }
    return false;
}

/* The bytes of an area that the file contains. */
static u32 dump_size(pde_t *pgd, const struct vm_area *area)
{
    bool shared = area->file && area->flags & VM_SHARED;

    if (shared ? area->file->anonymous : has_own_pages(pgd, area))
        return area->end - area->start;
    return !shared && area->file && area->pgoff == 0 && area->flags & VM_READ ? PAGE_SIZE : 0;
}

static bool is_zero(const u8 *page)
{
    const u32 *word = (const u32 *)page, *end = word + PAGE_SIZE / sizeof(u32);

    while (word < end && !*word)
        word++;
    return word == end;
}

static void emit_pages(struct dump *dump, const struct vm_area *area, u32 size)
{
    for (u32 done = 0; done < size && dump->pos + done < dump->limit; done += PAGE_SIZE) {
        u32 addr = area->start + done;

        if (!area->file && !pgd_user_pte(dump->mm->pgd, addr))
            done += LARGE_PAGE_SIZE - PAGE_SIZE - addr % LARGE_PAGE_SIZE;
        else if (mm_read(dump->mm, addr, dump->page, PAGE_SIZE) == 0 && !is_zero(dump->page))
            emit(dump, dump->pos + done, dump->page, PAGE_SIZE);
        if (cond_resched_ending())
            break;
    }
}

static u32 program_flags(u32 flags)
{
    return (flags & VM_READ ? PF_R : 0) | (flags & VM_WRITE ? PF_W : 0) |
           (flags & VM_EXEC ? PF_X : 0);
}

/* Write the header of an area to *at, and its pages. */
static void emit_area(struct dump *dump, u32 *at, const struct vm_area *area)
{
    Elf32_Phdr phdr = {.p_type = PT_LOAD,
                       .p_offset = dump->pos,
                       .p_vaddr = area->start,
                       .p_filesz = dump_size(dump->mm->pgd, area),
                       .p_memsz = area->end - area->start,
                       .p_flags = program_flags(area->flags),
                       .p_align = PAGE_SIZE};

    emit(dump, *at, &phdr, sizeof(phdr));
    *at += sizeof(phdr);
    emit_pages(dump, area, phdr.p_filesz);
    dump->pos += phdr.p_filesz;
}

/* Write the whole file. True when a core file exists now, cut or not. */
static bool emit_all(struct dump *dump, u32 signal)
{
    u32 at = sizeof(Elf32_Ehdr), notes_at = at + (1 + dump->mm->area_count) * sizeof(Elf32_Phdr);
    Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_phoff = at,
        .e_ehsize = at,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 1 + dump->mm->area_count};
    Elf32_Phdr phdr = {.p_type = PT_NOTE, .p_offset = notes_at};

    phdr.p_filesz = fill_notes(&dump->notes, dump->mm, signal);
    emit(dump, 0, &header, sizeof(header));
    emit(dump, at, &phdr, sizeof(phdr));
    emit(dump, notes_at, &dump->notes, phdr.p_filesz);
    at += sizeof(phdr);
    dump->pos = PAGE_ALIGN(notes_at + phdr.p_filesz);
    for (struct vm_area *area = mm_area_above(dump->mm, 0); area && !signal_kill_pending();
         area = area->next)
        emit_area(dump, &at, area);
    dump->pos = min(dump->pos, dump->limit);
    return dump->limit && inode_truncate(dump->file, dump->pos) == 0; /* it may end in a hole */
}

/* ---- the file ---- */

bool coredump(u32 signal)
{
    u32 limit = min((u32)current->rlimits[RLIMIT_CORE].rlim_cur, FILE_SIZE_MAX);
    struct inode *dir = current->cwd;
    struct file *file;
    struct dump *dump;
    bool dumped = false;

    if (!(SIGNALS_THAT_DUMP & signal_bit(signal)) || limit < PAGE_SIZE || current->mm->undumpable)
        return false;
    dump = kzalloc(sizeof(*dump));
    if (!dump)
        return false;
    (void)!vfs_unlink(dir, "core"); /* if it still exists, file_open() fails */
    if (file_open(dir, "core", O_CREAT | O_EXCL | O_WRONLY, 0600 & ~current->umask, &file) == 0) {
        dump->mm = current->mm;
        dump->limit = limit;
        dump->file = file->inode;
        dumped = emit_all(dump, signal);
        file_put(file);
    }
    kfree(dump);
    return dumped;
}
