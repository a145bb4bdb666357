/*
 * The state of memory as a JSON document, described by docs/snapshot.schema.json. Nothing is
 * allocated or changed, and it does not yield, so a document shows one moment and no effects of
 * itself.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <lib/json.h>

#define SNAPSHOT_VERSION  1
#define SNAPSHOT_NAME_MAX 32

/* True for 1 to SNAPSHOT_NAME_MAX of A-Z a-z 0-9 _ . - */
bool snapshot_name_ok(const char *name);

/*
 * Pass the document, one line with its newline, to put() piece by piece; put() must not sleep.
 * `uptime_ms` is the document's time. From a task.
 */
void snapshot_write(const char *name, u64 uptime_ms, format_put_t put, void *arg);

/* ---- page tables (kernel/view/snapshot_map.c), for kernel/view/snapshot.c ---- */

/* An array of runs: entries [first, end) of a directory. */
void snapshot_directory(struct json *json, const char *key, const pde_t *pgd, u32 first, u32 end);

/* An array of runs: what a directory maps in [start, end), page numbers. */
void snapshot_mappings(struct json *json, const char *key, const pde_t *pgd, u32 start, u32 end);

/* Add runs to such an array, which the caller has opened. */
void snapshot_add_mappings(struct json *json, const pde_t *pgd, u32 start, u32 end);
