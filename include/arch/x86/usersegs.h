/*
 * Segment registers and descriptors that belong to programs. The kernel uses neither FS nor GS, so
 * those of the running program stay in the processor. None of them is sure to be loadable: a
 * program may remove the descriptor that a selector names.
 */
#pragma once

#include <arch/x86/switch.h>
#include <lib/types.h>

/* Linux's slots for thread-local segments, which glibc and musl use by number. */
#define GDT_ENTRY_TLS_MIN 6
#define GDT_ENTRY_TLS_MAX (GDT_ENTRY_TLS_MIN + TLS_ENTRIES - 1)

static inline u16 read_fs(void)
{
    u32 selector;
    asm volatile("mov %%fs, %0" : "=r"(selector));
    return selector;
}

static inline u16 read_gs(void)
{
    u32 selector;
    asm volatile("mov %%gs, %0" : "=r"(selector));
    return selector;
}

/*
 * Load a selector that may be invalid; 0 is loaded instead when the processor refuses it.
 * (arch/x86/thread.c)
 */
void load_user_fs(u16 selector);
void load_user_gs(u16 selector);

/*
 * Set a TLS slot, 0..TLS_ENTRIES - 1; 0 clears it. The descriptor must be one that ring 3 may
 * have. If `thread` is running, the change takes effect immediately, also for FS and GS.
 */
void thread_set_tls(struct thread *thread, u32 slot, u64 descriptor, bool running);
