; Traps before the kernel has its own IDT. The boot loader leaves no usable IDT, and a fault would
; be a triple fault, without any report. Here it prints one line, on the serial port and on the
; screen: the vector, EIP, the error code, and for a page fault the address and its region of the
; address map (include/mm/layout.h).
;
; The table is written twice: for physical addresses, and for those above PAGE_OFFSET just before
; the identity mapping is removed. So is a GDT, because a gate names a code segment, and the boot
; loader's GDT may be overwritten. It has the kernel's selectors, so that the gates are valid until
; idt_init(), and not only until gdt_init().

%include "asm-offsets.inc"

GATE       equ 0x8e00                   ; present, ring 0, 32-bit interrupt gate
EXCEPTIONS equ 32
STUB_SIZE  equ 16
PDE_LARGE  equ 0x83                     ; present, writable, 4 MiB page
PAGE_FAULT equ 14

; Exceptions for which the processor pushes an error code (Intel SDM vol. 3, table 6-1).
WITH_ERROR equ 1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21

section .boot.text progbits alloc exec nowrite align=16

extern boot_page_directory, boot_end_line

; Install the trap handlers. EDX: the address where the boot code runs from now on, minus its link
; address: 0 or PAGE_OFFSET. Changes EAX, ECX, ESI, EDI.
global boot_traps_init
boot_traps_init:
    lea edi, [boot_idt + edx]
    lea eax, [boot_trap_stubs + edx]
    mov ecx, EXCEPTIONS
.next_gate:
    mov esi, eax
    and esi, 0xffff
    or esi, KERNEL_CS << 16
    mov [edi], esi
    mov esi, eax
    mov si, GATE
    mov [edi + 4], esi
    add edi, 8
    add eax, STUB_SIZE
    loop .next_gate

    lea eax, [boot_idt + edx]
    mov [boot_idtr + 2 + edx], eax
    lidt [boot_idtr + edx]
    lea eax, [boot_gdt + edx]
    mov [boot_gdtr + 2 + edx], eax
    lgdt [boot_gdtr + edx]
    mov eax, KERNEL_DS
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    push dword KERNEL_CS
    lea eax, [.loaded + edx]
    push eax
    retf
.loaded:
    ret

; One for each exception, all of STUB_SIZE: pushes the vector on top of the error code, or of 0.
align STUB_SIZE
boot_trap_stubs:
%assign vector 0
%rep EXCEPTIONS
    %if (WITH_ERROR >> vector & 1) == 0
        push byte 0
    %endif
    push byte vector
    jmp boot_trap
    align STUB_SIZE
    %assign vector vector + 1
%endrep

; The line is printed by code at its link address, so the identity mapping is restored.
boot_trap:
    mov eax, cr0
    test eax, eax
    jns .identity
    call .here
.here:
    pop edx
    sub edx, .here
    mov dword [boot_page_directory + edx], PDE_LARGE
    mov eax, cr3
    mov cr3, eax
.identity:
    mov eax, boot_trap_report
    jmp eax

boot_trap_report:
    pop eax                             ; the vector
    mov ebx, eax
    aam                                 ; two decimal digits
    add ax, '00'
    xchg al, ah
    mov [trap_vector], ax
    pop eax
    mov edi, trap_error
    mov ecx, 4
    call write_hex
    pop eax
    mov edi, trap_eip
    mov ecx, 8
    call write_hex
    mov edi, trap_end
    mov esi, text_full_stop
    cmp bl, PAGE_FAULT
    jne .append
    mov eax, cr2
    mov edi, trap_cr2
    mov ecx, 8
    call write_hex
    mov eax, cr2
    call region_of
    mov edi, trap_region
.append:
    lodsb
    stosb
    test al, al
    jnz .append
    mov esi, trap_line
    mov eax, MACHINE_PANIC
    jmp boot_end_line

; ESI: the name of the region that holds EAX. The edges are those of the boot page directory.
region_of:
    mov esi, text_null
    cmp eax, MMAP_MIN_ADDR
    jb .found
    mov esi, text_user
    cmp eax, PAGE_OFFSET
    jb .found
    mov esi, text_lowmem
    cmp eax, PAGE_OFFSET + BOOT_MAP_SIZE
    jb .found
    mov esi, text_above
.found:
    ret

; ECX hexadecimal digits of EAX to EDI, the last one first.
write_hex:
    mov edx, eax
    and edx, 15
    mov dl, [digits + edx]
    mov [edi + ecx - 1], dl
    shr eax, 4
    loop write_hex
    ret

section .boot.data progbits alloc noexec write align=8

boot_gdt:
    times KERNEL_CS / 8 dq 0
    dq 0x00cf9a000000ffff               ; KERNEL_CS: code, flat
    dq 0x00cf92000000ffff               ; KERNEL_DS: data, flat
boot_gdtr:
    dw $ - boot_gdt - 1
    dd boot_gdt
boot_idtr:
    dw 8 * EXCEPTIONS - 1
    dd boot_idt

boot_idt: times EXCEPTIONS dq 0

trap_line:   db "PANIC at 0x"
trap_eip:    db "00000000, before the kernel has an IDT:", 10, "  trap "
trap_vector: db "00, error 0x"
trap_error:  db "0000"
trap_end:    db ", CR2 0x"
trap_cr2:    db "00000000: "
trap_region: times 16 db 0
digits:      db "0123456789abcdef"

text_full_stop: db ".", 10, 0
text_null:      db "null.", 10, 0
text_user:      db "user.", 10, 0
text_lowmem:    db "lowmem.", 10, 0
text_above:     db "above lowmem.", 10, 0
