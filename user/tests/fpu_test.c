/*
 * Floating-point and SSE registers: initialized at the start, kept while other processes run,
 * copied by fork, reset by exec, initialized in a signal handler and restored after it, with the
 * handler's changes of its frame; and the exceptions that a program enables. Also passes on Linux.
 *
 *     fpu_test                everything
 *     fpu_test fresh          only that they are initialized
 *     fpu_test late           use them when the first word of the heap is no longer 0
 *     fpu_test spin SEED MS   keep numbers in them for so many milliseconds
 */
#include "lib/auxv.h"
#include "lib/handler.h"
#include <linux/wait.h>

#define CWD_DEFAULT   0x037fu
#define MXCSR_DEFAULT 0x1f80u
#define KERNEL_HALF   0xc0000000u

#define HWCAP_FXSR (1u << 24)
#define HWCAP_SSE  (1u << 25)

static bool sse;

/* ---- looking at them ---- */

struct environment {
    uint16_t cwd, unused1, swd, unused2, twd, unused3;
    uint32_t rest[4];
};

static struct environment environment(void)
{
    struct environment env;

    asm volatile("fnstenv %0; fldenv %0" : "=m"(env));
    return env;
}

static uint16_t control_word(void)
{
    uint16_t word;

    asm volatile("fnstcw %0" : "=m"(word));
    return word;
}

static void set_control_word(uint16_t word)
{
    asm volatile("fldcw %0" : : "m"(word));
}

static uint32_t mxcsr(void)
{
    uint32_t value = MXCSR_DEFAULT;

    if (sse)
        asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void set_mxcsr(uint32_t value)
{
    if (sse)
        asm volatile("ldmxcsr %0" : : "m"(value));
}

/* All registers hold numbers made from a seed. */
static void fill(uint32_t seed)
{
    uint32_t xmm[4] = {seed, ~seed, seed * 3, seed * 5};

    asm volatile("fninit");
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t number = (seed + i) & 0x7fffffff;

        asm volatile("fildl %0" : : "m"(number));
    }
    if (sse)
        asm volatile("movups %0, %%xmm0; movups %0, %%xmm7" : : "m"(xmm));
}

/* True if they still do; they are not changed. */
static bool filled_with(uint32_t seed)
{
    uint32_t xmm[4] = {0}, last[4] = {0};
    bool same = true;

    for (uint32_t i = 8; i-- > 0;) {
        uint32_t number;

        asm volatile("fistpl %0" : "=m"(number));
        same &= number == ((seed + i) & 0x7fffffff);
    }
    if (sse) {
        asm volatile("movups %%xmm0, %0; movups %%xmm7, %1" : "=m"(xmm), "=m"(last));
        same &= xmm[0] == seed && xmm[1] == ~seed && xmm[2] == seed * 3 && xmm[3] == seed * 5;
        same &= last[0] == seed && last[3] == seed * 5;
    }
    fill(seed);
    return same;
}

static void check_fresh(void)
{
    struct environment env = environment();
    uint32_t xmm[4] = {0};

    CHECK(env.cwd == CWD_DEFAULT);
    CHECK(env.swd == 0);
    CHECK(env.twd == 0xffff);
    CHECK(mxcsr() == MXCSR_DEFAULT);
    if (sse)
        asm volatile("movups %%xmm3, %0" : "=m"(xmm));
    CHECK(xmm[0] == 0 && xmm[1] == 0 && xmm[2] == 0 && xmm[3] == 0);
}

/* ---- processes ---- */

static void spin(uint32_t seed, uint32_t ms)
{
    uint64_t end = rdtsc() + (uint64_t)((uint32_t)tsc_nap() / 10) * ms;

    fill(seed);
    for (uint32_t i = 0; rdtsc() < end; i++) {
        CHECK(filled_with(seed));
        if (i % 8 == 0)
            sys_sched_yield();
    }
}

static void check_processes(void)
{
    long pids[3];

    for (uint32_t i = 0; i < 3; i++) {
        fill(1000 * i);
        pids[i] = fork_process();
        if (pids[i] == 0) {
            CHECK(filled_with(1000 * i));
            spin(0x1234567 * (i + 1), 100);
            sys_exit(0);
        }
        CHECK(filled_with(1000 * i));
    }
    for (uint32_t i = 0; i < 3; i++)
        CHECK(wait_status(pids[i]) == 0);
    CHECK(filled_with(2000));
}

static void check_exec(const char *path)
{
    const char *argv[] = {"fpu_test", "fresh", NULL};
    long pid = fork_process();

    if (pid == 0) {
        fill(77);
        set_mxcsr(0x1fa0);
        SYS(execve, path, argv, environ);
        sys_exit(99);
    }
    CHECK(wait_status(pid) == 0);
}

/* ---- signals ---- */

static volatile int signals;

static struct _fpstate_32 *fpstate_of(void *context)
{
    return (struct _fpstate_32 *)context_of(context)->fpstate;
}

static void look(int signal, siginfo_t *info, void *context)
{
    struct _fpstate_32 *state = fpstate_of(context);

    (void)signal;
    (void)info;
    signals++;
    check_fresh();
    CHECK(state != NULL);
    CHECK((uint16_t)state->cw == 0x027f);
    CHECK((uint16_t)state->tag == 0); /* eight numbers, none of them 0 */
    CHECK(state->status == (uint16_t)state->sw);
    CHECK(state->_st[0].exponent == 0x3fff + 6 && state->_st[0].significand[3] == 107u << 9);
    CHECK(state->magic == (aux_value(AT_HWCAP) & HWCAP_FXSR ? 0 : 0xffff));
    if (sse) {
        CHECK(state->mxcsr == 0x3f80);
        CHECK(state->_xmm[0].element[0] == 100 && state->_xmm[7].element[1] == ~100u);
    }
    fill(5); /* the handler's own */
}

static void change(int signal, siginfo_t *info, void *context)
{
    struct _fpstate_32 *state = fpstate_of(context);

    (void)signal;
    (void)info;
    signals++;
    state->cw = 0x0c7f;
    state->_st[1].significand[3] = 0x8000;
    state->_st[1].exponent = 0x3fff;                 /* 1.0 */
    state->tag = (state->tag & 0xffff0000) | 0x0003; /* st(0) is by number the first: empty */
    if (sse) {
        state->mxcsr = 0x1fa0;
        state->_xmm[5].element[2] = 0x55;
    }
}

#define TAGS_MIXED 0x4bffu /* zero, valid, special, five empty: from the last register down */

static void look_at_tags(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    signals++;
    CHECK((uint16_t)fpstate_of(context)->tag == TAGS_MIXED);
}

static void forge(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    context_of(context)->fpstate = (void *)KERNEL_HALF;
}

/* Bits that no processor has. */
static void forge_mxcsr(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    fpstate_of(context)->mxcsr |= 0xffff0000;
}

static void raise_signal(handler_t handler)
{
    set_handler(SIGUSR1, handler, 0);
    signals = 0;
    CHECK(SYS(kill, sys_getpid(), SIGUSR1) == 0);
}

static void check_signals(void)
{
    uint32_t xmm[4] = {0}, one;

    fill(100);
    set_control_word(0x027f);
    set_mxcsr(0x3f80);
    raise_signal(look);
    CHECK(signals == 1);
    CHECK(control_word() == 0x027f);
    CHECK(!sse || mxcsr() == 0x3f80);
    CHECK(filled_with(100));

    raise_signal(change);
    CHECK(control_word() == 0x0c7f);
    CHECK(environment().twd == 3);
    asm volatile("fincstp; fistl %0" : "=m"(one));
    CHECK(one == 1);
    if (sse) {
        CHECK(mxcsr() == 0x1fa0);
        asm volatile("movups %%xmm5, %0" : "=m"(xmm));
        CHECK(xmm[2] == 0x55);
    }
    asm volatile("fninit; fldz; fld1; fld1; fldz; fdivrp");
    raise_signal(look_at_tags);
    CHECK(signals == 1 && environment().twd == TAGS_MIXED);
    EXPECT_DEATH(SIGSEGV, fill(1); raise_signal(forge));
    if (sse)
        EXPECT_DEATH(SIGSEGV, fill(1); raise_signal(forge_mxcsr));
}

/* ---- exceptions ---- */

static volatile int code;

/* Continue with the exception masked and cleared. */
static void mask_exceptions(int signal, siginfo_t *info, void *context)
{
    struct _fpstate_32 *state = fpstate_of(context);

    CHECK(signal == SIGFPE);
    signals++;
    code = info->si_code;
    state->cw |= 0x3f;
    state->sw &= ~0x80ffu;
    state->mxcsr = MXCSR_DEFAULT;
}

#define EXPECT_X87(expected, text)                                                                 \
    do {                                                                                           \
        signals = 0;                                                                               \
        asm volatile("fninit");                                                                    \
        set_control_word(CWD_DEFAULT & ~0x3fu);                                                    \
        asm volatile(text "; fwait; fninit");                                                      \
        CHECK(signals == 1);                                                                       \
        CHECK(code == (expected));                                                                 \
    } while (0)

static void check_x87_exceptions(void)
{
    static double huge = 1e300, tiny = 1e-300, result;

    EXPECT_X87(FPE_FLTDIV, "fld1; fldz; fdivrp");
    EXPECT_X87(FPE_FLTINV, "fldz; fldz; fdivrp");
    EXPECT_X87(FPE_FLTRES, "fld1; fldpi; fdivrp");
    signals = 0;
    set_control_word(CWD_DEFAULT & ~0x08u);
    asm volatile("fldl %1; fmul %%st(0), %%st; fstpl %0; fwait" : "=m"(result) : "m"(huge));
    CHECK(signals == 1 && code == FPE_FLTOVF);
    asm volatile("fninit");
    signals = 0;
    set_control_word(CWD_DEFAULT & ~0x10u);
    asm volatile("fldl %1; fmul %%st(0), %%st; fstpl %0; fwait" : "=m"(result) : "m"(tiny));
    CHECK(signals == 1 && code == FPE_FLTUND);
    asm volatile("fninit");
}

/* Emulators may lack these: then the flag is set, but there is no signal. */
static void check_sse_exceptions(void)
{
    static const float one[4] = {1, 1, 1, 1}, zero[4];

    signals = 0;
    set_mxcsr(MXCSR_DEFAULT & ~0x200u);
    asm volatile("movups %0, %%xmm0; movups %1, %%xmm1; divps %%xmm1, %%xmm0"
                 :
                 : "m"(one), "m"(zero));
    if (signals == 0)
        CHECK(mxcsr() & 4);
    else
        CHECK(signals == 1 && code == FPE_FLTDIV);
    set_mxcsr(MXCSR_DEFAULT);
}

static void check_exceptions(void)
{
    set_handler(SIGFPE, mask_exceptions, 0);
    check_x87_exceptions();
    if (sse)
        check_sse_exceptions();
    EXPECT_DEATH(SIGFPE, set_handler(SIGFPE, NULL, 0); asm volatile("fninit");
                 set_control_word(CWD_DEFAULT & ~4u); asm volatile("fld1; fldz; fdivrp; fwait"));
}

/* All memory that it uses then has been touched before. */
static void use_when_told(void)
{
    uintptr_t heap = sys_brk(0);
    volatile uint32_t *told = (volatile uint32_t *)heap;

    CHECK(sys_brk(heap + 4096) == heap + 4096);
    while (!*told)
        ;
    asm volatile("fld1; fstp %st(0)");
}

int main(int argc, char *argv[])
{
    uint32_t seed, ms;

    sse = aux_value(AT_HWCAP) & HWCAP_SSE;
    if (argc == 4 && streq(argv[1], "spin")) {
        CHECK(parse_number(argv[2], &seed) && parse_number(argv[3], &ms));
        spin(seed, ms);
        return 0;
    }
    if (argc == 2 && streq(argv[1], "late")) {
        use_when_told();
        return 0;
    }
    check_fresh();
    if (argc > 1)
        return 0;
    check_processes();
    check_exec((const char *)aux_value(AT_EXECFN));
    check_signals();
    check_exceptions();
    return 0;
}
