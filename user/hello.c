/* The smallest program worth running: says who it is. */
#include "lib/attic.h"

int main(int argc, char *argv[])
{
    print("%s[%d]: hello from ring 3\n", argv[0], (int)sys_getpid());
    for (int i = 1; i < argc; i++)
        print("%s[%d]: argument %d is \"%s\"\n", argv[0], (int)sys_getpid(), i, argv[i]);
    return 0;
}
