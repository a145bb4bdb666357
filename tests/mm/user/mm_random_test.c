/*
 * Two address spaces that are mapped, unmapped, protected, written and forked from each other at
 * random, compared with arrays of the expected state of each page.
 */
#include "tests/mm/user/space.h"
#include <lib/random.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#define RANDOM_PAGES 64
#define RANDOM_STEPS 3000

/* The expected state of each page of an address space. */
struct model {
    bool mapped[RANDOM_PAGES];
    u8 rights[RANDOM_PAGES], word[RANDOM_PAGES];
};

static struct rnd_state rnd;

static void random_step(struct mm *mm, struct model *model)
{
    u32 first = prandom_below(&rnd, RANDOM_PAGES);
    u32 pages = 1 + prandom_below(&rnd, min(RANDOM_PAGES - first, 20u)), size = pages * PAGE_SIZE;
    u32 rights = prandom_below(&rnd, 4) & RW, op = prandom_below(&rnd, 5);
    bool covered = true;

    if (op == 0) {
        expect_eq(mm_mmap(mm, PAGE(first), size, rights, ANON | MAP_FIXED, NULL, 0), PAGE(first));
    } else if (op == 1) {
        expect_eq(mm_munmap(mm, PAGE(first), size), 0);
    } else if (op == 2) {
        for (u32 i = first; i < first + pages; i++)
            covered &= model->mapped[i];
        expect_eq(mm_mprotect(mm, PAGE(first), size, rights), covered ? 0 : -ENOMEM);
    }
    for (u32 i = first; i < first + pages; i++) {
        if (op == 0)
            model->word[i] = 0;
        if (op < 2)
            model->mapped[i] = op == 0;
        if (op == 0 || (op == 2 && covered))
            model->rights[i] = rights;
        if (op > 2 && model->mapped[i] && model->rights[i] & VM_WRITE)
            put_word(mm, PAGE(i), model->word[i] = prandom_below(&rnd, 256));
    }
}

static void expect_model(struct mm *mm, const struct model *model)
{
    expect_none(vma_check(mm));
    for (u32 i = 0; i < RANDOM_PAGES && ktest_ok(); i++) {
        const struct vm_area *area = mm_find_area(mm, PAGE(i));
        u32 word;

        expect_eq(area != NULL, model->mapped[i]);
        if (!area || !model->mapped[i])
            continue;
        expect_eq(area->flags, model->rights[i]);
        expect_eq(mm_fault(mm, PAGE(i), false), area->flags ? MM_FAULT_OK : MM_FAULT_NO_ACCESS);
        expect_eq(mm_read(mm, PAGE(i), &word, sizeof(word)), 0);
        expect_eq(word, model->word[i]);
    }
}

KTEST(mm_random, against_a_model)
{
    static struct model models[2];
    struct mm *mms[2] = {mm_create(), NULL};

    prandom_seed_state(&rnd, 0x0a771c08);
    memset(models, 0, sizeof(models));
    for (u32 step = 0; step < RANDOM_STEPS && mms[0] && ktest_ok(); step++) {
        u32 who = prandom_below(&rnd, 2);

        if (!mms[who] || prandom_below(&rnd, 100) == 0) { /* replaced by a child of the other */
            if (mms[who])
                mm_put(mms[who]);
            mms[who] = mm_fork(mms[!who]);
            models[who] = models[!who];
            if (!expect(mms[who] != NULL))
                break;
        }
        random_step(mms[who], &models[who]);
        if (step % 50 == 0) {
            expect_model(mms[0], &models[0]);
            if (mms[1])
                expect_model(mms[1], &models[1]);
            expect_none(mm_audit());
        }
    }
    for (u32 i = 0; i < 2; i++)
        if (mms[i])
            mm_put(mms[i]);
}
