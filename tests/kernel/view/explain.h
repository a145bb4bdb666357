/* For tests of explanations: facts about an address, compared with the raw tables; its aliases. */
#pragma once

#include "tests/mm/user/space.h"
#include <arch/x86/cpu.h>
#include <kernel/kernel.h>
#include <kernel/view/explain.h>

/* The raw tables, read here again: one entry of each level. */
struct raw {
    u32 pde, pte;
    bool large, mapped;
};

static inline u32 read_raw(phys_addr_t table, u32 index)
{
    return ((const u32 *)(PAGE_OFFSET + table))[index];
}

static inline struct raw raw_walk(phys_addr_t pgd, u32 addr)
{
    struct raw raw = {.pde = read_raw(pgd, addr >> 22)};

    raw.large = (raw.pde & 0x81) == 0x81;
    if ((raw.pde & 0x81) == 1)
        raw.pte = read_raw(raw.pde & 0xfffff000, addr >> 12 & 0x3ff);
    raw.mapped = raw.large || (raw.pde & 1 && raw.pte & 1);
    return raw;
}

/*
 * Is this access allowed? By the manual's rules, written in another way than in
 * mm/check/explain_walk.c.
 */
static inline bool raw_allows(const struct raw *raw, u32 ring, u32 access)
{
    u32 both = raw->large ? raw->pde : raw->pde & raw->pte;
    bool user = both & 4, writable = both & 2;

    if (!raw->mapped || (access == EXPLAIN_WRITE && !writable))
        return false;
    if (ring == EXPLAIN_RING3)
        return user;
    return !user || !(access == EXPLAIN_EXECUTE ? cpu_features.smep : cpu_features.smap);
}

/* The entry that a refusal names has the named bit with the named value. */
static inline void expect_decided(const struct explanation *facts, const struct raw *raw,
                                  const struct explain_right *right)
{
    static const u32 bits[EXPLAIN_WHYS] = {
        [EXPLAIN_P] = 1,     [EXPLAIN_US] = 4,   [EXPLAIN_RW] = 2,
        [EXPLAIN_RW_WP] = 2, [EXPLAIN_SMAP] = 4, [EXPLAIN_SMEP] = 4,
    };
    bool set = right->why == EXPLAIN_SMAP || right->why == EXPLAIN_SMEP;
    u32 entry = right->level == EXPLAIN_PDE ? raw->pde : raw->pte;

    expect_eq(right->allowed, right->why == EXPLAIN_NOTHING);
    if (right->allowed)
        return;
    expect(bits[right->why] != 0);
    expect(right->level == EXPLAIN_PDE || facts->pde.form == EXPLAIN_TABLE);
    expect_eq((entry & bits[right->why]) != 0, set);
    if (right->level == EXPLAIN_PTE) /* otherwise the directory would have decided */
        expect(raw->pde & bits[right->why]);
}

static inline void expect_raw(const struct explanation *facts, phys_addr_t pgd)
{
    struct raw raw = raw_walk(pgd, facts->addr);

    expect_eq(facts->pde.val, raw.pde);
    expect_eq(facts->pde.index, facts->addr >> 22);
    expect_eq(facts->pde.phys, pgd + (facts->addr >> 22) * 4);
    expect_eq(facts->pde.virt, facts->pde.phys + PAGE_OFFSET);
    expect_eq(facts->pte.val, raw.pte);
    if (facts->pde.form == EXPLAIN_TABLE) {
        expect_eq(facts->pte.index, facts->addr >> 12 & 0x3ff);
        expect_eq(facts->pte.phys, (raw.pde & 0xfffff000) + (facts->addr >> 12 & 0x3ff) * 4);
        expect_eq(facts->pte.virt, facts->pte.phys + PAGE_OFFSET);
    }
    expect_eq(facts->stop == EXPLAIN_NOWHERE, raw.mapped);
    if (raw.mapped) {
        expect_eq(facts->phys, raw.large ? (raw.pde & 0xffc00000) | (facts->addr & 0x3fffff)
                                         : (raw.pte & 0xfffff000) | (facts->addr & 0xfff));
        expect(facts->has_frame);
        expect_eq(facts->frame.phys, facts->phys & 0xfffff000);
    }
    for (u32 ring = 0; ring < EXPLAIN_RINGS; ring++) {
        for (u32 access = 0; access < EXPLAIN_ACCESSES; access++) {
            expect_eq(facts->right[ring][access].allowed, raw_allows(&raw, ring, access));
            expect_decided(facts, &raw, &facts->right[ring][access]);
        }
    }
}

/* Explain an address, in a process or (NULL) in none; checked against the raw tables. */
static inline struct explanation look(const struct mm *mm, u32 addr)
{
    phys_addr_t pgd = mm ? mm->pgd_phys : (u32)swapper_pg_dir - PAGE_OFFSET;
    struct explanation facts;

    explain_address(&facts, mm, addr);
    expect_eq(facts.addr, addr);
    expect(addr >= facts.region->start && addr <= layout_region_last(facts.region));
    expect_raw(&facts, pgd);
    return facts;
}

/* What decides about an access. */
static inline void expect_right(const struct explanation *facts, u32 ring, u32 access, u32 why,
                                u32 level)
{
    expect_eq(facts->right[ring][access].why, why);
    expect_eq(facts->right[ring][access].level, level);
}

static inline void expect_same_area(const struct explain_area *area, u32 kind, u32 start, u32 last)
{
    expect_eq(area->kind, kind);
    expect_eq(area->start, start);
    expect_eq(area->last, last);
}

/* An area was made by a function whose name starts like this. */
static inline void expect_made_by(const struct explain_area *area, const char *start)
{
    u32 offset;
    const char *name = symbol_lookup((u32)area->caller, &offset);

    if (!name || strncmp(name, start, strlen(start)) != 0)
        ktest_fail(__FILE__, __LINE__, "made by %s, expected %s...", name ? name : "nobody", start);
}

static inline void expect_brief(const struct explanation *facts, u32 ring, u32 access,
                                const char *expected)
{
    char text[EXPLAIN_BRIEF_MAX];

    explain_brief(text, sizeof(text), facts, ring, access);
    expect_str_eq(text, expected);
}

/* ---- aliases ---- */

#define SEEN_MAX 8

static struct {
    u32 count;
    struct {
        const struct mm *mm;
        u32 addr;
        bool present;
    } list[SEEN_MAX];
} seen;

static inline void see(const struct mm *mm, u32 addr, bool present, void *arg)
{
    (void)arg;
    if (seen.count < SEEN_MAX) {
        seen.list[seen.count].mm = mm;
        seen.list[seen.count].addr = addr;
        seen.list[seen.count].present = present;
    }
    seen.count++;
}

/* The number of addresses of a frame; they are in `seen`. */
static inline u32 find_aliases(phys_addr_t frame)
{
    seen.count = 0;
    rmap_walk(frame, see, NULL);
    return seen.count;
}

static inline bool is_alias(const struct mm *mm, u32 addr, bool present)
{
    for (u32 i = 0; i < min(seen.count, (u32)SEEN_MAX); i++) {
        if (seen.list[i].mm == mm && seen.list[i].addr == addr && seen.list[i].present == present)
            return true;
    }
    return false;
}
