/* Ends at once with the given exit status: `status 42`. */
#include "lib/attic.h"

int main(int argc, char *argv[])
{
    uint32_t status;

    if (argc == 2 && parse_number(argv[1], &status))
        return status;
    print("usage: status NUMBER\n");
    return 2;
}
