/*
 * futex: sleeping until another process reports that a word of memory has changed.
 *
 * Only programs use the word; the kernel only stores who sleeps on it. The key of a word must be
 * equal for all processes that share it, at whatever address: for a page of a file, including
 * shared memory without a name, it is the file and the offset; for a page of one address space it
 * is the address space and the address. FUTEX_PRIVATE_FLAG promises the second kind and saves a
 * lookup of the page.
 *
 * Reading the word and falling asleep are one atomic step, because kernel code is not preempted: a
 * wake-up that comes after the change cannot be missed.
 *
 * All sleepers are in one list, in the order in which they began to sleep, and each operation walks
 * it: there are at most as many sleepers as tasks. A key with a file holds a reference of it. A
 * wake-up removes the sleeper from the list; the sleeper itself releases its key.
 *
 * Limits: no priority inheritance (FUTEX_LOCK_PI and similar operations are -ENOSYS).
 *
 * Neighbours: kernel/syscall/sys_time.c has the clocks, kernel/process/exit.c wakes tasks that wait
 * for the end of a thread, mm/user/fault.c maps the page.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/futex.h>
#include <kernel/process/signal.h>
#include <kernel/task.h>
#include <lib/detach.h>
#include <linux/futex.h>
#include <linux/time.h>
#include <mm/frame/page.h>
#include <mm/user/filemap.h>
#include <mm/user/mm.h>

struct futex_key {
    struct address_space *file; /* with a reference, or NULL: of the address space below */
    const struct mm *mm;        /* NULL if `file` is set */
    u64 place;                  /* a byte of the file, or an address */
};

struct sleeper {
    struct list_head link; /* in `sleepers`; empty when it was woken */
    struct wait_queue queue;
    struct futex_key key;
    u32 bits;
    struct task *task;
};

static LIST_HEAD(sleepers); /* in the order of falling asleep; lock: not preempted */

/* ---- keys ---- */

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->file == b->file && a->mm == b->mm && a->place == b->place;
}

static void key_get(const struct futex_key *key)
{
    if (key->file)
        mapping_get(key->file);
}

static void key_put(struct futex_key *key)
{
    if (key->file)
        mapping_put(detach(&key->file));
}

/*
 * The page of a shared word. If it is not writable, it must be a page of a file, because others
 * could never change. 0, -EFAULT, -ENOMEM.
 */
static int word_page(u32 addr, struct page **page)
{
    struct mm *mm = current->mm;
    enum mm_fault fault = mm_fault(mm, addr, true);
    bool writable = fault == MM_FAULT_OK;

    if (!writable && fault != MM_FAULT_NO_MEMORY)
        fault = mm_fault(mm, addr, false);
    if (fault != MM_FAULT_OK)
        return fault == MM_FAULT_NO_MEMORY ? -ENOMEM : -EFAULT;
    *page = pfn_to_page(pte_pfn(*pgd_user_pte(mm->pgd, addr)));
    return writable || (*page)->type == PAGE_FILE ? 0 : -EFAULT;
}

/* The caller releases the key. 0, -EINVAL, -EFAULT, -ENOMEM. */
static int get_key(u32 addr, bool private, struct futex_key *key)
{
    struct page *page;
    int err;

    if (addr % sizeof(u32))
        return -EINVAL;
    if (!access_ok((const void *)addr, sizeof(u32)))
        return -EFAULT;
    *key = (struct futex_key){.mm = current->mm, .place = addr};
    if (private)
        return 0;
    err = word_page(addr, &page);
    if (!err && page->type == PAGE_FILE) {
        *key = (struct futex_key){
            .file = page->mapping,
            .place = ((u64)page->index << PAGE_SHIFT) + addr % PAGE_SIZE,
        };
        key_get(key);
    }
    return err;
}

/* ---- sleeping ---- */

/* Sleep until a wake-up, a signal, or the deadline. */
static void sleep(struct sleeper *sleeper, u64 deadline)
{
    u32 flags;

    wait_queue_init(&sleeper->queue);
    list_add_tail(&sleeper->link, &sleepers);
    flags = local_irq_save();
    while (!list_empty(&sleeper->link) && jiffies_64() < deadline && !signal_pending())
        wait_queue_sleep_until(&sleeper->queue, deadline);
    local_irq_restore(flags);
}

/*
 * Not inlined: gcc 14 would warn that a local variable stays in a list, because it does not see its
 * removal.
 */
static __noinline long wait_for_change(struct sleeper *sleeper, u64 deadline)
{
    if (deadline != ~0ull)
        deadline = deadline_resumed(deadline);
    sleep(sleeper, deadline);
    if (list_empty(&sleeper->link))
        return 0;
    list_del_init(&sleeper->link);
    if (!signal_pending())
        return -ETIMEDOUT;
    if (deadline == ~0ull)
        return -ERESTARTSYS;
    current->restart_deadline = deadline;
    return -ERESTARTNOHAND; /* with SA_RESTART, too, as on Linux */
}

long futex_wait(u32 addr, bool private, u32 expected, u32 bits, u64 deadline)
{
    struct sleeper sleeper = {.bits = bits, .task = current};
    u32 value;
    long result;

    if (bits == 0)
        return -EINVAL;
    result = get_key(addr, private, &sleeper.key);
    if (result)
        return result;
    if (copy_from_user(&value, (const void *)addr, sizeof(value)))
        result = -EFAULT;
    else if (value != expected)
        result = -EAGAIN;
    else
        result = wait_for_change(&sleeper, deadline);
    key_put(&sleeper.key);
    return result;
}

/* ---- waking ---- */

static void wake(struct sleeper *sleeper)
{
    list_del_init(&sleeper->link);
    wake_up_task(sleeper->task);
}

/* Returns how many were woken: at least one if there is a sleeper, for any `most`, as on Linux. */
static long wake_key(const struct futex_key *key, s32 most, u32 bits)
{
    struct sleeper *sleeper, *next;
    s32 woken = 0;

    list_for_each_entry_safe (sleeper, next, &sleepers, link) {
        if (!(sleeper->bits & bits) || !same_key(&sleeper->key, key))
            continue;
        wake(sleeper);
        if (++woken >= most)
            break;
    }
    return woken;
}

long futex_wake(u32 addr, bool private, s32 most, u32 bits)
{
    struct futex_key key;
    long result;

    if (bits == 0)
        return -EINVAL;
    result = get_key(addr, private, &key);
    if (result)
        return result;
    result = wake_key(&key, most, bits);
    key_put(&key);
    return result;
}

void futex_wake_at(u32 addr)
{
    if (futex_wake(addr, false, 1, FUTEX_BITSET_MATCH_ANY) < 0)
        return; /* a bad address is ignored */
}

/* ---- two words ---- */

/* The keys of both words; the caller releases them. 0 or an error. */
static int get_keys(u32 addr, u32 addr2, bool private, struct futex_key *key,
                    struct futex_key *key2)
{
    int err = get_key(addr, private, key);

    if (err)
        return err;
    err = get_key(addr2, private, key2);
    if (err)
        key_put(key);
    return err;
}

/* Wake the first sleepers and move the next ones to the other word. Returns the sum. */
static long requeue(const struct futex_key *from, const struct futex_key *to, s32 to_wake,
                    s32 to_move)
{
    struct sleeper *sleeper, *next;
    s32 done = 0;

    list_for_each_entry_safe (sleeper, next, &sleepers, link) {
        if (done - to_wake >= to_move)
            break;
        if (!same_key(&sleeper->key, from))
            continue;
        if (done++ < to_wake) {
            wake(sleeper);
        } else {
            key_put(&sleeper->key); /* not the last reference: `from` has one */
            sleeper->key = *to;
            key_get(to);
        }
    }
    return done;
}

long futex_requeue(u32 addr, u32 addr2, bool private, s32 to_wake, s32 to_move, const u32 *expected)
{
    struct futex_key from, to;
    u32 value;
    long result;

    if (to_wake < 0 || to_move < 0)
        return -EINVAL;
    result = get_keys(addr, addr2, private, &from, &to);
    if (result)
        return result;
    if (expected && copy_from_user(&value, (const void *)addr, sizeof(value)))
        result = -EFAULT;
    else if (expected && value != *expected)
        result = -EAGAIN;
    else
        result = requeue(&from, &to, to_wake, to_move);
    key_put(&from);
    key_put(&to);
    return result;
}

/*
 * The parts of FUTEX_OP(): the operation on the second word, and the comparison with its old value.
 */
static s32 signed_field(u32 encoded, u32 shift)
{
    return (s32)(encoded << (20 - shift)) >> 20;
}

/* The new value of the word; false for an unknown operation. */
static bool operate(u32 encoded, u32 *value)
{
    u32 operation = encoded >> 28, argument = signed_field(encoded, 12);

    if (operation & FUTEX_OP_OPARG_SHIFT)
        argument = 1u << (argument & 31);
    switch (operation & ~FUTEX_OP_OPARG_SHIFT) {
    case FUTEX_OP_SET:
        *value = argument;
        return true;
    case FUTEX_OP_ADD:
        *value += argument;
        return true;
    case FUTEX_OP_OR:
        *value |= argument;
        return true;
    case FUTEX_OP_ANDN:
        *value &= ~argument;
        return true;
    case FUTEX_OP_XOR:
        *value ^= argument;
        return true;
    default:
        return false;
    }
}

/* 1, 0, or -ENOSYS for an unknown comparison. */
static int compare(u32 encoded, s32 old)
{
    s32 argument = signed_field(encoded, 0);

    switch (encoded >> 24 & 15) {
    case FUTEX_OP_CMP_EQ:
        return old == argument;
    case FUTEX_OP_CMP_NE:
        return old != argument;
    case FUTEX_OP_CMP_LT:
        return old < argument;
    case FUTEX_OP_CMP_LE:
        return old <= argument;
    case FUTEX_OP_CMP_GT:
        return old > argument;
    case FUTEX_OP_CMP_GE:
        return old >= argument;
    default:
        return -ENOSYS;
    }
}

/* Change the word; returns the comparison's 1 or 0, -EFAULT, -ENOSYS. */
static int operate_on_user(u32 *user, u32 encoded)
{
    u32 old, value;

    if (copy_from_user(&old, user, sizeof(old)))
        return -EFAULT;
    value = old;
    if (!operate(encoded, &value))
        return -ENOSYS;
    if (copy_object_to_user(user, &value))
        return -EFAULT;
    return compare(encoded, old);
}

long futex_wake_op(u32 addr, u32 addr2, bool private, s32 most, s32 most2, u32 operation)
{
    struct futex_key key, key2;
    long result = get_keys(addr, addr2, private, &key, &key2), also;

    if (result)
        return result;
    also = operate_on_user((u32 *)addr2, operation);
    result = also;
    if (also >= 0)
        result = wake_key(&key, most, FUTEX_BITSET_MATCH_ANY);
    if (also > 0)
        result += wake_key(&key2, most2, FUTEX_BITSET_MATCH_ANY);
    key_put(&key);
    key_put(&key2);
    return result;
}
