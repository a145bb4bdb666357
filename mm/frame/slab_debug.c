/*
 * Slabs that detect misuse: `make DEBUG=1`.
 *
 * Each object gets a slot with a header in front of it and red zones on both sides:
 *
 *     | header: link, state, size, who allocated, who freed | red zone | object | red zone |
 *
 * Bytes have a value that says what they are (Linux's, include/linux/poison.h): a red zone is 0xcc
 * around an allocated object and 0xbb around a free one, a free object is filled with 0x6b, a new
 * one with 0x5a. On free the red zones must be unchanged; on the next allocation they and the free
 * object must be. The red zone starts right behind the bytes that were asked for, not at the end of
 * the size class. The addresses in the header are return addresses, and a panic names them (%pS):
 * who allocated the object, who freed it, who passes it now.
 *
 * The list of free slots goes through the header, so the rest of the allocator is unchanged: it
 * moves slots, and this file turns them into objects. Slots are aligned as the objects must be, so
 * kmalloc() of one page takes three.
 *
 * Limits: a write that skips a red zone is not detected; a read of freed memory can be recognised
 * only by the value read. Blocks of the page allocator (kmalloc() above 8 KiB) have no header.
 *
 * The default build compiles this file as well, so that it stays correct, but calls nothing in it.
 *
 * Neighbours: include/mm/frame/slab_internal.h calls it at allocation, mm/frame/slab.c at free and
 * at set-up.
 */
#include <lib/kasan.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <mm/frame/slab_internal.h>

#define RED_FREE    0xbb
#define RED_OUT     0xcc
#define POISON_FREE 0x6b
#define POISON_NEW  0x5a

#define RED_MIN 8 /* bytes of red zone on each side, at least */

/* Magic numbers: values that memory is unlikely to hold by chance. */
enum slot_state {
    SLOT_NEW = 0x510700ed,
    SLOT_OUT = 0x510701ed,
    SLOT_FREE = 0x510702ed,
};

struct slot_header {
    void *next;
    u32 state; /* enum slot_state */
    u32 size;  /* of the object, as asked for */
    const void *allocated_by, *freed_by;
};

/* A byte with a wrong value. */
struct damage {
    const char *what;
    s32 offset; /* from the start of the object */
    u8 found, expected;
};

static u8 *object_of(const struct kmem_cache *cache, const void *slot)
{
    return (u8 *)slot + cache->object_offset;
}

void slab_debug_layout(struct kmem_cache *cache, u32 align)
{
    cache->object_offset = ALIGN_UP(sizeof(struct slot_header) + RED_MIN, align);
    cache->size = ALIGN_UP(cache->object_offset + cache->object_size + RED_MIN, align);
}

/* ---- painting and looking ---- */

static void paint(const struct kmem_cache *cache, void *slot, u8 red, u32 size, u8 byte)
{
    u8 *start = (u8 *)slot + sizeof(struct slot_header), *object = object_of(cache, slot);
    u8 *end = (u8 *)slot + cache->size;

    memset(start, red, object - start);
    memset(object, byte, size);
    memset(object + size, red, end - (object + size));
}

static bool differs(struct damage *damage, const char *what, const u8 *object, s32 from, s32 to,
                    u8 expected)
{
    for (s32 i = from; i < to; i++) {
        if (object[i] != expected) {
            *damage = (struct damage){what, i, object[i], expected};
            return true;
        }
    }
    return false;
}

static bool find_damage(const struct kmem_cache *cache, const void *slot, struct damage *damage)
{
    const struct slot_header *header = slot;
    const u8 *object = object_of(cache, slot);
    bool out = header->state == SLOT_OUT;
    s32 start = (s32)sizeof(*header) - (s32)cache->object_offset;
    s32 size = out ? header->size : cache->object_size;
    s32 end = cache->size - cache->object_offset;
    u8 red = out ? RED_OUT : RED_FREE;

    return differs(damage, "before its start", object, start, 0, red) ||
           (!out && differs(damage, "after it was freed", object, 0, size, POISON_FREE)) ||
           differs(damage, "past its end", object, size, end, red);
}

static bool header_is_whole(const struct kmem_cache *cache, const struct slot_header *header)
{
    bool known =
        header->state == SLOT_NEW || header->state == SLOT_OUT || header->state == SLOT_FREE;

    return known && header->size <= cache->object_size;
}

/* ---- the report ---- */

/* "allocated by main+0x12/0x40, freed by ..." */
static const char *history(const struct slot_header *header)
{
    static char text[192];

    if (header->state == SLOT_NEW)
        return "it was never allocated";
    if (header->state == SLOT_OUT)
        snprintf(text, sizeof(text), "allocated by %pS", header->allocated_by);
    else
        snprintf(text, sizeof(text), "allocated by %pS, freed by %pS", header->allocated_by,
                 header->freed_by);
    return text;
}

void slab_debug_describe(const void *addr, char *buf, size_t size)
{
    struct page *page = page_head(virt_to_page(addr));
    const struct slab *slab = slab_of_block(page_address(page), page->order);
    const struct kmem_cache *cache = slab->cache;
    u32 index = ((const char *)addr - slab_block(slab)) / cache->size;
    const struct slot_header *header = (const void *)(slab_block(slab) + index * cache->size);

    snprintf(buf, size, "; object %p of cache %s, %u bytes; byte %d of it; %s",
             object_of(cache, header), cache->name, header->size,
             (int)((const u8 *)addr - object_of(cache, header)), history(header));
}

static void __noreturn __printf(5, 6)
    slot_panic(const struct kmem_cache *cache, const void *slot, const char *now,
               const void *caller, const char *fmt, ...)
{
    char what[96];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    if (!header_is_whole(cache, slot))
        panic("cache %s, object %p: its header is overwritten; now %s by %pS", cache->name,
              object_of(cache, slot), now, caller);
    panic("cache %s, object %p: %s; %s, now %s by %pS", cache->name, object_of(cache, slot), what,
          history(slot), now, caller);
}

static void check_bytes(const struct kmem_cache *cache, const void *slot, const char *now,
                        const void *caller)
{
    struct damage damage;

    if (find_damage(cache, slot, &damage))
        slot_panic(cache, slot, now, caller, "written %s: byte %d is %02x, not %02x", damage.what,
                   damage.offset, damage.found, damage.expected);
}

/* ---- an object's life ---- */

/* For KASAN=1: nobody may access a free object, or what lies around one. */
static void poison_slot(const struct kmem_cache *cache, const struct slot_header *slot)
{
    u32 end = ALIGN_UP(slot->size, KASAN_GRANULE_SIZE);

    kasan_poison(slot, cache->size, KASAN_SLAB_REDZONE);
    if (slot->state == SLOT_FREE)
        kasan_poison(object_of(cache, slot), end, KASAN_SLAB_FREE);
}

void slab_debug_new(const struct kmem_cache *cache, void *slot)
{
    struct slot_header *header = slot;

    header->state = SLOT_NEW;
    header->size = 0;
    header->allocated_by = header->freed_by = NULL;
    paint(cache, slot, RED_FREE, cache->object_size, POISON_FREE);
    poison_slot(cache, slot);
}

void *slab_debug_alloc(const struct kmem_cache *cache, void *slot, size_t size, const void *caller)
{
    struct slot_header *header = slot;

    if (header->state != SLOT_NEW && header->state != SLOT_FREE)
        slot_panic(cache, slot, "allocated", caller, "on the free list, but it is out");
    check_bytes(cache, slot, "allocated", caller);
    header->state = SLOT_OUT;
    header->size = size;
    header->allocated_by = caller;
    kasan_unpoison(slot, cache->size);
    paint(cache, slot, RED_OUT, size, POISON_NEW);
    poison_slot(cache, slot);
    kasan_unpoison(object_of(cache, slot), size);
    return object_of(cache, slot);
}

/* The slot that holds an address of the slab. */
static void *slot_around(const struct slab *slab, const void *object, const void *caller)
{
    const struct kmem_cache *cache = slab->cache;
    u32 index = ((const char *)object - slab_block(slab)) / cache->size;

    if (index >= cache->per_slab)
        slab_bad_free(cache, object, caller, "it lies behind the last object of its slab");
    return slab_block(slab) + index * cache->size;
}

void *slab_debug_free(const struct kmem_cache *of, const struct slab *slab, const void *object,
                      const void *caller)
{
    const struct kmem_cache *cache = slab->cache;
    struct slot_header *header = slot_around(slab, object, caller);

    if (object != object_of(cache, header))
        slot_panic(cache, header, "freed", caller, "%p, %d bytes from its start, is freed instead",
                   object, (int)((const u8 *)object - object_of(cache, header)));
    if (header->state != SLOT_OUT)
        slot_panic(cache, header, "freed", caller, "freed, but it is not out");
    if (of && of != cache)
        slot_panic(cache, header, "freed", caller, "freed to cache %s", of->name);
    check_bytes(cache, header, "freed", caller);
    header->state = SLOT_FREE;
    header->freed_by = caller;
    kasan_unpoison(header, cache->size);
    paint(cache, header, RED_FREE, cache->object_size, POISON_FREE);
    poison_slot(cache, header);
    return header;
}

/* ---- the check, and leaks ---- */

const char *slab_debug_check(const struct kmem_cache *cache, const void *slot, bool *out)
{
    static char text[192];
    const struct slot_header *header = slot;
    struct damage damage;

    *out = header->state == SLOT_OUT;
    if (!header_is_whole(cache, header)) {
        snprintf(text, sizeof(text), "the header of object %p is overwritten",
                 object_of(cache, slot));
        return text;
    }
    if (!find_damage(cache, slot, &damage))
        return NULL;
    snprintf(text, sizeof(text), "object %p is written %s: byte %d is %02x, not %02x; %s",
             object_of(cache, slot), damage.what, damage.offset, damage.found, damage.expected,
             history(header));
    return text;
}

void slab_debug_leak(const struct kmem_cache *cache, const void *caller)
{
    struct slab *slab;
    u32 pfn = 0;

    while ((slab = slab_walk(&pfn))) {
        for (u32 i = 0; slab->cache == cache && i < cache->per_slab; i++) {
            const struct slot_header *header = (const void *)(slab_block(slab) + i * cache->size);

            if (header->state == SLOT_OUT)
                slot_panic(cache, header, "destroyed", caller,
                           "out, but its cache is to be destroyed");
        }
    }
    panic("cache %s is destroyed by %pS with objects out", cache->name, caller);
}
