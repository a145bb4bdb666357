"""The Linux with which Attic is compared: this machine's, if it runs i386 programs (build.runs_i386), otherwise Debian's i386 kernel in
QEMU, which is fetched if necessary (`make linux`).

    archive, tree = script_tree('some', busybox=path, cases={'echo_1': 'echo 1\\n'}, data={'words': text}, programs={'test': path})
    scripts_on_linux('some', archive, tree)['echo_1']        # Result(output='1\\n', status=0)
    programs_on_linux('some', {'hello': [path, 'argument']})

A tree holds busybox, the scripts and their data; tests/run/busybox/run executes the scripts, on Attic too. On this machine's Linux a copy
of the tree is the root, on a separate tmpfs in a mount namespace; if that is not allowed, not even in a user namespace, QEMU is used. A
program needs no tree on this machine.

Scripts that did not end on Linux are missing in the results; without any Linux CannotBeHad is raised.
"""
import os
import re
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from attic.build import ROOT, fetched, log_dir, made, make_initramfs, runs_i386
from attic.machine import Machine

SECONDS = 600           # all scripts
PROGRAM_SECONDS = 120
SILENCE = 120           # a script in QEMU
# no_timer_check: a timer that is late because the host is busy is not broken.
COMMAND_LINE = 'console=ttyS0 loglevel=1 panic=-1 mitigations=off no_timer_check rdinit=/init.linux'

# The environment of all scripts and programs.
ENVIRONMENT = ['env', '-i', 'HOME=/root', 'TERM=linux', 'USER=root']

# A root on a tmpfs, as on this machine's Linux, and in it what the kernel provides in Attic: devices, /proc, a controlling terminal.
INIT_LINUX = '''#!/bin/sh
set -- /*
mkdir /new
mount -t tmpfs -o mode=755 attic /new
cp -a "$@" /new
mount -t devtmpfs devices /new/dev
mkdir /new/dev/pts
mount -t devpts -o ptmxmode=666 terminals /new/dev/pts
mount -t proc proc /new/proc
setsid -c chroot /new /init.test < /new/dev/ttyS0 > /new/dev/ttyS0 2>&1
poweroff -f
'''

OWN_ROOT = '''
tree=$1 root=$2
shift 2
mount -t tmpfs -o mode=755 attic "$root" && cp -a "$tree/." "$root" && mount --rbind /proc "$root/proc" || exit
for device in null zero urandom tty; do
    : > "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || exit
done
PATH=$PATH:/usr/sbin:/sbin
exec "$@" chroot "$root" /init.test
'''

Result = namedtuple('Result', 'output status')
NOT_ENDED = Result('Linux did not end it', None)


def script_tree(name, *, cases, busybox, data=None, programs=None):
    """An initramfs with scripts by name, texts or bytes by name that they read, and programs for the root: archive and folder."""
    files = {
        'init.linux': INIT_LINUX,
        'init.test': f'#!/bin/sh\ncd /test\nexec {" ".join(ENVIRONMENT)} PATH=/bin /bin/sh ./run\n',
        'test/run': (ROOT / 'tests/run/busybox/run').read_text(),
        'test/order': ''.join(f'{case}\n' for case in cases),
        **{f'test/data/{file}': content for file, content in (data or {}).items()},
        **{f'test/cases/{case}': script for case, script in cases.items()},
    }
    return make_initramfs(name, busybox=busybox, programs=programs, files=files)


def results(output):
    """The output of `run`, by script."""
    found = re.findall(r'^@begin (\w+)\n(.*?)@end \1 (\d+)\n', output, re.M | re.S)
    return {name: Result(printed, int(status)) for name, printed, status in found}


def scripts_on_linux(name, archive, tree):
    output = in_own_root(name, tree) if runs_i386() else None
    return results(in_qemu(name, archive) if output is None else output)


def programs_on_linux(name, commands):
    """Run each program separately, without input."""
    if runs_i386():
        with tempfile.TemporaryDirectory(prefix='attic-linux-') as folder:
            return {key: run_program(name, Path(folder) / key, *command) for key, command in commands.items()}
    programs = {key: command[0] for key, command in commands.items()}
    cases = {key: ' '.join(map(str, [f'exec /{key}', *command[1:]])) + '\n' for key, command in sorted(commands.items())}
    tree = script_tree(f'{name}-linux', busybox=fetched('busybox', 'busybox/busybox'), programs=programs, cases=cases)
    return scripts_on_linux(name, *tree)


# ---- this machine's ----

def run_program(name, link, path, *arguments):
    """Run it through a link, because a program may write its path after #!, where blanks are not allowed."""
    link.symlink_to(path)
    output, status = ask(name, PROGRAM_SECONDS, *ENVIRONMENT, 'sh', '-c', 'exec "$@" 2>&1', 'sh', link, *arguments)
    return Result(output, status)


def in_own_root(name, tree):
    """Run as root in a separate tree; None if that is not possible."""
    root = made(tree.parent / 'linux')
    setarch = ['setarch', 'i686']  # makes a process see a 32-bit machine, if that is allowed
    if subprocess.run([*setarch, 'true'], stderr=subprocess.DEVNULL).returncode:
        setarch = []
    for options in ([[]] if os.geteuid() == 0 else []) + [['--map-root-user']]:
        output, _ = ask(name, SECONDS, 'unshare', '--mount', *options, 'sh', '-c', OWN_ROOT, 'sh', tree, root, *setarch)
        if re.search('^@begin ', output, re.M):
            return output
    return None


def ask(name, seconds, *command):
    """Returns the standard output of a command, and its exit status. It gets a separate session: otherwise the first process of a container
    may be in ours, and a process group is orphaned only if no parent is in its session. The output goes through a file, because a process
    that is left behind would keep a pipe open for ever."""
    with tempfile.TemporaryFile(dir=log_dir()) as out, open(log_dir() / f'{name}-linux.stderr', 'wb') as errors:
        status = subprocess.run(['setsid', '--wait', 'timeout', '-k', '5', str(seconds), *map(str, command)],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=errors).returncode
        out.seek(0)
        return out.read().decode('utf-8', 'surrogateescape'), status if status >= 0 else 128 - status


# ---- Debian's, in QEMU ----

def in_qemu(name, archive):
    """The output of the scripts of the archive."""
    with Machine(f'{name}-linux', kernel=fetched('linux', 'linux/vmlinuz'), initramfs=archive, cmdline=COMMAND_LINE, mem='512M',
                 timeout=SECONDS, silence=SILENCE) as machine:
        machine.saw('^@done$')
        return machine.output
