"""Excerpts of the sources in a document: a function, a structure or a label of assembly, taken by name, so that it is always that of today.

    <!-- code: mm/kva/vmalloc.c vfree -->
    ```c
    ...
    ```

The fence follows the mark at once; what is in it is written by update(). The name is that of a function, of a label, or `struct NAME`. Part
of a long one begins and ends with the lines that have a text:

    <!-- code: boot/boot.asm _start, from "The directory maps" to "loop .next_pde" -->

A name or text that the file does not have is an error, and so is a mark without a fence: an excerpt never disappears silently.
"""
import re
from dataclasses import dataclass
from pathlib import Path

from attic.build import ROOT
from attic.changes import Misfit, extent

MARK = re.compile(r'<!-- code: (\S+) ((?:struct )?\w+)(?:, from "(.+)" to "(.+)")? -->')
LANGUAGES = {'.c': 'c', '.h': 'c', '.asm': 'nasm', '.ld': 'text'}


class Wrong(Exception):
    """A mark that cannot be followed: a sentence."""


@dataclass
class Excerpt:
    file: str
    name: str
    part: tuple[str, str] | None  # texts of its first and last line
    first: int        # line of the mark, from 0
    last: int         # line that closes the fence
    shown: list[str]  # what is between

    def source(self, root: Path = ROOT) -> list[str]:
        path = root / self.file
        if not path.is_file():
            raise Wrong(f'there is no file {self.file}')
        try:
            lines = path.read_text().split('\n')
            first, last = structure(lines, self.name) if self.name.startswith('struct ') else extent(lines, self.name)
        except Misfit:
            raise Wrong(f'{self.file} has no {self.name}') from None
        found = lines[first:last + 1]
        if self.part:
            return part(found, *self.part)
        return without_next(found) if path.suffix == '.asm' else found


def part(lines: list[str], start: str, end: str) -> list[str]:
    first = next((at for at, line in enumerate(lines) if start in line), None)
    last = next((at for at in range(first or 0, len(lines)) if end in lines[at]), None)
    if first is None or last is None:
        raise Wrong(f'no lines there from "{start}" to "{end}"')
    return lines[first:last + 1]


def without_next(lines: list[str]) -> list[str]:
    """The lines of a label, without what belongs to the next one."""
    end = len(lines) - 1 if lines[-1].endswith(':') else len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith((';', 'global '))):
        end -= 1
    return lines[:end]


def structure(lines: list[str], name: str) -> tuple[int, int]:
    """The lines of `struct NAME {` up to the brace that closes it."""
    for first, line in enumerate(lines):
        if line.startswith(f'{name} {{'):
            return first, next(at for at in range(first, len(lines)) if lines[at].startswith('}'))
    raise Misfit(name)


def excerpts(text: str) -> list[Excerpt]:
    """All of a document. Raises Wrong for a mark that has no fence."""
    lines, found = text.split('\n'), []
    for at, line in enumerate(lines):
        if not line.startswith('<!-- code:'):
            continue
        mark = MARK.fullmatch(line)
        if not mark:
            raise Wrong(f'line {at + 1}: a mark is `<!-- code: FILE NAME -->`, or with `, from "TEXT" to "TEXT"`')
        file, name, start, end = mark.groups()
        fence = f'```{LANGUAGES.get(Path(file).suffix)}'
        close = next((i for i in range(at + 2, len(lines)) if lines[i] == '```'), None)
        if at + 1 >= len(lines) or lines[at + 1] != fence or close is None:
            raise Wrong(f'line {at + 1}: a fence follows, {fence} to ```')
        found.append(Excerpt(file, name, (start, end) if start else None, at, close, lines[at + 2:close]))
    return found


def update(text: str, root: Path = ROOT) -> str:
    """The document with the excerpts of today."""
    lines = text.split('\n')
    for one in reversed(excerpts(text)):
        lines[one.first + 2:one.last] = one.source(root)
    return '\n'.join(lines)


def problems(text: str, root: Path = ROOT) -> list[str]:
    """What is wrong: a sentence for each excerpt that is not that of today."""
    try:
        return [f'line {one.first + 1}: {one.name} of {one.file} is another one today' for one in excerpts(text)
                if one.shown != one.source(root)]
    except Wrong as why:
        return [str(why)]
