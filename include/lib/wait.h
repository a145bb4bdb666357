/*
 * A place where tasks wait: only the list, so that every floor can have one in its structures.
 * Sleeping on it and waking (kernel/task.h) are the scheduler's.
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
