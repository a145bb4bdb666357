/*
 * The contents of /proc (man 5 proc), as functions that generate its texts: the files of /proc call
 * them when they are opened, and the monitor prints some of them. All return 0, or a negative error
 * number.
 */
#pragma once

#include <lib/types.h>

struct file_operations;
struct inode;
struct seq_file;
struct vmap_area;

/* Create the files of /proc. After fs_init(). */
void proc_files_init(void);

/* ---- memory (kernel/proc/proc_mm.c); inode: NULL will do. May yield ---- */

int proc_meminfo(struct inode *inode, struct seq_file *seq);
int proc_vmallocinfo(struct inode *inode, struct seq_file *seq);
int proc_buddyinfo(struct inode *inode, struct seq_file *seq);
int proc_slabinfo(struct inode *inode, struct seq_file *seq);

/* One line of vmallocinfo. */
void proc_vmap_area(struct seq_file *seq, const struct vmap_area *area);

/* "Name:             123 kB", as a line of meminfo. */
void proc_kb(struct seq_file *seq, const char *name, u64 kb);

/* ---- processes (kernel/proc/proc_pid.c) ---- */

int proc_maps(u32 pid, struct seq_file *seq);

/* The links (kernel/proc/proc_links.c): the inode, with a reference; 0, -ESRCH, or -ENOENT if the
 * process has none. */
int proc_exe(u32 pid, struct inode **out);
int proc_cwd(u32 pid, struct inode **out);
int proc_root_link(u32 pid, struct inode **out);

/* The open file of a descriptor, with the mode of its link; and the first descriptor from `fd` on,
 * or UINT32_MAX. */
int proc_fd_inode(u32 pid, u32 fd, u32 *mode, struct inode **out);
u32 proc_next_fd(u32 pid, u32 fd);

/* The operations of /proc/PID/mem (kernel/proc/proc_mem.c). */
extern const struct file_operations proc_mem_ops;

/* Create the files of /proc/PID. */
void proc_pid_init(void);
