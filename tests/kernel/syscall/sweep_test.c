/*
 * A system call that fails has changed nothing (invariant I9), for all calls of the table and all
 * their allocations: user/tests/helpers/sweep.c makes each call, again and again, and this test
 * refuses it the first, second, third... allocation of a kind (mm/fail.h) until it needs no more.
 * Each time the call must return -ENOMEM, or what the case says instead; free pages, slab objects
 * of each cache and vmalloc areas must be as before, and the same call must then succeed.
 *
 * A case begins with two rounds without a refusal: in the first the program gets its pages, in the
 * second the allocations are counted, so that kinds of which there are none cost nothing. The audit
 * runs after each refusal. The program says when the call begins, by an ioctl() on a file that
 * exists only here; allocations count if they are made by that process, in that call.
 *
 * A call of the table without a case is a failure, so that no call is forgotten.
 */
#include "tests/fs/fs.h"
#include "tests/kernel/process/run.h"
#include "tests/mm/refuse.h"
#include "user/lib/sweep.h"
#include <asm/unistd.h>
#include <kernel/syscall/syscall.h>
#include <mm/check/audit.h>

#define COUNTED     0x40000000u /* never reached: a countdown that only counts */
#define REFUSED_MAX 400         /* no call here has more allocations of a kind */
#define NUMBERS     512

enum round { FIRST, COUNTING, REFUSING, AGAIN };

static struct {
    struct sweep_case now;
    const char *user; /* the case's name in the program's memory: which case it is */
    char name[32];
    enum round round;
    enum alloc_kind kind;
    u32 k;                   /* which one is refused */
    u32 points[ALLOC_KINDS]; /* allocations, as counted in this round or refused one by one */
    const struct task *task; /* its allocations count */
    bool returned;
    long result;
    struct holdings before;  /* the first round */
    struct holdings at_call; /* in this round */
} sweep;

static struct {
    u32 silent; /* calls that allocate nothing */
    u32 calls[NUMBERS / 32];
    u32 points[ALLOC_KINDS];
} total;

/* ---- counting ---- */

static bool counts(enum alloc_kind kind)
{
    const struct pt_regs *regs = task_pt_regs(current);

    if (current != sweep.task || regs->vector != SYSCALL_VECTOR ||
        (!(sweep.now.flags & TO_THE_END) && regs->eax != (u32)sweep.now.number))
        return false;
    if (sweep.round == COUNTING)
        sweep.points[kind]++;
    return sweep.round == REFUSING && kind == sweep.kind;
}

static void begin(void)
{
    sweep.returned = false;
    sweep.at_call = holdings_now();
    sweep.task = current;
    alloc_fail_countdown = sweep.round == REFUSING ? sweep.k : COUNTED;
}

/* ---- one round ---- */

static void fail_round(const char *fmt, ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (sweep.round == REFUSING)
        ktest_fail(__FILE__, __LINE__, "%s, %s %u refused: %s", sweep.name,
                   alloc_kind_names[sweep.kind], sweep.k, text);
    else
        ktest_fail(__FILE__, __LINE__, "%s, %s: %s", sweep.name,
                   sweep.round == AGAIN ? "again after a refusal" : "nothing refused", text);
}

static bool is_error(long result)
{
    return result < 0 && result >= -4095;
}

static void judge_success(void)
{
    const struct sweep_case *now = &sweep.now;

    if (!sweep.returned && !(now->flags & MAY_LEAVE))
        fail_round("does not return");
    if (sweep.returned && sweep.result != -now->error && (now->error || is_error(sweep.result)))
        fail_round("result %ld", sweep.result);
}

static void judge_refusal(void)
{
    const struct sweep_case *now = &sweep.now;

    if (!sweep.returned && !(now->flags & MAY_DIE))
        fail_round("does not return");
    else if (sweep.returned && sweep.result != (now->refused ? now->refused : -ENOMEM) &&
             (is_error(sweep.result) || !(now->flags & MAY_SUCCEED)))
        fail_round("result %ld", sweep.result);
}

static bool refused(void)
{
    return sweep.round == REFUSING && alloc_fail_countdown == 0;
}

/* A call that fails has changed nothing, also nothing that the program will remove. */
static void end(long result)
{
    sweep.task = NULL;
    sweep.returned = true;
    sweep.result = result;
    if (refused() && is_error(result) && !(sweep.now.flags & MAY_KEEP))
        holdings_compare(&sweep.at_call, fail_round);
}

/* The next kind of which there are allocations. False: there is none. */
static bool next_kind(u32 kind)
{
    while (kind < ALLOC_KINDS && sweep.points[kind] == 0)
        kind++;
    sweep.kind = kind;
    sweep.k = 1;
    return kind < ALLOC_KINDS;
}

/* Judge the round that was made. False when it was the last one of the case. */
static bool finish_round(void)
{
    bool had = refused();

    sweep.task = NULL;
    alloc_fail_countdown = 0;
    if (had) {
        judge_refusal();
        expect_none(mm_audit());
    } else {
        judge_success();
    }
    if (sweep.round == FIRST)
        sweep.before = holdings_now();
    else
        holdings_compare(&sweep.before, fail_round);
    if (sweep.round == REFUSING && !had)
        sweep.points[sweep.kind] = sweep.k - 1;
    switch (sweep.round) {
    case FIRST:
        sweep.round = COUNTING;
        return true;
    case COUNTING:
        sweep.round = REFUSING;
        return next_kind(0);
    case REFUSING:
        if (!had)
            return next_kind(sweep.kind + 1);
        sweep.round = AGAIN;
        return expect(sweep.k < REFUSED_MAX);
    default:
        sweep.k++;
        sweep.round = REFUSING;
        return true;
    }
}

/* ---- one case ---- */

static void end_case(void)
{
    for (u32 kind = 0; kind < ALLOC_KINDS; kind++)
        total.points[kind] += sweep.points[kind];
    if (report_points(sweep.name, sweep.points) == 0)
        total.silent++;
    sweep.user = NULL;
}

static int start_case(const struct sweep_case *user)
{
    memset(&sweep, 0, sizeof(sweep));
    if (copy_from_user(&sweep.now, user, sizeof(sweep.now)) ||
        strncpy_from_user(sweep.name, sweep.now.name, sizeof(sweep.name) - 1) < 0)
        return -EFAULT;
    sweep.user = sweep.now.name;
    if ((u32)sweep.now.number < NUMBERS)
        total.calls[sweep.now.number / 32] |= 1u << sweep.now.number % 32;
    return 1;
}

static long next_round(const struct sweep_case *user)
{
    if (!sweep.user)
        return start_case(user);
    if (ktest_ok() && finish_round() && ktest_ok())
        return 1;
    end_case();
    return ktest_ok() ? 0 : -ECANCELED;
}

static long control(struct file *file, u32 command, u32 arg)
{
    (void)file;
    switch (command) {
    case SWEEP_NEXT:
        return next_round((const struct sweep_case *)arg);
    case SWEEP_BEGIN:
        begin();
        return 0;
    case SWEEP_END:
        end(arg);
        return 0;
    default:
        return -ENOTTY;
    }
}

/* ---- all cases ---- */

static void expect_all_calls(void)
{
    for (u32 number = 0; (number = syscall_next(number)) != SYSCALL_NONE; number++)
        if (number >= NUMBERS || !(total.calls[number / 32] & 1u << number % 32))
            ktest_fail(__FILE__, __LINE__, "system call %u has no case", number);
}

KTEST(sweep, every_system_call)
{
    static const struct file_operations control_ops = {.ioctl = control};

    memset(&total, 0, sizeof(total));
    sweep.user = NULL;
    make_dir(SWEEP_FOLDER);
    make_file(SWEEP_CONTROL);
    inode_at(SWEEP_CONTROL)->fops = &control_ops;
    alloc_fail_counts = counts;
    expect_passes("sweep");
    alloc_fail_counts = NULL;
    alloc_fail_countdown = 0;
    if (ktest_ok())
        expect_all_calls();
    remove_all(SWEEP_FOLDER);
    report_points("all calls", total.points);
    printk("# %u cases more allocate nothing\n", total.silent);
}
