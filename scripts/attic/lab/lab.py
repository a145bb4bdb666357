"""A lab as its folder describes it, labs/NN-NAME/:

    holes       what the student writes: `FILE: FUNCTION...`, a line for each file; after `with`, helpers that stay for it
    tests       what is worth points: `POINTS What it is`, and below, indented, what must hold for them
                    test vmalloc.noncontiguous vmalloc.guard_faults     self-tests by name
                    check scattered                                     a function of checks.py, which looks at the machine from outside
                    hidden                                              students see it after the due date, and their tree does not have it
    checks.py   these functions
    wrong/      wrong solutions, each a change of the reference with `Points:`, what it must get
    README.md   what the student reads

In `holes` and `tests`, `#` begins a comment.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass
class Lab:
    folder: Path
    name: str                     # without its number
    holes: dict[str, list[str]]   # functions by file
    helpers: dict[str, list[str]]  # that are given
    parts: list[Part]

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


def names() -> list[str]:
    return sorted(path.name[3:] for path in FOLDER.glob('[0-9][0-9]-*'))


def read(name: str) -> Lab:
    """The lab of this name; without a name, the only one that there is."""
    if not name and len(names()) == 1:
        name = names()[0]
    folder = next(iter(FOLDER.glob(f'[0-9][0-9]-{name}')), None) if re.fullmatch(r'[\w-]+', name) else None
    if not folder:
        raise Refused(f'LAB= is the name of a lab: {", ".join(names())}')
    return Lab(folder, name, *read_holes(folder / 'holes'), read_tests(folder / 'tests'))


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
        elif parts and line.strip() == 'hidden':
            parts[-1].hidden = True
        else:
            raise Refused(f'{place}: a line is `POINTS NAME`, or below that `test NAME...`, `check NAME...` or `hidden`')
    return parts


def public_tests(text: str) -> str:
    """The text of `tests` without the parts that are hidden."""
    parts = re.split(r'^(?=\d)', text, flags=re.M)
    return ''.join(part for part in parts if not re.search(r'^\s+hidden\b', part, re.M))
