"""Kernels with other lines: mutants, which are broken on purpose (tests/mutants/*/NAME), and variants, which solve a problem in another way
(tests/variants/NAME). A file describes in a sentence what is different, which invariant it breaks or changes, and which lines change.

    mutant = Change.read('identity-map-missing', BUGS)
    mutant.apply(root)            # {file: its text with the defect}
    prepare(mutant, 'build')      # build/bugs/NAME: the objects of build/ that stay the same, and the sources that do not

A file is text:

    No identity mapping: the first fetch with paging on finds nothing.
    Breaks: the boot
    Test: vmalloc.*
    With: DEBUG=1

    boot/boot.asm: _start
         mov edi, boot_page_directory
    -    mov [edi], eax
         ...

First the sentence and what it breaks; `Test:` and `With:` may be left out: which tests kill it soonest (a self-test or a glob, or a file of
tests/run/), and the variables of make that they need. A variant has `Changes:` and `Fails:` instead, all self-tests that say what it does in
another way; all others pass. Then, for each place, the file and the function (a label in assembly, `-` for anywhere in the file), and the
lines there as a patch without numbers: ' ' stays, '-' goes, '+' comes. The old lines must be found exactly once in the function, so other
changes around them do no harm, and a file that no longer fits is reported.
"""
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from attic.build import ROOT
from attic.terminal import folded

TOPS = ('arch', 'boot', 'drivers', 'fs', 'gen', 'kernel', 'lib', 'mm', 'tests', 'user', 'flags', 'sources')  # of a build
OPTIONS = ('DEBUG', 'CPU', 'MEM')  # of make, that With: may set
PLACE = re.compile(r'(\S+\.(?:c|h|asm)): (\S+)')


class Misfit(Exception):
    """A change that cannot be read, or does not fit the sources."""


@dataclass(frozen=True)
class Kind:
    built: str    # the folder in that of the build
    source: Path
    what: str     # it breaks or changes, and which tests show it
    tests: str
    none: str
    list: str     # what lists them


BUGS = Kind('bugs', ROOT / 'tests/mutants', 'Breaks', 'Test', 'no kernel is broken in this way', 'scripts/bug')
VARIANTS = Kind('variants', ROOT / 'tests/variants', 'Changes', 'Fails', 'there is no such variant', 'scripts/variant')


@dataclass
class Edit:
    file: str
    function: str
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def add(self, line: str):
        mark, text = line[:1], line[1:]
        if mark not in ' -+':
            raise Misfit(f'a line of a change begins with a blank, - or +: {line}')
        if mark != '+':
            self.old.append(text)
        if mark != '-':
            self.new.append(text)

    def apply(self, text: str) -> str:
        lines, at = text.split('\n'), self.place(text)
        return '\n'.join(lines[:at] + self.new + lines[at + len(self.old):])

    def place(self, text: str) -> int:
        """Where the old lines begin, counted from 0."""
        lines = text.split('\n')
        first, last = extent(lines, self.function)
        size = len(self.old)
        if not size:
            raise Misfit(f'{self.file}: {self.function}: at least one line that is there is wanted')
        found = [at for at in range(first, last - size + 2) if [line.rstrip() for line in lines[at:at + size]] == self.old]
        if len(found) != 1:
            raise Misfit(f'{self.file}: {self.function} has these lines {len(found)} times:\n' + '\n'.join(self.old))
        return found[0]


def extent(lines: list[str], function: str) -> tuple[int, int]:
    """The lines of a C function, from its name to the brace that closes it, or of a label of assembly up to the next one."""
    if function == '-':
        return 0, len(lines) - 1
    for first, line in enumerate(lines):
        if line.startswith(f'{function}:'):
            end = re.compile(r'[A-Za-z_]\w*:')
        elif re.match(rf'\S.*\b{re.escape(function)}\(|{re.escape(function)}\(', line) and not line.endswith(';') and not line.startswith('/*'):
            end = re.compile('}')
        else:
            continue
        last = next((at for at in range(first + 1, len(lines)) if end.match(lines[at])), len(lines) - 1)
        return first, last
    raise Misfit(f'there is no function or label {function}')


@dataclass
class Change:
    name: str
    sentence: str
    what: str
    edits: list[Edit]
    tests: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    kind: Kind = BUGS

    @classmethod
    def read(cls, name: str, kind: Kind) -> 'Change':
        path = paths(kind).get(name)
        if not path:
            raise Misfit(f'{kind.none}: {name}; {kind.list} lists them')
        lines = path.read_text().rstrip('\n').split('\n')
        head, edits = [], []
        for line in lines:
            if place := PLACE.fullmatch(line):
                edits.append(Edit(*place.groups()))
            elif edits and line:
                edits[-1].add(line)
            elif not edits:
                head.append(line)
        said = re.fullmatch(rf'(.+?) {kind.what}: (.+?)(?: {kind.tests}: (.+?))?(?: With: (.+))?', ' '.join(' '.join(head).split()))
        if not said or not edits:
            raise Misfit(f'{name}: a sentence, `{kind.what}:` and at least one place are wanted')
        sentence, what, tests, options = said.groups('')
        options = dict(option.partition('=')[::2] for option in options.split())
        if unknown := [option for option in options if option not in OPTIONS]:
            raise Misfit(f'{name}: With: takes {", ".join(OPTIONS)}, not {unknown[0]}')
        return cls(name, sentence, what, edits, tests.split(), options, kind)

    def apply(self, root: Path = ROOT, given: dict[str, str] | None = None) -> dict[str, str]:
        """The changed files with their new texts; `given` has the texts of files that are not as in the root. Nothing is written."""
        texts = {}
        for edit in self.edits:
            try:
                before = texts.get(edit.file) or (given or {}).get(edit.file) or (root / edit.file).read_text()
                texts[edit.file] = edit.apply(before)
            except FileNotFoundError:
                raise Misfit(f'{self.name}: there is no file {edit.file}') from None
            except Misfit as why:
                raise Misfit(f'{self.name}: {why}') from None
        return texts


def names(kind: Kind) -> list[str]:
    return sorted(paths(kind))


def paths(kind: Kind) -> dict[str, Path]:
    """The files by name, which says nothing of the folder that a file is in."""
    return {path.name: path for path in kind.source.rglob('*') if path.is_file() and path.suffix == ''}


# ---- the folder it is built in ----

def prepare(change: Change, build: Path) -> tuple[Path, list[str]]:
    """Make build/bugs/NAME ready for make. Returns its folder, and the files that are changed."""
    folder, texts = build / change.kind.built / change.name, change.apply()
    fill(folder, texts, build)
    return folder, sorted(texts)


def fill(folder: Path, texts: dict[str, str], build: Path):
    """The changed sources are written to changed/, and what was built from the others in build/ is copied."""
    for file in set(changed_files(folder)) - set(texts):
        (folder / 'changed' / file).unlink()
        forget(folder, file)
    for file, text in texts.items():
        path = folder / 'changed' / file
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            forget(folder, file)
    copy_objects(build, folder, texts)


def changed_files(folder: Path) -> list[str]:
    top = folder / 'changed'
    return [str(path.relative_to(top)) for path in top.rglob('*') if path.is_file()]


def copy_objects(build: Path, folder: Path, changed):
    """Copy what make has built from the correct sources and is newer than the copy, with its times, so that make finds it up to date."""
    tops = [build / name for name in TOPS]
    for path in [path for top in tops for path in ([top] if top.is_file() else top.rglob('*')) if path.is_file()]:
        copy = folder / path.relative_to(build)
        if copy.exists() and copy.stat().st_mtime >= path.stat().st_mtime or any(made_of(path, file) for file in changed):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == '.d':
            copy.write_text(path.read_text().replace(f'{build}/', f'{folder}/'))
            os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        else:
            shutil.copy2(path, copy)


def made_of(path: Path, file: str) -> bool:
    """Whether an object, or its list of dependencies, is made from a source file."""
    list_ = path if path.suffix == '.d' else path.with_name(path.name + '.d')
    return list_.exists() and re.search(rf'(?:^|[ /]){re.escape(file)}(?:[ \\\n:]|$)', list_.read_text(), re.M) is not None


def forget(folder: Path, file: str):
    """Remove the objects that are made from a file."""
    for path in folder.rglob('*.d'):
        if made_of(path, file):
            path.with_suffix('').unlink(missing_ok=True)


# ---- scripts/bug, scripts/variant ----

def main(kind: Kind, usage: str, arguments: list[str]):
    """List all, or prepare one and print the files that are changed."""
    try:
        if len(arguments) not in (0, 2):
            sys.exit(usage)
        if not arguments:
            if not names(kind):
                sys.exit(f'{Path(kind.list).name}: there is none in this tree; a lab has no others than its own kernel')
            for change in (Change.read(name, kind) for name in names(kind)):
                print(folded(f'{change.name:24} {change.sentence} ({change.what})', sys.stdout))
        else:
            print(*prepare(Change.read(arguments[1], kind), Path(arguments[0]))[1])
    except Misfit as why:
        sys.exit(f'{Path(kind.list).name}: {why}')
