/*
 * Collects the arguments and the environment of a new program: strings one after the other in one
 * buffer, as they will be on its stack.
 *
 * They come from a program's memory, which may be invalid, or from the kernel. Their length is not
 * known before, so the buffer starts small and doubles; a string that does not fit is copied again.
 * Each string is counted with its pointer, so the limit also bounds the work.
 *
 * Limits: ARG_BYTES_MAX for all together.
 *
 * Neighbours: kernel/process/exec_stack.c puts them on the stack.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/exec.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define ARGS_FIRST 1024 /* bytes of the first buffer */

static void *buffer_alloc(u32 size)
{
    return size <= PAGE_SIZE ? __kmalloc(size) : vmalloc(size);
}

static void buffer_free(void *buffer)
{
    if (is_vmalloc_addr(buffer))
        vfree(buffer);
    else
        kfree(buffer);
}

void exec_args_free(struct exec_args *args)
{
    buffer_free(args->bytes);
}

/* Double the buffer, or allocate the first one. */
static int args_grow(struct exec_args *args)
{
    u32 size = args->size ? args->size * 2 : ARGS_FIRST;
    char *bytes;

    if (size > ARG_BYTES_MAX)
        return -E2BIG;
    bytes = buffer_alloc(size);
    if (!bytes)
        return -ENOMEM;
    if (args->used)
        memcpy(bytes, args->bytes, args->used);
    buffer_free(args->bytes);
    args->bytes = bytes;
    args->size = size;
    return 0;
}

/* Count one more string, which lies behind the used part. */
static int args_count(struct exec_args *args, u32 size, u32 *count)
{
    u32 pointers = (args->argc + args->envc + 1) * sizeof(u32);

    if (args->used + size + pointers > ARG_BYTES_MAX)
        return -E2BIG;
    args->used += size;
    if (count == &args->argc)
        args->argv_bytes += size;
    ++*count;
    return 0;
}

static int args_add_user(struct exec_args *args, const char *user_string, u32 *count)
{
    for (;;) {
        u32 room = args->size - args->used;
        long length = -ENAMETOOLONG;
        int err;

        if (room)
            length = strncpy_from_user(args->bytes + args->used, user_string, room);
        if (length >= 0)
            return args_count(args, length + 1, count);
        if (length != -ENAMETOOLONG)
            return length;
        err = args_grow(args);
        if (err)
            return err;
    }
}

static int args_add_kernel(struct exec_args *args, const char *string, u32 *count)
{
    u32 size = strlen(string) + 1;

    while (size > args->size - args->used) {
        int err = args_grow(args);

        if (err)
            return err;
    }
    memcpy(args->bytes + args->used, string, size);
    return args_count(args, size, count);
}

int exec_args_prepend(struct exec_args *args, const char *string)
{
    u32 size = strlen(string) + 1, used = args->used;
    int err = args_add_kernel(args, string, &args->argc); /* room for it, also in the count */

    if (!err) {
        memmove(args->bytes + size, args->bytes, used);
        memcpy(args->bytes, string, size);
    }
    return err;
}

void exec_args_drop_first(struct exec_args *args)
{
    u32 size = strlen(args->bytes) + 1;

    memmove(args->bytes, args->bytes + size, args->used - size);
    args->used -= size;
    args->argv_bytes -= size;
    args->argc--;
}

/* An array of strings in user memory; a NULL array is an empty one, as on Linux. */
static int args_from_array(struct exec_args *args, const u32 *user_array, u32 *count)
{
    for (u32 i = 0; user_array; i++) {
        u32 user_string;
        int err;

        if (copy_from_user(&user_string, &user_array[i], sizeof(user_string)))
            return -EFAULT;
        if (!user_string)
            break;
        err = args_add_user(args, (const char *)user_string, count);
        if (err)
            return err;
        cond_resched();
    }
    return 0;
}

int exec_args_from_user(struct exec_args *args, u32 argv, u32 envp)
{
    int err = args_from_array(args, (const u32 *)argv, &args->argc);

    if (!err && args->argc == 0)
        err = args_add_kernel(args, "", &args->argc);
    return err ? err : args_from_array(args, (const u32 *)envp, &args->envc);
}

int exec_args_from_kernel(struct exec_args *args, const char *const argv[],
                          const char *const envp[])
{
    int err = 0;

    for (; !err && *argv; argv++)
        err = args_add_kernel(args, *argv, &args->argc);
    for (; !err && *envp; envp++)
        err = args_add_kernel(args, *envp, &args->envc);
    return err;
}
