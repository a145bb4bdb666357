/*
 * Internal to the monitor: its commands. Each gets its words; argv[0] is its own name.
 */
#pragma once

#include <kernel/tty/console.h>
#include <lib/types.h>

/* The first thread: runs `ktest=`, or `init=`, or the monitor. */
void monitor_main(void *unused);

/* Run one line of the monitor; the line is cut into words in place. */
void monitor_execute(char *line);

/*
 * Run the self-tests that match a glob as a complete run: KTAP output, the machine ends with pass
 * or fail.
 */
void __noreturn ktest_main(const char *glob);

/* Instructions (time-stamp counts) from hand-over to the prompt; 0 until then. */
extern u64 boot_tsc_prompt;

struct monitor_command {
    const char *name, *usage;
    const char *help;    /* behind the usage in a list of 80 columns */
    const char *example; /* lines to type; ADDR and PID come from the output of the line before */
    void (*run)(u32 argc, const char **argv);
    u32 args_min, args_max; /* words after the name */
    bool rare;              /* `help` prints only its name */
};

/* The commands in the order of `help`; NULL past the last. */
const struct monitor_command *monitor_command(u32 i);

/* kernel/monitor/monitor_complete.c: for readline(). */
void monitor_complete(const char *prefix, readline_emit_t emit, void *arg);

/* kernel/monitor/monitor_mm.c */
void monitor_layout(u32 argc, const char **argv);
void monitor_meminfo(u32 argc, const char **argv);
void monitor_vmallocinfo(u32 argc, const char **argv);
void monitor_buddyinfo(u32 argc, const char **argv);
void monitor_slabinfo(u32 argc, const char **argv);
void monitor_frames(u32 argc, const char **argv);
void monitor_audit(u32 argc, const char **argv);

/* kernel/monitor/monitor_address.c */
struct mm;
struct task;
struct page;
struct inode;
struct monitor_address {
    u32 addr;
    struct mm *mm; /* with a reference; NULL: of no process */
};

/*
 * Parse a word as an address: a number, a name, PROGRAM:NAME. `pid` is a word, or NULL. On error,
 * prints a line that begins with the command, and returns false.
 */
bool monitor_parse_address(const char *command, const char *word, const char *pid,
                           struct monitor_address *address);
/* Drop the reference that monitor_parse_address() took when it returned true. */
void monitor_put_address(struct monitor_address *address);

/*
 * The task whose pid a word is, valid until the caller yields. On error, prints such a line and
 * returns NULL.
 */
struct task *monitor_parse_task(const char *command, const char *word);

/*
 * The file of the program whose name, or path, has `len` characters, with a reference; NULL if
 * there is none in / and /bin.
 */
struct inode *monitor_find_program(const char *word, size_t len);

/*
 * Parse a number, decimal or hexadecimal with 0x. False for other text and for more than 32 bits.
 */
bool monitor_parse_u32(const char *word, u32 *value);

/*
 * The number of letters to insert, delete or change to turn a into b; UINT32_MAX if b has more than
 * 31.
 */
u32 monitor_edit_distance(const char *a, const char *b);

/* kernel/monitor/monitor_peek.c */
#define MONITOR_PEEK_USAGE "peek ADDR [N [PID]]"
#define MONITOR_POKE_USAGE "poke ADDR VALUE"
void monitor_peek(u32 argc, const char **argv);
void monitor_poke(u32 argc, const char **argv);

/* kernel/monitor/monitor_explain.c */
#define MONITOR_EXPLAIN_USAGE "explain ADDR [PID]"
void monitor_explain(u32 argc, const char **argv);

/* kernel/monitor/monitor_map.c */
#define MONITOR_MAP_USAGE "map [-w]"
void monitor_map(u32 argc, const char **argv);

/* kernel/monitor/monitor_pgdiff.c */
#define MONITOR_PGDIFF_USAGE "pgdiff [PID PID]"
void monitor_pgdiff(u32 argc, const char **argv);

/* kernel/monitor/monitor_snapshot.c */
#define MONITOR_SNAPSHOT_USAGE "snapshot NAME"
void monitor_snapshot(u32 argc, const char **argv);

/* kernel/monitor/monitor_vmalloc.c */
#define MONITOR_VMALLOC_USAGE "vmalloc [-s] SIZE"
#define MONITOR_VFREE_USAGE   "vfree ADDR"
void monitor_vmalloc(u32 argc, const char **argv);
void monitor_vfree(u32 argc, const char **argv);

/*
 * Fragment the free memory, so that the next `wanted` frames of vmalloc() are not consecutive.
 * Returns the frames between them, for free_pages_bulk() afterwards; NULL when there is too little
 * memory.
 */
struct page *monitor_scatter_frames(u32 wanted);

/* kernel/monitor/monitor_dma.c */
void monitor_lspci(u32 argc, const char **argv);
void monitor_dma(u32 argc, const char **argv);

/* kernel/monitor/monitor_programs.c */
void monitor_programs(u32 argc, const char **argv);

/*
 * Call see() for each program in / and /bin, without links, with its description, or NULL if it has
 * none. The text is valid until the next call.
 */
typedef void (*monitor_program_t)(const char *name, const char *text, void *arg);
void monitor_each_program(monitor_program_t see, void *arg);

/* kernel/monitor/monitor_run.c */
#define MONITOR_RUN_USAGE "run PROGRAM [ARG...] [& PROGRAM...] [&]"
void monitor_ps(u32 argc, const char **argv);
void monitor_run(u32 argc, const char **argv);

#define MONITOR_KILL_USAGE "kill PID"
void monitor_kill(u32 argc, const char **argv);

/* Run one program in the foreground, for `init=`. */
void monitor_run_init(const char *path);

/* Print how each background program ended that has ended since the last call. */
void monitor_report_background(void);

/*
 * For commands that count free pages: false, with two lines that begin with the command, while a
 * program in the background runs.
 */
bool monitor_is_alone(const char *command);

/* kernel/monitor/monitor_crash.c */
#define MONITOR_CRASH_USAGE "crash KIND"
void monitor_crash(u32 argc, const char **argv);

/* Names of the kinds of crash; NULL past the last. */
const char *monitor_crash_kind(u32 i);
