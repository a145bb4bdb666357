"""Debian's busybox for i386, unmodified: many applets and shell constructs on Attic, each compared byte for byte with the output of the
same binary on Linux. Then its shell on the console, as a user uses it.

Fetches busybox if necessary (`make busybox`). tests/run/busybox/cases has the scripts; ATTIC_PIPELINES (60) more are made at random from
tests/run/busybox/pipelines, with the seed ATTIC_SEED, which is part of their names; ATTIC_CASES is a regular expression that selects some
by name: `ATTIC_SEED=1 ATTIC_PIPELINES=500 ATTIC_CASES=pipeline make test T=busybox`.
"""
import os
import random
import re
import shutil
import subprocess
import time
from functools import partial

import pytest

from attic.build import ROOT, boot_image, fetched, made, make, make_initramfs, ran
from attic.machine import PROMPT
from same_as_linux import read_cases, same_as_linux

WORDS = 'apple banana cherry fig elderberry banana date apple grape honeydew'.split()
DATA = {
    'words': ''.join(f'{word}\n' for word in WORDS) + 'a melon, too\n',
    'table': 'ann:x:30:red\nbob:y:4:blue\ncarol:z:120:green\ndave:x:7:red\n',
    'binary': bytes(range(256)) + b'\0\0\0\0abcdef\n',
    'empty': '',
}


@pytest.fixture(scope='module')
def busybox(can_be_had):
    return can_be_had(fetched, 'busybox', 'busybox/busybox')


def put_program(path, text):
    (made(path.parent) / path.name).write_text(text)
    path.chmod(0o755)


# ---- fetching, and the archive ----

def test_that_cannot_be_fetched(tmp_path, check):
    """An apt-get that fetches nothing stands for a machine without a network."""
    put_program(tmp_path / 'bin/apt-get', '#!/bin/sh\nexit 100\n')
    done = ran(ROOT / 'scripts/fetch', 'busybox', tmp_path, env=os.environ | {'PATH': f'{tmp_path}/bin:{os.environ["PATH"]}'},
               stderr=subprocess.PIPE)
    check.true(done.returncode != 0, 'busybox that cannot be fetched: a failure')
    check.like(done.stderr, r'\Abusybox: apt-get cannot fetch busybox-static:i386 [^\n]*network[^\n]*\n\Z', 'and one line that says why')
    check.true(not (tmp_path / 'busybox/busybox').exists(), 'and no half of it')


def test_archive(busybox, tmp_path, check):
    archive, _ = make_initramfs('busybox-archive', busybox=busybox)
    first = archive.read_bytes()
    for file in (busybox, busybox.with_name('applets')):
        shutil.copy(file, tmp_path)
    old = os.umask(0o077)
    try:
        make_initramfs('busybox-archive', busybox=tmp_path / 'busybox')
    finally:
        os.umask(old)
    check.true(archive.read_bytes() == first, 'the archive depends on nothing but its contents')
    listing = ran('cpio', '-tv', '--numeric-uid-gid', '--quiet', '-F', archive).stdout
    for pattern in ('^-rwxr-xr-x +1 0 +0 .* bin/busybox$', '^lrwxrwxrwx +1 0 +0 .* bin/sh -> busybox$',
                    '^lrwxrwxrwx +1 0 +0 .* usr/bin -> ../bin$', '^drwxrwxrwt +2 0 +0 .* tmp$', '^drwx------ .* root$',
                    '^-rw-r--r-- +1 0 +0 .* etc/passwd$', '^drwxr-xr-x +2 0 +0 .* proc$'):
        check.like(listing, pattern, f'the archive has {pattern}')
    check.equal([line for line in listing.splitlines() if not re.match(r'\S+ +\d+ 0 +0 ', line)], [], 'all of root')


def test_archive_with_files(busybox, tmp_path, check):
    """FILES= contains folders where the tree has links to /bin, and a file where it has a link."""
    over, merged = tmp_path / 'over', tmp_path / 'merged'
    for name in ('bin/ls', 'sbin/tool', 'usr/bin/other'):
        put_program(over / name, f'{name}\n')
    over.chmod(0o700)
    missing, done = (ran(ROOT / 'scripts/make/mkinitramfs', tmp_path / f'{tree.name}.cpio', tree,
                         env=os.environ | {'BUSYBOX': str(busybox), 'FILES': str(files)})
                     for tree, files in ((tmp_path / 'no', tmp_path / 'nosuch'), (merged, over)))
    check.true(missing.returncode != 0, 'FILES that are not there: a failure')
    check.equal(done.returncode, 0, 'an archive with FILES', done.stdout)
    check.equal(oct(merged.stat().st_mode & 0o7777), '0o755', 'FILES: the root keeps its rights')
    for name in ('bin/ls', 'sbin/tool', 'usr/bin/other'):
        check.equal((merged / 'bin' / name.rpartition('/')[2]).read_text(), f'{name}\n', f'FILES: {name} is in bin')
    check.true((merged / 'sbin').is_symlink() and (merged / 'usr/bin').is_symlink(), 'FILES: the links stay')
    check.true((merged / 'bin/busybox').read_bytes() == busybox.read_bytes(), 'FILES: busybox stays')


# ---- the same as on Linux ----

FRAMES = ('%s', '%s', '%s', 'x=$(%s); echo "$x"', '(%s); echo $?', '%s > out 2> err; cat out err', 'f() { %s; }; f',
          '%s & wait; echo done', 'if %s; then echo yes; else echo no; fi')


def pipelines(seed, count):
    """Pipelines of one to four filters, some of them in a construct of the shell."""
    chance = random.Random(seed)
    parts = {'source': [], 'filter': []}
    for kind, command in re.findall('^(source|filter) +(.*)', (ROOT / 'tests/run/busybox/pipelines').read_text(), re.M):
        parts[kind].append(command)
    for number in range(1, count + 1):
        source = chance.choice(parts['source'])
        source = '{ ' + (source.replace('\\n', '\n') + '\n}' if '<< END' in source else source + '; }')
        line = ' | '.join([source, *(chance.choice(parts['filter']) for _ in range(chance.randint(1, 4)))])
        line = re.sub('@([NWC])', lambda found: {'N': str(chance.randint(1, 30)), 'W': chance.choice(WORDS),
                                                'C': chance.choice('abcdefghijklmnopqrstuvwxyz')}[found[1]], line)
        framed = chance.choice(FRAMES).replace('%s', line)
        # The order of errors is not fixed.
        yield f'pipeline_{seed}_{number}', f'{{\n{framed}\n}} 2> errors\necho "status $?"\nsort errors\n'


# Some do something even when asked for their usage.
NOT_ASKED = '[ [[ ash echo false halt init linuxrc nuke poweroff reboot resume run-init sh test true busybox'.split()


def usages(busybox):
    """Each applet prints its usage: this tests the start-up of all of them."""
    names = [name for name in busybox.with_name('applets').read_text().split() if name not in NOT_ASKED]
    for i in range(0, len(names), 50):
        yield f'usage_{i // 50}', f'for applet in {" ".join(names[i:i + 50])}; do $applet --help 2>&1; echo "$applet $?"; done\n'


def test_same_as_linux(busybox, check, can_be_had):
    seed = int(os.environ.get('ATTIC_SEED') or time.time())
    cases = read_cases((ROOT / 'tests/run/busybox/cases').read_text())
    check.true(len(cases) > 80, 'the scripts are there', f'{len(cases)} of them')
    cases |= dict(pipelines(seed, int(os.environ.get('ATTIC_PIPELINES') or 60))) | dict(usages(busybox))
    chosen = os.environ.get('ATTIC_CASES') or ''
    cases = {name: script for name, script in cases.items() if re.search(chosen, name)}
    same_as_linux(check, 'busybox', cases, can_be_had, busybox=busybox, data=DATA)


# ---- the shell on the console ----

# On a new line (a line that is edited is drawn again, with the prompt, on the same line); after it the shell may ask the terminal for the
# cursor's position.
SHELL_PROMPT = r'(?<=\n)[~/]\S* # (?:\x1b\[6n)?'


def typed_at(machine, keys):
    """Type a line. Returns what the shell and its programs print up to the next prompt, without the echo of the line."""
    machine.send(keys)
    if not machine.saw(SHELL_PROMPT, 30):
        return str(machine)
    return re.sub(r'\x1b\[\d*[A-Zn]', '', machine.before.partition('\n')[2])


def without_jobs(text):
    return re.sub(r'^\[\d+\].*\n|^Terminated\n', '', text, flags=re.M)


def test_console(busybox, boot, check):
    machine = boot('busybox-console', initramfs=make_initramfs('busybox-console', busybox=busybox)[0], cmdline='init=/bin/sh', silence=30)
    typed = partial(typed_at, machine)
    check.true(machine.saw(SHELL_PROMPT, 30), 'init=/bin/sh: a prompt', machine)
    check.equal(typed('echo hello\n'), 'hello\n', 'a command')
    check.equal(typed('cat /etc/passwd | grep root | wc -l\n'), '1\n', 'a pipeline')
    check.like(typed('ls -l /bin/sh\n'), '^lrwxrwxrwx +1 root +root .* /bin/sh -> busybox$', 'ls -l')
    check.equal(typed('for i in 1 2 3; do echo $((i * i)); done\n'), '1\n4\n9\n', 'a loop')
    check.equal(re.sub('^> .*\n', '', typed('cat << END\none\ntwo\nEND\n'), flags=re.M), 'one\ntwo\n', 'a here-document, line by line')
    check.equal(typed('echo helXX\x7f\x7flo\n'), 'hello\n', 'backspace')
    check.equal(typed('\x1b[A\n'), 'hello\n', 'up: the command before')
    size = len('root:x:0:\nnogroup:x:65534:\n')
    check.equal(typed('wc -c /etc/grou\t\n'), f'{size} /etc/group\n', 'tab completes')
    check.equal(typed('echo lost\x03').removeprefix('\n'), '', 'Ctrl-C drops the line')  # busybox 1.37 prints a line's end more
    check.equal(typed('false\n') + typed('echo $?\n'), '1\n', 'exit status')
    # When the shell executes a line, it has restored the terminal's usual mode.
    machine.send('echo now; cat\n')
    check.true(machine.saw('^now\n', 30), 'cat waits for the terminal', machine)
    machine.send('typed\n')
    check.true(machine.saw('typed\ntyped(?=\n)', 10), 'which echoes, and hands over a line at a time', machine)
    check.equal(typed('\x04'), '', 'Ctrl-D is the end of its input')
    machine.send('echo now; sleep 1000\n')
    machine.expect('^now\n', 30)
    typed('\x03')
    check.equal(typed('echo $?\n'), '130\n', 'Ctrl-C ends what runs in the foreground')
    check.equal(without_jobs(typed('sleep 1000 & sleep 1; kill $!; wait $!; echo status $?\n')), 'status 143\n',
                'a job in the background is killed')
    check.equal(without_jobs(typed('(sleep 1; echo late) & wait; echo end\n')), 'late\nend\n', 'a job is waited for')
    check.equal(typed('cd /tmp; echo one > f; echo two >> f; sort -r f; rm f; ls; cd /\n'), 'two\none\n', 'files')
    check.equal(typed("x=$(echo 'a b' | tr a-z A-Z); echo \"[$x]\"\n"), '[A B]\n', 'command substitution')
    check.like(typed('cat /proc/self/maps\n'), '^[0-9a-f]{8}-[0-9a-f]{8} r-xp .* /bin/busybox$', '/proc/self/maps')
    machine.send('exit\n')
    check.true(machine.saw(PROMPT, 20), 'exit leads to the monitor', machine)
    check.like(machine.run('audit'), 'hold', 'every invariant holds')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)


def test_run_with_init(busybox, check, tmp_path):
    """`make run INIT=/bin/sh` with input from a pipe."""
    iso = boot_image('init=/bin/sh', initramfs=make_initramfs('busybox-console', busybox=busybox)[0])
    done = ran(ROOT / 'scripts/qemu', '--timeout', '60', '--ctrl-d', iso, input='echo $((6 * 7))\n')
    check.equal(done.returncode, 0, 'piped in, it ends by itself', done.stdout)
    check.like(done.stdout, r'^42\r?$', 'and the command was run')
    said = make(f'BUILD={tmp_path}', 'CMDLINE=mem=64M', 'INIT=/bin/sh', f'{tmp_path}/cmdline')
    written = tmp_path / 'cmdline'
    check.equal(written.exists() and written.read_text(), 'mem=64M init=/bin/sh\n', 'INIT= is init= on the command line', said.stdout)
