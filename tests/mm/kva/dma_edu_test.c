/*
 * Transfers of the edu device, with mappings that the DMA API grants. One takes a tenth of a second,
 * so there are few of them.
 */
#include "tests/drivers/edu.h"
#include "tests/mm/kva/dma.h"
#include <arch/x86/timer.h>
#include <asm/errno.h>
#include <drivers/edu.h>
#include <kernel/monitor/edu_copy.h>
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/dma.h>
#include <mm/kva/vmalloc.h>

/*
 * At another address there is no edu device: the card must be off then, and the driver unchanged.
 */
KTEST(dma, edu_that_does_not_answer_is_left_alone)
{
    const struct vmalloc_stats before = vmalloc_stats();
    const volatile void *registers = edu_registers();
    struct pci_dev wrong;

    if (no_edu())
        return;
    wrong = *edu_pci();
    wrong.bar[0].start = 0xb8000; /* the text screen is not a card */
    expect_str_eq(edu_bind(&wrong), "it does not identify itself");
    expect_eq(pci_config_read(edu_pci(), PCI_COMMAND) & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO), 0);
    pci_enable_device(edu_pci());
    expect_eq(edu_registers(), registers);
    expect(edu_pci() != &wrong);
    expect_eq(vmalloc_stats().busy_areas, before.busy_areas);
}

/* Memory that the device reaches: two halves, to copy between. */
struct pair {
    u8 *from, *to;
    dma_addr_t from_dma, to_dma;
    u32 half;
};

static bool pair_init(struct pair *pair, u32 half)
{
    pair->half = half;
    pair->from = dma_alloc_coherent(edu_device(), 2 * half, &pair->from_dma);
    pair->to = pair->from + half;
    pair->to_dma = pair->from_dma + half;
    return expect(pair->from != NULL);
}

static void pair_free(struct pair *pair)
{
    dma_free_coherent(edu_device(), 2 * pair->half, pair->from, pair->from_dma);
    expect_nothing_mapped(edu_device());
}

/* One piece, several, across pages; the bytes on both sides do not change. */
KTEST(dma, edu_copies_any_length)
{
    static const struct {
        u32 from, to, size;
    } copies[] = {
        {0, 1, 1}, {4095, 4094, 3}, {2049, 3000, EDU_TRANSFER_MAX}, {5, 4097, 2 * 2048 + 1}};
    struct pair pair;

    if (no_edu() || !pair_init(&pair, 3 * PAGE_SIZE))
        return;
    for (u32 i = 0; i < ARRAY_SIZE(copies); i++) {
        u32 from = copies[i].from, to = copies[i].to, size = copies[i].size;
        u32 pieces = (size + EDU_TRANSFER_MAX - 1) / EDU_TRANSFER_MAX;
        u32 interrupts = edu_interrupts();

        fill(pair.from + from, size, i);
        memset(pair.to, 0xee, pair.half);
        expect_eq(edu_copy(pair.to_dma + to, pair.from_dma + from, size), 0);
        expect(filled(pair.to + to, size, i));
        expect_eq(pair.to[to - 1], 0xee);
        expect_eq(pair.to[to + size], 0xee);
        expect_eq(edu_interrupts() - interrupts, 2 * pieces);
    }
    pair_free(&pair);
}

KTEST(dma, edu_copies_lowmem)
{
    struct page *page = alloc_pages(GFP_DMA, 1);
    u8 *from = page_address(page), *to = from + PAGE_SIZE;
    dma_addr_t from_dma, to_dma;

    if (!no_edu()) {
        fill(from, 1000, 9);
        expect_eq(dma_map_single(edu_device(), from, 1000, DMA_TO_DEVICE, &from_dma), 0);
        expect_eq(dma_map_single(edu_device(), to, 1000, DMA_FROM_DEVICE, &to_dma), 0);
        expect_eq(edu_copy(to_dma, from_dma, 1000), 0);
        dma_unmap_single(edu_device(), to_dma, 1000, DMA_FROM_DEVICE);
        dma_unmap_single(edu_device(), from_dma, 1000, DMA_TO_DEVICE);
        expect(filled(to, 1000, 9));
        expect_nothing_mapped(edu_device());
    }
    free_pages(page, 1);
}

/*
 * Two frames of the DMA zone in the vmalloc area, in this order or the other, so that the second
 * does not follow the first.
 */
static u8 *map_scattered(struct page *pages[2])
{
    struct page *a = alloc_page(GFP_DMA), *b = alloc_page(GFP_DMA);

    pages[0] = max(a, b);
    pages[1] = min(a, b);
    return vmap(pages, 2);
}

static void unmap_scattered(u8 *buffer, struct page *pages[2])
{
    vunmap(buffer);
    free_page(pages[0]);
    free_page(pages[1]);
}

/* 120 bytes before and 80 after the border of two pages. */
KTEST(dma, edu_copies_vmalloc_memory_by_frames)
{
    struct scatterlist sg[2];
    struct page *pages[2];
    struct pair pair;
    u8 *buffer, *bytes;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    buffer = map_scattered(pages);
    bytes = buffer + PAGE_SIZE - 120;
    fill(bytes, 200, 11);
    expect_eq(sg_set_vmalloc(sg, 2, bytes, 200), 2);
    if (expect_eq(dma_map_sg(edu_device(), sg, 2, DMA_BIDIRECTIONAL), 2)) {
        for (u32 i = 0, at = 0; i < 2; at += sg_dma_len(&sg[i++]))
            expect_eq(edu_copy(pair.to_dma + at, sg_dma_address(&sg[i]), sg_dma_len(&sg[i])), 0);
        expect(filled(pair.to, 200, 11));
        memset(bytes, 0, 200);
        for (u32 i = 0, at = 0; i < 2; at += sg_dma_len(&sg[i++]))
            expect_eq(edu_copy(sg_dma_address(&sg[i]), pair.to_dma + at, sg_dma_len(&sg[i])), 0);
        expect(filled(bytes, 200, 11));
        dma_unmap_sg(edu_device(), sg, 2, DMA_BIDIRECTIONAL);
    }
    unmap_scattered(buffer, pages);
    pair_free(&pair);
}

/*
 * Why the API refuses: A and B are neighbours, A and C are mapped side by side. The device gets the
 * end of A and continues into B.
 */
KTEST(dma, arithmetic_hits_the_neighbour)
{
    struct page *a = alloc_pages(GFP_DMA, 1), *c = alloc_page(GFP_DMA);
    u8 *buffer = vmap((struct page *[]){a, c}, 2), *b = page_address(a + 1);
    u8 *border = buffer + PAGE_SIZE;
    struct pair pair;

    if (!no_edu() && pair_init(&pair, PAGE_SIZE)) {
        fill(border - 64, 128, 1);
        fill(b, 64, 2);
        fill(pair.from, 128, 3);
        expect_eq(edu_copy(page_to_phys(a) + PAGE_SIZE - 64, pair.from_dma, 128), 0);
        expect_eq(memcmp(border - 64, pair.from, 64), 0);
        expect_eq(memcmp(b, pair.from + 64, 64), 0);     /* B has been written over, */
        expect(memcmp(border, pair.from + 64, 64) != 0); /* and the buffer's second page has not */
        pair_free(&pair);
    }
    vunmap(buffer);
    free_page(c);
    free_pages(a, 1);
}

KTEST(dma, edu_does_not_reach_above_256_mib)
{
    struct device *dev = edu_device();
    struct page *top = pfn_to_page(max_pfn - 1);
    dma_addr_t handle;
    void *memory;

    if (no_edu())
        return;
    expect(dev->dma_mask == DMA_BIT_MASK(28));
    if (page_to_phys(top) < MIB(256)) {
        ktest_skip("no memory above 256 MiB");
        return;
    }
    if (lowmem_size > MIB(256u)) {
        expect_refused(dev, phys_to_virt(MIB(256u)), 4, -ERANGE);
        expect_refused(dev, (char *)phys_to_virt(MIB(256u)) - 2, 4, -ERANGE);
    }
    expect_page_refused(dev, top, 0, 4, page_is_highmem(top) ? -EOPNOTSUPP : -ERANGE);
    memory = dma_alloc_coherent(dev, PAGE_SIZE, &handle);
    if (expect(memory != NULL)) {
        expect(handle + PAGE_SIZE <= MIB(256));
        dma_free_coherent(dev, PAGE_SIZE, memory, handle);
    }
}

KTEST(dma, edu_refuses_requests_that_cannot_be)
{
    struct edu_request request = {.addr = 0, .size = 0, .direction = DMA_TO_DEVICE};

    if (!edu_device()) {
        expect_eq(edu_start(&request), -ENODEV);
        return;
    }
    expect_eq(edu_start(&request), -EINVAL);
    request.size = EDU_TRANSFER_MAX + 1;
    expect_eq(edu_start(&request), -EINVAL);
    request.size = 1;
    request.direction = DMA_BIDIRECTIONAL;
    expect_eq(edu_start(&request), -EINVAL);
    expect(!edu_cancel(&request));
}

/* Cancelled before the device is done: memory does not change, and the device can be used again. */
KTEST(dma, edu_time_out_leaves_memory_alone)
{
    struct pair pair;
    int first = 0, second = 0;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    /* On a busy host the device's tenth of a second may pass within two ticks: then repeat. */
    for (u32 i = 0; i < 20 && second != -EBUSY; i++) {
        memset(pair.to, 0xee, 64);
        first = edu_transfer(DMA_FROM_DEVICE, pair.to_dma, 64, 2);
        second = edu_transfer(DMA_FROM_DEVICE, pair.to_dma, 64, 2);
        sched_sleep(20); /* until it is done */
    }
    expect_eq(first, -ETIMEDOUT);
    expect_eq(second, -EBUSY);
    for (u32 i = 0; i < 64; i++)
        expect_eq(pair.to[i], 0xee);
    fill(pair.from, 64, 4);
    expect_eq(edu_copy(pair.to_dma, pair.from_dma, 64), 0);
    expect(filled(pair.to, 64, 4));
    pair_free(&pair);
}

#define EDU_IRQ_RAISE 0x60 /* the register that raises the card's interrupt with these bits */

static void note_done(struct edu_request *request)
{
    request->size = 0;
}

/* An interrupt of the card for another reason does not end the transfer. */
KTEST(dma, edu_interrupts_without_a_transfer)
{
    struct edu_request request = {.size = 64, .direction = DMA_TO_DEVICE, .done = note_done};
    u32 interrupts;
    struct pair pair;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    request.addr = pair.from_dma;
    interrupts = edu_interrupts();
    expect_eq(edu_start(&request), 0);
    ((volatile u32 *)edu_registers())[EDU_IRQ_RAISE / 4] = 1;
    for (u32 i = 0; i < HZ && edu_interrupts() == interrupts; i++)
        sched_sleep(1);
    expect_eq(edu_interrupts(), interrupts + 1);
    expect_eq(request.size, 64);
    for (u32 i = 0; i < 2 * HZ && request.size; i++)
        sched_sleep(1);
    expect_eq(request.size, 0);
    expect_eq(edu_interrupts(), interrupts + 2);
    pair_free(&pair);
}

static void copy_thread(void *arg)
{
    const struct pair *pair = arg;

    task_exit(edu_copy(pair->to_dma, pair->from_dma, EDU_TRANSFER_MAX + 1) == 0 ? 0 : 1);
}

/* Each piece of a copy passes through the one buffer: the copies must not mix. */
KTEST(dma, edu_users_take_turns)
{
    struct pair pairs[2];
    struct task_result result;

    if (no_edu() || !pair_init(&pairs[0], PAGE_SIZE))
        return;
    if (pair_init(&pairs[1], PAGE_SIZE)) {
        for (u32 i = 0; i < 2; i++) {
            fill(pairs[i].from, PAGE_SIZE, i);
            expect(kthread_create("copy", copy_thread, &pairs[i]) != NULL);
        }
        for (u32 i = 0; i < 2; i++) {
            expect_eq(task_wait(0, &result), 0);
            expect_eq(result.exit_code, 0);
        }
        for (u32 i = 0; i < 2; i++)
            expect(filled(pairs[i].to, EDU_TRANSFER_MAX + 1, i));
        dma_free_coherent(edu_device(), 2 * PAGE_SIZE, pairs[1].from, pairs[1].from_dma);
    }
    pair_free(&pairs[0]);
}
