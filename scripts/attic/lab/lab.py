"""A lab as its folder describes it, labs/NN-NAME/:

    holes       what the student writes: `FILE: FUNCTION...`, a line for each file; after `with`, helpers that stay for it
    tests       what is worth points: `POINTS What it is`, and below, indented, what must hold for them
                    test vmalloc.noncontiguous vmalloc.guard_faults     self-tests by name, or globs
                    check scattered                                     a function of checks.py, which looks at the machine from outside
                    cmdline vmalloc=64M                                 the kernel's command line; a second line: all of this once more with that
                    mem 512M                                            the machine's memory
                    hidden                                              students see it after the due date, and their tree does not have it
    checks.py   these functions
    wrong/      wrong solutions, each a change of the reference with `Points:`, what it must get
    base        may be left out: what the kernel of this lab has in another way than the repository's, as a change (attic.changes)
    files/      may be left out: the files that only this lab's kernel has, complete; holes may be in them
    given.json  only in a student's tree (attic.lab.submission)
    README.md   what the student reads

A hunt (attic.lab.hunt) has no holes: the student gets kernels that are broken, and hands in a file of answers.

    pool          a mutant on each line (tests/mutants/) that may be drawn; the self-test that it names shows it
    answers       what the student fills in
    solutions.py  the reference and the wrong solutions, which depend on what is drawn

In `holes`, `tests` and `pool`, `#` begins a comment.
"""
import importlib.util
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from attic import ktap
from attic.build import ROOT
from attic.changes import Change, Kind

FOLDER = ROOT / 'labs'


class Refused(Exception):
    """Why something cannot be done: a sentence for the user."""


@dataclass
class Part:
    points: int
    name: str
    tests: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    hidden: bool = False
    cmdlines: list[str] = field(default_factory=list)
    mem: str = ''
    globs: list[str] = field(default_factory=list)  # as they are written, which are shorter than the names


@dataclass
class Lab:
    folder: Path
    name: str                     # without its number
    holes: dict[str, list[str]]   # functions by file
    helpers: dict[str, list[str]]  # that are given
    parts: list[Part]
    pool: list[str] = field(default_factory=list)  # of a hunt, in the teacher's tree: mutants

    @property
    def files(self) -> list[str]:
        """What is handed in."""
        return [str((self.folder / 'answers').relative_to(ROOT))] if self.is_hunt else list(self.holes)

    @property
    def is_hunt(self) -> bool:
        return (self.folder / 'answers').is_file()

    def module(self, name: str):
        """One of the lab's own scripts."""
        spec = importlib.util.spec_from_file_location(name, self.folder / f'{name}.py')
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    @property
    def wrong(self) -> Kind:
        """The wrong solutions, for attic.changes."""
        return Kind('wrong', self.folder / 'wrong', 'Points', 'Test', f'lab {self.name} has no wrong solution', f'labs/{self.folder.name}/wrong')

    def wrong_points(self, name: str) -> int:
        """What a wrong solution must get."""
        return int(Change.read(name, self.wrong).what)

    def own(self) -> dict[str, str]:
        """The files that this lab's kernel has and the repository's has not, or in another way, with their texts: none in a student's tree,
        where they are ordinary files."""
        base = Kind('base', self.folder, 'Changes', 'Fails', f'lab {self.name} changes nothing', 'labs/README.md')
        texts = Change.read('base', base).apply() if (self.folder / 'base').exists() else {}
        top = self.folder / 'files'
        return texts | {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob('*')) if path.is_file()}

    def text(self, file: str) -> str:
        """A file of this lab's kernel, complete."""
        own = self.own().get(file)
        if not own and not (ROOT / file).is_file():
            raise Refused(f'labs/{self.folder.name}/holes: there is no file {file}')
        return own or (ROOT / file).read_text()


def names() -> list[str]:
    return sorted(path.name[3:] for path in FOLDER.glob('[0-9][0-9]-*'))


def read(name: str) -> Lab:
    """The lab of this name; without a name, the only one that there is."""
    if not name and len(names()) == 1:
        name = names()[0]
    folder = next(iter(FOLDER.glob(f'[0-9][0-9]-{name}')), None) if re.fullmatch(r'[\w-]+', name) else None
    if not folder:
        raise Refused(f'LAB= is the name of a lab: {", ".join(names())}')
    for file in ('tests',) if (folder / 'answers').exists() else ('holes', 'tests'):
        if not (folder / file).is_file():
            raise Refused(f'labs/{folder.name}/{file} is missing: labs/README.md says what belongs there')
    holes = read_holes(folder / 'holes') if (folder / 'holes').exists() else ({}, {})
    parts = with_names(read_tests(folder / 'tests'), folder)
    checks = (folder / 'checks.py').read_text() if (folder / 'checks.py').exists() else ''
    if unknown := [check for part in parts for check in part.checks if not re.search(rf'^def {check}\(', checks, re.M)]:
        raise Refused(f'labs/{folder.name}/tests: checks.py has no function {unknown[0]}')
    pool = [line for _, line in lines_of(folder / 'pool')] if (folder / 'pool').exists() else []
    if twice := [mutant for mutant in pool if pool.count(mutant) > 1]:
        raise Refused(f'labs/{folder.name}/pool: {twice[0]} is there twice')
    return Lab(folder, name, *holes, parts, pool)


def lines_of(path: Path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if text := line.partition('#')[0].rstrip():
            yield f'{path}:{number}', text


def read_holes(path: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    holes, helpers = {}, {}
    for place, line in lines_of(path):
        found = re.fullmatch(r'(\S+):((?: +\w+)+?)(?: +with((?: +\w+)+))?', line)
        if not found or found[1] in holes:
            raise Refused(f'{place}: a line is `FILE: FUNCTION...` or `FILE: FUNCTION... with HELPER...`, one for each file')
        holes[found[1]], helpers[found[1]] = found[2].split(), (found[3] or '').split()
    return holes, helpers


def read_tests(path: Path) -> list[Part]:
    parts = []
    for place, line in lines_of(path):
        if head := re.fullmatch(r'(\d+) +(\S.*)', line):
            parts.append(Part(int(head[1]), head[2]))
        elif parts and (found := re.fullmatch(r'\s+(test|check) +(\S.*)', line)):
            (parts[-1].tests if found[1] == 'test' else parts[-1].checks).extend(found[2].split())
        elif parts and re.fullmatch(r'\s+hidden', line):
            parts[-1].hidden = True
        elif parts and (found := re.fullmatch(r'\s+cmdline +(\S.*)', line)):
            parts[-1].cmdlines.append(found[1])
        elif parts and (found := re.fullmatch(r'\s+mem +(\d+M)', line)):
            parts[-1].mem = found[1]
        else:
            raise Refused(f'{place}: a line is `POINTS NAME`, or below that `test NAME...`, `check NAME...`, `cmdline WORD...`, `mem 512M` or '
                          '`hidden`')
    return parts


def with_names(parts: list[Part], folder: Path) -> list[Part]:
    """The parts with the names of self-tests in place of globs."""
    known = list(ktap.names_in(ROOT / 'tests', folder / 'files'))
    for part in parts:
        tests = [(glob, [test for test in known if fnmatchcase(test, glob)]) for glob in part.tests]
        if unknown := [glob for glob, found in tests if not found]:
            raise Refused(f'{folder / "tests"}: there is no self-test {unknown[0]}; `test -l` at the prompt lists them')
        part.globs, part.tests = part.tests, list(dict.fromkeys(test for _, found in tests for test in found))
    return parts


def public_tests(text: str) -> str:
    """The text of `tests` without the parts that are hidden."""
    parts = re.split(r'^(?=\d)', text, flags=re.M)
    return ''.join(part for part in parts if not re.search(r'^\s+hidden\b', part, re.M))
