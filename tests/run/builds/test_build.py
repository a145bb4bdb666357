"""The build itself, in a copy of the tree: without a warning, in parallel, with nothing outside of build/, and rebuilding exactly what
changed. The compiler is the one under test."""
import json
import os
import re
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from attic.build import ROOT, build_dir, made, source_files
from programs import run

# The variables of `make test` are not meant for these builds, and Python must write to its default places.
NOT_HANDED_ON = ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'BUILD', 'FETCHED', 'T', 'MEM', 'CPU', 'CMDLINE', 'PYTHONPYCACHEPREFIX',
                 'PYTHONDONTWRITEBYTECODE')
FIND_COMPILER = ['scripts/make/find-compiler', '', '-m32', '-idirafter', '/usr/i686-linux-gnu/include']
DONE = '^  [A-Z]+ '  # a line that names a step of the build
COMPILED = re.compile(r'(?:arch|boot|drivers|fs|kernel|lib|mm|tests|user)/.*\.c')
NOT_COMPILED = re.compile(r'(?:tests/(?:fuzz|host|peers|run)|user/linux)/')

Done = namedtuple('Done', 'said status')


class Copy:
    """A copy of the sources, and the first build in it."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
        for name in source_files():
            made((folder / name).parent)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        self.before = self.files()
        self.first = self.make('-j4')
        self.after = self.files()

    def files(self):
        """All files outside of build/."""
        names = (str(path.relative_to(self.folder)) for path in self.folder.rglob('*') if path.is_file())
        return sorted(name for name in names if not name.startswith('build/'))

    def run(self, *command, **more):
        """The output of a program, errors included, and its exit status; `more` are variables of its environment."""
        return Done(*run(*command, cwd=self.folder, env=self.environment | more))

    def make(self, *arguments, **more):
        return self.run('make', '--no-print-directory', *arguments, **more)

    def read(self, name):
        return (self.folder / name).read_bytes().decode(errors='surrogateescape')


@pytest.fixture(scope='module')
def copy():
    folder = build_dir() / 'test copy'  # paths may hold blanks
    shutil.rmtree(folder, ignore_errors=True)
    yield Copy(made(folder))
    shutil.rmtree(folder)


def write_tool(path, text):
    made(path.parent)
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)


def test_first_build(copy, check):
    first = copy.first
    check.equal(first.status, 0, '-j4: builds', re.sub(f'{DONE}.*\n', '', first.said, flags=re.M))
    check.equal(re.findall('^.*warning.*$', first.said, re.M | re.I), [], '-j4: without a warning')
    check.equal(copy.after, copy.before, 'nothing is made outside of build/')
    iso = copy.folder / 'build/attic.iso'
    check.true(iso.exists() and iso.stat().st_size, 'the ISO is there')


def test_made_again(copy, check):
    check.unlike(copy.make().said, DONE, 'nothing to do the second time')
    (copy.folder / 'include/mm/kva/vmalloc.h').touch()
    again = copy.make('-j2')
    check.equal(again.status, 0, 'a touched header: builds', again.said)
    check.like(again.said, r'^  CC mm/kva/vmalloc\.c$', 'its users are made again')
    check.unlike(again.said, r'CC lib/rbtree\.c', 'and the others are not')
    said = copy.make('CMDLINE=lowmem=32M').said
    check.like(said, '^  ISO ', 'another command line: another image')
    check.unlike(said, '^  (?!ISO)', 'and nothing else')


def test_only_what_is_booted(copy, check):
    """What make would do after a change in the kernel: -n shows it, also for the make within make."""
    (copy.folder / 'mm/kva/vmalloc.c').touch()
    for arguments in (['run'], ['check', 'T=vmalloc.*'], ['test', 'T=vmalloc.*']):
        said = copy.make('-n', *arguments).said
        check.like(said, r'-c mm/kva/vmalloc\.c -o build/mm/', f'{" ".join(arguments)}: builds the kernel')
        check.unlike(said, 'build/debug/|attic-lean', f'{" ".join(arguments)}: and no other one')
    check.like(copy.make('-n', 'test', 'T=rooms').said, re.compile('attic-lean.*build/debug/', re.S), 'make test: builds all')


def test_programs(copy, check):
    program, for_tests = copy.folder / 'user/trap.c', copy.folder / 'user/tests/trap.c'
    program.rename(for_tests)
    copy.make('build/program-texts')
    check.unlike(copy.read('build/program-texts'), '^trap ', 'a program that is for tests from now on is shown no more')
    for_tests.rename(program)
    copy.make('build/program-texts', 'build/user/trap', 'build/initramfs.cpio')
    check.like(copy.read('build/program-texts'), '^trap ', 'and again when it is back')


def test_files(copy, check):
    """FILES= with arbitrary names, and all kinds of files."""
    files, archive = made(copy.folder / 'build/its files'), ('FILES=build/its files', 'build/initramfs.cpio')
    odd = "-odd: %name's $1\n"
    write_tool(files / odd, 'true')
    check.like(copy.make(*archive).said, '^  CPIO ', 'FILES=: packed')
    check.true(f'{odd}\0' in copy.read('build/initramfs.cpio'), 'with names of any kind')
    check.unlike(copy.make(*archive).said, DONE, 'and once')
    (files / 'link').symlink_to('hello')
    check.like(copy.make(*archive).said, '^  CPIO ', 'a link comes in: packed again')
    (files / 'broken').symlink_to('nowhere')
    path = copy.environment['PATH']
    write_tool(copy.folder / 'build/tar/tar', f'PATH={path}; tar "$@"; [ $1 != -cf ]')
    failed = copy.make(*archive, PATH=f'{copy.folder}/build/tar:{path}')
    check.true(failed.status, 'a file that cannot be read: no archive without it', failed.said)


# ---- looking for tools: a folder at the head of PATH has some of our own ----

@pytest.fixture
def tools(copy, monkeypatch):
    folder = made(copy.folder / 'build/tools')
    monkeypatch.setattr(copy, 'environment', {name: value for name, value in copy.environment.items() if name not in ('CC', 'CROSS')}
                        | {'PATH': f'{folder}:{copy.environment["PATH"]}'})
    yield folder
    shutil.rmtree(folder)


def test_no_compiler(copy, check):
    failed = copy.make('CC=no-such-cc', 'BUILD=build/none')
    check.true(failed.status, 'a compiler that is not there: make fails')
    check.like(failed.said, 'no-such-cc is missing: it was asked for', 'and says so')
    check.unlike(failed.said, 'gcc-i686-linux-gnu|make setup', 'and does not send anybody to a package')


def test_compiler_that_fails(copy, tools, check):
    real = copy.run(*FIND_COMPILER)
    for name in ('gcc', 'ld'):
        write_tool(tools / f'i686-elf-{name}', 'exit 1')
    check.equal(copy.run(*FIND_COMPILER), real, 'a compiler that is there and fails: not taken')
    check.like(copy.make('CROSS=i686-elf-', 'BUILD=build/none').said, '^attic: i686-elf-gcc does not build for i386',
               'and refused when it is asked for')


def test_setup_is_named(copy, tools, check):
    write_tool(tools / 'clang', 'exit 1')
    check.like(copy.make('CC=clang', 'NASM=no-such-nasm', 'BUILD=build/none').said, "^attic: 'make setup-dev' installs",
               'a clang that is too old: setup-dev has it')
    check.like(copy.make('NASM=no-such-nasm', 'BUILD=build/none').said, "^attic: 'make setup' installs", 'no nasm: setup has it')


@pytest.mark.parametrize('module, package', [('pytest', 'python3-pytest'), ('xdist', 'python3-pytest-xdist'),
                                             ('pytest_timeout', 'python3-pytest-timeout'), ('pexpect', 'python3-pexpect'),
                                             ('jsonschema', 'python3-jsonschema')])
def test_python_modules(module, package, copy, tools, check):
    """The modules that run the tests themselves. Another Python that comes first in PATH is not used."""
    write_tool(tools / 'python3', 'exit 1')
    (tools / f'{module}.py').write_text('raise ImportError\n')
    said, status = copy.run('scripts/make/check-tools', 'test', PYTHONPATH=str(tools))
    check.like(said, f"^attic: Python's {module} is missing for /usr/bin/python3: it is in the package {package}$", f'no {module}: a line')
    check.equal(status, 1, f'no {module}: refused')
    check.like(said, "^attic: 'make setup' installs", f'no {module}: setup has it')
    check.like(copy.read('scripts/setup').partition('dev_packages')[0], rf'\s{package}\s', f'no {module}: and so it does')


def test_setup_and_a_target(copy, tools, check):
    """Set-up that installs a compiler that is preferred to all others."""
    real, setup = copy.run(*FIND_COMPILER)[0].strip(), Path('scripts/setup')
    kept = copy.read(setup)
    write_tool(copy.folder / setup, '\n'.join(
        f"printf '#!/bin/sh\\nexec %s \"$@\"\\n' {real}{name} > '{tools}/i686-elf-{name}'; chmod +x '{tools}/i686-elf-{name}'"
        for name in ('gcc', 'ld', 'objcopy', 'nm')))
    both = copy.make('-j2', 'V=1', 'setup', 'build/lib/rbtree.c.o', 'build/lib/printf.c.o')
    (copy.folder / setup).write_text(kept)
    check.equal(both.status, 0, 'set-up and a target in one call', both.said)
    for name in ('rbtree.c', 'printf.c'):
        check.like(both.said, f'^i686-elf-gcc .* -c lib/{re.escape(name)} ', f'{name}: made by the compiler that set-up has brought')


def test_commands(copy, check):
    said = copy.make('V=1', r'EXTRA_CFLAGS=-DOTHER=\"x\"', 'build/lib/rbtree.c.o', 'compile_commands.json').said
    check.like(said, r'^\S*(?:gcc|clang) .* -DOTHER=.* -c lib/rbtree\.c ', 'V=1 shows whole commands')
    commands = {entry['file']: entry['command'] for entry in json.loads(copy.read('compile_commands.json'))}
    (copy.folder / 'compile_commands.json').unlink()
    check.equal(sorted(commands), [name for name in source_files() if COMPILED.fullmatch(name) and not NOT_COMPILED.match(name)],
                'compile_commands.json has every file')
    check.like(commands['user/hello.c'], r' -Iuser .*-DOTHER=\\"x\\" -c user/hello\.c$', 'with the flags of programs, quotes and all')
    said, status = copy.run('sh', '-c', f'{commands["lib/rbtree.c"]} -fsyntax-only')
    check.equal(status, 0, 'and the commands run', said)
    check.like(copy.make('EXTRA_CFLAGS=-DOTHER', 'build/lib/rbtree.c.o').said, r'^  CC lib/rbtree\.c$', 'other flags: made again')
