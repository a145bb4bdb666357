/*
 * What user/tests/helpers/sweep.c and the self-test that refuses its allocations agree on
 * (tests/kernel/syscall/sweep_test.c): commands of ioctl() on the file `control`. For both, so
 * without other headers.
 */
#pragma once

#define SWEEP_FOLDER  "/swept"
#define SWEEP_CONTROL SWEEP_FOLDER "/control"

enum sweep_command {
    SWEEP_NEXT = 0x5e01, /* argument: the case. 1: make a round, 0: the case is over */
    SWEEP_BEGIN, /* from here on the allocations of this process count, in the case's call */
    SWEEP_END,   /* argument: the call's result */
};

enum sweep_flags {
    MAY_SUCCEED = 1 << 0, /* the call may do without what it does not get */
    MAY_LEAVE = 1 << 1,   /* the call does not return when it succeeds */
    TO_THE_END = 1 << 2,  /* what the process allocates after the call counts, too */
    CHILD = 1 << 3,       /* in a child, whose state is lost; it has touched all its pages */
    FORKS = 1 << 4,       /* the child of the call ends at once */
    MAY_DIE = 1 << 5,     /* the process may be killed when an allocation is refused */
    MAY_KEEP = 1 << 6,    /* a call that fails may keep what only `undo` gives back */
};

struct sweep_case {
    const char *name; /* of the call, with a comma and more if it has several cases */
    long number;
    long argument[6];
    unsigned flags;
    long error;                /* the result if nothing is refused; 0: any that is no error */
    long refused;              /* a result instead of -ENOMEM when an allocation is refused */
    void (*prepare)(void);     /* before each round; may be NULL, as the next two */
    void (*call)(void);        /* instead of the call: begins and ends itself */
    void (*undo)(long result); /* after each round, also after a failure */
};
