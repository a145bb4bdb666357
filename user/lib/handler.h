/* Signal handlers for tests that inspect the signal frame. */
#pragma once

#include "check.h"
#include <linux/signal.h> /* before <asm/ucontext.h>, which needs it */

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/ucontext.h>

typedef void (*handler_t)(int signal, siginfo_t *info, void *context);

struct action {
    handler_t handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* Without its own restorer: handlers return through the vDSO. */
static inline void set_handler(int signal, handler_t handler, unsigned long flags)
{
    struct action action = {.handler = handler, .flags = flags | SA_SIGINFO};

    CHECK(SYS(rt_sigaction, signal, &action, NULL, 8) == 0);
}

/* For handlers that begin when ESP is unusable, with SA_ONSTACK. */
static inline void set_signal_stack(void)
{
    static char memory[16384];
    stack_t stack = {.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof(memory)};

    CHECK(SYS(sigaltstack, &stack, NULL) == 0);
}

static inline struct sigcontext *context_of(void *ucontext)
{
    return &((struct ucontext *)ucontext)->uc_mcontext;
}
