; The vDSO: a page of kernel code that runs in ring 3. __kernel_vsyscall makes a system call in the
; fastest way that this processor has; the other two functions return from a signal handler.
;
; glibc, musl and gdb find these functions by name and version, as in any shared object, so the page
; is a shared object: an ELF header and the tables for a dynamic linker, written by hand. All
; addresses in it are offsets from its start, as the format requires. The names, the version and the
; frames on the stack are Linux's. Formats: System V gABI chapters 4 and 5; Linux Standard Base 5,
; "Symbol Versioning" and "Exception Frames"; DWARF 4, 6.4.
;
; The frame descriptions at the end describe where the caller's registers are, for debuggers and for
; code that throws an exception through a signal handler. For a signal frame this is the whole
; struct sigcontext.

%include "asm-offsets.inc"

section .rodata align=16

global vdso_image, vdso_image_end
global vdso_vsyscall, vdso_sysenter_return, vdso_sigreturn, vdso_rt_sigreturn

%define AT(label) ((label) - vdso_image)

; ---- the headers -------------------------------------------------------------------------------

%define ET_DYN        3
%define EM_386        3
%define EV_CURRENT    1
%define PT_LOAD       1
%define PT_DYNAMIC    2
%define PT_EH_FRAME   0x6474e550
%define PF_RX         5
%define PF_R          4

align 16
vdso_image:
    db 0x7f, "ELF", 1, 1, EV_CURRENT, 0 ; 32 bits, little-endian
    times 8 db 0
    dw ET_DYN, EM_386
    dd EV_CURRENT, AT(vsyscall), AT(program_headers), AT(section_headers), 0
    dw 52, 32, 3, 40, SECTIONS, SECTIONS - 1

; type, offset = virtual = physical address, size in file = in memory, flags, alignment
%macro program_header 5
    dd %1, AT(%2), AT(%2), AT(%2), (%3) - (%2), (%3) - (%2), %4, %5
%endmacro

program_headers:
    program_header PT_LOAD, vdso_image, vdso_image_end, PF_RX, PAGE_SIZE
    program_header PT_DYNAMIC, dynamic, dynamic_end, PF_R, 4
    program_header PT_EH_FRAME, eh_frame_hdr, eh_frame_hdr_end, PF_R, 4

; ---- symbols -----------------------------------------------------------------------------------

strings:
    db 0
name_vsyscall: db "__kernel_vsyscall", 0
name_sigreturn: db "__kernel_sigreturn", 0
name_rt_sigreturn: db "__kernel_rt_sigreturn", 0
name_version: db "LINUX_2.5", 0
name_object: db "linux-gate.so.1", 0
strings_end:

%define STT_FUNC_GLOBAL 0x12
%define STT_OBJ_GLOBAL  0x11
%define SHN_ABS         0xfff1
%define TEXT_SECTION    8

; label of the code, name
%macro function_symbol 1
    dd name_%1 - strings, AT(%1), %1_end - %1
    db STT_FUNC_GLOBAL, 0
    dw TEXT_SECTION
%endmacro

align 4
symbols:
    times 16 db 0
    function_symbol vsyscall
    function_symbol sigreturn
    function_symbol rt_sigreturn
    dd name_version - strings, 0, 0     ; the version is also a symbol
    db STT_OBJ_GLOBAL, 0
    dw SHN_ABS
symbols_end:

; One bucket with all symbols: the hash of a name does not matter.
hash:
    dd 1, 5, 4, 0, 0, 1, 2, 3
hash_end:

; Version 1 is the object's own name, 2 is LINUX_2.5.
versym:
    dw 0, 2, 2, 2, 2
versym_end:

; elf_hash: the value of the gABI's hash function for a string.
%macro elf_hash 2
    %assign %1 0
    %strlen %%length %2
    %assign %%i 1
    %rep %%length
        %substr %%char %2 %%i
        %assign %1 ((%1) << 4) + %%char
        %assign %%high (%1) & 0xf0000000
        %assign %1 ((%1) ^ (%%high >> 24)) & ~%%high & 0xffffffff
        %assign %%i %%i + 1
    %endrep
%endmacro
elf_hash HASH_OBJECT, "linux-gate.so.1"
elf_hash HASH_VERSION, "LINUX_2.5"

align 4
verdef:
    dw 1, 1, 1, 1                       ; VER_FLG_BASE
    dd HASH_OBJECT, 20, 28
    dd name_object - strings, 0
    dw 1, 0, 2, 1
    dd HASH_VERSION, 20, 0
    dd name_version - strings, 0
verdef_end:

%define DT_HASH      4
%define DT_STRTAB    5
%define DT_SYMTAB    6
%define DT_STRSZ     10
%define DT_SYMENT    11
%define DT_SONAME    14
%define DT_VERSYM    0x6ffffff0
%define DT_VERDEF    0x6ffffffc
%define DT_VERDEFNUM 0x6ffffffd

dynamic:
    dd DT_SONAME, name_object - strings
    dd DT_HASH, AT(hash)
    dd DT_STRTAB, AT(strings)
    dd DT_SYMTAB, AT(symbols)
    dd DT_STRSZ, strings_end - strings
    dd DT_SYMENT, 16
    dd DT_VERSYM, AT(versym)
    dd DT_VERDEF, AT(verdef)
    dd DT_VERDEFNUM, 2
    dd 0, 0
dynamic_end:

; ---- code --------------------------------------------------------------------------------------

; The sixth argument, EBP, is pushed last, for sysenter. These three pushes also save the registers
; that a sysexit would need, by Linux's convention: a program that uses the instruction itself, as
; old C libraries do, must push the same.
align 16
text:
vsyscall:
    push ecx
vsyscall_1:
    push edx
vsyscall_2:
    push ebp
vsyscall_3:
    times 4 nop                         ; sysenter_init: mov ebp, esp; sysenter
    int 0x80
sysenter_lands:
    pop ebp
vsyscall_4:
    pop edx
vsyscall_5:
    pop ecx
vsyscall_6:
    ret
vsyscall_end:

; gdb recognizes a signal frame by exactly these instructions. The no-op in front belongs to the
; description: an unwinder looks up the address before a return address.
align 16
sigreturn_nop:
    nop
sigreturn:
    pop eax                             ; the number of the signal
sigreturn_1:
    mov eax, NR_SIGRETURN
    int 0x80
sigreturn_end:

align 16
rt_sigreturn_nop:
    nop
rt_sigreturn:
    mov eax, NR_RT_SIGRETURN
    int 0x80
rt_sigreturn_end:
text_end:

; ---- frame descriptions ------------------------------------------------------------------------

%define DW_CFA_advance_loc          0x40
%define DW_CFA_offset               0x80
%define DW_CFA_restore              0xc0
%define DW_CFA_def_cfa              0x0c
%define DW_CFA_def_cfa_offset       0x0e
%define DW_CFA_def_cfa_expression   0x0f
%define DW_CFA_expression           0x10
%define DW_OP_deref                 0x06
%define DW_OP_breg4                 0x74
%define DW_EH_PE_pcrel_sdata4       0x1b
%define DW_EH_PE_datarel_sdata4     0x3b
%define DW_EH_PE_udata4             0x03

; Registers by their numbers in the i386 ABI; eip is the return address.
%define R_EAX 0
%define R_ECX 1
%define R_EDX 2
%define R_EBX 3
%define R_ESP 4
%define R_EBP 5
%define R_ESI 6
%define R_EDI 7
%define R_EIP 8

; A record: its length, then content up to the matching record_end.
%macro record 1
align 4
%1:
    dd %1_end - %1 - 4
%endmacro

; The pushes and pops: at each label, the number of bytes between ESP and the CFA.
%macro pushed 4
    db DW_CFA_advance_loc | (%1 - %2), DW_CFA_def_cfa_offset, %3
    db DW_CFA_offset | %4, (%3) / 4
%endmacro
%macro popped 4
    db DW_CFA_advance_loc | (%1 - %2), DW_CFA_def_cfa_offset, %3
    db DW_CFA_restore | %4
%endmacro

; The signal context lies %2 bytes above ESP: register %1 is saved there. Two-byte signed LEB128,
; which holds -8192..8191.
%macro leb128 1
    db ((%1) & 0x7f) | 0x80, ((%1) >> 7) & 0x7f
%endmacro
%macro saved 2
    db DW_CFA_expression, %1, 3, DW_OP_breg4
    leb128 %2
%endmacro
; %1: where struct sigcontext begins.
%macro signal_frame 1
    db DW_CFA_def_cfa_expression, 4, DW_OP_breg4
    leb128 (%1) + SC_SP
    db DW_OP_deref
    saved R_EDI, (%1) + SC_DI
    saved R_ESI, (%1) + SC_SI
    saved R_EBP, (%1) + SC_BP
    saved R_EBX, (%1) + SC_BX
    saved R_EDX, (%1) + SC_DX
    saved R_ECX, (%1) + SC_CX
    saved R_EAX, (%1) + SC_AX
    saved R_EIP, (%1) + SC_IP
%endmacro

; Addresses are relative to their own position, so that the page may be mapped anywhere.
%macro fde 3                            ; cie, from, to
    dd $ - %1
    dd %2 - $, (%3) - (%2)
    db 0                                ; no augmentation data
%endmacro

; Then the stack has three arguments, the siginfo (128 bytes) and the ucontext.
%define RT_CONTEXT (12 + 128 + UC_MCONTEXT)

align 4
eh_frame:
record cie
    dd 0
    db 1, "zR", 0, 1, 0x7c, R_EIP, 1, DW_EH_PE_pcrel_sdata4
    db DW_CFA_def_cfa, R_ESP, 4, DW_CFA_offset | R_EIP, 1
    align 4, db 0
cie_end:
record signal_cie                       ; S: the caller was interrupted, not about to return
    dd 0
    db 1, "zRS", 0, 1, 0x7c, R_EIP, 1, DW_EH_PE_pcrel_sdata4
    align 4, db 0
signal_cie_end:
record vsyscall_fde
    fde cie, vsyscall, vsyscall_end
    pushed vsyscall_1, vsyscall, 8, R_ECX
    pushed vsyscall_2, vsyscall_1, 12, R_EDX
    pushed vsyscall_3, vsyscall_2, 16, R_EBP
    popped vsyscall_4, vsyscall_3, 12, R_EBP
    popped vsyscall_5, vsyscall_4, 8, R_EDX
    popped vsyscall_6, vsyscall_5, 4, R_ECX
    align 4, db 0
vsyscall_fde_end:
record sigreturn_fde
    fde signal_cie, sigreturn_nop, sigreturn_end
    signal_frame 4
    db DW_CFA_advance_loc | (sigreturn_1 - sigreturn_nop)
    signal_frame 0
    align 4, db 0
sigreturn_fde_end:
record rt_sigreturn_fde
    fde signal_cie, rt_sigreturn_nop, rt_sigreturn_end
    signal_frame RT_CONTEXT
    align 4, db 0
rt_sigreturn_fde_end:
    dd 0
eh_frame_end:

; The same, sorted for a binary search.
eh_frame_hdr:
    db 1, DW_EH_PE_pcrel_sdata4, DW_EH_PE_udata4, DW_EH_PE_datarel_sdata4
    dd eh_frame - $, 3
    dd vsyscall - eh_frame_hdr, vsyscall_fde - eh_frame_hdr
    dd sigreturn_nop - eh_frame_hdr, sigreturn_fde - eh_frame_hdr
    dd rt_sigreturn_nop - eh_frame_hdr, rt_sigreturn_fde - eh_frame_hdr
eh_frame_hdr_end:

; ---- sections: for debuggers; programs do not need them ----------------------------------------

%define SHT_PROGBITS   1
%define SHT_STRTAB     3
%define SHT_HASH       5
%define SHT_DYNAMIC    6
%define SHT_DYNSYM     11
%define SHT_GNU_VERDEF 0x6ffffffd
%define SHT_GNU_VERSYM 0x6fffffff
%define SHF_ALLOC      2
%define SHF_EXEC       4

section_names:
    db 0
sh_hash: db ".hash", 0
sh_dynsym: db ".dynsym", 0
sh_dynstr: db ".dynstr", 0
sh_versym: db ".gnu.version", 0
sh_verdef: db ".gnu.version_d", 0
sh_dynamic: db ".dynamic", 0
sh_eh_hdr: db ".eh_frame_hdr", 0
sh_eh_frame: db ".eh_frame", 0
sh_text: db ".text", 0
sh_shstrtab: db ".shstrtab", 0
section_names_end:

; name, type, flags, from, to, link, info, alignment, size of an entry
%macro section_header 9
    dd %1 - section_names, %2, %3, AT(%4), AT(%4), (%5) - (%4), %6, %7, %8, %9
%endmacro

%define DYNSYM 2
%define DYNSTR 3

align 4
section_headers:
    times 40 db 0
    section_header sh_hash, SHT_HASH, SHF_ALLOC, hash, hash_end, DYNSYM, 0, 4, 4
    section_header sh_dynsym, SHT_DYNSYM, SHF_ALLOC, symbols, symbols_end, DYNSTR, 1, 4, 16
    section_header sh_dynstr, SHT_STRTAB, SHF_ALLOC, strings, strings_end, 0, 0, 1, 0
    section_header sh_versym, SHT_GNU_VERSYM, SHF_ALLOC, versym, versym_end, DYNSYM, 0, 2, 2
    section_header sh_verdef, SHT_GNU_VERDEF, SHF_ALLOC, verdef, verdef_end, DYNSTR, 2, 4, 0
    section_header sh_dynamic, SHT_DYNAMIC, SHF_ALLOC, dynamic, dynamic_end, DYNSTR, 0, 4, 8
    section_header sh_eh_frame, SHT_PROGBITS, SHF_ALLOC, eh_frame, eh_frame_end, 0, 0, 4, 0
    section_header sh_text, SHT_PROGBITS, SHF_ALLOC | SHF_EXEC, text, text_end, 0, 0, 16, 0
    section_header sh_eh_hdr, SHT_PROGBITS, SHF_ALLOC, eh_frame_hdr, eh_frame_hdr_end, 0, 0, 4, 0
    section_header sh_shstrtab, SHT_STRTAB, 0, section_names, section_names_end, 0, 0, 1, 0
section_headers_end:
SECTIONS equ (section_headers_end - section_headers) / 40
vdso_image_end:

; ---- for the kernel ----------------------------------------------------------------------------

vdso_vsyscall: dd AT(vsyscall)
vdso_sysenter_return: dd AT(sysenter_lands)
vdso_sigreturn: dd AT(sigreturn)
vdso_rt_sigreturn: dd AT(rt_sigreturn)

absolute 0
    resb PAGE_SIZE - (vdso_image_end - vdso_image) ; an error if it does not fit in a page
