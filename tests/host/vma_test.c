/*
 * The areas of an address space (mm/user/vma.c) as a 32-bit host program, under sanitizers.
 *
 * A long random sequence adds areas, splits them, moves their edges, removes and joins them, over a
 * few hundred pages; the model is an array with the contents of each page. After each step the
 * whole tree is walked, and its results for addresses and for gaps must be those of a walk over the
 * array. Nodes that are not freed show as leaks, file references that are not dropped as a wrong
 * count.
 *
 * All random numbers depend on a seed, which is printed; VMA_SEED=number sets another one. Output
 * is TAP.
 */
#include <stdio.h>
#include <stdlib.h>

#include <lib/random.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

#define SEED  0x0a771c09u
#define FIRST 0x20000000u
#define PAGES 600u
#define STEPS 30000u
#define KINDS 6u

static struct rnd_state rnd;
static u32 failures, nodes;
static struct mm mm;
static struct address_space files[2];

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond) && ++failures <= 5)                                                            \
            printf("# line %d, step %u: expected %s\n", __LINE__, step, #cond);                    \
    } while (0)

static u32 step;

/* ---- functions that mm/user/vma.c needs ---- */

u32 lowmem_size = BOOT_MAP_SIZE;

struct kmem_cache *kmem_cache_create(const char *name, u32 size)
{
    (void)name;
    return (struct kmem_cache *)(uintptr_t)size;
}

void *kmem_cache_alloc(struct kmem_cache *cache)
{
    nodes++;
    return malloc((uintptr_t)cache);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    (void)cache;
    nodes--;
    free(object);
}

u32 mm_reclaim(void)
{
    return 0;
}

void layout_bad_virt(const volatile void *addr)
{
    panic("virt_to_phys(%p)", addr);
}

void layout_bad_phys(phys_addr_t addr)
{
    panic("phys_to_virt(%08x)", addr);
}

/* How many areas map each file, according to the calls of mm/user/vma.c. */
static u32 shown[2];

void filemap_enter_area(struct mm *mm, struct vm_area *area)
{
    area->mm = mm;
    shown[area->file - files]++;
}

void filemap_leave_area(struct vm_area *area)
{
    shown[area->file - files]--;
}

static void on_release(struct address_space *file)
{
    panic("file %p has lost its last reference", file);
}

/* ---- the model ---- */

/* Kinds of areas; the last three map other files, or grow down. */
static const struct {
    u32 flags;
    struct address_space *file;
} kinds[KINDS] = {
    {VM_READ, NULL},      {VM_READ | VM_WRITE, NULL}, {VM_READ | VM_WRITE | VM_GROWSDOWN, NULL},
    {VM_READ, &files[0]}, {VM_READ, &files[1]},       {0, NULL},
};

/* The contents of a page: kind + 1, or 0; for files also the page of the file. */
static struct {
    u8 kind;
    u32 pgoff;
} model[PAGES];

static u32 addr_of(u32 page)
{
    return FIRST + page * PAGE_SIZE;
}

static bool continues(u32 page)
{
    return page > 0 && model[page].kind == model[page - 1].kind &&
           (!model[page].kind || !kinds[model[page].kind - 1].file ||
            model[page].pgoff == model[page - 1].pgoff + 1);
}

/* Pages where no area may be put: taken, or too close below a stack. */
static bool is_free(u32 page)
{
    if (model[page].kind)
        return false;
    for (u32 next = page + 1; next < PAGES && next - page <= MM_GUARD_GAP / PAGE_SIZE; next++) {
        if (model[next].kind)
            return !(kinds[model[next].kind - 1].flags & VM_GROWSDOWN) ||
                   next - page > MM_GUARD_GAP / PAGE_SIZE;
    }
    return true;
}

/* The start of the highest free range of `size` pages that ends at or below `limit`, or 0. */
static u32 model_gap(u32 size, u32 limit)
{
    u32 run = 0;

    for (u32 page = limit; page-- > 0;) {
        run = is_free(page) ? run + 1 : 0;
        if (run == size)
            return addr_of(page);
    }
    return 0;
}

/* ---- steps ---- */

static u32 below(u32 limit)
{
    return prandom_below(&rnd, limit);
}

/*
 * Add an area of any kind, sometimes one that fills a hole and continues the area before it.
 */
static void enter(u32 first, u32 end)
{
    u32 kind = below(KINDS), pgoff = first + below(2) * 1000;

    while (first > 0 && end % 4 == 0 && !model[first - 1].kind)
        first--;
    if (end % 4 == 0 && first > 0) {
        kind = model[first - 1].kind - 1;
        pgoff = model[first - 1].pgoff + 1;
        for (end = first; end < PAGES - 1 && !model[end].kind;)
            end++;
        if (end == first)
            return;
    }
    for (u32 page = first; page < end; page++) {
        if (model[page].kind)
            return;
    }
    for (u32 page = first; page < end; page++) {
        model[page].kind = kind + 1;
        model[page].pgoff = pgoff + page - first;
    }
    vma_enter(&mm, vma_new(addr_of(first), addr_of(end), kinds[kind].flags, NULL, kinds[kind].file,
                           pgoff, kinds + kind));
}

/* Split areas that cross an address. */
static void split_at(u32 page)
{
    struct vm_area *area = mm_find_area(&mm, addr_of(page));

    if (area && area->start < addr_of(page))
        vma_split(&mm, area, addr_of(page), vma_alloc());
}

static void cut(u32 first, u32 end)
{
    struct vm_area *area;

    split_at(first);
    if (below(2)) { /* by a separate node, or by moving the edge */
        split_at(end);
    } else if ((area = mm_find_area(&mm, addr_of(end))) && area->start < addr_of(end) &&
               area->start >= addr_of(first)) {
        vma_set_start(&mm, area, addr_of(end));
    }
    while ((area = mm_area_above(&mm, addr_of(first))) && area->start < addr_of(end)) {
        expect(area->end <= addr_of(end));
        vma_remove(&mm, area);
        vma_free(area);
    }
    for (u32 page = first; page < end; page++)
        model[page].kind = 0;
}

/* Other rights for all areas in a range: split, changed, joined. */
static void protect(u32 first, u32 end)
{
    static const u8 other[] = {1, 0, 2, 3, 4, 5}; /* the two that differ only in rights */
    struct vm_area *area;

    split_at(first);
    split_at(end);
    for (u32 page = first; page < end; page++) {
        if (model[page].kind)
            model[page].kind = other[model[page].kind - 1] + 1;
    }
    area = mm_area_above(&mm, addr_of(first));
    while (area && area->start < addr_of(end)) {
        if (area->flags == kinds[0].flags && !area->file)
            area->flags = kinds[1].flags;
        else if (area->flags == kinds[1].flags)
            area->flags = kinds[0].flags;
        area = area->next;
    }
    area = mm_area_above(&mm, addr_of(first) - 1);
    while (area && area->start <= addr_of(end))
        area = vma_join(&mm, area)->next;
}

/* ---- checks ---- */

static void check_areas(void)
{
    u32 count = 0, users[2] = {0, 0};

    for (u32 page = 0; page < PAGES; page++) {
        struct vm_area *area = mm_find_area(&mm, addr_of(page) + below(PAGE_SIZE));
        u32 kind = model[page].kind;

        expect((area != NULL) == (kind != 0));
        if (!area || !kind)
            continue;
        expect(area->flags == kinds[kind - 1].flags && area->file == kinds[kind - 1].file);
        expect((area->start == addr_of(page)) == !continues(page));
        if (area->file)
            expect(area->pgoff + (addr_of(page) - area->start) / PAGE_SIZE == model[page].pgoff);
        if (area->start != addr_of(page))
            continue;
        count++;
        if (area->file)
            users[area->file - files]++;
    }
    expect(mm.area_count == count && nodes == count);
    expect(files[0].refcount == 1 + (s32)users[0] && files[1].refcount == 1 + (s32)users[1]);
    expect(shown[0] == users[0] && shown[1] == users[1]);
}

static void check_gaps(void)
{
    for (u32 i = 0; i < 8; i++) {
        u32 size = 1 + below(1 + below(300)), limit = 1 + below(PAGES);
        u32 found = vma_find_gap(&mm, size * PAGE_SIZE, addr_of(limit));
        u32 expected = model_gap(size, limit);

        /* Below FIRST all is free, except for the gap of a stack that starts there. */
        expect(expected ? found == expected : found < FIRST);
    }
}

int main(void)
{
    const char *text = getenv("VMA_SEED");
    u32 seed = text ? strtoul(text, NULL, 0) : SEED;

    prandom_seed_state(&rnd, seed);
    printf("1..1\n# seed 0x%x\n", seed);
    vma_init();
    for (u32 i = 0; i < 2; i++)
        files[i] = (struct address_space){.refcount = 1, .release = on_release};
    for (step = 0; step < STEPS && !failures; step++) {
        u32 first = below(PAGES - 1), op = below(4);
        u32 end = min(PAGES - 1, first + 1 + below(1 + below(60)));
        const char *wrong;

        if (op < 2)
            enter(first, end);
        else if (op == 2)
            cut(first, end);
        else
            protect(first, end);
        wrong = vma_check(&mm);
        if (wrong) {
            printf("# step %u: %s\n", step, wrong);
            failures++;
        }
        if (step % 16 == 0) {
            check_areas();
            check_gaps();
        }
    }
    vma_free_all(&mm);
    expect(nodes == 0 && files[0].refcount == 1 && files[1].refcount == 1);
    printf("%sok 1 - areas against an array\n", failures ? "not " : "");
    return failures != 0;
}
