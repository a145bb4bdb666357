/* What kernel/monitor/readline.c and readline_complete.c share; for nobody else. */
#pragma once

#include <kernel/monitor/readline.h>

void readline_put(struct readline_state *state, const char *text);
void readline_bell(struct readline_state *state);

/* Put a character where the cursor is. */
void readline_insert(struct readline_state *state, char c);

/* Print the prompt and the line at the beginning of a row of the terminal. */
void readline_show(struct readline_state *state);

/* Complete the word before the cursor. `again`: the byte before was a tab that could not. */
void readline_complete_word(struct readline_state *state, bool again);
