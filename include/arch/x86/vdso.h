/*
 * The vDSO: one page of code with the headers of an ELF shared object around it, which every
 * process maps at VDSO_ADDR (arch/x86/vdso.asm). AT_SYSINFO_EHDR points to it, AT_SYSINFO to
 * __kernel_vsyscall. It lies in the kernel's constants, aligned to 16 bytes, and is shorter than
 * a page.
 */
#pragma once

#include <lib/types.h>

extern const u8 vdso_image[], vdso_image_end[];

/* Offsets in the page of the functions in it. */
extern const u32 vdso_vsyscall;        /* __kernel_vsyscall: by sysenter, or by int 0x80 */
extern const u32 vdso_sysenter_return; /* in it: where sysenter returns to */
extern const u32 vdso_sigreturn;       /* __kernel_sigreturn */
extern const u32 vdso_rt_sigreturn;    /* __kernel_rt_sigreturn */
