; The first instruction of every program. The stack holds argc, argv, the environment and the
; auxiliary vector (System V ABI for i386, 2.3.1); the registers hold nothing a program may rely on,
; and are kept so that a test can see that they hold nothing of the kernel's either. The rest is C:
; program_start() in lib/start.c.

section .note.GNU-stack noalloc noexec nowrite progbits
section .text

extern program_start

global _start
_start:
    pusha
    mov eax, esp
    xor ebp, ebp                        ; the outermost frame
    and esp, -16
    sub esp, 12
    push eax
    call program_start
    ud2                                 ; it does not return
