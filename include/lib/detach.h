/*
 * Releasing an object that other code finds through a place: a field of a task, a slot of a table.
 *
 * Dropping the last reference destroys an object, which may take long and yield. Other tasks must
 * not find it meanwhile, so the place is cleared first, or set to the next object:
 *
 *     inode_put(detach(&task->exe));
 *     inode_put(exchange(&task->cwd, inode));
 *
 * A reference that is reached through a pointer to its holder must be dropped with one of these
 * two; tests/run/texts/test_rules.py checks all sources for this.
 */
#pragma once

/* Store `value` in a place; returns the old value. */
#define exchange(place, value)                                                                     \
    ({                                                                                             \
        __typeof__(place) exchange_place_ = (place);                                               \
        __typeof__(*exchange_place_) exchange_old_ = *exchange_place_;                             \
                                                                                                   \
        *exchange_place_ = (value);                                                                \
        exchange_old_;                                                                             \
    })

/* Clear a place; returns the old value. */
#define detach(place) exchange(place, NULL)
