"""The scripts around the kernel: how scripts/test handles its pattern and a failure, and that scripts/debug leaves nothing behind in any
case. And what the kernel's sources must not contain."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from attic import qemu
from attic.build import ROOT, build_dir, made
from programs import run, run_make

# ---- scripts/test, in a folder with tests of our own ----

# The parts of a test run that are not tests
RUNNER = ('scripts/test', 'scripts/attic', 'pytest.ini', 'tests/run/conftest.py', 'tests/run/lib/points.py')
HERE = ('-j', '0')  # in one process, which starts faster

TESTS = {
    'good': 'def test_one():\n    pass\n',
    'bad': "def test_two(check):\n    check.true(True, 'that one')\n    check.equal(2, 3, 'this one', 'because')\n",
    'skips': "def test_three(check):\n    check.true(True, 'a point')\n    check.skip('3.5G: suite.one', 'no card')\n"
             "    check.skip('other', 'no card: none at all')\n",
    'none': "import pytest\n\ndef test_none():\n    pytest.skip('no network')\n",
    'seconds': 'def test_seconds():\n    pass\n',
    'machines/machines': "import os\n\ndef test_ktest(check):\n    check.true(True, f'glob {os.environ.get(\"KTEST\")}')\n",
}

# Failures without a failed point; the first two end one of several processes.
BROKEN = {
    'dies': ('import os\n\ndef test_first():\n    pass\n\ndef test_dies():\n    os._exit(3)\n',
             r"^worker 'gw\d' crashed while running 'tests/run/test_dies.py::test_dies'$"),
    'killed': ('import os\n\ndef test_first():\n    pass\n\ndef test_killed():\n    os.kill(os.getpid(), 9)\n',
               r"^worker 'gw\d' crashed while running 'tests/run/test_killed.py::test_killed'$"),
    'stops': ("def test_stops(check):\n    check.true(True, 'a point')\n    raise ValueError('half way')\n", '^E +ValueError: half way$'),
    'late': ("import pytest\n\n@pytest.fixture\ndef thing():\n    yield\n    raise ValueError('at its end')\n\n"
             "def test_late(thing, check):\n    check.true(True, 'a point')\n", '^E +ValueError: at its end$'),
}


class Runner:
    def __init__(self, folder):
        self.folder = folder
        for name in RUNNER:
            made((folder / name).parent)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        made(folder / 'tests/mm')
        (folder / 'tests/mm/some.c').write_text('KTEST(suite, one)\n{\n}\nKTEST_SLOW(suite, long)\n{\n}\n')
        for name, text in TESTS.items():
            self.write(name, text)

    def write(self, name, text):
        where, _, name = name.rpartition('/')
        (made(self.folder / 'tests/run' / where) / f'test_{name}.py').write_text(text)

    def test(self, pattern, *options):
        """The output of scripts/test, and its exit status."""
        environment = {name: value for name, value in os.environ.items()
                       if not re.match(r'PYTEST_|(?:KTEST|BUILD|PYTHONPYCACHEPREFIX)$', name)}
        return run(sys.executable, self.folder / 'scripts/test', *options, pattern, env=environment)

    def points(self):
        """Names of the points of the last run."""
        return [json.loads(line)['point'] for line in (self.folder / 'build/test-logs/points.jsonl').read_text().splitlines()]


@pytest.fixture(scope='module')
def runner(tmp_path_factory):
    return Runner(tmp_path_factory.mktemp('tools'))


@pytest.mark.parametrize('pattern', ['good', 'test_good.py', 'tests/run/test_good.py', 'g??d', 'seconds', 'good::test_one'])
def test_pattern(pattern, runner, check):
    said, status = runner.test(pattern, *HERE)
    check.equal(status, 0, f'T={pattern}: passes', said)
    check.like(said, r'^1 passed, 0 failed\n\Z', f'T={pattern}: one file')


def test_point(runner, check):
    runner.test('that one', *HERE)
    check.equal(runner.points(), ['that one', 'this one'], 'T=that one: the test that has this point')


@pytest.mark.parametrize('pattern', ['suite.one', 'suite.long', 'suite.*', 's[tu]ite.?ne', '*.one'])
def test_in_kernel_pattern(pattern, runner, check):
    said, _ = runner.test(pattern, *HERE)
    check.like(said, re.compile(r'^machines::test_ktest +1 passed.*^1 passed, 0 failed\n\Z', re.M | re.S), f'T={pattern}: in the kernel')
    check.equal(runner.points(), [f'glob {pattern}'], f'T={pattern}: it has the glob')


@pytest.mark.parametrize('pattern', ['nosuch', 'test_nosuch.py', 'suite.two', 'suite', 'nosuch::test_one'])
def test_pattern_of_nothing(pattern, runner, check):
    said, status = runner.test(pattern)
    check.true(status, f'T={pattern}: fails')
    check.like(said, rf"\Atest: '{re.escape(pattern)}' is neither .*\n0 passed, 1 failed\n\Z", f'T={pattern}: one line says why')


@pytest.mark.parametrize('pattern, wanted', [('suite.*', 'booted'), ('good', 'all debug libc'), ('', 'all debug libc')])
def test_needs(pattern, wanted, runner, check):
    check.equal(runner.test(pattern, '--needs'), (f'{wanted}\n', 0), f'T={pattern}: make builds {wanted}, and no test is run')


def test_needs_of_nothing(runner, check):
    said, status = runner.test('nosuch', '--needs')
    check.like(said, r"\Atest: 'nosuch' is neither ", 'T=nosuch: what is asked for first says why')
    check.true(status, 'and make builds nothing')


def test_test_that_there_is_not(runner, check):
    said, _ = runner.test('bad::test_three', *HERE)
    check.like(said, r"^test: 'bad::test_three' has chosen nothing that runs\n.*\n0 passed, 1 failed\n\Z",
               'a test that a file has not: one line says so')


def test_skips(runner, check):
    said, _ = runner.test('skips none')
    check.like(said, r'^not run:\n  no card \(skips: 1\)\n  no card: none at all \(skips: 1\)\n  no network \(none: 1\)\n'
               r'1 passed, 0 failed\n\Z', 'what was not run is listed, and does not count')
    said, status = runner.test('none', *HERE)
    check.equal(status, 1, 'nothing run: fails', said)


@pytest.mark.parametrize('pattern, passed', [('bad', 1), ('', 5)])
def test_failure(pattern, passed, runner, check):
    said, status = runner.test(pattern)
    check.equal(status, 1, f'T={pattern} with a failure: fails', said)
    check.like(said, r"^this one\nexpected: 3\nfound:    2\nbecause\nat: \S*test_bad\.py:\d+\n"
               r"again: make test T='bad::test_two'$",
               f'T={pattern} with a failure: the summary names it')
    check.unlike(said, 'Traceback|INTERNALERROR|[Ww]arning', f"T={pattern} with a failure: no trouble of Python's")
    check.like(said, rf'^{passed} passed, 1 failed\n\Z', f'T={pattern} with a failure: counts')


@pytest.mark.parametrize('name', BROKEN)
def test_broken(name, runner, check):
    """A failure without a failed point, and with a point that has passed."""
    text, reason = BROKEN[name]
    runner.write(name, text)
    said, status = runner.test(name, *([] if name in ('dies', 'killed') else HERE))
    (runner.folder / f'tests/run/test_{name}.py').unlink()
    check.equal(status, 1, f'T={name}: fails', said)
    check.like(said, re.compile(rf'{reason}.*^1 passed, 1 failed\n\Z', re.M | re.S), f'T={name}: counts, with the reason')


# ---- the window of `make run DISPLAY=`, with a QEMU that only says how it was called ----

FAKE_QEMU = r"""#!/bin/sh
case "$*" in
--version) echo 'QEMU emulator version 8.0.0' ;;
'-display help') printf 'Available display backend types:\nnone\ngtk\ncurses\n\nSome names are left out.\n' ;;
*) echo "DISPLAY=${DISPLAY-unset} $*" ;;
esac
"""

# DISPLAY in the environment, which is X's, the variable of make, and the resulting option of QEMU.
WINDOWS = [
    (':0', '', ':0 none'), (None, '', 'unset none'), ('gtk', '', 'gtk none'),
    (':0', 'DISPLAY=gtk', ':0 gtk'), (None, 'DISPLAY=gtk,zoom-to-fit=on', 'unset gtk,zoom-to-fit=on'),
    (':0', 'DISPLAY=vnc=:1', ':0 vnc=:1'), (':0', 'DISPLAY=:3', ':3 none'),
    (None, 'DISPLAY=host.example:10.0', 'host.example:10.0 none'), (':0', 'DISPLAY=', ':0 none'),
]


def test_windows(tmp_path, monkeypatch, check):
    fake = tmp_path / 'qemu'
    fake.write_text(FAKE_QEMU)
    fake.chmod(0o755)
    monkeypatch.setenv('QEMU', str(fake))

    def make_run(of_x, variable):
        monkeypatch.delenv('DISPLAY', raising=False)
        if of_x:
            monkeypatch.setenv('DISPLAY', of_x)
        return run_make('run', *filter(None, [variable]))[0]
    for of_x, variable, wanted in WINDOWS:
        said = make_run(of_x, variable)
        found = re.search(r'^DISPLAY=(\S*) .*-display (\S+)', said, re.M)
        check.equal(found and ' '.join(found.groups()), wanted, f'X has {of_x or "none"}, make run {variable}', said)
    check.like(make_run(':0', 'DISPLAY=curses'), '-display curses -serial vc .*-monitor vc',
               'curses has this terminal for the screen alone')
    check.like(make_run(':0', 'DISPLAY=sdl'), "^scripts/qemu: this QEMU has no display 'sdl', only: none gtk curses;",
               'a window that QEMU does not have: one line says so')


# ---- time-outs do not count what others have of the processor ----

def busy(seconds):
    """A process that uses so many seconds of one processor, the same one for all, and does not outlive this one."""
    processor = str(min(os.sched_getaffinity(0)))
    work = f'import time\nwhile time.process_time() < {seconds}: pass'
    return subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', 'taskset', '-c', processor, sys.executable, '-c', work])


def test_busy_host(check):
    """Four processes share a processor; each gets a quarter of it."""
    needs_a_second, needs_more = 'one that needs a second of two is not ended', 'one that needs more is'
    if not Path('/proc/self/schedstat').exists():
        for point in (needs_a_second, needs_more):
            check.skip(point, 'the host does not tell how long a process waits for a processor')
        return
    others = [busy(1000) for _ in range(3)]
    try:
        check.true(not qemu.wait_for(busy(1), 2), needs_a_second)
        check.true(qemu.wait_for(busy(1000), 2), needs_more)
    finally:
        for process in others:
            process.kill()
            process.wait()


def processes(port):
    """Command lines that have the port in them: QEMU and gdb."""
    found = []
    for file in Path('/proc').glob('[0-9]*/cmdline'):
        with suppress(OSError):  # it has ended
            found.append(file.read_bytes().replace(b'\0', b' ').decode(errors='replace'))
    return [line for line in found if re.search(rf':{port}\b', line)]


def wait_until(condition):
    """Wait until the condition is true; the limit is only for conditions that never become true."""
    until = time.monotonic() + 180
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize('name', ['SIGHUP', 'SIGTERM'])
def test_debug(name, tmp_path, check):
    port, log = 20000 + os.getpid() % 20000, tmp_path / 'debug.log'
    with (open(log, 'wb') as out, tempfile.TemporaryDirectory(prefix='attic-tools-') as folder,
          subprocess.Popen([ROOT / 'scripts/debug', build_dir() / 'debug', str(port)], env=os.environ | {'TMPDIR': folder},
                           stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True) as process):
        check.true(wait_until(lambda: '_start () at' in log.read_text(errors='replace')), f'{name}: gdb stands at _start', log.read_text())
        check.true(processes(port), f'{name}: QEMU runs')
        process.send_signal(signal.Signals[name])
        if not check.true(wait_until(lambda: process.poll() is not None), f'{name}: scripts/debug ends'):
            process.kill()
        check.true(wait_until(lambda: not processes(port)), f'{name}: no QEMU is left', processes(port))
        check.equal(list(Path(folder).glob('attic-*')), [], f'{name}: no folder is left')


def check_ended_from_outside(name, check):
    with subprocess.Popen([ROOT / 'scripts/qemu', build_dir() / 'attic.iso'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("Attic's monitor"):
                break
        process.send_signal(signal.Signals[name])
        said = process.stderr.read()  # communicate() would end the input, and so the machine
    check.equal(process.returncode, 128 + signal.Signals[name], f'{name}: status')
    check.equal(said.splitlines()[-1:], [f'qemu: ended by {name}'], f'{name}: the last line')


@pytest.mark.parametrize('name', ['SIGINT', 'SIGTERM'])
def test_qemu_ended_from_outside(name, check):
    """That is not a triple fault, though QEMU ends with the status of one."""
    check_ended_from_outside(name, check)


def test_qemu_crashes_at_its_end(tmp_path, monkeypatch, check):
    """QEMU 10 does so now and then. What has ended the run is still the signal."""
    fake = tmp_path / 'qemu'
    fake.write_text("""#!/bin/sh
trap 'kill -SEGV $$' TERM
echo "Attic's monitor"
while :; do sleep 0.1; done
""")
    fake.chmod(0o755)
    monkeypatch.setenv('QEMU', str(fake))
    check_ended_from_outside('SIGTERM', check)


def test_structures_for_programs(check):
    """A structure that is copied from the stack to user memory has gaps with old contents of the stack: copy_object_to_user() clears
    them."""
    raw = re.compile(r'\bcopy_to_user\([^;{]*?&[^,;{]+,\s*sizeof\((?!struct old_utsname)[^;{]*')
    files = [file for folder in ('kernel', 'fs', 'drivers', 'mm') for file in sorted((ROOT / folder).rglob('*.c'))]
    found = [f'{file}: {match}' for file in files for match in raw.findall(file.read_text())]
    check.equal(found, [], 'structures go to programs by copy_object_to_user() alone')
