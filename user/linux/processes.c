/*
 * Processes through a C library: fork, vfork, execve of itself with arguments and an environment,
 * posix_spawn, all kinds of waiting, pipes between them, what is inherited and what is not.
 *
 * Started with an argument it is the child of itself: `processes exit 5`, `processes echo ...`.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *self;

static int wait_for(pid_t pid)
{
    int status = -1;

    check(waitpid(pid, &status, 0) == pid);
    return status;
}

static void statuses(void)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(300);
    status = wait_for(child);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 300 % 256);
    child = fork();
    if (child == 0)
        raise(SIGKILL);
    status = wait_for(child);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    check(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
    child = fork();
    if (child == 0)
        pause();
    check(waitpid(child, &status, WNOHANG) == 0);
    check(kill(child, SIGTERM) == 0);
    status = wait_for(child);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    check(kill(child, 0) == -1 && errno == ESRCH);
}

static void start_again(void)
{
    char *argv[] = {"a name", "show", "two words", "", NULL};
    char *envp[] = {"A=1", "B=two", NULL};
    pid_t child = fork();

    if (child == 0) {
        execve(self, argv, envp);
        _exit(99);
    }
    check(wait_for(child) == 0);
    child = vfork();
    if (child == 0) {
        execl(self, self, "exit", "5", (char *)NULL);
        _exit(99);
    }
    check(wait_for(child) == 5 << 8);
    check(posix_spawn(&child, self, NULL, NULL, (char *[]){"spawned", "exit", "6", NULL}, envp) ==
          0);
    check(wait_for(child) == 6 << 8);
    check(execl("/nosuch", "nosuch", (char *)NULL) == -1 && errno == ENOENT);
    check(execl("/tmp", "tmp", (char *)NULL) == -1 && errno == EACCES);
}

/* What exec keeps: descriptors without FD_CLOEXEC, ignored signals, the pid. */
static void crossing(void)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        char pid[20];

        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, signal(SIGHUP, SIG_DFL));
        dup2(1, 20);
        dup2(1, 21);
        fcntl(21, F_SETFD, FD_CLOEXEC);
        execl(self, self, "crossed", pid, (char *)NULL);
        _exit(99);
    }
    check(wait_for(child) == 0);
}

static void pipes(void)
{
    int to[2], from[2];
    char line[100];
    pid_t child;
    long total = 0;
    FILE *in;

    check(pipe(to) == 0 && pipe2(from, O_CLOEXEC) == 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        execl(self, self, "double", (char *)NULL);
        _exit(99);
    }
    close(to[0]);
    close(from[1]);
    in = fdopen(from[0], "r");
    for (int i = 0; i < 1000; i++) {
        dprintf(to[1], "%d\n", i);
        check(fgets(line, sizeof(line), in) != NULL);
        total += atol(line);
    }
    close(to[1]);
    check(fgets(line, sizeof(line), in) == NULL && feof(in));
    fclose(in);
    check(wait_for(child) == 0);
    printf("doubled: %ld\n", total);
}

static void broken_pipe(void)
{
    struct pollfd poll_fd;
    int fd[2];

    check(pipe(fd) == 0);
    poll_fd = (struct pollfd){.fd = fd[0], .events = POLLIN};
    check(poll(&poll_fd, 1, 0) == 0);
    check(write(fd[1], "x", 1) == 1 && poll(&poll_fd, 1, -1) == 1 && poll_fd.revents == POLLIN);
    check(fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0 && read(fd[0], &(char){0}, 1) == 1);
    check(read(fd[0], &(char){0}, 1) == -1 && errno == EAGAIN);
    check(lseek(fd[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
    close(fd[0]);
    signal(SIGPIPE, SIG_IGN);
    check(write(fd[1], "x", 1) == -1 && errno == EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close(fd[1]);
}

static void many(void)
{
    int sum = 0, status;

    for (int i = 0; i < 60; i++) {
        if (fork() == 0)
            _exit(i);
    }
    for (int i = 0; i < 60; i++) {
        check(wait(&status) > 0 && WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    printf("sum of the statuses: %d\n", sum);
}

static void environment(void)
{
    struct utsname name;

    check(setenv("ATTIC_TEST", "value", 1) == 0 && strcmp(getenv("ATTIC_TEST"), "value") == 0);
    check(unsetenv("ATTIC_TEST") == 0 && getenv("ATTIC_TEST") == NULL);
    check(getppid() > 0 && getpid() > 0 && getuid() == geteuid() && getgid() == getegid());
    check(uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0);
    check(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_OPEN_MAX) >= 64);
}

/* The same program as a child. */
static int as_child(int argc, char **argv)
{
    if (strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    if (strcmp(argv[1], "crossed") == 0) {
        check(getpid() == atoi(argv[2]));
        check(signal(SIGUSR1, SIG_DFL) == SIG_IGN && signal(SIGUSR2, SIG_DFL) == SIG_DFL);
        check(fcntl(20, F_GETFD) == 0 && fcntl(21, F_GETFD) == -1 && errno == EBADF);
    } else if (strcmp(argv[1], "double") == 0) {
        for (int value; scanf("%d", &value) == 1; fflush(stdout))
            printf("%d\n", 2 * value);
    } else {
        for (int i = 0; i < argc; i++)
            printf("argv[%d] is '%s'\n", i, argv[i]);
        for (char **variable = environ; *variable; variable++)
            printf("%s\n", *variable);
    }
    return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        return as_child(argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    statuses();
    start_again();
    crossing();
    pipes();
    broken_pipe();
    many();
    environment();
    return checks_done("processes");
}
