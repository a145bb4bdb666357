/* Internal to kernel/monitor/readline.c and readline_complete.c. */
#pragma once

#include <kernel/monitor/readline.h>

void readline_put(struct readline_state *state, const char *text);
void readline_bell(struct readline_state *state);

/* Insert a character at the cursor. */
void readline_insert(struct readline_state *state, char c);

/* Print the prompt and the line at the beginning of a row of the terminal. */
void readline_show(struct readline_state *state);

/*
 * Complete the word before the cursor. `again`: the byte before was a tab that completed nothing.
 */
void readline_complete_word(struct readline_state *state, bool again);
