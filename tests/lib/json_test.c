/*
 * The JSON writer: its output, byte by byte, and calls that are not allowed at their position.
 */
#include <kernel/monitor/ktest.h>
#include <lib/json.h>
#include <lib/string.h>

static char written[512];
static u32 used;
static struct json json;

static void put(void *arg, const char *text, size_t len)
{
    (void)arg;
    len = min(len, sizeof(written) - 1 - used);
    memcpy(written + used, text, len);
    used += len;
    written[used] = '\0';
}

static struct json *begin(void)
{
    used = 0;
    written[0] = '\0';
    json_init(&json, put, NULL);
    return &json;
}

KTEST(json, nested)
{
    json_object(begin(), NULL);
    json_array(&json, "empty");
    json_close(&json);
    json_array(&json, "list");
    json_uint(&json, NULL, 1);
    json_object(&json, NULL);
    json_null(&json, "a");
    json_uint(&json, "b", 2);
    json_close(&json);
    json_object(&json, NULL);
    json_close(&json);
    json_close(&json);
    json_string(&json, "last", "x");
    json_close(&json);
    json_end(&json);
    expect_str_eq(written, "{\"empty\":[],\"list\":[1,{\"a\":null,\"b\":2},{}],\"last\":\"x\"}");
}

KTEST(json, numbers_and_addresses)
{
    json_array(begin(), NULL);
    json_uint(&json, NULL, 0);
    json_uint(&json, NULL, UINT64_MAX);
    json_address(&json, NULL, 0);
    json_address(&json, NULL, 0xc0100000);
    json_address(&json, NULL, 1ull << 32);
    json_close(&json);
    json_end(&json);
    expect_str_eq(written, "[0,18446744073709551615,\"0x00000000\",\"0xc0100000\","
                           "\"0x100000000\"]");
}

KTEST(json, strings_are_escaped)
{
    json_string(begin(), NULL, "a \"b\" \\ /\n\t\x01~\x7f\xc3\xa4");
    json_end(&json);
    expect_str_eq(written, "\"a \\\"b\\\" \\\\ /\\u000a\\u0009\\u0001~\\u007f\\u00c3\\u00a4\"");
    json_string(begin(), NULL, "");
    expect_str_eq(written, "\"\"");
}

/* The last level that is allowed, and the one after it. */
KTEST(json, as_deep_as_it_goes)
{
    begin();
    for (u32 i = 0; i < JSON_DEPTH_MAX; i++)
        json_array(&json, NULL);
    expect_panic(json_array(&json, NULL), "JSON_DEPTH_MAX");
    begin();
    for (u32 i = 0; i < JSON_DEPTH_MAX; i++)
        json_array(&json, NULL);
    for (u32 i = 0; i < JSON_DEPTH_MAX; i++)
        json_close(&json);
    json_end(&json);
    expect_str_eq(written, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
}

KTEST(json, misuse_panics)
{
    json_object(begin(), NULL);
    expect_panic(json_uint(&json, NULL, 1), "key");
    json_array(begin(), NULL);
    expect_panic(json_uint(&json, "key", 1), "key");
    expect_panic(json_uint(begin(), "key", 1), "key");
    expect_panic(json_close(begin()), "depth");
    json_uint(begin(), NULL, 1);
    expect_panic(json_uint(&json, NULL, 2), "done");
    expect_panic(json_end(begin()), "done");
    json_object(begin(), NULL);
    expect_panic(json_end(&json), "depth");
}
