; Ends the boot before C code runs, on a machine that cannot run Attic or after a trap (trap.asm):
; prints one line on the console, which is the first serial port found (as in drivers/serial.c), and
; on the screen.
;
; Neither has been set up, and a boot loader may have left any state. So the port gets its mode
; first (115200 baud, 8 bits, no parity: that of drivers/serial.c), and the screen is cleared,
; because lines of the boot loader would run into this one. A port may never become ready: each
; character waits only for a limited time.
;
; A machine without the text screen of a PC (UEFI) has only the line on the serial port; grub.cfg
; has printed there that the serial port has the output.

%include "asm-offsets.inc"

VGA_TEXT        equ 0xb8000
VGA_CELLS       equ 80 * 25
VGA_BLANK       equ 0x0720              ; light grey on black
CRTC            equ 0x3d4
CRTC_START_HIGH equ 0x0c                ; and the lower half in the next register

COM1       equ 0x3f8
COM2       equ 0x2f8
UART_IER   equ 1
UART_LCR   equ 3
UART_MCR   equ 4
UART_LSR   equ 5
UART_SCR   equ 7                        ; stores a byte, if the port exists
LCR_8N1    equ 0x03
LCR_DLAB   equ 0x80
MCR_READY  equ 0x03                     ; data terminal ready, request to send
LSR_THRE   equ 0x20                     ; transmitter holding register empty
PATIENCE   equ 1 << 16                  ; reads before time-out; a character takes a hundred

section .boot.text progbits alloc exec nowrite align=16

; ESI points to the line, which ends in a line feed and 0; it, and this code, are at their physical
; addresses. QEMU's debug-exit device, if present, ends the machine; otherwise the processor stops
; here. boot_end_line is for other exit codes: EAX holds the code (enum machine_exit).
global boot_refuse_line, boot_end_line
boot_refuse_line:
    mov eax, MACHINE_REFUSE
boot_end_line:
    push eax
    call set_up_serial
    call clear_screen
    mov edi, VGA_TEXT
.next_char:
    lodsb
    test al, al
    jz .end
    cmp al, 10
    je .line_end
    mov ah, VGA_BLANK >> 8
    stosw
    call send
    jmp .next_char
.line_end:
    mov al, 13
    call send
    mov al, 10
    call send
    jmp .next_char
.end:
    pop eax
    mov dx, DEBUG_EXIT_PORT
    out dx, eax
.stop:
    cli
    hlt
    jmp .stop

%macro uart_write 2                     ; register, value
    lea edx, [ebx + %1]
    mov al, %2
    out dx, al
%endmacro

; The port in EBX: the second if only the second exists.
set_up_serial:
    mov ebx, COM1
    call look_for_port
    je .found
    mov ebx, COM2
    call look_for_port
    je .found
    mov ebx, COM1
.found:
    uart_write UART_IER, 0
    uart_write UART_LCR, LCR_DLAB | LCR_8N1
    uart_write 0, 1                     ; the divisor for 115200 baud
    uart_write 1, 0                     ; and its upper half
    uart_write UART_LCR, LCR_8N1
    uart_write UART_MCR, MCR_READY
    ret

; Sets the zero flag if the port in EBX exists. Another byte is put on the bus between writing and
; reading.
look_for_port:
    uart_write UART_SCR, 0x5a
    uart_write UART_IER, 0
    lea edx, [ebx + UART_SCR]
    in al, dx
    cmp al, 0x5a
    ret

clear_screen:
    mov dx, CRTC
    mov ax, CRTC_START_HIGH
    out dx, ax                          ; the window is shown from its start
    inc ax
    out dx, ax
    mov edi, VGA_TEXT
    mov eax, VGA_BLANK
    mov ecx, VGA_CELLS
    rep stosw
    ret

; The character in AL.
send:
    mov ah, al
    mov ecx, PATIENCE
    lea edx, [ebx + UART_LSR]
.busy:
    in al, dx
    test al, LSR_THRE
    loopz .busy
    mov edx, ebx
    mov al, ah
    out dx, al
    ret
