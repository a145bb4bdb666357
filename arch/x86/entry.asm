; Entry into the kernel and return from it.
;
; Every vector has a stub that builds the same frame on the stack, struct pt_regs: the processor's
; error code or a 0, the vector, then all registers. A system call has its number in place of the
; code, so that it is still known when EAX holds the result. From ring 3 only the registers that the
; processor loaded are trusted: DF and AC are cleared, DS and ES get the kernel's segment. FS and GS
; are not changed, because the kernel never uses them; switch_to saves them per thread. C is
; compiled with its first three arguments in EAX, EDX, ECX.
;
; The return must load selectors that a program chose and whose descriptors it may have removed
; since. Each such instruction is in the exception table: a data segment becomes 0, and an
; impossible return becomes a general protection fault of the program.

%include "asm-offsets.inc"

extern trap_dispatch, sysenter_dispatch, double_fault_task, main_tss, sysenter_return

; The selector that the instruction at the first label loads may be invalid; then continue at the
; second label (arch/x86/extable.h).
%macro ex_table 2
[section .ex_table progbits alloc noexec nowrite align=4]
    dd %1, %2, EX_SELECTOR
__?SECT?__
%endmacro

; The first of the text (linker.ld), so that documents show the same addresses with every compiler.
section .entry.text progbits alloc exec nowrite align=16

global entry_text_start
entry_text_start:

; ---- vectors -----------------------------------------------------------------------------------

; The processor pushes an error code for these itself (Intel SDM vol. 3, table 6-1).
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

%assign v 0
%rep 256
align 8
trap_stub_%[v]:
%if v == X86_TRAP_DB
    cmp dword [esp], sysenter_entry
    je near sysenter_stepped
%endif
%if v == SYSCALL_VECTOR
    push eax
%elif !HAS_ERROR(v)
    push byte 0
%endif
%if v < 128
    push byte v
%else
    push dword v
%endif
    jmp near trap_common
%assign v v + 1
%endrep

align 16
trap_common:
    push es
    push ds
    push eax
    push ebp
    push edi
    push esi
    push edx
    push ecx
    push ebx
    cld
smap_site_entry:
    db 0x66, 0x66, 0x90                 ; becomes clac if the processor has SMAP
    mov edx, KERNEL_DS
    mov ds, edx
    mov es, edx
    test byte [esp + REGS_CS], 3
    jz .dispatch
    xor ebp, ebp                        ; backtraces end at the border to ring 3
.dispatch:
    mov eax, esp
    call trap_dispatch

; Return through the pt_regs at ESP.
trap_return:
    pop ebx
    pop ecx
    pop edx
    pop esi
    pop edi
    pop ebp
    pop eax
.ds:
    pop ds
.es:
    pop es
    add esp, 8                          ; vector and error code
.iret:
    iretd

; The selector on top of the stack cannot be loaded.
.bad_ds:
    mov dword [esp], 0
    jmp .ds
.bad_es:
    mov dword [esp], 0
    jmp .es

; The values that iret would have popped are still on the stack: they become the frame of a trap.
; Only ring 3 has such registers, whatever the value of CS.
.bad_iret:
    or dword [esp + 4], 3
    push byte 0
    push byte X86_TRAP_GP
    jmp trap_common

    ex_table .ds, .bad_ds
    ex_table .es, .bad_es
    ex_table .iret, .bad_iret

; void return_to_user(struct pt_regs *regs)
global return_to_user
return_to_user:
    cli
    mov esp, eax
    jmp trap_return

; ---- sysenter ----------------------------------------------------------------------------------

; SYSENTER saves nothing (Intel SDM vol. 2): CS, SS, EIP and ESP come from MSRs, IF is off, all
; other flags and registers are the program's. The convention is Linux's, kept by the vDSO: EBP is
; the user stack, on which EBP, EDX and ECX were pushed; the program continues behind the vDSO's
; sysenter. So the whole frame of int 0x80 is known, and is built here. DS does not have the
; kernel's segment yet.
align 16
global sysenter_entry
sysenter_entry:
    mov esp, [ss:main_tss + TSS_ESP0]
    push dword USER_DS
    push ebp
    pushfd
sysenter_flags_saved:
    or dword [esp], EFLAGS_IF
    push dword USER_CS
    push dword [ss:sysenter_return]
    push eax
    push dword SYSCALL_VECTOR
    push es
    push ds
    push eax
    push ebp
    push edi
    push esi
    push edx
    push ecx
    push ebx
    push byte EFLAGS_FIXED
    popfd                               ; NT, DF and AC may be on
    mov edx, KERNEL_DS
    mov ds, edx
    mov es, edx
    xor ebp, ebp
    mov eax, esp
    call sysenter_dispatch
    jmp trap_return

; If a program single-steps, TF stays set in ring 0, and the debug exception comes before the first
; instruction, on the stack of the MSR. The call continues without TF; the program has it again on
; return, as after int 0x80. A program that jumps to this address is a different case.
sysenter_stepped:
    test byte [esp + 4], 3
    jnz .program
    and dword [esp + 8], ~EFLAGS_TF
    mov dword [esp], .go_on
    iretd
.go_on:
    mov esp, [ss:main_tss + TSS_ESP0]
    push dword USER_DS
    push ebp
    pushfd
    or dword [esp], EFLAGS_TF
    jmp sysenter_flags_saved
.program:
    push byte 0
    push byte X86_TRAP_DB
    jmp trap_common

; ---- the double-fault task ---------------------------------------------------------------------

; The double-fault task starts here, on its own stack, with an error code of 0. The processor saved
; the interrupted task in main_tss; iret switches back to it. The next double fault continues behind
; the iret.
global double_fault_entry
double_fault_entry:
    cld
    add esp, 4
    call double_fault_task
    iretd
    jmp double_fault_entry

; ---- context switch ----------------------------------------------------------------------------

; void switch_to(struct thread *prev, struct thread *next, u32 next_stack_top)
global switch_to
switch_to:
    push ebp
    push ebx
    push esi
    push edi
    mov [eax + THREAD_ESP], esp
    mov [eax + THREAD_FS], fs
    mov [eax + THREAD_GS], gs
    mov esp, [edx + THREAD_ESP]
.fs:
    mov fs, [edx + THREAD_FS]
.gs:
    mov gs, [edx + THREAD_GS]
    mov [main_tss + TSS_ESP0], ecx
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

; The program may not use this selector any more.
.bad_fs:
    mov word [edx + THREAD_FS], 0
    jmp .fs
.bad_gs:
    mov word [edx + THREAD_GS], 0
    jmp .gs

    ex_table .fs, .bad_fs
    ex_table .gs, .bad_gs

; A new thread returns from switch_to to here: EBX is its function, ESI the argument (thread_init).
global thread_start
thread_start:
    xor ebp, ebp
    mov eax, esi
    call ebx
    ud2                                 ; it does not return

; ---- fault probes ------------------------------------------------------------------------------

extern fault_probe_current

; int fault_probe_set(struct fault_probe *probe)
global fault_probe_set
fault_probe_set:
    mov [eax + PROBE_EBX], ebx
    mov [eax + PROBE_ESI], esi
    mov [eax + PROBE_EDI], edi
    mov [eax + PROBE_EBP], ebp
    lea ecx, [esp + 4]
    mov [eax + PROBE_ESP], ecx
    mov ecx, [esp]
    mov [eax + PROBE_EIP], ecx
    mov [fault_probe_current], eax
    xor eax, eax
    ret

; A trap that hit a probe returns here, with EAX pointing to the probe.
global fault_probe_resume
fault_probe_resume:
    mov ebx, [eax + PROBE_EBX]
    mov esi, [eax + PROBE_ESI]
    mov edi, [eax + PROBE_EDI]
    mov ebp, [eax + PROBE_EBP]
    mov esp, [eax + PROBE_ESP]
    mov ecx, [eax + PROBE_EIP]
    mov eax, 1
    jmp ecx

global entry_text_end
entry_text_end:

; ---- segments ----------------------------------------------------------------------------------

section .text

; void gdt_flush(void): load every segment register, LDTR and TR from the GDT just loaded.
global gdt_flush
gdt_flush:
    jmp KERNEL_CS:.reload
.reload:
    mov eax, KERNEL_DS
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    lldt ax                             ; no LDT: after reset it is 64 KiB at address 0
    mov eax, TSS_SELECTOR
    ltr ax
    ret

; void triple_fault(void): with an empty IDT no fault can be delivered.
global triple_fault
triple_fault:
    lidt [empty_idt]
    ud2

section .rodata
empty_idt:
    dw 0
    dd 0

align 4
global trap_stubs
trap_stubs:
%assign v 0
%rep 256
    dd trap_stub_%[v]
%assign v v + 1
%endrep

; Addresses of 3-byte no-ops that cpu_init turns into clac or stac: address, 1 for stac.
section .smap_sites progbits alloc noexec nowrite align=4
    dd smap_site_entry, 0
