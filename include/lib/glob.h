/* Shell-style patterns, for names of tests and the like (Linux's name and meaning). */
#pragma once

#include <lib/types.h>

/*
 * Does the whole of str match pat? `*` stands for any text, also none; `?` for any one byte;
 * `[a-cx]` for one of these bytes and `[!a-cx]` for one that is none of them; `\` takes the next
 * byte as it is, outside of brackets. In brackets, `]` as the first and `-` as the first or last is
 * itself. A `[` without its `]`, and a `\` at the end, stand for themselves.
 */
bool glob_match(const char *pat, const char *str);
