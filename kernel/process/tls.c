/*
 * Thread-local segments. A C library keeps the data of a thread in a structure that it accesses
 * through a segment register, GS on i386: set_thread_area() creates a descriptor for it, in one of
 * three slots of the GDT that each process has for itself, and returns its number (man 2
 * set_thread_area).
 *
 * A descriptor gives no access beyond ring 3's: paging protects the kernel for any base and limit.
 * So only its kind is checked, as in Linux: data, 32 bits, present. The kernel sets the ring and
 * "accessed"; the processor would otherwise write the latter into the GDT.
 *
 * Neighbours: arch/x86/thread.c stores the descriptors and loads those of the running process.
 */
#include <arch/x86/uaccess.h>
#include <arch/x86/usersegs.h>
#include <asm/errno.h>
#include <asm/ldt.h>
#include <kernel/process/tls.h>
#include <lib/string.h>

/* Bits of a descriptor (Intel SDM vol. 3, 3.4.5), in its upper half. */
#define DESC_ACCESSED   (1u << 8)
#define DESC_WRITABLE   (1u << 9)
#define DESC_TYPE_SHIFT 10 /* "contents" in user_desc: data, or data that grows down */
#define DESC_SEGMENT    (1u << 12)
#define DESC_RING3      (3u << 13)
#define DESC_PRESENT    (1u << 15)
#define DESC_AVAILABLE  (1u << 20)
#define DESC_32BIT      (1u << 22)
#define DESC_PAGES      (1u << 23)

#define LIMIT_MAX 0xfffffu

/* All zero, or what get_thread_area() returns for an empty slot: the slot is to be cleared. */
static bool desc_is_empty(const struct user_desc *desc)
{
    bool zero = !desc->base_addr && !desc->limit && !desc->contents && !desc->seg_32bit &&
                !desc->limit_in_pages && !desc->useable;

    return zero && desc->read_exec_only == desc->seg_not_present;
}

static u64 desc_encode(const struct user_desc *desc)
{
    u32 base = desc->base_addr, limit = desc->limit & LIMIT_MAX, low, high;

    if (desc_is_empty(desc))
        return 0;
    low = (limit & 0xffff) | base << 16;
    high = (base >> 16 & 0xff) | (base & 0xff000000) | (limit & 0xf0000);
    high |= DESC_ACCESSED | DESC_SEGMENT | DESC_RING3 | DESC_PRESENT | DESC_32BIT;
    high |= (u32)desc->contents << DESC_TYPE_SHIFT;
    high |= desc->read_exec_only ? 0 : DESC_WRITABLE;
    high |= desc->useable ? DESC_AVAILABLE : 0;
    high |= desc->limit_in_pages ? DESC_PAGES : 0;
    return low | (u64)high << 32;
}

static void desc_decode(struct user_desc *desc, u64 encoded)
{
    u32 low = encoded, high = encoded >> 32;

    desc->base_addr = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000);
    desc->limit = (low & 0xffff) | (high & 0xf0000);
    desc->seg_32bit = !!(high & DESC_32BIT);
    desc->contents = high >> DESC_TYPE_SHIFT & 3;
    desc->read_exec_only = !(high & DESC_WRITABLE);
    desc->limit_in_pages = !!(high & DESC_PAGES);
    desc->seg_not_present = !(high & DESC_PRESENT);
    desc->useable = !!(high & DESC_AVAILABLE);
}

/* 0, -EFAULT, -EINVAL. */
static int desc_from_user(struct user_desc *desc, const void *user_desc)
{
    if (copy_from_user(desc, user_desc, sizeof(*desc)))
        return -EFAULT;
    if (!desc_is_empty(desc) && (!desc->seg_32bit || desc->contents > 1 || desc->seg_not_present))
        return -EINVAL;
    return 0;
}

static bool is_slot(u32 entry)
{
    return entry >= GDT_ENTRY_TLS_MIN && entry <= GDT_ENTRY_TLS_MAX;
}

int tls_set_from_user(struct task *task, const void *user_desc)
{
    struct user_desc desc;
    int err = desc_from_user(&desc, user_desc);

    if (err)
        return err;
    if (!is_slot(desc.entry_number))
        return -EINVAL;
    thread_set_tls(&task->thread, desc.entry_number - GDT_ENTRY_TLS_MIN, desc_encode(&desc), false);
    return 0;
}

/* The first slot that is empty, or -ESRCH. */
static int free_entry(const struct thread *thread)
{
    for (u32 i = 0; i < TLS_ENTRIES; i++)
        if (!thread->tls[i])
            return GDT_ENTRY_TLS_MIN + i;
    return -ESRCH;
}

long tls_set_area(struct user_desc *user_desc)
{
    struct user_desc desc;
    int entry, err = desc_from_user(&desc, user_desc);

    if (err)
        return err;
    entry = desc.entry_number;
    if (entry == -1) {
        entry = free_entry(&current->thread);
        if (entry < 0)
            return entry;
        if (copy_object_to_user(&user_desc->entry_number, &entry))
            return -EFAULT;
    }
    if (!is_slot(entry))
        return -EINVAL;
    thread_set_tls(&current->thread, entry - GDT_ENTRY_TLS_MIN, desc_encode(&desc), true);
    return 0;
}

long tls_get_area(struct user_desc *user_desc)
{
    struct user_desc desc;
    u32 entry;

    if (copy_from_user(&entry, &user_desc->entry_number, sizeof(entry)))
        return -EFAULT;
    if (!is_slot(entry))
        return -EINVAL;
    memset(&desc, 0, sizeof(desc));
    desc.entry_number = entry;
    desc_decode(&desc, current->thread.tls[entry - GDT_ENTRY_TLS_MIN]);
    return copy_object_to_user(user_desc, &desc);
}
