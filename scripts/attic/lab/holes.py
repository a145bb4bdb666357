"""Functions without their bodies: what a student gets instead of the kernel's own code.

The body becomes a panic that names the task, so that the kernel builds at once and boots as far as it can. The comment before the function
stays: it is what the function must do. Static functions that nothing uses any longer go with their comments, as they are part of the answer;
those that the lab gives as helpers stay, and the compiler does not warn that they are unused.
"""
import re

from attic.changes import Misfit, extent
from attic.lab.lab import Refused

STATIC = re.compile(r'static\b[^;={]*?\b(\w+)\(')
DECLARES = re.compile(r'^\S.*;\s*(?:/\*.*\*/)?$')  # and is no function: a prototype, or a macro that makes a variable


def emptied(file: str, text: str, functions: list[str], helpers: list[str], lab: str) -> str:
    """The text of a file in which these functions are to be written, and these helpers are given."""
    lines = text.split('\n')
    for helper in helpers:
        first, _, _ = place_of(file, lines, helper)
        lines[first] = unwarned(lines[first])
    for function in functions:
        first, body, last = place_of(file, lines, function)
        lines[first] = unwarned(lines[first])
        unused = [f'    {", ".join(f"(void){name}" for name in names)};'] if (names := parameters(' '.join(lines[first:body]))) else []
        lines[body + 1:last] = [*unused, f'    panic("lab {lab}: {function}() in {file} is yours to write");']
    if not any('<lib/panic.h>' in line for line in lines):
        at = max(at for at, line in enumerate(lines) if line.startswith('#include'))
        lines.insert(at + 1, '#include <lib/panic.h>')
    stay = {*functions, *helpers}
    while unused := next((place for place in definitions(lines) if place[0] not in stay and is_unused(lines, *place)), None):
        lines = without(lines, *unused[1:])
    return '\n'.join(lines)


def place_of(file: str, lines: list[str], function: str) -> tuple[int, int, int]:
    """The first line of a function, that of the brace that opens its body, and that of the one that closes it."""
    try:
        first, last = extent(lines, function)
    except Misfit:
        raise Refused(f'{file} has no function {function}') from None
    body = next((at for at in range(first, last) if lines[at] == '{'), None)
    if body is None:
        raise Refused(f'{file}: {function} is no function with a body')
    return first, body, last


def parameters(head: str) -> list[str]:
    """The names in the parameter list that ends the head of a function."""
    depth, parts = 0, ['']
    for letter in head[head.index('('):].strip():
        depth += {'(': 1, ')': -1}.get(letter, 0)
        if letter == ',' and depth == 1:
            parts.append('')
        else:
            parts[-1] += letter
    names = [re.search(r'\(\*(\w+)\)', part.lstrip('(')) or re.search(r'(\w+)(?:\[\w*\])?\)?$', part.strip()) for part in parts]
    return [name[1] for name in names if name and name[1] != 'void']


def unwarned(line: str) -> str:
    return re.sub(r'^static (?!inline)', 'static __maybe_unused ', line)


def definitions(lines: list[str]):
    """(name, first line, last line) of each static function."""
    for at, line in enumerate(lines):
        head = STATIC.match(' '.join(lines[at:at + 3])) if line.startswith('static ') else None
        if not head:
            continue
        end = next((i for i in range(at, len(lines)) if lines[i] == '}' or DECLARES.search(lines[i])), at)
        if lines[end] == '}':
            yield head[1], at, end


def is_unused(lines: list[str], name: str, first: int, last: int) -> bool:
    rest = '\n'.join(lines[:first] + lines[last + 1:])
    return not re.search(rf'\b{name}\b', re.sub(r'/\*.*?\*/', '', rest, flags=re.S))


def without(lines: list[str], first: int, last: int) -> list[str]:
    """Without a function, the comment that belongs to it, and one of the empty lines around it."""
    if first and lines[first - 1].endswith('*/'):
        first = next(at for at in range(first - 1, -1, -1) if lines[at].startswith('/*'))
    if first and not lines[first - 1]:
        first -= 1
    return lines[:first] + lines[last + 1:]
