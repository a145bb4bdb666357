/*
 * Turns and refusals in the order of a seed (turns=SEED and fail=N on the command line). It can
 * wait: it is only for tests.
 *
 * Usually another task runs at the end of a time slice, which falls on one of the points where the
 * kernel may yield (cond_resched()) once in many thousand times. A function that takes a reference
 * after such a point, and not before it, works nearly always. With a seed the kernel decides at
 * each such point, and at each return to ring 3, by a pseudo-random number whether it yields, and
 * to which ready task; so a few hundred seeds try many orders, and a seed repeats its order.
 * Some faults need many turns, others a long time without one: how often the kernel yields depends
 * on the seed, too. In the same way allocations of processes are refused in a seeded order, as
 * Linux's fault injection does (Documentation/fault-injection).
 *
 * It uses the hooks that are there in any case: that of cond_resched(), that of the return to
 * ring 3, and the countdown of mm/fail.h. Without a seed none of it runs.
 *
 * Limits: the timer's ticks are the machine's. Only a machine whose clock counts instructions
 * (QEMU's -icount) repeats an order exactly. CMU's Landslide goes through all orders of a test
 * systematically, in a simulator; this only tries some.
 *
 * Neighbours: kernel/sched.c switches; kernel/monitor/ktest.c begins an order for each self-test;
 * scripts/turns runs many seeds.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/trap.h>
#include <kernel/task.h>
#include <kernel/turns.h>
#include <lib/kstrtox.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <lib/random.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/fail.h>

static u32 boot_seed __ro_after_init;
static trap_handler_t usual_return __ro_after_init;
static struct resched_hook usual_hook;

static struct {
    struct rnd_state random;
    bool on;
    u32 one_in; /* a turn at one of so many points */
    u32 refuse; /* one of so many allocations; 0: none */
    struct turns_stats stats;
} turns;

static void note(u32 value)
{
    turns.stats.order = (turns.stats.order ^ value) * 0x01000193; /* FNV-1a's prime */
}

/* ---- turns ---- */

static bool turn_is_due(void)
{
    turns.stats.points++;
    return prandom_below(&turns.random, turns.one_in) == 0;
}

/* Which task is next. */
static void choose(void)
{
    turns.stats.turns++;
    note(current->pid);
    sched_prefer(prandom_u32_state(&turns.random));
}

/* At a point where the kernel may yield. The end of a time slice counts as always. */
static void maybe_turn(void)
{
    if (turn_is_due() || this_cpu()->turn_over) {
        choose();
        schedule();
    }
}

/* The usual function yields if this flag is set, and delivers signals first. */
static void maybe_turn_at_return(struct pt_regs *regs)
{
    if (turns.on && turn_is_due()) {
        choose();
        this_cpu()->need_resched = true;
    }
    usual_return(regs);
}

/* ---- refusals ---- */

static u32 next_refusal(void)
{
    return 1 + prandom_below(&turns.random, 2 * turns.refuse);
}

static bool is_of_process(enum alloc_kind kind)
{
    return kind <= ALLOC_OBJECT && current->mm;
}

static void refused(void)
{
    alloc_fail_countdown = next_refusal();
    turns.stats.refused++;
    note(~current->pid);
}

void turns_refuse(u32 interval)
{
    turns.refuse = interval;
    alloc_fail_counts = interval ? is_of_process : NULL;
    alloc_fail_again = interval ? refused : NULL;
    alloc_fail_countdown = interval ? next_refusal() : 0;
}

/* ---- beginning and end ---- */

/* The run's part of the seed: FNV-1a of its name. */
static u32 mixed(u32 seed, const char *name)
{
    u32 hash = seed * 0x9E3779B9u;

    while (*name)
        hash = (hash ^ (u8)*name++) * 0x01000193;
    return hash;
}

void turns_start(u32 seed, const char *name)
{
    static const bool always = true;

    if (!turns.on)
        usual_hook = resched_hook;
    prandom_seed_state(&turns.random, mixed(seed, name));
    turns.one_in = 1u << prandom_below(&turns.random, 5);
    turns.on = true;
    resched_hook.needed = &always;
    resched_hook.resched = maybe_turn;
}

void turns_stop(void)
{
    if (turns.on)
        resched_hook = usual_hook;
    turns.on = false;
}

u32 turns_seed(void)
{
    return boot_seed;
}

struct turns_stats turns_stats(void)
{
    return turns.stats;
}

/* A number from 1 on; 0 if the option is not there, or has another value. */
static u32 number_of(const char *name)
{
    char text[16];
    u32 number = 0;

    if (!boot_option(name, text, sizeof(text)))
        return 0;
    if (kstrtouint(text, 10, &number) != 0 || number == 0)
        printk("%s=%s is not a number from 1 on: ignored.\n", name, text);
    return number;
}

void turns_init(void)
{
    u32 interval = number_of("fail");

    boot_seed = number_of("turns");
    if (!boot_seed) {
        if (interval)
            printk("fail=%u needs turns=SEED: ignored.\n", interval);
        return;
    }
    usual_return = trap_set_return_hook(maybe_turn_at_return);
    turns_start(boot_seed, "");
    turns_refuse(interval);
}
