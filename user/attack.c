/*
 * Tries to access the kernel's memory.
 *
 * `attack read|write|jump ADDR` makes this access and is killed, with one line from the kernel;
 * exit status 1 means that it survived: the kernel has a defect. `attack syscall ADDR` lets the
 * kernel read the address, by passing it to write(); status 0 means that the call returned EFAULT.
 * Without arguments it uses an address within the kernel's half, first in a system call and then in
 * a write.
 */
#include "lib/attic.h"

#define KERNEL_ADDRESS 0xc0110000u /* in the text, which stays: the boot code below is freed */

static int attack_read(uint32_t addr)
{
    (void)*(volatile uint8_t *)addr;
    return 1;
}

static int attack_write(uint32_t addr)
{
    *(volatile uint8_t *)addr = 0x90;
    return 1;
}

static int attack_jump(uint32_t addr)
{
    ((void (*)(void))addr)();
    return 1;
}

static int attack_syscall(uint32_t addr)
{
    return sys_write(1, (const void *)addr, 16) == -EFAULT ? 0 : 1;
}

static const struct attack {
    const char *name;
    int (*run)(uint32_t addr);
} attacks[] = {
    {"syscall", attack_syscall},
    {"write", attack_write},
    {"read", attack_read},
    {"jump", attack_jump},
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static int attack_all(void)
{
    for (unsigned i = 0; i < ATTACKS; i++) {
        print("attack: %s at 0x%08x\n", attacks[i].name, KERNEL_ADDRESS);
        if (attacks[i].run(KERNEL_ADDRESS) == 0)
            print("attack: refused with EFAULT\n");
        else
            print("attack: SUCCEEDED\n");
    }
    return 1;
}

int main(int argc, char *argv[])
{
    uint32_t addr;

    if (argc == 1)
        return attack_all();
    for (unsigned i = 0; i < ATTACKS; i++)
        if (argc == 3 && streq(argv[1], attacks[i].name) && parse_number(argv[2], &addr))
            return attacks[i].run(addr);
    print("usage: attack [read|write|jump|syscall ADDR]\n");
    return 2;
}
