/*
 * The page allocator, the slabs, the vmalloc ranges and vmalloc itself as a 32-bit host program,
 * under sanitizers.
 *
 * A 32-bit process has almost 4 GiB of addresses, so lowmem is mapped where the kernel has it and
 * the real address map is used: include/mm/layout.h is unchanged. The frames of highmem follow
 * those of lowmem. The page tables of the vmalloc area are a heap block of exactly their size; no
 * processor walks them, so vmalloc's memory is checked frame by frame, and an invalidation of the
 * TLB is a call that checks the conditions at that moment. Instead of mm/frame/memblock.c there is
 * a map of RAM with random holes.
 *
 * Each allocator is driven by a long random sequence and compared with a slow and simple model: an
 * array with a byte per page; a list of objects, each filled with its own pattern; a sorted array
 * of ranges that is searched from its start. Some allocations fail on purpose. All random numbers
 * depend on a seed, which is printed; MM_SEED=number sets another one.
 *
 * The allocators have global state, so each test is a separate process: damage by one does not
 * affect the next. Output is TAP.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arch/x86/tlb.h>
#include <lib/random.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/memblock.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmap_area_internal.h>

#define SEED       0x0a771c06u
#define RAM_PAGES  9000u
#define LOW_PAGES  5003u /* the zones' common edges are not aligned to large blocks */
#define DMA_PAGES  4096u
#define MAP_PFN    4500u /* the struct pages; not at the zones' edges */
#define VMAP_PAGES (VMALLOC_SIZE_MIN / PAGE_SIZE - 1)

static struct rnd_state rnd;
static u32 failures;

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond) && ++failures <= 5)                                                            \
            printf("# line %d: expected %s\n", __LINE__, #cond);                                   \
    } while (0)

static void expect_sound(const char *wrong)
{
    if (wrong && ++failures <= 5)
        printf("# %s\n", wrong);
}

static u32 below(u32 limit)
{
    return prandom_below(&rnd, limit);
}

/* Mostly small, sometimes up to the limit: 1..limit. */
static u32 mostly_small(u32 limit)
{
    return 1 + below(1 + below(1 + below(limit)));
}

/* ---- panics ---- */

static jmp_buf panicked;
static bool panic_expected;

static void on_panic(const struct source_location *where, const char *fmt, va_list args)
{
    if (panic_expected)
        longjmp(panicked, 1);
    printf("# panic at %s:%u: ", where->file, where->line);
    vprintf(fmt, args);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

#define expect_panic(statement)                                                                    \
    do {                                                                                           \
        panic_expected = true;                                                                     \
        if (setjmp(panicked) == 0) {                                                               \
            statement;                                                                             \
            expect(!"panics: " #statement);                                                        \
        }                                                                                          \
        panic_expected = false;                                                                    \
    } while (0)

/* ---- the machine ---- */

u32 lowmem_size = LOW_PAGES << PAGE_SHIFT;
u32 vmalloc_start = VMALLOC_TOP - VMALLOC_SIZE_MIN;
pte_t *kernel_ptes;

/* The model of the page allocator. */
static enum { HOLE, FREE, OUT } frame[RAM_PAGES];

void layout_bad_virt(const volatile void *addr)
{
    panic("virt_to_phys(%p)", addr);
}

void layout_bad_phys(phys_addr_t addr)
{
    panic("phys_to_virt(%08x)", addr);
}

static u32 *frame_words(u32 pfn)
{
    return (u32 *)(PAGE_OFFSET + (pfn << PAGE_SHIFT));
}

void clear_highpage(const struct page *page)
{
    memset(frame_words(page_to_pfn(page)), 0, PAGE_SIZE);
}

u32 memblock_ram_end(void)
{
    return RAM_PAGES << PAGE_SHIFT;
}

phys_addr_t memblock_alloc(u32 size, u32 align, const char *name)
{
    (void)align, (void)name;
    for (u32 i = 0; i < PFN_UP(size); i++)
        frame[MAP_PFN + i] = HOLE;
    return MAP_PFN << PAGE_SHIFT;
}

void memblock_for_each_free(phys_addr_t limit, void (*fn)(phys_addr_t start, phys_addr_t end))
{
    u32 end, last = min(limit >> PAGE_SHIFT, RAM_PAGES);

    for (u32 pfn = 0; pfn < last; pfn = end) {
        end = pfn + 1;
        while (end < last && frame[end] == frame[pfn])
            end++;
        if (frame[pfn] == FREE)
            fn(pfn << PAGE_SHIFT, end << PAGE_SHIFT);
    }
}

bool memblock_overlaps_ram(u64 start, u64 end)
{
    for (u64 pfn = start >> PAGE_SHIFT; pfn < RAM_PAGES && pfn << PAGE_SHIFT < end; pfn++) {
        if (frame[pfn] != HOLE)
            return true;
    }
    return false;
}

static void draw_map(void)
{
    for (u32 pfn = 0; pfn < RAM_PAGES;) {
        u32 run = mostly_small(6000), hole = mostly_small(64);

        for (; run > 0 && pfn < RAM_PAGES; run--)
            frame[pfn++] = FREE;
        for (; hole > 0 && pfn < RAM_PAGES; hole--)
            frame[pfn++] = HOLE;
    }
}

static void boot(void)
{
    void *ram = mmap((void *)PAGE_OFFSET, RAM_PAGES << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    pte_t *entries = calloc(VMAP_PAGES + 1, sizeof(pte_t));

    if (ram != (void *)PAGE_OFFSET || !entries) {
        printf("Bail out! no memory at %08x\n", PAGE_OFFSET);
        exit(2);
    }
    kernel_ptes = entries - (VMALLOC_START >> PAGE_SHIFT);
    draw_map();
    page_alloc_init();
    expect_sound(page_alloc_check());
}

/* ---- pages ---- */

struct block {
    struct page *page;
    u32 order;
};

static struct block blocks[RAM_PAGES];
static u32 block_count;

static u32 zone_start(u32 zone)
{
    return zone == ZONE_DMA ? 0 : zone == ZONE_NORMAL ? DMA_PAGES : LOW_PAGES;
}

static u32 zone_end(u32 zone)
{
    return zone == ZONE_HIGHMEM ? RAM_PAGES : zone_start(zone + 1);
}

static bool all_are(u32 pfn, u32 pages, u32 state)
{
    while (pages > 0 && frame[pfn] == state)
        pfn++, pages--;
    return pages == 0;
}

static void set_all(u32 pfn, u32 pages, u32 state)
{
    while (pages-- > 0)
        frame[pfn++] = state;
}

/* Whether the model has such a block, in this zone or one below. */
static bool model_has(u32 zone, u32 order)
{
    for (u32 z = 0; z <= zone; z++) {
        for (u32 pfn = ALIGN_UP(zone_start(z), 1u << order); pfn + (1u << order) <= zone_end(z);
             pfn += 1u << order) {
            if (all_are(pfn, 1u << order, FREE))
                return true;
        }
    }
    return false;
}

/* What the holder of a page has written into it. */
static u32 stamp_of(const struct block *block, u32 page)
{
    return (page_to_pfn(block->page) + page) * 0x9e3779b1u + block->order;
}

static void stamp(const struct block *block)
{
    for (u32 i = 0; i < 1u << block->order; i++) {
        u32 *words = frame_words(page_to_pfn(block->page) + i);

        words[0] = words[PAGE_SIZE / 4 - 1] = stamp_of(block, i);
    }
}

static void check_stamp(const struct block *block, bool zero)
{
    for (u32 i = 0; i < 1u << block->order; i++) {
        u32 *words = frame_words(page_to_pfn(block->page) + i);
        u32 value = zero ? 0 : stamp_of(block, i);

        expect(words[0] == value && words[PAGE_SIZE / 4 - 1] == value);
    }
}

/* Record a block that was handed out. */
static void got_block(struct page *page, u32 zone, u32 order, bool zero)
{
    u32 pfn = page_to_pfn(page);
    struct block *block = &blocks[block_count++];

    *block = (struct block){page, order};
    expect(pfn < RAM_PAGES && pfn % (1u << order) == 0 && pfn + (1u << order) <= zone_end(zone));
    expect(page->refcount == 1 && page->type == PAGE_USED && page->zone <= zone);
    expect(pfn >= zone_start(page->zone) && pfn + (1u << order) <= zone_end(page->zone));
    expect(all_are(pfn, 1u << order, FREE));
    set_all(pfn, 1u << order, OUT);
    if (zero)
        check_stamp(block, true);
    stamp(block);
}

static void alloc_block(u32 most_order)
{
    u32 zone = below(ZONES), order = mostly_small(most_order + 1) - 1, zero = below(3) == 0;
    bool fails = below(50) == 0;
    struct page *page;

    alloc_fail_countdown = fails;
    page = alloc_pages(zone | (zero ? __GFP_ZERO : 0), order);
    if (page)
        got_block(page, zone, order, zero);
    expect(fails ? !page : page || !model_has(zone, order));
    expect(alloc_fail_countdown == 0);
}

static struct block take_block(u32 i)
{
    struct block block = blocks[i];

    blocks[i] = blocks[--block_count];
    check_stamp(&block, false);
    set_all(page_to_pfn(block.page), 1u << block.order, FREE);
    return block;
}

static void free_block(u32 i)
{
    struct block block = take_block(i);

    block.page->type = PAGE_USED + below(PAGE_TYPES - PAGE_USED); /* the holder may set any type */
    free_pages(block.page, block.order);
}

static void alloc_bulk(void)
{
    u32 zone = below(ZONES), count = mostly_small(300), got, walked = 0;
    struct page *chain, *next;

    got = alloc_pages_bulk(zone, count, &chain);
    for (struct page *page = chain; page; page = next, walked++) {
        next = page->next;
        got_block(page, zone, 0, false);
    }
    expect(walked == got && got <= count);
    expect(got == count || !model_has(zone, 0));
}

static void free_bulk(void)
{
    struct page *chain = NULL;

    for (u32 count = mostly_small(300), i = 0; i < block_count && count > 0; i++) {
        if (blocks[i].order == 0) {
            struct page *page = take_block(i--).page;

            page->next = chain;
            chain = page;
            count--;
        }
    }
    free_pages_bulk(chain);
}

static void release_hole(void)
{
    u32 pfn = below(RAM_PAGES);

    if (frame[pfn] != HOLE || pfn - MAP_PFN <= PFN_DOWN(RAM_PAGES * sizeof(struct page)))
        return;
    free_reserved_page(pfn_to_page(pfn));
    frame[pfn] = FREE;
}

/* Without hot pages, the free blocks follow from the free pages: they are as large as possible. */
static void check_blocks(u32 zone)
{
    u32 found[MAX_ORDER + 1] = {0}, pages;

    for (u32 pfn = zone_start(zone); pfn < zone_end(zone); pfn += pages) {
        u32 order = MAX_ORDER + 1;

        pages = 1;
        while (order-- > 0) {
            if (pfn % (1u << order) == 0 && pfn + (1u << order) <= zone_end(zone) &&
                all_are(pfn, 1u << order, FREE)) {
                pages = 1u << order;
                found[order]++;
                break;
            }
        }
    }
    for (u32 order = 0; order <= MAX_ORDER; order++)
        expect(zone_free_blocks(zone, order) == found[order]);
}

static void check_pages(bool drain)
{
    if (drain)
        drain_all_pages();
    for (u32 zone = 0; zone < ZONES; zone++) {
        u32 count = 0;

        for (u32 pfn = zone_start(zone); pfn < zone_end(zone); pfn++)
            count += frame[pfn] == FREE;
        expect(zone_free_pages(zone) == count);
        if (drain)
            check_blocks(zone);
    }
    expect_sound(page_alloc_check());
}

/* Frees that must be refused, and must change nothing. */
static void wrong_frees(void)
{
    struct block block = blocks[below(block_count)];
    u32 pfn = below(RAM_PAGES);

    expect_panic(__free_pages(block.page, block.order + 1));
    block.page->refcount++;
    expect_panic(__free_pages(block.page, block.order));
    block.page->refcount--;
    if (block.order > 0)
        expect_panic(free_page(block.page + 1));
    if (frame[pfn] != OUT)
        expect_panic(__free_pages(pfn_to_page(pfn), pfn_to_page(pfn)->order));
}

static void page_step(void)
{
    /* The target number of blocks: it varies, so memory fills and empties. */
    static u32 wanted;

    if (below(2000) == 0)
        wanted = below(3) ? mostly_small(5000) : 0;
    if (block_count < wanted ? below(8) == 0 : below(8) != 0) {
        if (block_count && below(20) == 0)
            free_bulk();
        else if (block_count)
            free_block(below(block_count));
    } else if (below(20) == 0) {
        alloc_bulk();
    } else {
        alloc_block(MAX_ORDER);
    }
}

static void pages(void)
{
    for (u32 step = 0; step < 60000 && failures == 0; step++) {
        page_step();
        if (step % 256 == 0)
            release_hole();
        if (step % 512 == 0)
            check_pages(below(2));
        if (step % 512 == 0 && block_count)
            wrong_frees();
    }
    expect(!__alloc_pages(GFP_KERNEL, MAX_ORDER + 1));
    while (block_count)
        free_block(below(block_count));
    check_pages(true);
}

/* ---- slabs ---- */

#define CACHES  12
#define OBJECTS 60000

static struct {
    struct kmem_cache *cache;
    char name[16];
    u32 size, out;
} caches[CACHES];

struct object {
    u8 *start;
    u32 size, id;
    s32 cache; /* -1: kmalloc */
};

static struct object objects[OBJECTS];
static u32 object_count, last_id;

/* All of a small object, both ends of a large one. */
static void fill(const struct object *object, bool check)
{
    u32 step = object->size <= 1024 ? 1 : object->size / 512;

    for (u32 i = 0; i < object->size; i += i + step < object->size ? step : 1) {
        u8 byte = object->id * 31 + i * 7;

        if (!check)
            object->start[i] = byte;
        else if (object->start[i] != byte) {
            expect(!"an object keeps what was written into it");
            return;
        }
    }
}

static void got_object(void *start, u32 size, s32 cache)
{
    struct object *object = &objects[object_count++];
    u32 align = cache < 0 && size >= 8 && (size & (size - 1)) == 0 ? size : 8;

    *object = (struct object){start, size, ++last_id, cache};
    expect((uintptr_t)start % align == 0);
    expect(is_lowmem_addr(start) && is_lowmem_addr((u8 *)start + size - 1));
    if (cache >= 0)
        caches[cache].out++;
    fill(object, false);
}

static void free_object(u32 i)
{
    struct object object = objects[i];

    objects[i] = objects[--object_count];
    fill(&object, true);
    if (object.cache >= 0 && below(4)) {
        kmem_cache_free(caches[object.cache].cache, object.start);
    } else {
        kfree(object.start);
    }
    if (object.cache >= 0)
        caches[object.cache].out--;
    if (below(100) == 0 && object.size <= KMALLOC_MAX_CACHE_SIZE)
        expect_panic(kfree(object.start)); /* twice in a row */
}

static void alloc_object(void)
{
    s32 cache = (s32)below(2 * CACHES) - CACHES;
    bool fails = below(50) == 0;
    u32 size;
    void *object;

    if (object_count == OBJECTS)
        return;
    if (cache >= 0 && !caches[cache].cache)
        cache = -1;
    cache = max(cache, -1);
    size = cache >= 0 ? caches[cache].size : mostly_small(40000);
    if (cache < 0 && below(3) == 0)
        size = roundup_pow_of_two(size);
    alloc_fail_countdown = fails;
    object = cache >= 0 ? kmem_cache_alloc(caches[cache].cache) : kmalloc(size);
    if (object)
        got_object(object, size, cache);
    expect(!(fails && object) && (object || fails || nr_free_lowmem_pages() < 1024));
    alloc_fail_countdown = 0;
}

static void change_cache(void)
{
    u32 i = below(CACHES), size = mostly_small(KMALLOC_MAX_CACHE_SIZE);

    if (caches[i].cache) {
        if (caches[i].out) {
            expect_panic(kmem_cache_destroy(caches[i].cache));
            return;
        }
        kmem_cache_destroy(caches[i].cache);
        caches[i].cache = NULL;
    } else {
        snprintf(caches[i].name, sizeof(caches[i].name), "cache-%u", i);
        caches[i].size = size;
        caches[i].cache = kmem_cache_create(caches[i].name, size);
        expect(!caches[i].cache || kmem_cache_size(caches[i].cache) == size);
    }
}

/* Pointers to no object, and objects of another cache. */
static void wrong_objects(void)
{
    const struct object *object = &objects[below(object_count)];
    u32 other = below(CACHES);

    expect_panic(kfree(object->start + 1));
    if (object->size > 8)
        expect_panic(kfree(object->start + 8));
    expect_panic(kfree((void *)VMALLOC_START));
    if (caches[other].cache && (s32)other != object->cache)
        expect_panic(kmem_cache_free(caches[other].cache, object->start));
    if (SLAB_DEBUG && object->size <= KMALLOC_MAX_CACHE_SIZE) {
        u8 *past[] = {object->start - 1, object->start - 8, object->start + object->size,
                      object->start + object->size + 7};
        u8 *byte = past[below(ARRAY_SIZE(past))], bit = 1 << below(8);

        *byte ^= bit;
        expect_panic(kfree(object->start));
        expect(slab_check() != NULL);
        *byte ^= bit;
    }
    fill(object, true);
}

static void check_slabs(void)
{
    struct slabinfo info;

    for (u32 i = 0; slabinfo_at(i, &info); i++) {
        for (u32 c = 0; c < CACHES; c++) {
            if (caches[c].cache && info.name == caches[c].name)
                expect(info.active_objs == caches[c].out);
        }
        expect(info.active_objs <= info.num_objs && info.active_slabs <= info.num_slabs);
    }
    for (u32 i = 0; i < object_count; i++)
        fill(&objects[i], true);
    expect_sound(slab_check());
    expect_sound(page_alloc_check());
}

static void slab_step(void)
{
    static u32 wanted;

    if (below(1000) == 0)
        wanted = below(3) ? mostly_small(OBJECTS) : 0;
    if (below(200) == 0)
        change_cache();
    else if (below(500) == 0)
        slab_shrink();
    else if (object_count < wanted ? below(8) != 0 : below(8) == 0)
        alloc_object();
    else if (object_count)
        free_object(below(object_count));
}

static void slabs(void)
{
    u32 free_pages_before;

    slab_init();
    kmalloc_init();
    slab_shrink();
    free_pages_before = nr_free_pages();
    for (u32 step = 0; step < 120000 && failures == 0; step++) {
        slab_step();
        if (step % 4096 == 0)
            check_slabs();
        if (step % 512 == 0 && object_count)
            wrong_objects();
    }
    expect(!kmalloc(0) && !kmalloc((PAGE_SIZE << MAX_ORDER) + 1));
    kfree(NULL);
    while (object_count && failures == 0)
        free_object(below(object_count));
    check_slabs();
    for (u32 i = 0; i < CACHES; i++)
        kmem_cache_destroy(caches[i].cache), caches[i].cache = NULL;
    slab_shrink();
    check_slabs();
    expect(nr_free_pages() == free_pages_before);
}

/* ---- ranges ---- */

static struct range {
    u32 start, end;
    struct vmap_area *area; /* or, above it, */
    u32 kind;
    struct page **pages; /* the mapped pages; NULL for a device */
    phys_addr_t phys;    /* of the device */
} ranges[VMAP_PAGES];    /* busy ones, by address */
static u32 range_count;

/*
 * The start of the lowest gap of at least `size` bytes, and the index of the range after it; 0 if
 * there is none.
 */
static u32 lowest_gap(u32 size, u32 *index, u32 *end)
{
    for (u32 i = 0; i <= range_count; i++) {
        u32 start = i > 0 ? ranges[i - 1].end : VMALLOC_START;

        *index = i;
        *end = i < range_count ? ranges[i].start : VMALLOC_END;
        if (*end - start >= size)
            return start;
    }
    return 0;
}

/* The lowest gap, or if alignment makes it too small, the lowest that fits any alignment. */
static u32 model_place(u32 size, u32 align, u32 *index)
{
    u32 end, start = lowest_gap(size, index, &end);

    if (start && ALIGN_UP(start, align) > end - size)
        start = lowest_gap(size + align - PAGE_SIZE, index, &end);
    return start ? ALIGN_UP(start, align) : 0;
}

static void map_range(const struct range *range, bool map)
{
    for (u32 addr = range->start; addr < range->end - PAGE_SIZE; addr += PAGE_SIZE)
        kernel_pte(addr)->val = map ? pte_make(addr & 0xfffff000, PAGE_KERNEL).val : 0;
    if (map)
        kernel_pte(range->start)->val |= PTE_KIND(VM_ALLOC);
}

static struct range *insert_range(u32 index, u32 start, u32 pages)
{
    memmove(&ranges[index + 1], &ranges[index], (range_count - index) * sizeof(*ranges));
    ranges[index] = (struct range){.start = start, .end = start + ((pages + 1) << PAGE_SHIFT)};
    range_count++;
    return &ranges[index];
}

static struct range remove_range(u32 i)
{
    struct range range = ranges[i];

    range_count--;
    memmove(&ranges[i], &ranges[i + 1], (range_count - i) * sizeof(*ranges));
    return range;
}

static void alloc_range(void)
{
    u32 count = mostly_small(below(4) ? 16 : 300), index, place;
    u32 align = below(3) ? PAGE_SIZE : PAGE_SIZE << below(7);
    bool fails = below(20) == 0;
    struct vmap_area *area;

    place = model_place((count + 1) << PAGE_SHIFT, align, &index);
    alloc_fail_countdown = fails ? 1 + below(2) : 0;
    area = vmap_area_alloc(count, align, VM_ALLOC, &rnd);
    fails = fails && alloc_fail_countdown == 0;
    alloc_fail_countdown = 0;
    expect((area != NULL) == (place && !fails));
    if (!area || failures)
        return;
    expect(area->start == place && area->end == place + ((count + 1) << PAGE_SHIFT));
    expect(area->flags == VM_ALLOC && area->caller == &rnd);
    insert_range(index, place, count)->area = area;
    map_range(&ranges[index], true);
}

static void free_range(u32 i)
{
    struct range range = remove_range(i);

    map_range(&range, false);
    vmap_area_free(range.area);
}

/* Lookups by address, anywhere; the guard counts. */
static void look_up(u32 addr)
{
    const struct vmap_area *at = NULL, *above = NULL;

    for (u32 i = 0; i < range_count && !above; i++) {
        if (ranges[i].end > addr) {
            above = ranges[i].area;
            at = ranges[i].start <= addr ? above : NULL;
        }
    }
    expect(find_vmap_area(addr) == at && vmap_area_at_or_above(addr) == above);
}

static u32 area_nodes(void)
{
    struct slabinfo info;

    for (u32 i = 0; slabinfo_at(i, &info); i++) {
        if (strcmp(info.name, "vmap_area") == 0)
            return info.active_objs;
    }
    return 0;
}

/* Every range except the top gap has a node; and one may be spare, until the slabs are shrunk. */
static void expect_nodes(u32 count)
{
    expect(area_nodes() == count || area_nodes() == count + 1);
    if (below(4) == 0) {
        slab_shrink();
        expect(area_nodes() == count);
        expect_sound(vmap_area_check());
    }
}

static void check_ranges(void)
{
    struct vmalloc_stats stats = vmalloc_stats(), model = {.busy_areas = range_count};

    for (u32 i = 0; i <= range_count; i++) {
        u32 start = i > 0 ? ranges[i - 1].end : VMALLOC_START;
        u32 gap = (i < range_count ? ranges[i].start : VMALLOC_END) - start;

        model.free_ranges += gap > 0;
        model.free_bytes += gap;
        model.largest_free = max(model.largest_free, gap);
        if (i < range_count)
            model.mapped_pages += ((ranges[i].end - ranges[i].start) >> PAGE_SHIFT) - 1;
    }
    expect(memcmp(&stats, &model, sizeof(stats)) == 0);
    expect_sound(vmap_area_check());
    expect_sound(slab_check());
    expect_nodes(model.busy_areas + model.free_ranges -
                 (range_count == 0 || ranges[range_count - 1].end < VMALLOC_END));
}

static void vmalloc_ranges(void)
{
    u32 wanted = 0;

    slab_init();
    kmalloc_init();
    vmap_area_init();
    for (u32 step = 0; step < 60000 && failures == 0; step++) {
        if (below(1000) == 0)
            wanted = below(3) ? mostly_small(600) : 0;
        if (range_count < wanted ? below(8) != 0 : below(8) == 0)
            alloc_range();
        else if (range_count)
            free_range(below(range_count));
        look_up(VMALLOC_START + below(VMALLOC_END - VMALLOC_START));
        if (step % 64 == 0)
            check_ranges();
    }
    while (range_count && failures == 0)
        free_range(below(range_count));
    check_ranges();
    expect(vmalloc_stats().largest_free == VMALLOC_END - VMALLOC_START);
}

/* ---- vmalloc, vmap, ioremap ---- */

#define BLOCKS 200 /* for vmap; at most half of memory */

static u32 mapped[RAM_PAGES];     /* how often vmap has mapped each frame */
static const struct range *going; /* the range that is being freed */

static u32 range_pages(const struct range *range)
{
    return ((range->end - range->start) >> PAGE_SHIFT) - 1;
}

/* Nothing of the range is mapped any more, and nothing has been freed yet. */
void tlb_flush_kernel_range(u32 start, u32 end)
{
    expect(going && start == going->start && end == going->end - PAGE_SIZE);
    for (u32 i = 0; going && i < range_pages(going); i++) {
        expect(kernel_pte(start + (i << PAGE_SHIFT))->val == 0);
        if (going->kind == VM_ALLOC)
            expect(going->pages[i]->type == PAGE_VMALLOC && going->pages[i]->refcount == 1);
    }
    going = NULL;
}

/* The frames of a vmalloc area: they are free in the model, and each gets a stamp. */
static void own_pages(struct range *range)
{
    range->pages = calloc(range_pages(range), sizeof(*range->pages));
    for (u32 i = 0; i < range_pages(range); i++) {
        struct page *page = vmalloc_to_page((void *)(range->start + (i << PAGE_SHIFT)));
        struct block block = {page, 0};

        expect(page && page->type == PAGE_VMALLOC && page->refcount == 1);
        if (failures)
            return;
        expect(frame[page_to_pfn(page)] == FREE);
        frame[page_to_pfn(page)] = OUT;
        stamp(&block);
        range->pages[i] = page;
    }
}

/* Any page of any block, several times too. */
static struct page **pages_to_show(u32 count)
{
    struct page **pages = calloc(count, sizeof(*pages));

    for (u32 i = 0; i < count; i++) {
        const struct block *block = &blocks[below(block_count)];

        pages[i] = block->page + below(1u << block->order);
    }
    return pages;
}

/* Allocate an area of this kind; NULL if that fails. */
static void *take_area(struct range *range, u32 count, u32 align)
{
    if (range->kind == VM_IOREMAP)
        return ioremap(range->phys, (count - 1) * PAGE_SIZE + 1);
    if (range->kind == VM_MAP)
        return vmap(range->pages, count);
    return align == PAGE_SIZE && below(2) ? vmalloc(count * PAGE_SIZE - below(PAGE_SIZE))
                                          : vmalloc_aligned(count * PAGE_SIZE, align, &rnd);
}

static void add_area(void)
{
    u32 kinds[] = {VM_ALLOC, VM_MAP, VM_IOREMAP}, count = mostly_small(below(4) ? 16 : 300);
    struct range range = {.kind = kinds[below(3)]}, *entered;
    u32 align = range.kind == VM_ALLOC && below(3) == 0 ? PAGE_SIZE << below(6) : PAGE_SIZE;
    u32 index, place = model_place((count + 1) << PAGE_SHIFT, align, &index);
    bool fails = below(10) == 0;
    u32 start;

    if (range.kind == VM_MAP)
        range.pages = pages_to_show(count);
    range.phys = (below(2) ? RAM_PAGES + below(1000) : below(RAM_PAGES)) << PAGE_SHIFT;
    alloc_fail_countdown = fails ? 1 + below(count + 2) : 0;
    start = (u32)take_area(&range, count, align);
    fails = fails && alloc_fail_countdown == 0;
    alloc_fail_countdown = 0;
    if (range.kind == VM_IOREMAP &&
        memblock_overlaps_ram(range.phys, range.phys + ((u64)count << PAGE_SHIFT)))
        fails = true;
    expect(start == (fails ? 0 : place));
    if (!start || failures) {
        free(range.pages);
        return;
    }
    entered = insert_range(index, place, count);
    entered->kind = range.kind;
    entered->pages = range.pages;
    entered->phys = range.phys;
    if (range.kind == VM_ALLOC)
        own_pages(entered);
    for (u32 i = 0; range.kind == VM_MAP && i < count; i++)
        mapped[page_to_pfn(range.pages[i])]++;
}

static void (*free_function(u32 kind))(const void *)
{
    return kind == VM_ALLOC ? vfree : kind == VM_MAP ? vunmap : iounmap;
}

static void remove_area(u32 i)
{
    struct range range = remove_range(i);

    for (u32 k = 0; k < range_pages(&range); k++) {
        struct block block = {range.pages ? range.pages[k] : NULL, 0};

        if (range.kind == VM_ALLOC) {
            check_stamp(&block, false);
            frame[page_to_pfn(block.page)] = FREE;
        } else if (range.kind == VM_MAP) {
            mapped[page_to_pfn(block.page)]--;
        }
    }
    going = &range;
    free_function(range.kind)(
        (void *)(range.start + (range.kind == VM_IOREMAP ? below(PAGE_SIZE) : 0)));
    expect(!going);
    free(range.pages);
}

/* Every page of every area by its address, and the guards. */
static void check_areas(void)
{
    for (u32 i = 0; i < range_count; i++) {
        const struct range *range = &ranges[i];
        const struct vmap_area *area = find_vmap_area(range->start);

        expect(area && area->start == range->start && area->end == range->end);
        expect(area && area->flags == range->kind);
        for (u32 k = 0; k < range_pages(range); k++) {
            u32 addr = range->start + (k << PAGE_SHIFT);

            expect(vmalloc_to_page((void *)addr) == (range->pages ? range->pages[k] : NULL));
            if (!range->pages)
                expect(pte_frame(*kernel_pte(addr)) == range->phys + (k << PAGE_SHIFT));
        }
        expect(!vmalloc_to_page((void *)(range->end - PAGE_SIZE)));
    }
    check_ranges();
}

/* The rule of mm/frame/page.h; and a block may be freed exactly when it is mapped nowhere. */
static void check_block_counts(const struct block *block)
{
    u32 pfn = page_to_pfn(block->page), shown = mapped[pfn];

    for (u32 i = 1; i < 1u << block->order; i++) {
        expect(block->page[i].refcount == (s32)mapped[pfn + i]);
        shown += mapped[pfn + i] > 0;
    }
    expect(block->page->refcount == (s32)(1 + shown));
    if (shown)
        expect_panic(__free_pages(block->page, block->order));
}

static void change_block(void)
{
    u32 i;

    if (block_count < BLOCKS) {
        alloc_block(3);
        return;
    }
    i = below(block_count);
    check_block_counts(&blocks[i]);
    if (blocks[i].page->refcount == 1)
        free_block(i);
}

/*
 * Calls that must be refused and must change nothing, which the next check and the right call show.
 */
static void wrong_areas(void)
{
    u32 kinds[] = {VM_ALLOC, VM_MAP, VM_IOREMAP}, kind = kinds[below(3)];
    const struct range *range = &ranges[below(range_count)];
    u32 middle = range->start + (1 + below(range_pages(range))) * PAGE_SIZE; /* or the guard */

    expect_panic(free_function(kind)((void *)middle));
    if (kind != range->kind)
        expect_panic(free_function(kind)((void *)range->start));
    if (kind != VM_IOREMAP)
        expect_panic(free_function(kind)((void *)(range->start + 1 + below(PAGE_SIZE - 1))));
    expect_panic(free_function(kind)((void *)(PAGE_OFFSET + below(lowmem_size))));
    expect_panic(free_function(kind)((void *)VMALLOC_END));
}

static void areas_step(void)
{
    static u32 wanted;

    if (below(1000) == 0)
        wanted = below(3) ? mostly_small(400) : 0;
    if (below(4) == 0)
        change_block();
    else if (range_count < wanted ? below(8) != 0 : below(8) == 0)
        add_area();
    else if (range_count)
        remove_area(below(range_count));
}

/* vmap() of pages without a holder. Its partial work stays, so nothing can follow. */
static void wrong_maps(void)
{
    struct page *page = pfn_to_page(MAP_PFN), *block = alloc_pages(GFP_KERNEL, 2),
                *behind = block + 2;

    expect_panic((void)!vmap(&page, 1)); /* reserved */
    expect(page->refcount == 0);
    free_pages(block, 2);
    expect_panic((void)!vmap(&block, 1));
    expect_panic((void)!vmap(&behind, 1));
    expect(block->refcount == 0 && behind->refcount == 0);
}

static void vmalloc_areas(void)
{
    u32 free_pages_before;

    slab_init();
    kmalloc_init();
    vmalloc_init();
    slab_shrink();
    free_pages_before = nr_free_pages();
    while (block_count < BLOCKS / 2)
        alloc_block(3);
    for (u32 step = 0; step < 40000 && failures == 0; step++) {
        areas_step();
        if (step % 64 == 0)
            check_areas();
        if (step % 16 == 0 && range_count)
            wrong_areas();
        if (step % 1024 == 0)
            expect_sound(page_alloc_check());
    }
    expect(!vmalloc(0) && !vmalloc(~(size_t)0) && !vmalloc(VMALLOC_SIZE_MIN) && !vmap(NULL, 0));
    expect(!ioremap(MIB(3500u), 0) && !ioremap(0xfffff000, PAGE_SIZE + 1));
    vfree(NULL), vunmap(NULL), iounmap(NULL);
    while (range_count && failures == 0)
        remove_area(below(range_count));
    while (block_count && failures == 0)
        free_block(below(block_count));
    check_areas();
    expect_sound(page_alloc_check());
    slab_shrink();
    expect(nr_free_pages() == free_pages_before);
    wrong_maps();
}

/* ---- running ---- */

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"pages", pages},
    {"slabs", slabs},
    {"vmalloc ranges", vmalloc_ranges},
    {"vmalloc areas", vmalloc_areas},
};

#define SEEDS 3 /* each with its own map of RAM */

/* Run the test in a separate process. True if it passes. */
static bool passes(void (*run)(void), u32 seed)
{
    int status;
    pid_t child;

    printf("# seed 0x%08x\n", seed);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        prandom_seed_state(&rnd, seed);
        panic_set_handler(on_panic);
        boot();
        run();
        fflush(stdout);
        _exit(failures != 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    const char *asked = getenv("MM_SEED");
    u32 seed = asked ? strtoul(asked, NULL, 0) : SEED, failed = 0;

    printf("1..%zu\n", ARRAY_SIZE(tests) * SEEDS);
    for (u32 i = 0; i < ARRAY_SIZE(tests) * SEEDS; i++) {
        bool passed = passes(tests[i / SEEDS].run, seed + i % SEEDS);

        printf("%sok %u - %s, seed 0x%08x\n", passed ? "" : "not ", i + 1, tests[i / SEEDS].name,
               seed + i % SEEDS);
        failed += !passed;
    }
    return failed != 0;
}
