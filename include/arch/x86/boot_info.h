/*
 * What the boot loader passed, copied out of the multiboot2 information block with every tag
 * bounds-checked (Multiboot2 Specification 2.0, section 3). Addresses are physical. After
 * boot_info_init() the block itself is not read again.
 */
#pragma once

#include <lib/types.h>
#include <mm/layout.h>

#define BOOT_CMDLINE_MAX 512
#define BOOT_MEMORY_MAX  128
#define BOOT_MODULES_MAX 8

struct boot_range {
    u64 start, end; /* [start, end) */
    u32 type;       /* of the memory map: 1 is usable RAM */
};

#define BOOT_MODULE_FAILED "failed" /* text of a module that could not be loaded */

struct boot_module {
    phys_addr_t start, end;
    bool failed;
};

struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    char loader[64];
    struct boot_range memory[BOOT_MEMORY_MAX];
    u32 memory_count;
    struct boot_module modules[BOOT_MODULES_MAX];
    u32 module_count;
    /*
     * The kernel's own symbol table and its strings, as GRUB loaded them; empty ranges if it did
     * not load them.
     */
    phys_addr_t symtab, symtab_end;
    phys_addr_t strtab, strtab_end;
};

extern struct boot_info boot_info;

/* The processor's time-stamp counter at the kernel's first instruction. */
extern u64 boot_tsc;

/*
 * Read a block into *info, which is cleared first. NULL, or the error in the block; then *info is
 * not valid. Nothing outside of the block's total_size is read; its header of 8 bytes must exist.
 */
struct multiboot_info;
__must_check const char *boot_info_parse(const struct multiboot_info *block,
                                         struct boot_info *info);

/*
 * Read the block at a physical address into boot_info. A wrong magic or a damaged block is refused
 * with one line.
 */
void boot_info_init(u32 magic, phys_addr_t address);

/*
 * The value of `name=` in the command line, copied to buf (at most size bytes with its 0). NULL if
 * not found; the last one counts. Quotes are not special.
 */
const char *boot_option(const char *name, char *buf, size_t size);
