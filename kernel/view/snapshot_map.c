/*
 * Page directories and page tables in a snapshot.
 *
 * A directory is walked as the processor does it, by the entries themselves, and not by the
 * kernel's other data: a wrong entry is in the document unchanged. Consecutive entries that differ
 * only in their address are one run: directory entries whose tables or 4 MiB pages are consecutive,
 * and pages with the same bits, whose frames are written as separate runs. So lowmem of any size is
 * a few lines, and a vmalloc area of scattered frames is one mapping with a list of frames.
 *
 * A run is read twice, for its end and for its frames, so that nothing must be stored.
 *
 * Limits: the bits that the processor leaves to software are not written; only the vmalloc area
 * uses them (mm/kva/vmap_area_internal.h).
 *
 * Neighbours: kernel/view/snapshot.c has the rest of the document, kernel/view/explain_words.c the
 * names of bits. Source: Intel SDM vol. 3, 4.3.
 */
#include <kernel/view/explain.h>
#include <kernel/view/leaf.h>
#include <kernel/view/snapshot.h>

/* ---- bits ---- */

/* The names of the bits that are set, as in `explain`. */
static void tell_bits(struct json *json, u32 bits, enum explain_form form)
{
    const struct explain_bit *bit = explain_bits[form], *end = bit + EXPLAIN_BITS;
    char text[48] = ""; /* all names and the blanks between them take 29 */
    u32 used = 0;

    for (; bit < end && bit->mask; bit++) {
        if (bits & bit->mask)
            used += scnprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", bit->name);
    }
    json_string(json, "bits", text);
}

/* ---- directories ---- */

/*
 * The number of entries from this one on that have equal bits and consecutive tables or 4 MiB
 * pages.
 */
static u32 same_entries(const pde_t *pde, u32 most)
{
    u32 step = pde_is_large(*pde) ? LARGE_PAGE_SIZE : PAGE_SIZE, count = 1;

    while (count < most && pde[count].val == pde->val + count * step)
        count++;
    return count;
}

static void tell_entries(struct json *json, u32 index, u32 count, pde_t pde)
{
    json_object(json, NULL);
    json_uint(json, "index", index);
    json_uint(json, "count", count);
    json_address(json, "phys", pde_frame(pde));
    tell_bits(json, pde.val & LEAF_BITS, EXPLAIN_LARGE);
    json_close(json);
}

void snapshot_directory(struct json *json, const char *key, const pde_t *pgd, u32 first, u32 end)
{
    u32 count;

    json_array(json, key);
    for (u32 i = first; i < end; i += count) {
        count = 1;
        if (pgd[i].val == 0)
            continue;
        count = same_entries(&pgd[i], end - i);
        tell_entries(json, i, count, pgd[i]);
    }
    json_close(json);
}

/* ---- pages ---- */

static void tell_frames(struct json *json, u32 first, u32 count)
{
    json_array(json, NULL);
    json_uint(json, NULL, first);
    json_uint(json, NULL, count);
    json_close(json);
}

/* The frames of [start, end), which are all mapped, as runs. */
static void tell_frame_runs(struct json *json, const pde_t *pgd, u32 start, u32 end)
{
    u32 first = leaf_at(pgd, start).pfn, count = 0, pages;

    json_array(json, "frames");
    for (u32 page = start; page < end; page += pages) {
        struct leaf leaf = leaf_at(pgd, page);

        pages = min(leaf.pages, end - page);
        if (leaf.pfn != first + count) {
            tell_frames(json, first, count);
            first = leaf.pfn;
            count = 0;
        }
        count += pages;
    }
    tell_frames(json, first, count);
    json_close(json);
}

/* The end of the pages that have the same bits as the first one. */
static u32 run_end(const pde_t *pgd, u32 start, u32 end)
{
    struct leaf first = leaf_at(pgd, start), leaf = first;
    u32 page = start;

    while (page < end && leaf.bits == first.bits && leaf.large == first.large) {
        page += min(leaf.pages, end - page);
        if (page < end)
            leaf = leaf_at(pgd, page);
    }
    return page;
}

void snapshot_add_mappings(struct json *json, const pde_t *pgd, u32 start, u32 end)
{
    u32 next;

    for (u32 page = start; page < end; page = next) {
        struct leaf leaf = leaf_at(pgd, page);

        next = run_end(pgd, page, end);
        if (!leaf.bits)
            continue;
        json_object(json, NULL);
        json_address(json, "start", (u64)page << PAGE_SHIFT);
        json_address(json, "end", (u64)next << PAGE_SHIFT);
        tell_bits(json, leaf.bits, leaf.large ? EXPLAIN_LARGE : EXPLAIN_PAGE);
        tell_frame_runs(json, pgd, page, next);
        json_close(json);
    }
}

void snapshot_mappings(struct json *json, const char *key, const pde_t *pgd, u32 start, u32 end)
{
    json_array(json, key);
    snapshot_add_mappings(json, pgd, start, end);
    json_close(json);
}
