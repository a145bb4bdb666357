/* Shell-style patterns, for names of tests and the like (Linux's name and meaning). */
#pragma once

#include <lib/types.h>

/*
 * Does the whole of str match pat? `*` stands for any text, also empty; `?` for any one byte;
 * `[a-cx]` for one of these bytes and `[!a-cx]` for any other byte; outside of brackets, `\` makes
 * the next byte an ordinary one. In brackets, `]` in first place and `-` in first or last place are
 * ordinary. A `[` without `]`, and a `\` at the end, are ordinary, too.
 */
bool glob_match(const char *pat, const char *str);
