"""A hunt: the student gets kernels that are broken on purpose, one mutant each (tests/mutants/), and says for each which invariant it breaks,
which line is wrong, and what shows it. Which mutants, the student's number decides: the same number always gets the same ones. It may be a
name or an address.

    labs/09-hunt/kernels/3.elf   in the student's tree: bug 3, with the names of functions, but without lines
    labs/09-hunt/answers         what the student fills in
"""
import hashlib
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from attic.build import ROOT, build_dir, for_make, locked, made, make
from attic.changes import BUGS, Change
from attic.lab.lab import Lab, Refused

COUNT, ALIKE = 8, 2  # kernels for a student; at most so many break the same invariant, or lie in one file
LINES = 3            # that may be typed to show a bug


# ---- which kernels ----

def drawn(lab: Lab, number: str) -> list[str]:
    """The mutants of a student. Each has a place in the student's order that does not depend on the others, so a pool that grows changes
    little."""
    if not number.strip():
        raise Refused("NUMBER= is the student's number or name: it decides which kernels there are")
    student, found, kinds = number.strip().lower(), [], Counter()
    for name in sorted(lab.pool, key=lambda name: hashlib.sha256(f'{student}\0{name}'.encode()).digest()):
        mutant = Change.read(name, BUGS)
        alike = (invariants(mutant)[0], mutant.edits[0].file)
        if len(found) < COUNT and all(kinds[kind] < ALIKE for kind in alike):
            found.append(name)
            kinds.update(alike)
    return found


def invariants(mutant: Change) -> list[str]:
    """The names of those that it breaks."""
    return re.findall(r'\bI\d+\b', mutant.what)


def given(lab: Lab) -> Path:
    """Where a student's tree has the kernels; the teacher's has none."""
    return lab.folder / 'kernels'


def kernel(lab: Lab, number: str, bug: int) -> Path:
    """The folder with the attic.elf of a bug, counted from 1."""
    if given(lab).exists():
        folder = made(build_dir() / 'hunt' / str(bug))
        shutil.copy2(given(lab) / f'{bug}.elf', folder / 'attic.elf')
        return folder
    return built(drawn(lab, number)[bug - 1])


def built(mutant: str) -> Path:
    folder = build_dir() / 'bugs' / mutant
    with locked(build_dir() / 'hunt.lock'):  # others may need the same
        done = make('booted') if not (build_dir() / 'attic.elf').exists() else None
        done = done if done and done.returncode else make(f'BUG={mutant}', for_make(folder / 'attic.elf'))
    if done.returncode:
        raise Refused(f'a kernel cannot be built:\n{done.stdout}')
    return folder


def give(lab: Lab, number: str, tree: Path):
    """Put the kernels into a student's tree."""
    kernels = [built(mutant) / 'attic.elf' for mutant in drawn(lab, number)]
    folder = made(tree / given(lab).relative_to(ROOT))
    for bug, file in enumerate(kernels, 1):
        shutil.copy2(file, folder / f'{bug}.elf')


# ---- answers ----

@dataclass
class Answer:
    invariant: str = ''
    line: str = ''
    shows: list[str] = field(default_factory=list)


def read_answers(text: str) -> dict[int, Answer]:
    """By the number of the bug; ValueError with a sentence."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition('#')[0].strip()
        if head := re.fullmatch(r'bug +([1-9]\d*)', line):
            if int(head[1]) in found:
                raise ValueError(f'line {number}: bug {head[1]} is there twice')
            answer = found[int(head[1])] = Answer()
        elif (said := re.fullmatch(r'(invariant|line|shows): *(.*)', line)) and found:
            if said[1] == 'shows':
                answer.shows += [said[2]] if said[2] else []
            elif getattr(answer, said[1]):
                raise ValueError(f'line {number}: `{said[1]}:` is there twice')
            else:
                setattr(answer, said[1], said[2])
        elif line:
            raise ValueError(f'line {number}: a line is `bug N`, `invariant: I3`, `line: FILE:NUMBER` or `shows: what you type`')
    return found


def text_of(answers: dict[int, Answer]) -> str:
    return ''.join(f'bug {bug}\ninvariant: {one.invariant}\nline: {one.line}\n' + ''.join(f'shows: {line}\n' for line in one.shows) + '\n'
                   for bug, one in answers.items())


def right(lab: Lab, number: str) -> dict[int, Answer]:
    """The answers that are right, of many that may be."""
    mutants = [Change.read(name, BUGS) for name in drawn(lab, number)]
    return {bug: Answer(invariants(mutant)[0], '{}:{}'.format(*places(mutant)[0][:2]), [f'test {mutant.tests[0]}'])
            for bug, mutant in enumerate(mutants, 1)}


def places(mutant: Change) -> list[tuple[str, int, int]]:
    """File, first and last line of what a mutant changes, in the correct sources."""
    found = []
    for edit in mutant.edits:
        first = edit.place((ROOT / edit.file).read_text()) + 1
        found.append((edit.file, first, first + len(edit.old) - 1))
    return found
