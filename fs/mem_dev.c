/*
 * The memory devices: /dev/null, /dev/zero, /dev/full, /dev/random, /dev/urandom, with Linux's
 * numbers (Documentation/admin-guide/devices.txt).
 *
 * Random bytes come from arch_random(), with the quality that the processor provides: no entropy is
 * collected, so a read never waits. Bytes written to /dev/random are accepted and ignored.
 *
 * A long read is done in pieces and yields in between. Of these devices only /dev/zero can be
 * mapped: its mappings are memory without a file.
 *
 * Neighbours: fs/char_dev.c.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/panic.h>
#include <lib/resched.h>
#include <lib/string.h>

#define MEM_MAJOR 1
#define PIECE     256u

/* Fill `size` bytes, a multiple of 4, up to PIECE. */
typedef void (*fill_t)(u32 *words, u32 size);

static void fill_zero(u32 *words, u32 size)
{
    memset(words, 0, size);
}

static void fill_random(u32 *words, u32 size)
{
    for (u32 i = 0; i < size / 4; i++)
        words[i] = arch_random();
}

static long read_filled(char *user_buf, u32 count, fill_t fill)
{
    u32 words[PIECE / 4], done = 0;

    while (done < count) {
        u32 size = min(count - done, PIECE), left;

        fill(words, ALIGN_UP(size, 4));
        left = copy_to_user(user_buf + done, words, size);
        done += size - left;
        if (left)
            return done ? (long)done : -EFAULT;
        if (cond_resched_ending())
            break;
    }
    return done;
}

static long null_read(struct file *file, char *buf, u32 count, u64 *pos)
{
    (void)file, (void)buf, (void)count, (void)pos;
    return 0;
}

/* All bytes are dropped. */
static long null_write(struct file *file, const char *buf, u32 count, u64 *pos)
{
    (void)file, (void)buf, (void)pos;
    return count;
}

static long full_write(struct file *file, const char *buf, u32 count, u64 *pos)
{
    (void)file, (void)buf, (void)count, (void)pos;
    return -ENOSPC;
}

static long zero_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    (void)file, (void)pos;
    return read_filled(user_buf, count, fill_zero);
}

static long random_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    (void)file, (void)pos;
    return read_filled(user_buf, count, fill_random);
}

static const struct file_operations null_ops = {
    .read = null_read,
    .write = null_write,
    .seekable = true,
};

static const struct file_operations zero_ops = {
    .read = zero_read,
    .write = null_write,
    .seekable = true,
    .maps_zeros = true,
};

static const struct file_operations full_ops = {
    .read = zero_read,
    .write = full_write,
    .seekable = true,
};

static const struct file_operations random_ops = {
    .read = random_read,
    .write = null_write,
    .seekable = true,
};

/* Create the links to a program's own descriptors (man 4 fd). */
static void make_links(void)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},
        {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"},
        {"/proc/self/fd/2", "/dev/stderr"},
    };

    for (u32 i = 0; i < ARRAY_SIZE(links); i++) {
        int err = vfs_symlink(fs_root(), links[i][0], links[i][1]);

        if (err)
            panic("%s cannot be created: error %d", links[i][1], err);
    }
}

void mem_dev_init(void)
{
    make_links();
    char_dev_register("null", MKDEV(MEM_MAJOR, 3), 0666, &null_ops);
    char_dev_register("zero", MKDEV(MEM_MAJOR, 5), 0666, &zero_ops);
    char_dev_register("full", MKDEV(MEM_MAJOR, 7), 0666, &full_ops);
    char_dev_register("random", MKDEV(MEM_MAJOR, 8), 0666, &random_ops);
    char_dev_register("urandom", MKDEV(MEM_MAJOR, 9), 0666, &random_ops);
}
