/*
 * The first program of an ordinary C library: what the start-up code of a libc and one printf need
 * from a kernel.
 *
 * Built statically, with glibc it is `glibc_hello` at Attic's prompt. Prints its arguments and a
 * number with a fraction, for which the library uses the FPU.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("Hello from an ordinary C library: %d argument%s, 22/7 = %.4f\n", argc - 1,
           argc == 2 ? "" : "s", 22 / 7.0);
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    return 0;
}
