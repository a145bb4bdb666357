"""Run the example blocks of documents (document.py finds them) and compare the output with what the document shows.

    check(document, block)    # problems: none when the block shows the output
    update(document)          # its text with the new outputs, and problems

Each block has its own machine, or a separate shell for each command, so that no block depends on another. The monitor's machine has the
build's own programs and no busybox; gdb is started as `make gdb` starts it, on the build for debugging, and Attic's console goes elsewhere,
because its output would appear among gdb's lines at any moment. A command for the shell gets the build under test: build/ in it means that
folder. The lines of make about building are left out of the output, because the next time everything is up to date.

Comparing: blanks at the end of a line are ignored. A match of a mark is replaced by a sign for that mark, in the document and in the
output, and then lines must be equal. A line `...` stands for one or more lines. The time limits are only for hangs; output that depends on
time can only be shown as `...`.
"""
import re
from itertools import takewhile

from attic.build import ROOT, build_dir, checked_build, for_make, ran, with_make
from attic.debugger import commands, gdb_command
from attic.document import Block, Command, Document
from attic.machine import EOF, PROMPT, TIMEOUT, Machine
from attic.terminal import unfolded

# What make prints for a step of the build ($(call say) in the Makefile).
BUILT = re.compile(r'^  [A-Z]+ [\w./-]+(?: \(for gdb\))?\n', re.M)

SECONDS = 120         # for one command, by the machine's clock
SHELL_SECONDS = 1200  # for one of the shell, which may call make; by any clock
TIMED_OUT = 124       # timeout's exit status
ELISION = '...'
CONTEXT = 3
UTF_8 = {'encoding': 'utf-8', 'errors': 'surrogateescape'}  # all bytes are kept
SEPARATOR = '\036'    # gdb prints it between the commands, and nothing else prints it


class CannotRun(Exception):
    """Why a block cannot be run: a sentence."""


def documents() -> list[str]:
    """README.md, docs/*.md and the chapters of the book, relative to the root."""
    paths = [*sorted((ROOT / 'docs').glob('*.md')), *sorted((ROOT / 'docs/book').glob('*.md'))]
    return ['README.md', *(str(path.relative_to(ROOT)) for path in paths)]


def document(file: str) -> Document:
    """One of them; reports use the file name as given here."""
    return Document(file, (ROOT / file).read_text(**UTF_8))


# ---- running ----

def run(document: Document, block: Block) -> list[list[str]]:
    """What each command of a block prints, as lists of lines. Raises CannotRun."""
    runners = {'$ ': run_shell, 'attic> ': run_monitor, '(gdb) ': run_gdb}
    printed = runners[block.prompt](document, block, [command.text for command in block.commands])
    return [[line.rstrip() for line in text.rstrip('\n').split('\n')] if text.strip('\n') else [] for text in printed]


def run_shell(_document, _block, typed):
    # As the Makefile chooses the folder.
    folder = checked_build()[0] if any('DEBUG=1' in command for command in typed) else build_dir()
    build = for_make(folder)
    with with_make(folder, typed) as environment:
        printed = [shell(re.sub(r'(?<![\w/.])build/', lambda _: f'{build}/', command), environment) for command in typed]
    return [re.sub(rf'(?<![\w/.]){re.escape(build)}/', 'build/', text) for text in printed]


def shell(command, environment):
    done = ran('timeout', str(SHELL_SECONDS), 'sh', '-c', command, cwd=ROOT, env=environment | {'TIMEOUT': str(SECONDS)}, **UTF_8)
    if done.returncode == TIMED_OUT:
        raise CannotRun(f'`{command}` does not end\n')
    return BUILT.sub('', done.stdout.replace('\r', ''))


def machine(document, block, **options):
    """The machine for a block; options are those of Machine."""
    name = f'examples-{document.file}-{block.line}'
    return Machine(name, mem=block.settings.get('MEM'), cpu=block.settings.get('CPU'), cmdline=block.settings.get('CMDLINE', ''),
                   timeout=5 * SECONDS, silence=SECONDS, medium='cd', **options)  # as for `make run`


def run_monitor(document, block, typed):
    with machine(document, block) as attic:
        if not attic.saw(PROMPT, SECONDS):
            raise CannotRun(f'Attic does not come to its prompt\n{attic}\n')
        return [monitor_command(attic, command) for command in typed]


def monitor_command(attic, command):
    """The output up to the next prompt, or to the end of the machine; without the echo."""
    if attic.ended:
        raise CannotRun(f'`{command}`: Attic has ended before it\n')
    try:
        return attic.run(command, SECONDS)
    except (EOF, TIMEOUT):
        if attic.status in ('running', 'timeout'):
            raise CannotRun(f'`{command}`: no prompt follows\n{attic}\n') from None
        return attic.before.partition('\n')[2]


def run_gdb(document, block, typed):
    """Not in batch mode, in which gdb omits lines that a user sees."""
    build = build_dir() / 'debug'
    steps = [step for command in typed for step in (r'echo \036', command)]
    with machine(document, block, build=build, stopped=True, gdb=True) as attic:
        said = attic.beside(*gdb_command(attic.gdb_target, build / 'attic.debug'),
                            *commands('set width 0', 'set pagination off', *steps, r'echo \036', 'quit'),
                            env={'ATTIC_CONSOLE': attic.open_console()})
    _, *printed = said.split(SEPARATOR)
    if attic.beside_timed_out or len(printed) != len(typed) + 1:
        raise CannotRun(f'`{typed[-1]}`: gdb does not come back from it, or ended before:\n{said}')
    return printed[:-1]


# ---- comparing ----

def with_signs(line, varies):
    """A line with each match of a mark replaced by the mark's sign: a character that no output has."""
    if varies:
        marks = '|'.join(f'(?P<m{i}>{source})' for i, source in enumerate(varies))
        line = re.sub(marks, lambda found: chr(0xe000 + int(found.lastgroup[1:])), line)
    return line.rstrip()


def segments(lines):
    """The lines of an output between its `...`: (index of the first, lines)."""
    found = [(0, [])]
    for i, line in enumerate(lines):
        if line == ELISION:
            found.append((i + 1, []))
        else:
            found[-1][1].append(line)
    return found


def difference(shown: list[str], came: list[str], varies: list[str]) -> tuple[int, int] | None:
    """Where the lines of the document differ from the output: None, or the first indices in both that differ. What follows a `...` may come
    anywhere after at least one line; the last lines of the document must be the last lines of the output."""
    came = [with_signs(line, varies) for line in came]
    parts = segments([with_signs(line, varies) for line in shown])
    end = 0
    for n, (at, lines) in enumerate(parts):
        first, last = end + 1 if n else 0, len(came) - len(lines)
        is_last = n == len(parts) - 1
        places = [last] if is_last else range(first, last + 1) if n else [0]
        place = next((p for p in places if p >= first and (n or p == 0) and equal_lines(lines, came, p) == len(lines)), None)
        if place is None:
            if is_last and n:
                first = max(first, last)
            equal = equal_lines(lines, came, first)
            return at + equal, first + equal
        end = place + len(lines)
    return None


def parted(command: Command, came: list[str], varies: list[str]) -> tuple[int, int] | None:
    """Where the output of a command differs: see difference(). A line that the kernel has folded may be folded at another place, because a
    number in it may have another width; but no line of the document may be wider than a terminal if none of the output is."""
    if not difference(command.output, came, varies):
        return None
    limit = max([80, *map(len, came)])
    wide = next((i for i, line in enumerate(command.output) if len(line) > limit), None)
    return (wide, wide) if wide is not None else difference(unfolded(command.output), unfolded(came), varies)


def equal_lines(lines, came, start):
    """How many of the lines, from the first on, equal the output from this index on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(lines, came[start:])))


# ---- check and update ----

def faults(document: Document) -> list[str]:
    """What is wrong with the blocks of a document before any is run."""
    return [f'{document.file}:{line}: {text}\n' for line, text in (*document.errors, *document.idle_marks)]


def check(document: Document, block: Block) -> list[str]:
    """What is wrong with a block, in sentences, with line numbers of the document."""
    try:
        came = run(document, block)
    except CannotRun as why:
        return [f'{document.file}:{block.line}: {why}']
    return [describe(document, block, command, lines, *places) for command, lines in zip(block.commands, came)
            if (places := parted(command, lines, block.varies))]


def describe(document, block, command, came, shown_at, came_at):
    return (f"{document.file}:{command.line + 1 + shown_at}: `{block.prompt}{command.text}` prints something else"
            " ('-' is in the document, '+' is what came; `make docs` writes it down):\n"
            + excerpt('-', unfolded(command.output), shown_at) + excerpt('+', unfolded(came), came_at))


def excerpt(sign, lines, start):
    return ''.join(f'  {sign} {line}\n' for line in lines[start:start + CONTEXT] or ['(the output ends)'])


def update(document: Document) -> tuple[str, list[str]]:
    """The text of the document with new outputs, and what could not be done. A block without differences stays; in a block with one, all
    outputs are replaced, so that they are of the same run."""
    outputs, problems = {}, []
    for block in document.blocks:
        if block.not_run is not None:
            continue
        try:
            came = run(document, block)
        except CannotRun as why:
            problems.append(f'{document.file}:{block.line}: {why}')
            continue
        pairs = list(zip(block.commands, came))
        if not any(parted(command, lines, block.varies) for command, lines in pairs):
            continue
        for command, lines in pairs:
            new = shortened(command.output, lines, block.varies)
            if new is None:
                problems.append(f'{document.file}:{command.line}: the lines around `...` are not there any more; shorten it by hand')
            outputs[command.line] = lines if new is None else new
    return document.text(outputs), problems


def shortened(old: list[str], came: list[str], varies: list[str]) -> list[str] | None:
    """The new output with `...` where the old one had it: as many lines as before stay in front of the first and after the last `...`;
    lines between two are found by the first of them. None when they are not found."""
    parts = [lines for _, lines in segments(old)]
    if len(parts) == 1:
        return came
    head, *middle, tail = parts
    if len(head) + len(tail) >= len(came):
        return None
    new, at, end = came[:len(head)], len(head), len(came) - len(tail)
    for lines in middle:
        wanted = with_signs(lines[0], varies) if lines else None
        place = next((p for p in range(at + 1, end - len(lines)) if with_signs(came[p], varies) == wanted), None)
        if place is None:
            return None
        new += [ELISION, *came[place:place + len(lines)]]
        at = place + len(lines)
    return [*new, ELISION, *came[end:]]
