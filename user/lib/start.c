/* From the stack that the kernel made to main(), and from main() back to the kernel. */
#include "attic.h"

const struct start_frame *start_frame;

void program_start(const struct start_frame *frame) __attribute__((noreturn));

void program_start(const struct start_frame *frame)
{
    start_frame = frame;
    sys_exit(main(frame->argc, (char **)frame->argv));
}
