/* From the initial stack that the kernel built to main(), and from main() back to the kernel. */
#include "attic.h"

/* With as many parameters as the program declares; the caller cleans up the stack. */
int main(int argc, char *argv[], char *envp[]);

const struct start_frame *start_frame;
char **environ;

void program_start(const struct start_frame *frame) __attribute__((noreturn));

void program_start(const struct start_frame *frame)
{
    start_frame = frame;
    environ = (char **)frame->argv + frame->argc + 1;
    sys_exit(main(frame->argc, (char **)frame->argv, environ));
}
