/*
 * Giving back an object that others find through some place: a field of a task, a slot of a table.
 *
 * With its last reference an object ends, which may take long and yield. Others who look then must
 * not find it any more, so the place is emptied first, or filled with what comes next:
 *
 *     inode_put(detach(&task->exe));
 *     inode_put(exchange(&task->cwd, inode));
 *
 * Nothing but these two may stand where a reference is given back through a pointer to its holder;
 * tests/run/texts/test_rules.py reads all sources for that.
 */
#pragma once

/* Put `value` into a place; what stood there is the result. */
#define exchange(place, value)                                                                     \
    ({                                                                                             \
        __typeof__(place) exchange_place_ = (place);                                               \
        __typeof__(*exchange_place_) exchange_old_ = *exchange_place_;                             \
                                                                                                   \
        *exchange_place_ = (value);                                                                \
        exchange_old_;                                                                             \
    })

/* Empty a place; what stood there is the result. */
#define detach(place) exchange(place, NULL)
