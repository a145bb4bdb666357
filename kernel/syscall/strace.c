/*
 * strace=1: prints one line for each system call, in the format of the program strace.
 *
 *     [pid     3] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3
 *     [pid     3] read(3, "root:x:0:0:root:/root:/bin/sh\n"..., 4096) = 54
 *     [pid     3] syscall_0x1a2(0x1, 0x2, 0x3, 0, 0, 0) = -1 ENOSYS (Function not implemented)
 *
 * A line is formatted when the call has returned, from the registers, which still hold the
 * arguments, and from user memory, which then holds the results too. Calls that do not return, or
 * change what their arguments point to, are printed before they are made (`!` in the table).
 *
 * Each argument is a letter in the call's row (kernel/syscall/strace_table.c), and each letter has
 * a case here.
 *
 * If there is no memory for a line, it is cut.
 *
 * Neighbours: kernel/syscall/strace_print.c prints the values; kernel/syscall/syscall.c calls
 * strace_call() in place of the call.
 */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/strace.h>
#include <kernel/syscall/syscall.h>
#include <lib/printk.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

#define LINE_SIZE     1024
#define EARLY_SIZE    384 /* of a line that is kept on the kernel stack */
#define RESULT_SIZE   128 /* of it, kept for the result */
#define RESULT_COLUMN 40  /* where strace puts the "=" */

/* ---- arguments ---- */

/* Two registers that form one number. */
static void add_wide(struct strace_line *line, u32 low, u32 high)
{
    strace_add(line, "%lld", (long long)((u64)high << 32 | low));
    line->next++;
}

static void add_command(struct strace_line *line, u32 command)
{
    u32 arg = strace_argument(line, line->next++);

    strace_add_value(line, command, &strace_fcntl);
    if (command == F_SETFD) {
        strace_add(line, arg ? ", FD_CLOEXEC" : ", 0");
    } else if (command == F_SETFL) {
        strace_add(line, ", ");
        strace_add_open_flags(line, arg);
    } else if (command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_SETPIPE_SZ) {
        strace_add(line, ", %u", arg);
    } else if (command != F_GETFD && command != F_GETFL && command != F_GETPIPE_SZ) {
        strace_add(line, ", 0x%x", arg);
    }
}

static void add_clone(struct strace_line *line, u32 flags)
{
    strace_add(line, "child_stack=");
    strace_add_pointer(line, strace_argument(line, 1));
    strace_add(line, ", flags=");
    if (flags & ~0xffu) {
        strace_add_flags(line, flags & ~0xffu, &strace_clone_flags);
        strace_add(line, "|");
    }
    strace_add(line, "%s", flags & 0xff ? signal_name(flags & 0xff) : "0");
    if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
        strace_add(line, ", child_tidptr=0x%x", strace_argument(line, 4));
}

/* The bytes that the call wrote: the result is their number. */
static void add_output(struct strace_line *line, u32 addr)
{
    if (strace_succeeded(line))
        strace_add_buffer(line, addr, line->result);
    else
        strace_add_pointer(line, addr);
}

/* The flags of statx() have a name for 0. */
static void add_statx_flags(struct strace_line *line, u32 flags)
{
    if (!(flags & AT_STATX_SYNC_TYPE))
        strace_add(line, "AT_STATX_SYNC_AS_STAT");
    if (!(flags & AT_STATX_SYNC_TYPE) && flags)
        strace_add(line, "|");
    if (flags)
        strace_add_flags(line, flags, &strace_at_flags);
}

/* The mode of open(): used only when a file may be created. */
static void add_open_mode(struct strace_line *line, u32 mode)
{
    if (strace_argument(line, line->next - 2) & O_CREAT) {
        strace_add(line, ", ");
        strace_add_octal(line, mode);
    }
}

/* An input structure (`show`: it can always be read) or an output structure. */
static void add_structure(struct strace_line *line, u32 addr, bool show,
                          bool (*add)(struct strace_line *line, u32 addr))
{
    if (!addr || !show || !add(line, addr))
        strace_add_pointer(line, addr);
}

static bool print_number(struct strace_line *line, char kind, u32 value)
{
    switch (kind) {
    case 'd': /* signed */
        strace_add(line, "%d", (s32)value);
        return true;
    case 'u': /* unsigned */
        strace_add(line, "%u", value);
        return true;
    case 'x': /* bits that have no names here */
        strace_add(line, value ? "0x%x" : "0", value);
        return true;
    case 'o': /* a mode */
        strace_add_octal(line, value);
        return true;
    case 'p': /* an address */
        strace_add_pointer(line, value);
        return true;
    case 'A': /* the directory where a path starts */
        strace_add(line, (s32)value == AT_FDCWD ? "AT_FDCWD" : "%d", (s32)value);
        return true;
    case 'S': /* a signal */
        strace_add(line, "%s", value ? signal_name(value) : "0");
        return true;
    case 'l': /* 64 bits, the low half first */
        add_wide(line, value, strace_argument(line, line->next));
        return true;
    case 'U': /* the high half first */
        add_wide(line, strace_argument(line, line->next), value);
        return true;
    case 'g': /* an offset in pages */
        strace_add(line, value ? "0x%x" : "0", value * PAGE_SIZE);
        return true;
    default:
        return false;
    }
}

/* Print values and bits that have names. */
static bool print_named(struct strace_line *line, char kind, u32 value)
{
    static const struct {
        char kind;
        bool bits;
        const struct strace_names *names;
    } named[] = {
        {'P', true, &strace_prot},         {'M', true, &strace_map_flags},
        {'Z', true, &strace_at_flags},     {'J', true, &strace_wait_options},
        {'f', true, &strace_open_flags},   {'G', true, &strace_random_flags},
        {'b', true, &strace_access_modes}, {'W', false, &strace_whence},
        {'I', false, &strace_ioctl},       {'z', false, &strace_clocks},
        {'L', false, &strace_resources},   {'H', false, &strace_mask_how},
        {'3', false, &strace_priorities},  {'Y', false, &strace_statx_masks},
    };

    for (u32 i = 0; i < ARRAY_SIZE(named); i++) {
        if (named[i].kind != kind)
            continue;
        if (named[i].bits)
            strace_add_flags(line, value, named[i].names);
        else
            strace_add_value(line, value, named[i].names);
        return true;
    }
    return false;
}

static bool print_structure(struct strace_line *line, char kind, u32 value)
{
    static const struct {
        char kind;
        bool in;
        bool (*add)(struct strace_line *line, u32 addr);
    } structures[] = {
        {'t', true, strace_add_timespec32},   {'v', false, strace_add_timespec32},
        {'T', true, strace_add_timespec},     {'V', false, strace_add_timespec},
        {'i', false, strace_add_wait_status}, {'q', false, strace_add_pair},
        {'E', false, strace_add_stat64},      {'X', false, strace_add_statx},
        {'B', true, strace_add_rlimit},       {'Q', false, strace_add_rlimit},
        {'N', false, strace_add_utsname},     {'k', true, strace_add_signal_set},
        {'K', false, strace_add_signal_set},  {'j', false, strace_add_offset},
    };

    for (u32 i = 0; i < ARRAY_SIZE(structures); i++) {
        if (structures[i].kind != kind)
            continue;
        add_structure(line, value, structures[i].in || strace_succeeded(line), structures[i].add);
        return true;
    }
    return false;
}

static void print_argument(struct strace_line *line, char kind)
{
    u32 value = strace_argument(line, line->next++);

    if (print_number(line, kind, value) || print_named(line, kind, value) ||
        print_structure(line, kind, value))
        return;
    switch (kind) {
    case 's': /* a string */
        strace_add_string(line, value);
        break;
    case 'w': /* input bytes, followed by their number */
        strace_add_buffer(line, value, strace_argument(line, line->next));
        break;
    case 'r': /* output bytes */
    case 'R':
        add_output(line, value);
        break;
    case 'a': /* argv */
        strace_add_arguments(line, value);
        break;
    case 'e': /* envp */
        strace_add_environment(line, value);
        break;
    case 'O': /* flags of open(); 'c' after them is its mode */
        strace_add_open_flags(line, value);
        break;
    case 'F': /* the command of fcntl() */
        add_command(line, value);
        break;
    case 'C': /* arguments in clone()'s order */
        add_clone(line, value);
        break;
    case 'D': /* entries of getdents64() */
        strace_add_entries(line, value, 16);
        break;
    case '2': /* of getdents() */
        strace_add_entries(line, value, 8);
        break;
    case '1':
        add_statx_flags(line, value);
        break;
    case 'n': /* what poll() waits for; their number is the next argument */
        strace_add_pollfds(line, value, strace_argument(line, line->next), false);
        break;
    case 'h': /* an output path */
        if (strace_succeeded(line))
            strace_add_string(line, value);
        else
            strace_add_pointer(line, value);
        break;
    case 'y':
        strace_add_iovec(line, value);
        break;
    default:
        strace_add(line, "%c?", kind);
    }
}

static void print_arguments(struct strace_line *line, const char *kinds)
{
    const char *between = "";

    for (; *kinds; kinds++) {
        if (*kinds == 'c') {
            line->next++;
            add_open_mode(line, strace_argument(line, line->next - 1));
            continue;
        }
        strace_add(line, "%s", between);
        print_argument(line, *kinds);
        between = ", ";
    }
}

/* ---- lines ---- */

/* The text behind the marks. */
static const char *skip_marks(const char *kinds)
{
    return *kinds == '!' || *kinds == '#' || *kinds == '%' ? kinds + 1 : kinds;
}

static void print_call(struct strace_line *line, u32 number, const struct strace_call *call)
{
    strace_add(line, "[pid %5u] ", current->pid);
    if (call) {
        strace_add(line, "%s(", call->name);
        print_arguments(line, skip_marks(call->arguments));
    } else {
        strace_add(line, "syscall_0x%x(", number);
        print_arguments(line, "xxxxxx");
    }
    strace_add(line, ")");
    while (line->used < RESULT_COLUMN - 1)
        strace_add(line, " ");
}

static void print_error(struct strace_line *line, u32 error)
{
    const char *text, *name = strace_errno(error, &text);

    if (error == ERESTARTSYS)
        strace_add(line, "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
    else if (error == ERESTARTNOHAND)
        strace_add(line, "? ERESTARTNOHAND (To be restarted if no handler)");
    else if (name)
        strace_add(line, "-1 %s (%s)", name, text);
    else
        strace_add(line, "-1 (errno %u)", error);
}

/* Results up to -4095 are errors; other negative values are addresses. */
static bool is_error(long result)
{
    return (unsigned long)result > -4096ul;
}

/* The flags that fcntl() returns. */
static bool print_descriptor_flags(struct strace_line *line)
{
    u32 command = line->regs->ecx, flags = line->result;

    if (command == F_GETFD && flags) {
        strace_add(line, "0x%x (flags FD_CLOEXEC)", flags);
        return true;
    }
    if (command != F_GETFL)
        return false;
    strace_add(line, "0x%x (flags ", flags);
    strace_add_open_flags(line, flags);
    strace_add(line, ")");
    return true;
}

static void print_ready(struct strace_line *line)
{
    if (line->result) {
        strace_add(line, "%ld (", line->result);
        strace_add_pollfds(line, strace_argument(line, 0), strace_argument(line, 1), true);
        strace_add(line, ")");
    } else {
        strace_add(line, "0 (Timeout)");
    }
}

/* A result that is not an error, and the text that strace adds. */
static void print_success(struct strace_line *line, const struct strace_call *call)
{
    char mark = call ? call->arguments[0] : '\0';
    long result = line->result;

    if (mark == '#')
        strace_add(line, "0x%lx", result);
    else if (mark == '%')
        strace_add_octal(line, result);
    else if (mark == 'n')
        print_ready(line);
    else if (!call || call->number != __NR_fcntl64 || !print_descriptor_flags(line))
        strace_add(line, "%ld", result);
}

static void print_result(struct strace_line *line, const struct strace_call *call)
{
    strace_add(line, " = ");
    if (is_error(line->result))
        print_error(line, -line->result);
    else
        print_success(line, call);
    strace_add(line, "\n");
}

/* Printed before the call: the text is kept on the stack, because the call may end the process. */
static __noinline long call_told_before(struct strace_line *line, u32 number, struct pt_regs *regs,
                                        const struct strace_call *call)
{
    char text[EARLY_SIZE];

    line->text = text;
    line->size = sizeof(text) - RESULT_SIZE;
    print_call(line, number, call);
    if (number == __NR_exit || number == __NR_exit_group) {
        line->size = sizeof(text);
        strace_add(line, " = ?\n");
        printk("%s", text);
    }
    line->result = syscall_by_number(number, regs);
    line->told = true;
    line->size = sizeof(text);
    print_result(line, call);
    printk("%s", text);
    return line->result;
}

static __noinline void tell(struct strace_line *line, u32 number, const struct strace_call *call)
{
    char small[RESULT_SIZE]; /* without memory the line is cut */

    line->text = kmalloc(LINE_SIZE);
    line->size = line->text ? LINE_SIZE - RESULT_SIZE : sizeof(small);
    if (!line->text)
        line->text = small;
    print_call(line, number, call);
    if (line->text != small)
        line->size = LINE_SIZE;
    print_result(line, call);
    printk("%s", line->text);
    if (line->text != small)
        kfree(line->text);
}

long strace_call(u32 number, struct pt_regs *regs)
{
    const struct strace_call *call = strace_find(number);
    struct strace_line line = {.regs = regs};

    if (call && call->arguments[0] == '!')
        return call_told_before(&line, number, regs, call);
    line.result = syscall_by_number(number, regs);
    line.told = true;
    tell(&line, number, call);
    return line.result;
}
