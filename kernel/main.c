/*
 * Start-up: a list of calls, where each may need the ones above it. It starts in kernel_main(), to
 * which boot/boot.asm jumps with paging on, the identity mapping removed, interrupts off, on the
 * boot stack. The list continues in kernel_init(), the first thread, on its own stack; mm_seal() is
 * the end of the boot.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/cpu.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irq.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <drivers/edu.h>
#include <drivers/pci.h>
#include <fs/fs.h>
#include <fs/initramfs.h>
#include <kernel/kernel.h>
#include <kernel/monitor/ktest.h>
#include <kernel/monitor/monitor.h>
#include <kernel/proc/proc.h>
#include <kernel/process/process.h>
#include <kernel/process/process_fpu.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <kernel/tty/console.h>
#include <kernel/tty/tty.h>
#include <kernel/turns.h>
#include <kernel/view/explain.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/lowmem.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

void kernel_main(u32 magic, phys_addr_t info) __noreturn;

static void load_initramfs(void)
{
    const struct boot_module *module = &boot_info.modules[0];

    if (module->failed) /* grub.cfg boots without it so that this is printed */
        boot_refuse("the initramfs cannot be loaded; is there enough RAM?");
    if (boot_info.module_count > 1)
        printk("There are %u modules: the first is the initramfs, the others are ignored.\n",
               boot_info.module_count);
    if (boot_info.module_count == 0)
        printk("No initramfs: there are no programs to run.\n");
    else if (module->start == module->end)
        printk("The initramfs is empty: there are no programs to run.\n");
    else if (!lowmem_is_mapped(module->start, module->end))
        printk("The initramfs ends at 0x%08x, above lowmem: there are no programs to run.\n",
               module->end);
    else
        initramfs_init(phys_to_virt(module->start), module->end - module->start);
}

/* The first thread. */
static void kernel_init(void *unused)
{
    local_irq_enable();
    load_initramfs();
    turns_init(); /* turns=SEED: the kernel yields in that order */
    mm_seal();    /* the boot code's memory is freed; data never written again is read-only */
    monitor_main(unused);
}

void kernel_main(u32 magic, phys_addr_t info)
{
    explain_init();              /* faults are explained in a line */
    ktest_init();                /* a panic names the running self-test */
    console_init();              /* messages go to the serial port and the screen */
    kasan_report_init();         /* a bad access is described */
    panic_init();                /* a kernel bug prints a report and ends; so does every trap */
    gdt_init();                  /* the kernel's own segments instead of those of boot/ */
    idt_init();                  /* traps are handled here, and not in boot/ any more */
    boot_info_init(magic, info); /* GRUB's information, checked and copied */
    printk("Attic, loaded by %s\n", boot_info.loader);
    cpu_init();                 /* global pages, SMEP, SMAP */
    memory_init();              /* which RAM there is; the edges of the map */
    symbols_init();             /* backtraces have names */
    lowmem_map_init();          /* the kernel half, complete and final */
    kasan_init();               /* with KASAN=1: bad accesses are detected from here on */
    page_alloc_init();          /* frames */
    slab_init();                /* small objects */
    kmalloc_init();             /* of any size */
    mm_init();                  /* caches for address spaces; the page of zeros */
    vmalloc_init();             /* address ranges of scattered frames */
    process_init();             /* functions for tasks that are processes */
    fs_init();                  /* the tree of files: /, /dev, /proc, /tmp */
    double_fault_report_init(); /* a kernel stack overflow is named */
    pic_init();                 /* interrupt lines, all masked */
    fault_init();               /* page faults and other exceptions have a handler */
    fpu_init();                 /* the first use of the FPU has one */
    syscall_init();             /* int 0x80 and sysenter have theirs */
    sched_init();               /* the timer ticks */
    time_init();                /* the date; files get time stamps */
    tty_init();                 /* keys arrive; /dev/console */
    proc_files_init();          /* /proc has files */
    pci_init();                 /* which devices there are */
    edu_init();                 /* the one for the DMA demonstration, if present */
    sched_start("init", kernel_init, NULL);
}
