; The first instructions above PAGE_OFFSET. boot.asm comes here with paging on: EBP holds the
; multiboot2 magic, EBX the address of the information block, and the stack is still reached through
; the identity mapping.
;
; This is a separate file because an assembler's debug information covers one section per file, and
; a debugger needs lines here as well.

%include "asm-offsets.inc"

section .text

extern boot_page_directory, boot_traps_init, kernel_main

global boot_high
boot_high:
    add esp, PAGE_OFFSET                ; the stack, through the higher half
    mov edx, PAGE_OFFSET
    call boot_traps_init                ; traps as well
    mov dword [boot_page_directory + PAGE_OFFSET], 0
    mov eax, cr3                        ; no page is global yet: this drops the identity mapping
    mov cr3, eax

global boot_identity_gone
boot_identity_gone:
    mov eax, ebp                        ; kernel_main(magic, info), arguments in registers
    mov edx, ebx
    xor ebp, ebp                        ; backtraces end here
    call kernel_main
    ud2                                 ; it does not return
