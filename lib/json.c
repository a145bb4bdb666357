/*
 * A writer of JSON.
 *
 * The only state is one bit per level for "is an array" and one for "has an element, so the next
 * one needs a comma". So a text of any length can be sent as it is generated, by code that may not
 * allocate. The text is well formed, or the kernel panics: otherwise a missing bracket would only
 * be found later, by the reader.
 *
 * Limits: JSON_DEPTH_MAX levels; numbers are unsigned integers with all digits (a reader that uses
 * doubles is exact up to 2^53). Keys are constants of the caller and are not escaped.
 *
 * Neighbours: kernel/view/snapshot.c uses it; tests/host/lib_test.c tests it. Source: RFC 8259.
 */
#include <lib/json.h>
#include <lib/panic.h>
#include <lib/string.h>

static void put_text(struct json *json, const char *text)
{
    json->put(json->arg, text, strlen(text));
}

static void __printf(2, 3) put_format(struct json *json, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vformat(json->put, json->arg, fmt, args);
    va_end(args);
}

/* Write the text before a value: a comma if it is not the first, and its key. */
static void begin_value(struct json *json, const char *key)
{
    u32 level = 1u << json->depth >> 1; /* the bit of the open level; 0 at the top */
    bool in_object = level && !(json->arrays & level);

    assert_op(key != NULL, ==, in_object);
    assert(level || !json->done);
    json->done |= level == 0;
    if (json->filled & level)
        put_text(json, ",");
    json->filled |= level;
    if (key)
        put_format(json, "\"%s\":", key);
}

static void open_level(struct json *json, const char *key, bool array)
{
    u32 level = 1u << json->depth;

    begin_value(json, key);
    assert_op(json->depth, <, JSON_DEPTH_MAX);
    json->arrays = array ? json->arrays | level : json->arrays & ~level;
    json->filled &= ~level;
    json->depth++;
    put_text(json, array ? "[" : "{");
}

void json_init(struct json *json, format_put_t put, void *arg)
{
    *json = (struct json){.put = put, .arg = arg};
}

void json_object(struct json *json, const char *key)
{
    open_level(json, key, false);
}

void json_array(struct json *json, const char *key)
{
    open_level(json, key, true);
}

void json_close(struct json *json)
{
    assert_op(json->depth, >, 0);
    json->depth--;
    put_text(json, json->arrays >> json->depth & 1 ? "]" : "}");
}

void json_uint(struct json *json, const char *key, u64 value)
{
    begin_value(json, key);
    put_format(json, "%llu", (unsigned long long)value);
}

void json_null(struct json *json, const char *key)
{
    begin_value(json, key);
    put_text(json, "null");
}

static bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

void json_string(struct json *json, const char *key, const char *text)
{
    begin_value(json, key);
    put_text(json, "\"");
    while (*text) {
        size_t plain = 0;

        while (is_plain(text[plain]))
            plain++;
        json->put(json->arg, text, plain);
        text += plain;
        if (*text == '"' || *text == '\\')
            put_format(json, "\\%c", *text++);
        else if (*text)
            put_format(json, "\\u%04x", (u8)*text++);
    }
    put_text(json, "\"");
}

void json_address(struct json *json, const char *key, u64 addr)
{
    begin_value(json, key);
    put_format(json, "\"0x%08llx\"", (unsigned long long)addr);
}

void json_end(const struct json *json)
{
    assert_op(json->depth, ==, 0);
    assert(json->done);
}
