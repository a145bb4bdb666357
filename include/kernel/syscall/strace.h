/*
 * Internal to strace=1: kernel/syscall/strace.c knows the arguments of each call, strace_print.c
 * prints them, strace_table.c has the names.
 */
#pragma once

#include <arch/x86/regs.h>
#include <lib/types.h>

/*
 * A call's arguments: a letter for each (strace.c's print_argument()), after marks for special
 * cases: `!` print it before the call is made, `#` the result is an address, `%` the result is
 * octal.
 */
struct strace_call {
    u16 number;
    const char *name, *arguments;
};

/* NULL for a number without a row. */
const struct strace_call *strace_find(u32 number);

/* Names of bits or of values. */
struct strace_name {
    u32 value;
    const char *name;
};
struct strace_names {
    const struct strace_name *names;
    u32 count;
    const char *unknown; /* what strace prints for a number without a name; NULL: the number */
};
extern const struct strace_names strace_open_flags, strace_prot, strace_map_flags, strace_at_flags,
    strace_clone_flags, strace_whence, strace_fcntl, strace_ioctl, strace_clocks, strace_resources,
    strace_poll_events, strace_wait_options, strace_mask_how, strace_random_flags,
    strace_access_modes, strace_priorities, strace_statx_masks, strace_file_types;

/* "ENOENT" and "No such file or directory"; NULL: not known. */
const char *strace_errno(u32 number, const char **text);

/* ---- strace_print.c ---- */

struct strace_line {
    char *text;
    u32 size, used;
    const struct pt_regs *regs;
    u32 next;    /* the next argument */
    bool told;   /* the call has been made, so results can be printed */
    long result; /* its result */
};

void strace_add(struct strace_line *line, const char *fmt, ...) __printf(2, 3);

/* The i-th argument; 0 past the sixth. */
u32 strace_argument(const struct strace_line *line, u32 i);

/* True when the call has been made and returned no error. */
bool strace_succeeded(const struct strace_line *line);

void strace_add_pointer(struct strace_line *line, u32 addr);
void strace_add_octal(struct strace_line *line, u32 value);
void strace_add_open_flags(struct strace_line *line, u32 flags);
void strace_add_flags(struct strace_line *line, u32 value, const struct strace_names *names);
void strace_add_value(struct strace_line *line, u32 value, const struct strace_names *names);

/* A string in user memory; its address when it cannot be read. */
void strace_add_string(struct strace_line *line, u32 addr);
void strace_add_buffer(struct strace_line *line, u32 addr, u32 size);
void strace_add_arguments(struct strace_line *line, u32 addr);
void strace_add_environment(struct strace_line *line, u32 addr);
void strace_add_iovec(struct strace_line *line, u32 addr);

/* The events that poll() waits for, or (`results`) those it found. */
void strace_add_pollfds(struct strace_line *line, u32 addr, u32 count, bool results);

/* The number of records from getdents(); each has its size at `offset`. */
void strace_add_entries(struct strace_line *line, u32 addr, u32 offset);

/* Structures; false, and nothing is added, when they cannot be read. */
bool strace_add_pair(struct strace_line *line, u32 addr);
bool strace_add_timespec(struct strace_line *line, u32 addr);   /* struct __kernel_timespec */
bool strace_add_timespec32(struct strace_line *line, u32 addr); /* with 32 bits */
bool strace_add_wait_status(struct strace_line *line, u32 addr);
bool strace_add_stat64(struct strace_line *line, u32 addr);
bool strace_add_statx(struct strace_line *line, u32 addr);
bool strace_add_rlimit(struct strace_line *line, u32 addr);
bool strace_add_utsname(struct strace_line *line, u32 addr);
bool strace_add_signal_set(struct strace_line *line, u32 addr);
bool strace_add_offset(struct strace_line *line, u32 addr);
