/*
 * The cpio reader, and the files that are made from an archive. The archives are built here byte by
 * byte, and unpacked below /t.
 */
#include "tests/fs/fs.h"
#include <fs/initramfs.h>
#include <lib/printf.h>
#include <lib/random.h>
#include <linux/fs.h>
#include <mm/fail.h>

#define HEADER_SIZE     110
#define FILESIZE_OFFSET (6 + 6 * 8)
#define NAMESIZE_OFFSET (6 + 11 * 8)
#define CHECK_OFFSET    (6 + 12 * 8)

static struct {
    u8 bytes[8192];
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

/* What put_entry() writes besides its arguments. */
static struct {
    u32 ino, nlink, mtime, uid, rdev_major, rdev_minor;
} fields = {.ino = 1, .nlink = 1};

static void put_entry(const char *magic, u32 mode, const char *name, const char *data, u32 check)
{
    char header[HEADER_SIZE + 1];

    assert_op(archive.size + HEADER_SIZE + strlen(name) + strlen(data) + 8, <,
              sizeof(archive.bytes));
    snprintf(header, sizeof(header), "%s%08x%08x%08x%08x%08x%08x%08X%08x%08x%08x%08x%08x%08x",
             magic, fields.ino, mode, fields.uid, 0, fields.nlink, fields.mtime, (u32)strlen(data),
             0, 0, fields.rdev_major, fields.rdev_minor, (u32)strlen(name) + 1, check);
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

struct reading {
    u32 files, offset;
    const char *why;
    struct cpio_entry last;
};

static struct reading walk_archive(u32 size)
{
    struct reading walk = {0};
    struct cpio_entry file;

    while (cpio_next(archive.bytes, size, &walk.offset, &file, &walk.why)) {
        walk.last = file;
        walk.files++;
    }
    return walk;
}

/* The archive is valid up to `offset`, where it is damaged for this reason. */
static void expect_damage(u32 files, u32 offset, const char *why)
{
    struct reading walk = walk_archive(archive.size);

    expect_is(walk.files, files);
    expect_is(walk.offset, offset);
    if (expect(walk.why != NULL))
        expect_str_eq(walk.why, why);
}

KTEST(initramfs, good_archive)
{
    struct cpio_entry file;
    const char *why;
    u32 offset = 0;

    build();
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect_str_eq(file.name, "one");
    expect_is(file.size, 5);
    expect_is(file.mode, S_IFREG | 0755);
    expect_is(memcmp(file.data, "first", 5), 0);
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect(S_ISDIR(file.mode));
    expect(cpio_next(archive.bytes, archive.size, &offset, &file, &why));
    expect_str_eq(file.name, "sub/two");
    expect_is(memcmp(file.data, "abc", 3), 0);
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
    expect_is(walk_archive(archive.size).files, 0);
}

/* Truncated anywhere, the entries before are still found, and the damage is detected. */
KTEST(initramfs, truncated_anywhere)
{
    u32 trailer_size = HEADER_SIZE + sizeof("TRAILER!!!"), full;

    build();
    full = archive.size;
    trailer_size = (trailer_size + 3) & ~3u;
    for (u32 size = 0; size < full; size++) {
        struct reading walk = walk_archive(size);

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
        expect_damage(2, second, "a file that extends past the end of the archive");
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

/* ---- unpacking ---- */

static void start(void)
{
    memset(&archive, 0, sizeof(archive));
}

static void add(u32 mode, const char *name, const char *data)
{
    put_entry("070701", mode, name, data, 0);
}

static void add_trailer(void)
{
    add(0, "TRAILER!!!", "");
}

/* Unpack it below /t, which is created. Returns how many entries were left out. */
static u32 unpack(struct unpack_result *result)
{
    make_dir("/t");
    initramfs_unpack(inode_at("/t"), archive.bytes, archive.size, result);
    expect_none(fs_check());
    return result->left_out;
}

static void unpack_all(u32 entries)
{
    struct unpack_result result;

    add_trailer();
    expect_is(unpack(&result), 0);
    expect_is(result.entries, entries);
    expect_is(result.offset, archive.size);
    expect(result.why == NULL);
}

static void expect_contents(const char *path, const char *text)
{
    struct file *file = open_file(path, O_RDONLY);

    if (!file)
        return;
    expect_is(file->inode->data.size, strlen(text));
    expect_text(file, text);
    file_put(file);
}

KTEST(initramfs, unpacks_every_kind)
{
    char target[16];

    if (!user_enter())
        return;
    start();
    fields.mtime = 1000000000;
    fields.uid = 7;
    add(S_IFDIR | 0700, ".", "");
    add(S_IFREG | 04755, "./bin/file", "contents");
    add(S_IFDIR | 0711, "bin", "");        /* made above already: now it gets its attributes */
    add(S_IFREG | 0644, "bin/second", ""); /* does not make the directory newer */
    add(S_IFLNK | 0777, "/link", "bin/file");
    fields.rdev_major = 1;
    fields.rdev_minor = 3;
    add(S_IFCHR | 0622, "null", "");
    fields.rdev_major = fields.rdev_minor = 0;
    add(S_IFIFO | 0600, "fifo", "");
    add(S_IFREG | 0644, "link/../again", "?"); /* not along a file */
    add_trailer();
    {
        struct unpack_result result;

        expect_is(unpack(&result), 1);
        expect_str_eq(result.first, "link/../again");
        expect_is(result.first_err, -EINVAL);
    }
    expect_is(inode_at("/t")->mode, S_IFDIR | 0700);
    expect_is(inode_at("/t/bin")->mode, S_IFDIR | 0711);
    expect_is(inode_at("/t/bin/file")->mode, S_IFREG | 04755);
    expect_is(inode_at("/t/bin/file")->uid, 7);
    expect(inode_at("/t/bin/file")->mtime.sec == 1000000000);
    expect(inode_at("/t/bin")->mtime.sec == 1000000000);
    expect_is(inode_at("/t/bin/file")->data.nrpages, 0); /* nothing was copied */
    expect_is(inode_readlink(inode_at("/t/link"), target, sizeof(target)), 8);
    expect_str_eq(target, "bin/file");
    expect_contents("/t/link", "contents");
    expect_is(inode_at("/t/null")->rdev, MKDEV(1, 3));
    expect_is(open_error("/t/null", O_RDWR), 0);
    expect(S_ISFIFO(inode_at("/t/fifo")->mode));
    memset(&fields, 0, sizeof(fields));
    fields.ino = fields.nlink = 1;
    remove_all("/t");
    user_leave();
}

/*
 * A file of the archive is a normal file: it can be written, and the archive does not change.
 */
KTEST(initramfs, files_can_be_changed)
{
    struct file *file;

    if (!user_enter())
        return;
    start();
    add(S_IFREG | 0644, "f", "from the archive");
    unpack_all(1);
    file = open_file("/t/f", O_RDWR);
    expect_is(write_text(file, "FROM"), 4);
    expect_text(file, " the archive");
    expect_is(write_text(file, " and more"), 9);
    file_put(file);
    expect_contents("/t/f", "FROM the archive and more");
    expect(memcmp(archive.bytes + HEADER_SIZE + 2, "from the archive", 16) == 0);
    file = open_file("/t/f", O_RDWR | O_TRUNC);
    expect_is(inode_truncate(file->inode, 4), 0);
    file_put(file);
    file = open_file("/t/f", O_RDONLY);
    {
        char back[5];

        expect_is(read_at(file, back, sizeof(back), &file->pos), 4);
        expect_is(memcmp(back, "\0\0\0\0", 4), 0);
    }
    file_put(file);
    remove_all("/t");
    user_leave();
}

/*
 * In the order of cpio: all names first without contents, the last one with them. And in reverse
 * order.
 */
KTEST(initramfs, hard_links)
{
    if (!user_enter())
        return;
    start();
    fields.nlink = 3;
    fields.ino = 5;
    add(S_IFREG | 0644, "a", "");
    add(S_IFREG | 0644, "sub/b", "");
    fields.ino = 6; /* another file */
    add(S_IFREG | 0644, "other", "first");
    add(S_IFREG | 0644, "more", "");
    fields.ino = 5;
    add(S_IFREG | 0644, "c", "shared");
    add(S_IFDIR | 0755, "d", ""); /* directories have links of another kind */
    fields.nlink = fields.ino = 1;
    unpack_all(6);
    expect_is(inode_at("/t/a"), inode_at("/t/c"));
    expect_is(inode_at("/t/sub/b"), inode_at("/t/c"));
    expect_is(inode_at("/t/a")->nlink, 3);
    expect_contents("/t/a", "shared");
    expect_is(inode_at("/t/other"), inode_at("/t/more"));
    expect_contents("/t/more", "first");
    expect(S_ISDIR(inode_at("/t/d")->mode));
    remove_all("/t");
    user_leave();
}

/* A link entry for a file with three names; they have the same inode number in the archive. */
static void add_link(u32 ino, const char *name, const char *data)
{
    fields.nlink = 3;
    fields.ino = ino;
    add(S_IFREG | 0644, name, data);
    fields.nlink = fields.ino = 1;
}

/*
 * Unusual orders of names: one twice, one that another file has taken meanwhile, all of them
 * removed.
 */
KTEST(initramfs, hard_links_that_lie)
{
    if (!user_enter())
        return;
    start();
    add_link(7, "a", "x");
    add_link(7, "a", "x"); /* its only name */
    add_link(7, "b", "");
    add_link(8, "c", "y");
    add_link(8, "d", "");
    add_link(8, "c", "z"); /* one of two */
    add_link(9, "e", "lost");
    add(S_IFREG | 0644, "e", "another");
    add_link(9, "f", "");
    add_link(10, "g", "gone");
    add(S_IFDIR | 0755, "g", "");
    add_link(10, "g/h/i", "");
    add_link(10, "g/h/i", "back");
    add_link(11, "j", "gone for good");
    add(S_IFLNK | 0777, "j", "e");
    unpack_all(15);
    expect_is(inode_at("/t/a"), inode_at("/t/b"));
    expect_is(inode_at("/t/a")->nlink, 2);
    expect_contents("/t/b", "x");
    expect_is(inode_at("/t/c"), inode_at("/t/d"));
    expect_is(inode_at("/t/c")->nlink, 2);
    expect_contents("/t/d", "z");
    expect_contents("/t/e", "another");
    expect_contents("/t/f", "lost");
    expect_is(inode_at("/t/f")->nlink, 1);
    expect_contents("/t/g/h/i", "back");
    expect_contents("/t/j", "another");
    expect_is(lookup_error("/t/k", 0), -ENOENT);
    remove_all("/t");
    user_leave();
}

/* The deepest possible name; and a file named only by a link is not made. */
/* Remove nested directories, all named "d", the innermost first. */
static void remove_upwards(struct inode *top, const char *path)
{
    struct inode *dir, *up;

    if (!expect_is(path_lookup(top, path, 0, &dir), 0))
        return;
    while (dir != top && ktest_ok()) {
        expect_is(path_lookup(dir, "..", 0, &up), 0);
        inode_put(dir);
        expect_is(vfs_rmdir(up, "d"), 0);
        dir = up;
    }
    inode_put(dir);
}

KTEST(initramfs, directories_are_made)
{
    static char deep[PATH_SIZE];
    struct unpack_result result;

    if (!user_enter())
        return;
    start();
    for (u32 i = 0; i + 2 < PATH_SIZE; i += 2)
        memcpy(deep + i, "d/", 3);
    add(S_IFREG | 0644, "to/dir/f", "1");
    add(S_IFLNK | 0777, "link", "to/dir");
    add(S_IFLNK | 0777, "nowhere", "to/none");
    add(S_IFREG | 0644, "link/more/dirs/f", "2");
    add(S_IFREG | 0644, "nowhere/more/f", "3"); /* left out */
    add(S_IFDIR | 0700, deep, "");
    add_trailer();
    expect_is(unpack(&result), 1);
    expect_str_eq(result.first, "nowhere/more/f");
    expect_is(result.first_err, -ENOENT);
    expect_contents("/t/to/dir/more/dirs/f", "2");
    expect_is(lookup_error("/t/to/none", 0), -ENOENT);
    remove_upwards(inode_at("/t"), deep);
    remove_all("/t");
    user_leave();
}

KTEST(initramfs, names)
{
    static char longest[NAME_MAX_ + 2], path[PATH_SIZE + 1];
    struct unpack_result result;

    if (!user_enter())
        return;
    start();
    memset(longest, 'x', NAME_MAX_);
    memset(path, '/', PATH_SIZE);
    path[0] = 'x';
    add(S_IFREG | 0644, "../up", "1");
    add(S_IFREG | 0644, "a/../../up", "1");
    add(S_IFREG | 0644, "a/..", "1");
    add(S_IFREG | 0644, "", "1");
    add(S_IFREG | 0644, "/", "1");
    add(S_IFREG | 0644, path, "1");
    add(0, "no-kind", "1");
    add(S_IFLNK | 0777, "empty-link", "");
    add(S_IFREG | 0644, longest, "long");
    longest[NAME_MAX_] = 'x';
    add(S_IFREG | 0644, longest, "1");
    add(S_IFREG | 0644, "///./deep//.//down/f", "down");
    add(S_IFREG | 0644, "..x/...", "dots");
    add_trailer();
    expect_is(unpack(&result), 9);
    expect_is(result.entries, 12);
    expect_str_eq(result.first, "../up");
    expect_is(lookup_error("/up", 0), -ENOENT);
    expect_is(inode_at("/t")->dir.entries, 3);
    longest[NAME_MAX_] = '\0';
    expect_is(dir_find(inode_at("/t"), longest, NAME_MAX_)->inode->data.size, 4);
    expect_contents("/t/deep/down/f", "down");
    expect_contents("/t/..x/...", "dots");
    remove_all("/t");
    user_leave();
}

KTEST(initramfs, later_wins)
{
    struct unpack_result result;

    if (!user_enter())
        return;
    start();
    add(S_IFREG | 0644, "f", "early");
    add(S_IFREG | 0600, "f", "late");
    add(S_IFDIR | 0755, "empty", "");
    add(S_IFREG | 0644, "empty", "a file now");
    add(S_IFREG | 0644, "dir", "a directory soon");
    add(S_IFDIR | 0755, "dir", "");
    add(S_IFREG | 0644, "dir/f", "stays");
    add(S_IFREG | 0644, "dir", "not over what is in it");
    add_trailer();
    expect_is(unpack(&result), 1);
    expect_str_eq(result.first, "dir");
    expect_is(result.first_err, -ENOTEMPTY);
    expect_is(inode_at("/t/f")->mode, S_IFREG | 0600);
    expect_contents("/t/f", "late");
    expect_contents("/t/empty", "a file now");
    expect_contents("/t/dir/f", "stays");
    remove_all("/t");
    user_leave();
}

/*
 * After the trailer and any number of zeros another archive may follow, with its own inode numbers.
 */
KTEST(initramfs, second_archive)
{
    struct unpack_result result;

    if (!user_enter())
        return;
    start();
    fields.nlink = 2;
    add(S_IFREG | 0644, "a", "first");
    add_trailer();
    archive.size += 512; /* zeros */
    add(S_IFREG | 0644, "b", "second");
    unpack_all(2);
    expect_contents("/t/a", "first");
    expect_contents("/t/b", "second");
    remove_all("/t");
    fields.nlink = 1;

    archive.bytes[archive.size + 9] = 'x'; /* padding, and then something that is not an archive */
    archive.size += 200;
    unpack(&result);
    expect_is(result.entries, 2);
    expect_is(result.offset, archive.size - 192);
    expect_str_eq(result.why, "no magic number of a newc header");
    remove_all("/t");
    user_leave();
}

/* The entries before the damage are there. */
KTEST(initramfs, damaged)
{
    struct unpack_result result;
    u32 second = build();

    if (!user_enter())
        return;
    archive.bytes[second] = 'x';
    expect_is(unpack(&result), 0);
    expect_is(result.entries, 2);
    expect_is(result.offset, second);
    expect_str_eq(result.why, "no magic number of a newc header");
    expect_contents("/t/one", "first");
    expect_is(lookup_error("/t/sub/two", 0), -ENOENT);
    remove_all("/t");
    user_leave();
}

/*
 * Each allocation refused once: its entry is left out completely, and the others are there.
 */
KTEST(initramfs, out_of_memory)
{
    struct unpack_result result;
    u32 inodes = inode_count, k = 1;
    bool refused;

    start();
    add(S_IFREG | 0644, "a/b/c", "text");
    add(S_IFLNK | 0777, "link", "a/b");
    fields.nlink = 2;
    add(S_IFREG | 0644, "x", "");
    add(S_IFREG | 0644, "link/y", "shared");
    fields.nlink = 1;
    add_trailer();
    do {
        make_dir("/t");
        alloc_fail_countdown = k++;
        initramfs_unpack(inode_at("/t"), archive.bytes, archive.size, &result);
        refused = alloc_fail_countdown == 0;
        alloc_fail_countdown = 0;
        expect_none(fs_check());
        expect_is(result.entries, 4);
        expect(refused ? result.left_out >= 1 && result.first_err == -ENOMEM
                       : result.left_out == 0);
        remove_all("/t");
        expect_is(inode_count, inodes);
    } while (refused && ktest_ok());
    expect(k > 15);
}

/*
 * Any byte may be wrong: the tree is valid afterwards, and nothing of it stays when it is removed.
 */
KTEST(initramfs, random_damage)
{
    struct unpack_result result;
    struct rnd_state random;
    u32 inodes = inode_count;

    prandom_seed_state(&random, 4);
    for (u32 i = 0; i < 400 && ktest_ok(); i++) {
        start();
        add(S_IFDIR | 0755, "a", "");
        fields.nlink = 2;
        add(S_IFREG | 0644, "a/b", "");
        add(S_IFLNK | 0777, "link", "a");
        add(S_IFREG | 0644, "link/c", "shared");
        fields.nlink = 1;
        add(S_IFCHR | 0644, "d", "");
        add_trailer();
        for (u32 n = 1 + prandom_below(&random, 3); n > 0; n--) {
            static const char likely_bytes[] = "0123456789abcdef./\0";
            u32 at = prandom_below(&random, archive.size);

            archive.bytes[at] = likely_bytes[prandom_below(&random, sizeof(likely_bytes))];
        }
        unpack(&result);
        inode_at("/t")->mode = S_IFDIR | 0755;
        remove_all("/t");
        expect_is(inode_count, inodes);
    }
}

/*
 * The initramfs of the boot loader is there: programs in the root directory, none of them read yet
 * or all.
 */
KTEST(initramfs, booted)
{
    struct inode *hello = inode_at("/hello");

    if (!hello)
        return;
    expect_is(hello->mode, S_IFREG | 0755);
    expect(hello->data.size > 0);
    expect(hello->data.backing != NULL);
}
