/*
 * Reading a cpio archive in memory, which may be damaged.
 *
 * The format is Linux's, "newc": each entry is a header of 110 ASCII characters (a magic number and
 * 13 fields of 8 hex digits), the name with its 0, zeros up to a multiple of 4, the data, zeros up
 * to a multiple of 4. An entry named TRAILER!!! ends the archive. With the second magic number the
 * last field is the sum of the data bytes.
 *
 * Nothing is copied and nothing allocated. Every length is checked against the bytes left before it
 * is used; a bad entry ends the archive there. Behind a trailer another archive may follow, after
 * any number of zeros, as Linux accepts it.
 *
 * Neighbours: fs/initramfs.c creates files from the entries.
 */
#include <fs/initramfs.h>
#include <lib/string.h>

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

/* Round up to a multiple of 4; sizes near 4 GiB must not wrap to a small value. */
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
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
        name++;
    return name;
}

static void fill_entry(struct cpio_entry *entry, const u32 fields[C_FIELDS], const u8 *header,
                       u32 data)
{
    *entry = (struct cpio_entry){
        .name = strip((const char *)header + HEADER_SIZE),
        .data = header + data,
        .size = fields[C_FILESIZE],
        .mode = fields[C_MODE],
        .ino = fields[C_INO],
        .nlink = fields[C_NLINK],
        .uid = fields[C_UID],
        .gid = fields[C_GID],
        .mtime = fields[C_MTIME],
        .dev_major = fields[C_DEVMAJOR],
        .dev_minor = fields[C_DEVMINOR],
        .rdev_major = fields[C_RDEVMAJOR],
        .rdev_minor = fields[C_RDEVMINOR],
    };
}

/*
 * Check the entry at `header`, with `left` bytes left in the archive. NULL, with *entry and *size
 * filled; otherwise the error.
 */
static const char *read_entry(const u8 *header, u32 left, struct cpio_entry *entry, u32 *size)
{
    u32 fields[C_FIELDS];
    u64 data, end;

    if (left < HEADER_SIZE)
        return "the archive ends without a trailer";
    if (memcmp(header, "070701", MAGIC_SIZE) != 0 && memcmp(header, "070702", MAGIC_SIZE) != 0)
        return "no magic number of a newc header";
    if (!read_fields(header, fields))
        return "a header field is not a hexadecimal number";
    data = padded((u64)HEADER_SIZE + fields[C_NAMESIZE]);
    end = data + fields[C_FILESIZE];
    if (fields[C_NAMESIZE] == 0 || data > left)
        return "a name without end";
    if (header[HEADER_SIZE + fields[C_NAMESIZE] - 1] != '\0')
        return "a name without its final 0";
    if (end > left)
        return "a file that extends past the end of the archive";
    if (memcmp(header, "070702", MAGIC_SIZE) == 0 &&
        byte_sum(header + (u32)data, fields[C_FILESIZE]) != fields[C_CHECK])
        return "a file whose checksum is wrong";
    fill_entry(entry, fields, header, data);
    /*
     * The padding after the last entry of a cut archive may be missing; the next read reports it.
     */
    *size = padded(end) < left ? (u32)padded(end) : left;
    return NULL;
}

bool cpio_next(const void *archive, u32 size, u32 *offset, struct cpio_entry *entry,
               const char **why)
{
    const u8 *header = (const u8 *)archive + *offset;
    u32 entry_size;

    *why = read_entry(header, size - *offset, entry, &entry_size);
    if (*why)
        return false;
    *offset += entry_size;
    return strcmp((const char *)header + HEADER_SIZE, TRAILER) != 0;
}

bool cpio_next_archive(const void *archive, u32 size, u32 *offset)
{
    const u8 *bytes = archive;
    u32 at = *offset;

    while (at < size && bytes[at] == 0)
        at++;
    if (at == size)
        return false;
    *offset = ALIGN_DOWN(at, 4);
    return true;
}
