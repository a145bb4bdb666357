/*
 * Pieces of the lines of strace=1: strings, flags, structures and arrays out of a program's memory,
 * as the program strace prints them.
 *
 * Nothing here can fail: data that cannot be read is printed as its address, and text that does not
 * fit into the line is left out. A string is cut after 32 bytes, but a path is printed whole if it
 * fits.
 *
 * Limits: structures are printed as strace prints them without -v.
 *
 * Neighbours: kernel/syscall/strace.c has the arguments of each call; kernel/syscall/strace_table.c
 * has the names.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/stat.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/strace.h>
#include <lib/printf.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/utsname.h>

#define STRING_MAX 32 /* bytes of a buffer that are printed */
#define PATH_SHOWN 256
#define ITEMS_MAX  8 /* of an array */

void strace_add(struct strace_line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line->used += vscnprintf(line->text + line->used, line->size - line->used, fmt, args);
    va_end(args);
}

u32 strace_argument(const struct strace_line *line, u32 i)
{
    const struct pt_regs *regs = line->regs;
    const u32 arguments[] = {regs->ebx, regs->ecx, regs->edx, regs->esi, regs->edi, regs->ebp};

    return i < ARRAY_SIZE(arguments) ? arguments[i] : 0;
}

bool strace_succeeded(const struct strace_line *line)
{
    return line->told && line->result >= 0;
}

/* ---- pieces ---- */

void strace_add_pointer(struct strace_line *line, u32 addr)
{
    if (addr)
        strace_add(line, "0x%x", addr);
    else
        strace_add(line, "NULL");
}

static void add_byte(struct strace_line *line, u8 byte, bool digit_follows)
{
    static const char escapes[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";
    const char *escape = byte ? strchr(escapes, byte) : NULL;

    if (byte == '"' || byte == '\\')
        strace_add(line, "\\%c", byte);
    else if (byte >= ' ' && byte < 0x7f)
        strace_add(line, "%c", byte);
    else if (escape && byte >= '\t' && byte != '\a' && byte != '\b')
        strace_add(line, "\\%c", letters[escape - escapes]);
    else
        strace_add(line, digit_follows ? "\\%03o" : "\\%o", byte);
}

static void add_quoted(struct strace_line *line, const u8 *bytes, u32 size, bool more)
{
    strace_add(line, "\"");
    for (u32 i = 0; i < size; i++)
        add_byte(line, bytes[i], i + 1 < size && bytes[i + 1] >= '0' && bytes[i + 1] <= '9');
    strace_add(line, more ? "\"..." : "\"");
}

void strace_add_buffer(struct strace_line *line, u32 addr, u32 size)
{
    u8 bytes[STRING_MAX];
    u32 shown = min(size, (u32)STRING_MAX);

    if (!addr || copy_from_user(bytes, (const void *)addr, shown))
        strace_add_pointer(line, addr);
    else
        add_quoted(line, bytes, shown, shown < size);
}

void strace_add_string(struct strace_line *line, u32 addr)
{
    char text[PATH_SHOWN];
    long length = strncpy_from_user(text, (const char *)addr, sizeof(text));

    if (length == -ENAMETOOLONG)
        add_quoted(line, (const u8 *)text, sizeof(text), true);
    else if (length < 0)
        strace_add_pointer(line, addr);
    else
        add_quoted(line, (const u8 *)text, length, false);
}

/* Bits by their names, the rest as a number. */
void strace_add_flags(struct strace_line *line, u32 value, const struct strace_names *names)
{
    const char *between = "";

    if (!value) {
        strace_add(line, "%s", names->unknown ? names->unknown : "0");
        return;
    }
    for (u32 i = 0; i < names->count; i++) {
        if ((value & names->names[i].value) != names->names[i].value)
            continue;
        strace_add(line, "%s%s", between, names->names[i].name);
        value &= ~names->names[i].value;
        between = "|";
    }
    if (value)
        strace_add(line, "%s0x%x", between, value);
}

void strace_add_value(struct strace_line *line, u32 value, const struct strace_names *names)
{
    for (u32 i = 0; i < names->count; i++) {
        if (names->names[i].value == value) {
            strace_add(line, "%s", names->names[i].name);
            return;
        }
    }
    strace_add(line, "0x%x", value);
}

void strace_add_open_flags(struct strace_line *line, u32 flags)
{
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

    strace_add(line, "%s", modes[flags & O_ACCMODE]);
    if (flags & ~O_ACCMODE) {
        strace_add(line, "|");
        strace_add_flags(line, flags & ~O_ACCMODE, &strace_open_flags);
    }
}

void strace_add_octal(struct strace_line *line, u32 value)
{
    strace_add(line, value < 0100 ? "%03o" : "0%o", value);
}

static void add_mode(struct strace_line *line, u32 mode)
{
    strace_add_value(line, mode & S_IFMT, &strace_file_types);
    strace_add(line, "|%04o", mode & 07777);
}

/* ---- structures; false: cannot be read ---- */

bool strace_add_timespec(struct strace_line *line, u32 addr)
{
    struct __kernel_timespec ts;

    if (copy_from_user(&ts, (const void *)addr, sizeof(ts)))
        return false;
    strace_add(line, "{tv_sec=%lld, tv_nsec=%u}", ts.tv_sec, (u32)ts.tv_nsec);
    return true;
}

bool strace_add_timespec32(struct strace_line *line, u32 addr)
{
    struct __kernel_old_timespec ts;

    if (copy_from_user(&ts, (const void *)addr, sizeof(ts)))
        return false;
    strace_add(line, "{tv_sec=%ld, tv_nsec=%ld}", ts.tv_sec, ts.tv_nsec);
    return true;
}

bool strace_add_offset(struct strace_line *line, u32 addr)
{
    s64 offset;

    if (copy_from_user(&offset, (const void *)addr, sizeof(offset)))
        return false;
    strace_add(line, "[%lld]", offset);
    return true;
}

bool strace_add_wait_status(struct strace_line *line, u32 addr)
{
    u32 status;

    if (copy_from_user(&status, (const void *)addr, sizeof(status)))
        return false;
    if ((status & 0x7f) == 0)
        strace_add(line, "[{WIFEXITED(s) && WEXITSTATUS(s) == %u}]", status >> 8 & 0xff);
    else if ((status & 0xff) == 0x7f)
        strace_add(line, "[{WIFSTOPPED(s) && WSTOPSIG(s) == %s}]", signal_name(status >> 8 & 0xff));
    else
        strace_add(line, "[{WIFSIGNALED(s) && WTERMSIG(s) == %s}]", signal_name(status & 0x7f));
    return true;
}

bool strace_add_stat64(struct strace_line *line, u32 addr)
{
    struct stat64 st;

    if (copy_from_user(&st, (const void *)addr, sizeof(st)))
        return false;
    strace_add(line, "{st_mode=");
    add_mode(line, st.st_mode);
    if (S_ISCHR(st.st_mode))
        strace_add(line, ", st_rdev=makedev(0x%x, 0x%x), ...}", (u32)st.st_rdev >> 8,
                   (u32)st.st_rdev & 0xff);
    else
        strace_add(line, ", st_size=%lld, ...}", st.st_size);
    return true;
}

bool strace_add_statx(struct strace_line *line, u32 addr)
{
    struct statx st;

    if (copy_from_user(&st, (const void *)addr, sizeof(st)))
        return false;
    strace_add(line, "{stx_mask=");
    strace_add_value(line, st.stx_mask, &strace_statx_masks);
    strace_add(line, ", stx_attributes=0, stx_mode=");
    add_mode(line, st.stx_mode);
    strace_add(line, ", stx_size=%llu, ...}", st.stx_size);
    return true;
}

static void add_limit(struct strace_line *line, u32 limit)
{
    if (limit == ~0u)
        strace_add(line, "RLIM_INFINITY");
    else if (limit > 1024 && limit % 1024 == 0)
        strace_add(line, "%u*1024", limit / 1024);
    else
        strace_add(line, "%u", limit);
}

bool strace_add_rlimit(struct strace_line *line, u32 addr)
{
    struct rlimit limit;

    if (copy_from_user(&limit, (const void *)addr, sizeof(limit)))
        return false;
    strace_add(line, "{rlim_cur=");
    add_limit(line, limit.rlim_cur);
    strace_add(line, ", rlim_max=");
    add_limit(line, limit.rlim_max);
    strace_add(line, "}");
    return true;
}

bool strace_add_utsname(struct strace_line *line, u32 addr)
{
    struct new_utsname name;

    if (copy_from_user(&name, (const void *)addr, sizeof(name)))
        return false;
    strace_add(line, "{sysname=\"%s\", nodename=\"%s\", ...}", name.sysname, name.nodename);
    return true;
}

bool strace_add_signal_set(struct strace_line *line, u32 addr)
{
    const char *between = "";
    u64 set;

    if (copy_from_user(&set, (const void *)addr, sizeof(set)))
        return false;
    strace_add(line, "[");
    for (u32 signal = 1; signal < 32; signal++) {
        if (set >> (signal - 1) & 1) {
            strace_add(line, "%s%s", between, signal_name(signal) + 3);
            between = " ";
        }
    }
    strace_add(line, "]");
    return true;
}

/* ---- arrays ---- */

void strace_add_arguments(struct strace_line *line, u32 addr)
{
    u32 string;

    strace_add(line, "[");
    for (u32 i = 0; i <= ITEMS_MAX; i++, addr += 4) {
        if (copy_from_user(&string, (const void *)addr, sizeof(string)) || !string)
            break;
        strace_add(line, i ? ", " : "");
        if (i == ITEMS_MAX) {
            strace_add(line, "...");
            break;
        }
        strace_add_string(line, string);
    }
    strace_add(line, "]");
}

void strace_add_environment(struct strace_line *line, u32 addr)
{
    u32 count = 0, string;

    strace_add_pointer(line, addr);
    while (copy_from_user(&string, (const void *)(addr + count * 4), sizeof(string)) == 0 &&
           string) {
        count++;
        cond_resched();
    }
    strace_add(line, " /* %u var%s */", count, count == 1 ? "" : "s");
}

void strace_add_pollfds(struct strace_line *line, u32 addr, u32 count, bool results)
{
    const char *between = "";
    struct pollfd entry;

    strace_add(line, "[");
    for (u32 i = 0; i < count && i < ITEMS_MAX; i++) {
        if (copy_from_user(&entry, (const struct pollfd *)addr + i, sizeof(entry)))
            break;
        if (results && !entry.revents)
            continue;
        strace_add(line, "%s{fd=%d, %s=", between, entry.fd, results ? "revents" : "events");
        strace_add_flags(line, (u16)(results ? entry.revents : entry.events), &strace_poll_events);
        strace_add(line, "}");
        between = ", ";
    }
    strace_add(line, "]");
}

void strace_add_iovec(struct strace_line *line, u32 addr)
{
    u32 count = strace_argument(line, line->next);
    struct iovec iov;

    strace_add(line, "[");
    for (u32 i = 0; i < count && i < ITEMS_MAX; i++) {
        if (copy_from_user(&iov, (const struct iovec *)addr + i, sizeof(iov)))
            break;
        strace_add(line, "%s{iov_base=", i ? ", " : "");
        strace_add_buffer(line, (u32)iov.iov_base, iov.iov_len);
        strace_add(line, ", iov_len=%u}", (u32)iov.iov_len);
    }
    strace_add(line, count > ITEMS_MAX ? ", ...]" : "]");
}

void strace_add_entries(struct strace_line *line, u32 addr, u32 offset)
{
    u32 count = 0, at = 0;
    u16 size;

    strace_add_pointer(line, addr);
    if (!strace_succeeded(line))
        return;
    while (at < (u32)line->result &&
           copy_from_user(&size, (const void *)(addr + at + offset), sizeof(size)) == 0 && size) {
        at += size;
        count++;
    }
    strace_add(line, " /* %u entr%s */", count, count == 1 ? "y" : "ies");
}

bool strace_add_pair(struct strace_line *line, u32 addr)
{
    s32 pair[2];

    if (copy_from_user(pair, (const void *)addr, sizeof(pair)))
        return false;
    strace_add(line, "[%d, %d]", pair[0], pair[1]);
    return true;
}
