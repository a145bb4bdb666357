/*
 * Writing JSON (RFC 8259), piece by piece and without memory: each call passes the text of one
 * value to put(). The writer tracks its position and sets commas; a call that does not fit there (a
 * member without a key, an element with one, a close too many) panics. Any context.
 */
#pragma once

#include <lib/printf.h>
#include <lib/types.h>

#define JSON_DEPTH_MAX 16

struct json {
    format_put_t put;
    void *arg;
    u32 depth;  /* objects and arrays that are open */
    u32 arrays; /* bit i: what was opened at depth i is an array */
    u32 filled; /* bit i: and it is not empty */
    bool done;  /* the one value at the top has been written */
};

/* Begin a text, which is one value. */
void json_init(struct json *json, format_put_t put, void *arg);

/*
 * A value. `key` is its name in the open object, and NULL in an array and at the top. An object or
 * array is open until json_close().
 */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_close(struct json *json);
void json_uint(struct json *json, const char *key, u64 value);
void json_null(struct json *json, const char *key);

/*
 * A string. What is not printable ASCII is escaped byte by byte, as the characters U+0000 to
 * U+00FF: the text is valid for any bytes, and their encoding is not guessed.
 */
void json_string(struct json *json, const char *key, const char *text);

/* An address as a string, "0x%08x"; the end of the last page has nine digits. */
void json_address(struct json *json, const char *key, u64 addr);

/* Panics unless the text is complete: one value, and every object and array is closed. */
void json_end(const struct json *json);
