/* Areas of address spaces in words (kernel/view/area.c). */
#pragma once

#include <lib/types.h>

struct inode;
struct vm_area;

/* The file that an area maps, or NULL. */
struct inode *area_inode(const struct vm_area *area);

/* Its name, or NULL when it has none; `path` is PATH_SIZE bytes for a file's. */
const char *area_name(const struct vm_area *area, char *path);

/* The rights in its flags (VM_*) as text, "rw-p". */
#define AREA_RIGHTS_SIZE 5
void area_rights(u32 flags, char *rights);
