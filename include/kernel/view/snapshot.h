/*
 * The state of memory as a JSON document: what docs/snapshot.schema.json describes. Nothing is
 * allocated, nothing changed, and it does not yield, so that a document is of one
 * moment and shows nothing of its own making.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <lib/json.h>

#define SNAPSHOT_VERSION  1
#define SNAPSHOT_NAME_MAX 32

/* True for 1 to SNAPSHOT_NAME_MAX of A-Z a-z 0-9 _ . - */
bool snapshot_name_ok(const char *name);

/*
 * Hand the document, one line with its newline, to put() piece by piece; put() must not sleep.
 * `uptime_ms` is the time it bears. From a task.
 */
void snapshot_write(const char *name, u64 uptime_ms, format_put_t put, void *arg);

/* ---- page tables (kernel/view/snapshot_map.c), for kernel/view/snapshot.c ---- */

/* An array of runs: entries [first, end) of a directory. */
void snapshot_directory(struct json *json, const char *key, const pde_t *pgd, u32 first, u32 end);

/* An array of runs: what a directory maps in [start, end), page numbers. */
void snapshot_mappings(struct json *json, const char *key, const pde_t *pgd, u32 start, u32 end);

/* Runs of such an array that follow on each other; the caller has opened it. */
void snapshot_add_mappings(struct json *json, const pde_t *pgd, u32 start, u32 end);
