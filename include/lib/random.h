/*
 * Pseudo-random numbers for tests: Marsaglia's xorshift32 ("Xorshift RNGs", 2003). The same seed
 * gives the same numbers on every machine, so a failing run can be repeated. Not for values that
 * must be hard to guess.
 */
#pragma once

#include <lib/types.h>

struct rnd_state {
    u32 s; /* never 0 */
};

/* Any seed will do; 0, for which xorshift would return only 0, is replaced by another. */
static inline void prandom_seed_state(struct rnd_state *state, u32 seed)
{
    state->s = seed ? seed : 0x9E3779B9u;
}

static inline u32 prandom_u32_state(struct rnd_state *state)
{
    u32 s = state->s;

    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    return state->s = s;
}

/*
 * A number in [0, limit), by the high half of a product: no division, and no number is favoured by
 * more than limit / 2^32.
 */
static inline u32 prandom_below(struct rnd_state *state, u32 limit)
{
    return ((u64)prandom_u32_state(state) * limit) >> 32;
}
