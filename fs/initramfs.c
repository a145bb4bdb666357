/*
 * The initramfs: files by name from a cpio archive that the boot loader put into memory.
 *
 * The format is Linux's, "newc": each entry is a header of 110 ASCII characters (a magic number and
 * 13 fields of 8 hex digits), the name with its 0, zeros up to a multiple of 4, the data, zeros up
 * to a multiple of 4. An entry named TRAILER!!! ends the archive. With the second magic number the
 * last field is the sum of the data bytes.
 *
 * The archive stays where it is and is walked anew for each lookup: there are a dozen files, and
 * nothing to allocate means nothing that can fail. Every length is checked against what is left
 * before it is used; a bad entry ends the archive there.
 *
 * Limits: regular files only (a directory is part of a file's name); hard links carry their data in
 * the last name only, as cpio writes them; a second archive behind the trailer is not looked at.
 *
 * Neighbours: kernel/main.c passes the module in; kernel/process.c looks programs up.
 */
#include <fs/initramfs.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/stat.h>

#define MAGIC_SIZE 6
#define FIELD_SIZE 8
#define TRAILER    "TRAILER!!!"

/* The fields in order, after the magic number. */
enum {
    C_INO,
    C_MODE,
    C_UID,
    C_GID,
    C_NLINK,
    C_MTIME,
    C_FILESIZE,
    C_DEVMAJOR,
    C_DEVMINOR,
    C_RDEVMAJOR,
    C_RDEVMINOR,
    C_NAMESIZE, /* with its 0 */
    C_CHECK,
    C_FIELDS,
};

#define HEADER_SIZE (MAGIC_SIZE + C_FIELDS * FIELD_SIZE)

static const u8 *initramfs __ro_after_init;
static u32 initramfs_size __ro_after_init; /* of the part that is sound */

static int hex_digit(u8 c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool read_fields(const u8 *header, u32 fields[C_FIELDS])
{
    const u8 *p = header + MAGIC_SIZE;

    for (u32 i = 0; i < C_FIELDS; i++) {
        fields[i] = 0;
        for (u32 j = 0; j < FIELD_SIZE; j++, p++) {
            int digit = hex_digit(*p);

            if (digit < 0)
                return false;
            fields[i] = fields[i] << 4 | digit;
        }
    }
    return true;
}

/* Round up to a multiple of 4; sizes near 4 GiB must not wrap to something small. */
static u64 padded(u64 size)
{
    return ALIGN_UP(size, 4);
}

static u32 byte_sum(const u8 *data, u32 size)
{
    u32 sum = 0;

    for (u32 i = 0; i < size; i++)
        sum += data[i];
    return sum;
}

static const char *strip(const char *name)
{
    if (name[0] == '.' && name[1] == '/')
        name++;
    while (*name == '/')
        name++;
    return name;
}

/*
 * Check the entry at `entry`, of which `left` bytes are there. NULL, with *file and *size filled;
 * else what is wrong.
 */
static const char *read_entry(const u8 *entry, u32 left, struct initramfs_file *file, u32 *size)
{
    u32 fields[C_FIELDS];
    u64 data, end;

    if (left < HEADER_SIZE)
        return "the archive ends without a trailer";
    if (memcmp(entry, "070701", MAGIC_SIZE) != 0 && memcmp(entry, "070702", MAGIC_SIZE) != 0)
        return "no magic number of a newc header";
    if (!read_fields(entry, fields))
        return "a header field is not a hexadecimal number";
    data = padded((u64)HEADER_SIZE + fields[C_NAMESIZE]);
    end = data + fields[C_FILESIZE];
    if (fields[C_NAMESIZE] == 0 || data > left)
        return "a name without end";
    if (entry[HEADER_SIZE + fields[C_NAMESIZE] - 1] != '\0')
        return "a name without its final 0";
    if (end > left)
        return "a file that goes on past the end of the archive";
    if (memcmp(entry, "070702", MAGIC_SIZE) == 0 &&
        byte_sum(entry + (u32)data, fields[C_FILESIZE]) != fields[C_CHECK])
        return "a file whose checksum is wrong";
    file->name = strip((const char *)entry + HEADER_SIZE);
    file->data = entry + (u32)data;
    file->size = fields[C_FILESIZE];
    file->mode = fields[C_MODE];
    /* The padding after the last entry of a cut archive may be missing; the next read says so. */
    *size = padded(end) < left ? (u32)padded(end) : left;
    return NULL;
}

bool cpio_next(const void *archive, u32 size, u32 *offset, struct initramfs_file *file,
               const char **why)
{
    u32 entry_size;

    *why = read_entry((const u8 *)archive + *offset, size - *offset, file, &entry_size);
    if (*why || strcmp(file->name, TRAILER) == 0)
        return false;
    *offset += entry_size;
    return true;
}

void initramfs_init(const void *archive, u32 size)
{
    struct initramfs_file file;
    const char *why;
    u32 offset = 0;

    while (cpio_next(archive, size, &offset, &file, &why))
        ;
    if (why)
        printk("initramfs: damaged at offset %u of %u: %s\n", offset, size, why);
    initramfs = archive;
    initramfs_size = offset;
}

/* The first regular file at or after *offset of the sound part. */
static bool next_regular(u32 *offset, struct initramfs_file *file)
{
    const char *why;

    while (*offset < initramfs_size && cpio_next(initramfs, initramfs_size, offset, file, &why))
        if (S_ISREG(file->mode))
            return true;
    return false;
}

bool initramfs_lookup(const char *name, struct initramfs_file *file)
{
    u32 offset = 0;

    name = strip(name);
    while (next_regular(&offset, file))
        if (strcmp(file->name, name) == 0)
            return true;
    return false;
}

bool initramfs_file_at(u32 i, struct initramfs_file *file)
{
    u32 offset = 0;

    while (next_regular(&offset, file))
        if (i-- == 0)
            return true;
    return false;
}
