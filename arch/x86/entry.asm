; The ways into the kernel and out of it.
;
; Every vector has a stub that brings the stack to one shape, struct pt_regs: the processor's error
; code or a 0, the vector, then all registers. From ring 3 nothing is trusted but what the processor
; saved: DF and AC are cleared, DS and ES get the kernel's segment. FS and GS are left alone,
; because the kernel never uses them; switch_to keeps them per thread. C is compiled with its first
; three arguments in EAX, EDX, ECX.

%include "asm-offsets.inc"

extern trap_dispatch, double_fault_task, main_tss

section .text

global entry_text_start
entry_text_start:

; ---- vectors -----------------------------------------------------------------------------------

; The processor pushes an error code for these itself (Intel SDM vol. 3, table 6-1).
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

%assign v 0
%rep 256
align 8
trap_stub_%[v]:
%if !HAS_ERROR(v)
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
    db 0x0f, 0x1f, 0x00                 ; becomes clac where there is SMAP
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
    pop ds
    pop es
    add esp, 8                          ; vector and error code
    iretd

; void return_to_user(struct pt_regs *regs)
global return_to_user
return_to_user:
    cli
    mov esp, eax
    jmp trap_return

; The double-fault task starts here, on its own stack, with an error code of 0. The processor saved
; what it interrupted in main_tss; iret switches back to that. The next double fault goes on behind
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
    mov fs, [edx + THREAD_FS]
    mov gs, [edx + THREAD_GS]
    mov [main_tss + TSS_ESP0], ecx
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

; Where a new thread comes out of switch_to: EBX is its function, ESI the argument (thread_init).
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

; A trap that hit a probe returns to here, with EAX pointing to the probe.
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

; void gdt_flush(void): make every segment register, LDTR and TR come from the GDT just loaded.
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
    lldt ax                             ; none: after reset it is 64 KiB at address 0
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
