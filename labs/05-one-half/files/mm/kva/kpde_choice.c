/*
 * Which policy keeps the kernel half of the page directories: `kpde=` on the command line.
 *
 * Neighbours: mm/kva/kpde.c has the policies, mm/kva/lowmem.c calls this when it has made the page
 * tables.
 */
#include <arch/x86/boot_info.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/kva/kpde.h>

static const struct {
    const char *name;
    const struct kpde_policy *policy;
} choices[] = {
    {"copied", &kpde_copied},
    {"preallocated", &kpde_preallocated},
    {"lazy", &kpde_lazy},
};

static u32 chosen __ro_after_init;

void kpde_boot(void)
{
    char text[16];
    const char *name = boot_option("kpde", text, sizeof(text));
    bool known = false;

    for (u32 i = 0; name && i < ARRAY_SIZE(choices); i++) {
        if (strcmp(choices[i].name, name) == 0) {
            chosen = i;
            known = true;
        }
    }
    if (name && !known)
        printk("kpde=%s is neither copied, preallocated nor lazy: ignored.\n", name);
    printk("kernel half: %s\n", choices[chosen].name);
    kpde = choices[chosen].policy;
    kpde->boot();
}

bool kpde_is(const char *name)
{
    return strcmp(choices[chosen].name, name) == 0;
}
