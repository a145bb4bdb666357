"""The sample program, tests and mutant in docs/programs.md and docs/tests.md: copied from there into a copy of the tree, they are built and
run, and the tests of the tree pass as before. The copy shares what is built: only new files are compiled."""
import os
import re
import shutil
import sys
from collections import namedtuple

import pytest

from attic.build import ROOT, build_dir, compiler, made, source_files, with_make
from attic.changes import copy_objects
from programs import run

NAME = 'sample'
PROGRAM, SELF_TEST, MACHINE_TEST = (('docs/programs.md', 'c'), ('docs/tests.md', 'c'), ('docs/tests.md', 'python'))

MUTANT = 'vzalloc-dirty'

Sample = namedtuple('Sample', 'path text')


def sample(document, language):
    """The first block in that language, and its file name: the last one before it that contains NAME."""
    before, _, rest = (ROOT / document).read_text().partition(f'```{language}\n')
    path = re.findall('`([a-z/]+/[a-z_]*NAME[a-z_]*[.][a-z]+)`', before)[-1]
    return Sample(path.replace('NAME', NAME), rest.partition('```\n')[0])


class Copy:
    """A copy of the tree with all samples, and of its build."""

    def __init__(self, folder):
        self.folder, self.build = folder, made(folder / 'build')
        for name in source_files():
            made((folder / name).parent)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        copy_objects(build_dir(), self.build, changed=())
        self.share_what_is_built()
        for document, language in (PROGRAM, SELF_TEST, MACHINE_TEST):
            path, text = sample(document, language)
            (folder / path).write_text(text)

    def share_what_is_built(self):
        """make compares the flags, which name the folder of the sources and must not differ otherwise."""
        flags = self.build / 'flags'
        assert self.make('build/flags')[1] == 0
        now, before = (re.sub('-ffile-prefix-map=[^"]*', '', file.read_text()) for file in (flags, build_dir() / 'flags'))
        assert now == before, 'the flags are those of the build'
        os.utime(flags, (0, 0))

    def run(self, *command, **options):
        with with_make() as environment:
            environment = {name: value for name, value in environment.items()
                           if not re.match(r'PYTEST_|(?:KTEST|BUILD|FETCHED|ATTIC_POINTS)$', name)}
            return run(*command, cwd=self.folder, env=environment, **options)

    def make(self, *arguments, **options):
        return self.run('make', '--no-print-directory', 'BUILD=build', 'FETCHED=build', *compiler(), *arguments, **options)


@pytest.fixture(scope='module')
def copy():
    folder = build_dir() / 'samples'
    shutil.rmtree(folder, ignore_errors=True)
    yield Copy(folder)
    shutil.rmtree(folder)


def test_program(copy, check):
    path, text = sample(*PROGRAM)
    said, status = copy.make('run', input=f'programs\nrun {NAME} one two three\n')
    check.equal(status, 0, 'builds and boots', said)
    compiled = re.findall(r'^  CC (.*)', said, re.M)
    check.equal(sorted(compiled), sorted([path, sample(*SELF_TEST).path]), 'nothing but what is new is compiled')
    check.like(said, rf'^{NAME} +{re.search("/[*] (.*)[.] [*]/", text)[1]}$', '`programs` says what the program is for')
    check.like(said, rf'^{NAME}: 3 words\n{NAME}\[\d+\]: exit status 0', 'and it runs')


def test_self_test(copy, check):
    name = '.'.join(re.search(r'^KTEST\((\w+), (\w+)\)', sample(*SELF_TEST).text, re.M).groups())
    said, status = copy.make('check', f'T={name}')
    check.like(said, r'^1 passed, 0 failed\n\Z', 'make check: passes')
    check.equal(status, 0, 'with status 0', said)


def test_mutant(copy, check):
    """It is killed; one without a defect is reported as a survivor. One that passes the test that it names, or does not compile, is reported."""
    text = (ROOT / 'docs/tests.md').read_text().partition('```text\n')[2].partition('```\n')[0]
    check.equal(text, (ROOT / 'tests/mutants/kva' / MUTANT).read_text(), 'the document shows the file')
    changes = {MUTANT: 'return memory;', 'harmless': 'return memory ? memset(memory, 0, size) : memory;', 'nonsense': 'return nonsense;'}
    for name, change in changes.items():
        (copy.folder / 'tests/mutants/kva' / name).write_text(text.replace(changes[MUTANT], change))
    (copy.folder / 'tests/mutants/kva/stale').write_text(re.sub('^Test: .*', 'Test: pid.*', text, flags=re.M))
    said, status = copy.run('scripts/mutants', '--tests', 'vmalloc.*', MUTANT, 'harmless', 'nonsense', 'stale')
    check.like(said, rf'^{MUTANT} +vmalloc\.\w+ +\d+\.\d s$', 'the defect of the document is found, by a test with a name')
    check.like(said, r'^harmless +SURVIVED +\d+\.\d s$', 'a change that is no defect survives')
    check.like(said, r"^nonsense: it cannot be built:\n(?:.*\n)*.*undeclared", 'a mutant that cannot be built is none')
    check.like(said, r'^stale +vmalloc\.\w+ +\d+\.\d s, passes pid\.\*$', 'one that passes the test that it names is killed by another')
    check.like(said, r'^survived: harmless\nname a test that they pass: stale\nnot built: nonsense\n4 mutants, 2 killed, 1 survived, ',
               'all of this once more at the end')
    check.equal(status, 1, 'with status 1')


def test_all_that_fail(copy, check):
    """On a mutant, also behind a panic; and which fail on none."""
    panics, keeps = ((ROOT / 'tests/mutants' / name).read_text() for name in (f'kva/{MUTANT}', 'user/mremap-keeps-old'))
    both = panics.replace('return memory;', 'return *(void **)16;') + keeps[keeps.index('\n\n') + 1:]
    (copy.folder / 'tests/mutants/kva/both').write_text(both)
    said, status = copy.run('scripts/mutants', '--all', '--tests', '[mv]*', 'both')
    check.like(said, r'^both: .*mm_map\.\w+.* vmalloc\.vzalloc_clears$', 'a machine for the suites behind the panic')
    check.like(said, r'^\d+ of \d+ self-tests fail on none of 1 mutants: ', 'how many are of no use here')
    check.unlike(said, r'fail on none.*vmalloc\.vzalloc_clears', 'those that fail are of use')
    check.equal(status, 0, 'with status 0')


def test_the_tree_with_them(copy, check):
    """After the steps that the documents describe."""
    check.equal(copy.run('scripts/rooms', 'update', 'build'), ('', 0), 'scripts/rooms update')
    said, status = copy.run(sys.executable, 'scripts/test', '-j', '1', f'{NAME} rooms rules')
    check.equal(status, 0, 'all tests pass', said)
    check.like(said, rf'^{NAME}::test_\w+ +[1-9]\d* passed', 'among them that of a whole machine')
