/*
 * A wait queue: only the list of waiting tasks, so that every layer can have one in its structures.
 * The scheduler does the sleeping and waking (kernel/task.h).
 */
#pragma once

#include <lib/list.h>

struct wait_queue {
    struct list_head tasks; /* lock: interrupts off */
};

#define WAIT_QUEUE_INIT(name) ((struct wait_queue){.tasks = {&(name).tasks, &(name).tasks}})

static inline void wait_queue_init(struct wait_queue *queue)
{
    INIT_LIST_HEAD(&queue->tasks);
}
