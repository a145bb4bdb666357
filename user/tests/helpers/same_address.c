/*
 * Writes its argument to the first word of its heap and checks for a while that it stays there
 * while others run. For tests: two of these have their heap at the same address (on Attic; Linux
 * randomizes it).
 */
#include "lib/attic.h"

#define ROUNDS 8
#define NAP_MS 10
#define SPINS  20000

static bool holds(const volatile uint32_t *word, uint32_t value)
{
    for (int i = 0; i < SPINS; i++)
        if (*word != value)
            return false;
    return true;
}

int main(int argc, char *argv[])
{
    volatile uint32_t *word = (volatile uint32_t *)sys_brk(0);
    uint32_t value;

    if (argc != 2 || !parse_number(argv[1], &value)) {
        print("usage: same_address NUMBER\n");
        return 2;
    }
    if (sys_brk((uintptr_t)(word + 1)) != (uintptr_t)(word + 1))
        return 3;
    *word = value;
    for (int round = 0; round < ROUNDS; round++) {
        if (!holds(word, value))
            return 1;
        sys_sched_yield();
        sleep_ms(NAP_MS);
    }
    return 0;
}
