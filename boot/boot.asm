; From GRUB to C. GRUB leaves a 32-bit processor in protected mode with paging off, the multiboot2
; magic in EAX and the physical address of its information block in EBX (Multiboot2 Specification
; 2.0, 3.3). Nothing else is assumed: the other bits of CR0 and CR4, the debug registers and long
; mode may have any state that firmware left (UEFI sets CR0.WP), so whole values are written. What
; follows, in order:
;
;   _start               physical addresses, paging off: can this machine run Attic?
;   boot_paging_on       a page directory of 4 MiB pages maps the image twice: where it runs now
;                        (identity) and, with the largest possible lowmem, at PAGE_OFFSET
;   boot_high            EIP is above PAGE_OFFSET (high.asm)
;   boot_identity_gone   the identity mapping is removed; on to kernel_main() in C (high.asm)
;
; Sections .boot.* are linked at their physical addresses, so that a debugger finds symbols and
; lines before paging as well. Their pages, this page directory and the boot stack among them, are
; freed at the end of boot (mm_seal).

%include "asm-offsets.inc"

MULTIBOOT2_HEADER_MAGIC     equ 0xe85250d6
MULTIBOOT2_BOOTLOADER_MAGIC equ 0x36d76289
TAG_INFO_REQUEST            equ 1
TAG_CONSOLE_FLAGS           equ 4
TAG_MODULE_ALIGN            equ 6
INFO_CMDLINE                equ 1
INFO_MODULE                 equ 3
INFO_MEMORY_MAP             equ 6
CONSOLE_EGA_TEXT            equ 2

EFLAGS_ID  equ 1 << 21
PDE_LARGE  equ 0x83                     ; present, writable, 4 MiB page
PDES_HIGH  equ BOOT_MAP_SIZE >> PDE_SHIFT

; CPUID leaf 1, EDX
CPUID_PSE  equ 1 << 3
CPUID_TSC  equ 1 << 4
CPUID_MSR  equ 1 << 5
CPUID_CX8  equ 1 << 8
CPUID_PGE  equ 1 << 13
CPUID_CMOV equ 1 << 15

CPUID_EXTENDED    equ 0x80000000
CPUID_EXTENDED_LM equ 1 << 29           ; leaf CPUID_EXTENDED + 1, EDX
MSR_EFER          equ 0xc0000080
EFER_LME          equ 1 << 8

; ---- the multiboot2 header, in the first 32 KiB of the file ------------------------------------

section .multiboot2 progbits alloc noexec nowrite align=8
header:
    dd MULTIBOOT2_HEADER_MAGIC
    dd 0                                ; protected mode of i386
    dd header_end - header
    dd -(MULTIBOOT2_HEADER_MAGIC + header_end - header)
align 8, db 0
    dw TAG_INFO_REQUEST, 0
    dd 20
    dd INFO_CMDLINE, INFO_MODULE, INFO_MEMORY_MAP
align 8, db 0
    dw TAG_CONSOLE_FLAGS, 0
    dd 12
    dd CONSOLE_EGA_TEXT                 ; leave the screen in text mode
align 8, db 0
    dw TAG_MODULE_ALIGN, 0
    dd 8
align 8, db 0
    dw 0, 0                             ; the end
    dd 8
header_end:

; ---- paging off --------------------------------------------------------------------------------

section .boot.text progbits alloc exec nowrite align=16

extern boot_high, boot_refuse_line, boot_traps_init, boot_tsc

global _start
_start:
    cli
    cld
    mov esp, boot_stack_top
    mov ebp, eax                        ; the magic; EBX holds the information block

    mov esi, text_loader
    cmp ebp, MULTIBOOT2_BOOTLOADER_MAGIC
    jne boot_refuse_line
    xor edx, edx
    call boot_traps_init

    ; If the ID flag can be changed, the processor has the CPUID instruction.
    mov esi, text_cpuid
    pushfd
    pop eax
    mov ecx, eax
    xor eax, EFLAGS_ID
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, EFLAGS_ID
    jz boot_refuse_line

    mov edi, ebx                        ; CPUID overwrites EBX
    mov eax, 1
    cpuid
    mov ebx, required_features
.next_feature:
    mov esi, [ebx + 4]
    test edx, [ebx]
    jz boot_refuse_line
    add ebx, 8
    cmp ebx, required_features_end
    jb .next_feature

    ; 64-bit firmware may leave long mode enabled; with it set, paging needs PAE.
    mov eax, CPUID_EXTENDED
    cpuid
    cmp eax, CPUID_EXTENDED + 1
    jb .no_long_mode
    mov eax, CPUID_EXTENDED + 1
    cpuid
    test edx, CPUID_EXTENDED_LM
    jz .no_long_mode
    mov ecx, MSR_EFER
    rdmsr
    and eax, ~EFER_LME
    wrmsr
.no_long_mode:
    mov ebx, edi

    rdtsc
    mov [boot_tsc - PAGE_OFFSET], eax
    mov [boot_tsc - PAGE_OFFSET + 4], edx

    ; The directory maps this code at its own address, and physical memory from 0 at PAGE_OFFSET.
    mov dword [boot_page_directory], PDE_LARGE
    mov edi, boot_page_directory + (PAGE_OFFSET >> PDE_SHIFT) * 4
    mov eax, PDE_LARGE
    mov ecx, PDES_HIGH
.next_pde:
    stosd
    add eax, LARGE_PAGE_SIZE
    loop .next_pde

    xor eax, eax
    mov dr7, eax                        ; no breakpoint of the firmware
    mov eax, BOOT_CR4
    mov cr4, eax
    mov eax, boot_page_directory
    mov cr3, eax
    mov eax, BOOT_CR0
    mov cr0, eax

global boot_paging_on
boot_paging_on:
    mov eax, boot_high
    jmp eax

section .boot.data progbits alloc noexec write align=4

; The features that the processor must have, and the line to print if one is missing, in this order:
; those that this file and the rest of the kernel use, and those that the compiler may use (-march
; in the Makefile). A test compares the table with the instructions in the image.
required_features:
    dd CPUID_PSE, text_pse
    dd CPUID_PGE, text_pge
    dd CPUID_TSC, text_tsc
    dd CPUID_MSR, text_msr
    dd CPUID_CX8, text_cx8
    dd CPUID_CMOV, text_cmov
required_features_end:

text_loader: db "Attic cannot start: no multiboot2 boot loader has loaded it (GRUB: multiboot2).", 10, 0
text_cpuid:  db "Attic cannot start: this processor has no CPUID instruction.", 10, 0
text_pse:    db "Attic cannot start: this processor has no 4 MiB pages (PSE).", 10, 0
text_pge:    db "Attic cannot start: this processor has no global pages (PGE).", 10, 0
text_tsc:    db "Attic cannot start: this processor has no time-stamp counter (TSC).", 10, 0
text_msr:    db "Attic cannot start: this processor has no model-specific registers (MSR).", 10, 0
text_cx8:    db "Attic cannot start: this processor has no 8-byte compare and exchange (CX8).", 10, 0
text_cmov:   db "Attic cannot start: this processor has no conditional moves (CMOV).", 10, 0

section .boot.bss nobits alloc noexec write align=4096
global boot_page_directory
boot_page_directory:
    resb PAGE_SIZE
    resb PAGE_SIZE
boot_stack_top:
