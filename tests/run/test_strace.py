"""strace=1: a line for each system call, as strace prints it on Linux. The lines here are those of strace 6.1 for the same programs, except
for the pid and for values that depend on the machine, for which * stands. Blanks bring the "=" to column 40."""
import re

from attic.machine import PROMPT

# By program: the calls that it makes.
CALLS = {
    'file_test places': """
open("places", O_RDWR|O_CREAT|O_TRUNC, 0600) = 3
write(3, "0123456789", 10) = 10
read(3, "3", 1) = 1
lseek(3, -9, SEEK_CUR) = -1 EINVAL (Invalid argument)
_llseek(3, 4294967301, [4294967301], SEEK_SET) = 0
stat64("places", {st_mode=S_IFREG|0600, st_size=21, ...}) = 0
pread64(3, "\\0", 1, 15) = 1
pread64(3, *, 1, -1) = -1 EINVAL (Invalid argument)
exit_group(0) = ?
""",
    'file_test close_on_exec_flag': """
openat(AT_FDCWD, "/", O_RDONLY|O_CLOEXEC) = 3
fcntl64(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)
fcntl64(3, F_SETFD, 0) = 0
fcntl64(3, F_DUPFD_CLOEXEC, 20) = 20
dup3(3, 30, O_CLOEXEC) = 30
""",
    'poll_test poll_tells': """
pipe2([3, 4], 0) = 0
poll([{fd=4, events=POLLIN|POLLOUT}], 1, 0) = 1 ([{fd=4, revents=POLLOUT}])
poll([{fd=3, events=POLLIN|POLLOUT}], 1, 0) = 0 (Timeout)
close(4) = 0
poll([{fd=999, events=POLLIN}], 1, 0) = 1 ([{fd=999, revents=POLLNVAL}])
""",
    'misc_test priorities': """
getpriority(PRIO_PROCESS, 0) = 20
fork() = *
wait4(*, [{WIFEXITED(s) && WEXITSTATUS(s) == 1}], 0, NULL) = *
""",
    'syscall_test': """
syscall_0xffffffff(0x1, *, 0, *, *, *) = -1 ENOSYS (Function not implemented)
writev(1, [{iov_base="", iov_len=0}, {iov_base=NULL, iov_len=0}], 2) = 0
nanosleep({tv_sec=0, tv_nsec=20000000}, NULL) = 0
write(1, NULL, 16) = -1 EFAULT (Bad address)
""",
}


def test_strace(boot, check):
    machine = boot('strace', cmdline='strace=1')
    check.true(machine.saw(PROMPT), 'boots', machine)
    for program, lines in CALLS.items():
        said = machine.run(f'run {program}')
        for line in lines.strip().splitlines():
            call, result = (re.escape(part).replace(r'\*', r'\S+') for part in re.fullmatch(r'(.*\)) = (.*)', line).groups())
            check.like(said, rf'^\[pid +\d+\] {call} += {result}$', line)
    check.like(machine.run('run hello'), r'^(?=.{40}= \?$)\[pid +\d+\] exit_group\(0\) +', 'the "=" is in column 40')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)
