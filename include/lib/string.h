/*
 * Bytes and strings: functions of the C standard, and Linux's strscpy(). The compiler emits calls
 * of memcpy, memmove, memset and memcmp, so the kernel must have them. Host programs use those of
 * libc.
 */
#pragma once

#include <lib/types.h>
#if __STDC_HOSTED__
#include <string.h>
#endif

void *LIBC_NAME(memcpy)(void *to, const void *from, size_t size);
void *LIBC_NAME(memmove)(void *to, const void *from, size_t size);
void *LIBC_NAME(memset)(void *to, int byte, size_t size);
int LIBC_NAME(memcmp)(const void *a, const void *b, size_t size);
void *LIBC_NAME(memchr)(const void *s, int byte, size_t size);

size_t LIBC_NAME(strlen)(const char *s);
size_t LIBC_NAME(strnlen)(const char *s, size_t max);
int LIBC_NAME(strcmp)(const char *a, const char *b);
int LIBC_NAME(strncmp)(const char *a, const char *b, size_t max);
char *LIBC_NAME(strchr)(const char *s, int c);
char *LIBC_NAME(strrchr)(const char *s, int c);
char *LIBC_NAME(strstr)(const char *s, const char *find);

/*
 * Copy a string into `size` bytes, cut to fit, always ended with 0 (when size is not 0). Its
 * length, or -E2BIG when it was cut or size is 0.
 */
long strscpy(char *to, const char *from, size_t size);
