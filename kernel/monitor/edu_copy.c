/*
 * Waiting for the edu device. An interrupt calls the driver back; here the task sleeps until then,
 * with a time limit, because a device that does not answer must not block its user forever.
 *
 * A request that timed out is on the sleeper's stack, and the memory it names will be used for
 * something else. So it is cancelled first; then the card no longer accesses memory.
 *
 * The card's buffer holds a piece of a copy between its two transfers, so a copy has exclusive use
 * of the card from its first piece to its last.
 *
 * Limits: kernel threads only. Each piece takes the card 0.2 s, half of it in each direction.
 *
 * Neighbours: drivers/edu.c moves the bytes; kernel/monitor/monitor_dma.c and
 * tests/mm/kva/dma_edu_test.c use it.
 */
#include <arch/x86/timer.h>
#include <asm/errno.h>
#include <drivers/edu.h>
#include <kernel/monitor/edu_copy.h>
#include <kernel/task.h>
#include <lib/printk.h>

#define EDU_TIMEOUT (2 * HZ) /* the card takes a tenth of a second */

struct transfer {
    struct edu_request request;
    bool done;
};

static struct wait_queue sleepers = WAIT_QUEUE_INIT(sleepers);
static struct wait_queue queue = WAIT_QUEUE_INIT(queue); /* for exclusive use of the card */
static bool taken;

static void transfer_done(struct edu_request *request)
{
    container_of(request, struct transfer, request)->done = true;
    wake_up(&sleepers);
}

int edu_transfer(enum dma_data_direction direction, dma_addr_t addr, u32 size, u32 ticks)
{
    struct transfer transfer = {
        .request = {.addr = addr, .size = size, .direction = direction, .done = transfer_done},
    };
    int error = edu_start(&transfer.request);

    if (error)
        return error;
    if (wait_event_timeout(&sleepers, transfer.done, ticks))
        return 0;
    if (!edu_cancel(&transfer.request))
        return 0; /* completed just before the cancel */
    printk("edu: no interrupt within %u ms for %u bytes at physical 0x%08x: given up\n",
           ticks * (1000 / HZ), size, addr);
    return -ETIMEDOUT;
}

static void card_take(void)
{
    wait_event(&queue, !taken);
    taken = true;
}

static void card_give(void)
{
    taken = false;
    wake_up(&queue);
}

int edu_copy(dma_addr_t to, dma_addr_t from, u32 size)
{
    int error = 0;

    card_take();
    for (u32 done = 0, part; done < size && !error; done += part) {
        part = min(size - done, EDU_TRANSFER_MAX);
        error = edu_transfer(DMA_TO_DEVICE, from + done, part, EDU_TIMEOUT);
        if (!error)
            error = edu_transfer(DMA_FROM_DEVICE, to + done, part, EDU_TIMEOUT);
    }
    card_give();
    return error;
}
