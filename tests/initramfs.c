/*
 * The cpio reader on archives that are built here byte by byte, and on the one that the boot loader
 * brought.
 */
#include <fs/initramfs.h>
#include <kernel/ktest.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/stat.h>

#define HEADER_SIZE     110
#define FILESIZE_OFFSET (6 + 6 * 8)
#define NAMESIZE_OFFSET (6 + 11 * 8)
#define CHECK_OFFSET    (6 + 12 * 8)

static struct {
    u8 bytes[1024];
    u32 size;
} archive;

static void put(const void *bytes, u32 size)
{
    memcpy(archive.bytes + archive.size, bytes, size);
    archive.size += size;
}

static void pad(void)
{
    while (archive.size % 4)
        archive.bytes[archive.size++] = 0;
}

static void put_entry(const char *magic, u32 mode, const char *name, const char *data, u32 check)
{
    char header[HEADER_SIZE + 1];

    snprintf(header, sizeof(header), "%s%08x%08x%08x%08x%08x%08x%08X%08x%08x%08x%08x%08x%08x",
             magic, 1, mode, 0, 0, 1, 0, (u32)strlen(data), 0, 0, 0, 0, (u32)strlen(name) + 1,
             check);
    put(header, HEADER_SIZE);
    put(name, strlen(name) + 1);
    pad();
    put(data, strlen(data));
    pad();
}

/* Two files, a directory between them, a trailer. Returns the offset of the second file. */
static u32 build(void)
{
    u32 second;

    memset(&archive, 0, sizeof(archive));
    put_entry("070701", S_IFREG | 0755, "./one", "first", 0);
    put_entry("070701", S_IFDIR | 0755, "sub", "", 0);
    second = archive.size;
    put_entry("070702", S_IFREG | 0644, "/sub/two", "abc", 'a' + 'b' + 'c');
    put_entry("070701", 0, "TRAILER!!!", "", 0);
    return second;
}

struct walk {
    u32 files, offset;
    const char *why;
    struct initramfs_file last;
};

static struct walk walk_archive(u32 size)
{
    struct walk walk = {0};
    struct initramfs_file file;

    while (cpio_next(archive.bytes, size, &walk.offset, &file, &walk.why)) {
        walk.last = file;
        walk.files++;
    }
    return walk;
}

/* The archive is good up to `offset`, and there it is damaged for this reason. */
static void expect_damage(u32 files, u32 offset, const char *why)
{
    struct walk walk = walk_archive(archive.size);

    expect_eq(walk.files, files);
    expect_eq(walk.offset, offset);
    if (expect(walk.why != NULL))
        expect_str_eq(walk.why, why);
}

KTEST(initramfs, good_archive)
{
    struct initramfs_file file;
    const char *why;
    u32 offset = 0;

    build();
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect_str_eq(file.name, "one");
    expect_eq(file.size, 5);
    expect_eq(file.mode, S_IFREG | 0755);
    expect_eq(memcmp(file.data, "first", 5), 0);
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect(S_ISDIR(file.mode));
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect_str_eq(file.name, "sub/two");
    expect_eq(memcmp(file.data, "abc", 3), 0);
    expect(!cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect(why == NULL);
}

KTEST(initramfs, empty_archive)
{
    build();
    archive.size = 0;
    expect_damage(0, 0, "the archive ends without a trailer");
    put_entry("070701", 0, "TRAILER!!!", "", 0);
    expect(walk_archive(archive.size).why == NULL);
    expect_eq(walk_archive(archive.size).files, 0);
}

/* Cut anywhere, what comes before is still found, and the end is noticed. */
KTEST(initramfs, truncated_anywhere)
{
    u32 trailer_size = HEADER_SIZE + sizeof("TRAILER!!!"), full;

    build();
    full = archive.size;
    trailer_size = (trailer_size + 3) & ~3u;
    for (u32 size = 0; size < full; size++) {
        struct walk walk = walk_archive(size);

        expect(walk.why != NULL);
        expect(walk.offset <= size);
        expect(size < full - trailer_size || walk.files == 3);
    }
    expect(walk_archive(full).why == NULL);
}

KTEST(initramfs, bad_magic)
{
    u32 second = build();

    archive.bytes[second + 5] = '7';
    expect_damage(2, second, "no magic number of a newc header");
    archive.bytes[0] = 0;
    expect_damage(0, 0, "no magic number of a newc header");
}

KTEST(initramfs, field_not_hexadecimal)
{
    static const char bad[] = {'g', ' ', '-', '\0', '/', ':', '@', 'G', '`'};

    for (u32 i = 0; i < sizeof(bad); i++) {
        u32 second = build();

        archive.bytes[second + FILESIZE_OFFSET + i % 8] = bad[i];
        expect_damage(2, second, "a header field is not a hexadecimal number");
    }
}

KTEST(initramfs, name_not_terminated)
{
    u32 second = build();

    archive.bytes[second + HEADER_SIZE + strlen("/sub/two")] = 'x';
    expect_damage(2, second, "a name without its final 0");
}

KTEST(initramfs, absurd_sizes)
{
    static const char *const sizes[] = {"ffffffff", "fffffffc", "80000000", "00010000"};
    u32 second;

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        second = build();
        memcpy(archive.bytes + second + FILESIZE_OFFSET, sizes[i], 8);
        expect_damage(2, second, "a file that goes on past the end of the archive");
        second = build();
        memcpy(archive.bytes + second + NAMESIZE_OFFSET, sizes[i], 8);
        expect_damage(2, second, "a name without end");
    }
    second = build();
    memcpy(archive.bytes + second + NAMESIZE_OFFSET, "00000000", 8);
    expect_damage(2, second, "a name without end");
}

KTEST(initramfs, wrong_checksum)
{
    u32 second = build();

    archive.bytes[second + CHECK_OFFSET + 7] ^= 1;
    expect_damage(2, second, "a file whose checksum is wrong");
}

KTEST(initramfs, lookup)
{
    struct initramfs_file file, again;
    u32 count = 0;

    expect(initramfs_lookup("hello", &file));
    expect(file.size > 0 && S_ISREG(file.mode));
    expect(initramfs_lookup("/hello", &again));
    expect(again.data == file.data);
    expect(!initramfs_lookup("hell", &file));
    expect(!initramfs_lookup("hello2", &file));
    expect(!initramfs_lookup("", &file));
    for (; initramfs_file_at(count, &file); count++) {
        expect(initramfs_lookup(file.name, &again));
        expect(again.data == file.data && again.size == file.size);
    }
    expect(count > 0);
    expect(!initramfs_file_at(count + 1, &file));
}
