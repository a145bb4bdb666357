/*
 * The multiboot2 information block, as far as Attic reads it (Multiboot2 Specification 2.0, section
 * 3.6).
 */
#pragma once

#include <lib/types.h>

#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289

enum {
    MULTIBOOT_TAG_END = 0,
    MULTIBOOT_TAG_CMDLINE = 1,
    MULTIBOOT_TAG_LOADER_NAME = 2,
    MULTIBOOT_TAG_MODULE = 3,
    MULTIBOOT_TAG_MMAP = 6,
    MULTIBOOT_TAG_ELF_SECTIONS = 9,
};

struct multiboot_info {
    u32 total_size, reserved;
};

/*
 * Tags follow each other, each aligned to 8 bytes; `size` counts this header but not the padding.
 */
struct multiboot_tag {
    u32 type, size;
};

struct multiboot_tag_module {
    struct multiboot_tag tag;
    u32 mod_start, mod_end;
    char string[];
};

struct multiboot_mmap_entry {
    u64 addr, len;
    u32 type, reserved;
};

struct multiboot_tag_mmap {
    struct multiboot_tag tag;
    u32 entry_size, entry_version;
    char entries[];
};

struct multiboot_tag_elf_sections {
    struct multiboot_tag tag;
    u32 num, entsize, shndx;
    char sections[];
};
