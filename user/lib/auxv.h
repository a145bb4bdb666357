/* The auxiliary vector, which follows the environment. */
#pragma once

#include "attic.h"
#include <linux/auxvec.h>

/* The value of an entry, 0 if there is none. */
static inline uint32_t aux_value(uint32_t type)
{
    const uint32_t *word = (const uint32_t *)environ;

    while (*word++)
        ;
    for (; *word != AT_NULL; word += 2)
        if (*word == type)
            return word[1];
    return 0;
}
