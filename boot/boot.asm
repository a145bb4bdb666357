; From GRUB to C. GRUB leaves a 32-bit processor in protected mode with paging off, the multiboot2
; magic in EAX and the physical address of its information block in EBX (Multiboot2 Specification
; 2.0, 3.3). What follows, in order:
;
;   _start               physical addresses, paging off: is this machine able to run Attic?
;   boot_paging_on       a page directory of 4 MiB pages maps the image twice: where it runs now
;                        (identity) and, with all that lowmem can be, from PAGE_OFFSET on
;   boot_high            EIP is above PAGE_OFFSET (high.asm)
;   boot_identity_gone   the identity mapping is removed; on to kernel_main() in C (high.asm)
;
; Sections .boot.* are linked at their physical addresses, so that a debugger finds symbols and
; lines before paging as well. Their pages, this page directory and the boot stack among them, are
; given back at the end of boot (mm_seal).

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
CPUID_PSE  equ 1 << 3
CPUID_TSC  equ 1 << 4
CPUID_PGE  equ 1 << 13
CR0_PG     equ 1 << 31
CR4_PSE    equ 1 << 4
PDE_LARGE  equ 0x83                     ; present, writable, 4 MiB page
PDES_HIGH  equ BOOT_MAP_SIZE >> PDE_SHIFT

; ---- the header GRUB looks for in the first 32 KiB of the file ---------------------------------

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

extern boot_high, boot_tsc

global _start
_start:
    cli
    cld
    mov esp, boot_stack_top
    mov ebp, eax                        ; the magic; EBX holds the information block

    mov esi, text_loader
    cmp ebp, MULTIBOOT2_BOOTLOADER_MAGIC
    jne boot_refuse_line

    ; A processor that lets the ID flag be flipped has the CPUID instruction.
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
    mov ebx, edi
    mov esi, text_pse
    test edx, CPUID_PSE
    jz boot_refuse_line
    mov esi, text_pge
    test edx, CPUID_PGE
    jz boot_refuse_line
    mov esi, text_tsc
    test edx, CPUID_TSC
    jz boot_refuse_line

    rdtsc
    mov [boot_tsc - PAGE_OFFSET], eax
    mov [boot_tsc - PAGE_OFFSET + 4], edx

    ; The directory: this code where it is, and physical 0.. from PAGE_OFFSET on.
    mov dword [boot_page_directory], PDE_LARGE
    mov edi, boot_page_directory + (PAGE_OFFSET >> PDE_SHIFT) * 4
    mov eax, PDE_LARGE
    mov ecx, PDES_HIGH
.next_pde:
    stosd
    add eax, LARGE_PAGE_SIZE
    loop .next_pde

    mov eax, cr4
    or eax, CR4_PSE
    mov cr4, eax
    mov eax, boot_page_directory
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax

global boot_paging_on
boot_paging_on:
    mov eax, boot_high
    jmp eax

; One line on the first serial port and on the screen, then the end. ESI points to the line; paging
; is off. QEMU's debug-exit device, where there is one, ends the machine; elsewhere the processor
; stops here.
boot_refuse_line:
    mov edi, VGA_TEXT
    mov ah, 0x07                        ; light grey on black
.next_char:
    lodsb
    test al, al
    jz .end
    cmp al, 10
    je .serial
    stosw
.serial:
    mov cl, al
    mov dx, COM1 + 5
.busy:
    in al, dx
    test al, 0x20                       ; transmitter holding register empty
    jz .busy
    mov dx, COM1
    mov al, cl
    out dx, al
    jmp .next_char
.end:
    mov eax, MACHINE_REFUSE
    mov dx, DEBUG_EXIT_PORT
    out dx, eax
.stop:
    cli
    hlt
    jmp .stop

VGA_TEXT equ 0xb8000
COM1     equ 0x3f8

text_loader: db "Attic cannot start: it was not loaded by a multiboot2 boot loader (GRUB: multiboot2).", 10, 0
text_cpuid:  db "Attic cannot start: this processor has no CPUID instruction.", 10, 0
text_pse:    db "Attic cannot start: this processor has no 4 MiB pages (PSE).", 10, 0
text_pge:    db "Attic cannot start: this processor has no global pages (PGE).", 10, 0
text_tsc:    db "Attic cannot start: this processor has no time-stamp counter (TSC).", 10, 0

section .boot.bss nobits alloc noexec write align=4096
global boot_page_directory
boot_page_directory:
    resb PAGE_SIZE
    resb PAGE_SIZE
boot_stack_top:
