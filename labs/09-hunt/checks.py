"""What answers are worth. The kernels are the course's own, so what they print is believed; of the student there is only text. The first two
checks need nothing but these kernels and a correct one; the others look the mutants up."""
import re

from attic.build import ROOT, own_initramfs
from attic.changes import BUGS, Change
from attic.lab import hunt, lab
from attic.machine import EOF, PROMPT, TIMEOUT, Machine

HUNT = lab.read('hunt')
SECONDS, LONGEST, NEAR = 60, 100, 2
RED = re.compile(r'^not ok |^WRONG |; WRONG: ', re.M)  # self-tests, explain
SOUND = 'audit: all invariants hold'


def answers(bench):
    """All that are there; ValueError if the file cannot be read."""
    [text] = bench.texts.values()
    found = hunt.read_answers(text)
    return [found.get(bug, hunt.Answer()) for bug in range(1, hunt.COUNT + 1)]


def for_each(bench, look):
    """The reasons, one for each bug; or one for all."""
    try:
        return [reason and f'bug {bug}: {reason}' for bug, reason in
                ((bug, look(bug, answer)) for bug, answer in enumerate(answers(bench), 1))]
    except ValueError as why:
        return str(why)


def form(bench):
    """Each bug has an invariant, a line that exists, and something to type."""
    found = for_each(bench, lambda bug, answer: why_not_a_line(answer.line) or (None if re.fullmatch(r'I\d+', answer.invariant) else
                                                                                '`invariant:` is one of docs/invariants.md, such as I3')
                     or why_not_typed(answer.shows))
    return found if isinstance(found, str) else next(filter(None, found), None)


def why_not_a_line(line):
    named = re.fullmatch(r'([\w/.-]+\.(?:c|h|asm)):(\d+)', line)
    path = named and (ROOT / named[1]).resolve()
    if not path or ROOT not in path.parents or not path.is_file():
        return '`line:` is FILE:NUMBER, such as mm/kva/vmalloc.c:120, with the path from the top of the tree'
    count = len(path.read_text().splitlines())
    return None if 1 <= int(named[2]) <= count else f'{named[1]} has {count} lines'


def why_not_typed(lines):
    if not 1 <= len(lines) <= hunt.LINES:
        return f'`shows:` is there once for each line to type, at most {hunt.LINES} times'
    for line in lines:
        if len(line) > LONGEST or not line.isprintable():
            return f'`shows:` is a line of at most {LONGEST} characters'
        if re.match(r'test\b', line) and not re.fullmatch(r'test +\w+\.\w+', line):
            return '`shows: test SUITE.NAME` names one self-test'
    return None


def commands(bench):
    """On the bug's kernel what is typed fails a test, breaks an invariant that `audit` or `explain` sees, or ends the machine; on a correct
    kernel it does not."""
    def look(bug, answer):
        if reason := why_not_typed(answer.shows):
            return reason
        if said := shown(f'{bench.name}-correct', bench.build, answer.shows):
            return f'on a correct kernel, too, {said}'
        return None if shown(f'{bench.name}-bug{bug}', hunt.kernel(HUNT, bench.number, bug), answer.shows) else \
            'nothing that is wrong is seen: no test fails, `audit` and `explain` find nothing, the machine goes on'
    return for_each(bench, look)


def shown(name, build, lines):
    """What goes wrong when these lines are typed, and `audit` after them, or None."""
    with Machine(name, build=build, initramfs=own_initramfs(), timeout=SECONDS * 3) as machine:
        try:
            machine.expect(PROMPT)
            said = ''.join(machine.run(line, SECONDS) for line in [*lines, 'audit'])
        except EOF:
            return 'the machine ends'
        except TIMEOUT:
            return 'no prompt comes'
    if RED.search(said):
        return 'something fails'
    return None if SOUND in said else 'the audit finds an error'


def mutants(bench):
    return [Change.read(name, BUGS) for name in hunt.drawn(HUNT, bench.number)]


def invariants(bench):
    """The invariant is one of those that the mutant breaks."""
    wanted = [hunt.invariants(mutant) for mutant in mutants(bench)]
    return for_each(bench, lambda bug, answer: None if answer.invariant in wanted[bug - 1] else 'another invariant is broken')


def lines(bench):
    """The line is one of those that the mutant changes, or close to them."""
    wanted = [hunt.places(mutant) for mutant in mutants(bench)]

    def look(bug, answer):
        if reason := why_not_a_line(answer.line):
            return reason
        file, number = answer.line.split(':')
        hit = any(file == place and first - NEAR <= int(number) <= last + NEAR for place, first, last in wanted[bug - 1])
        return None if hit else 'the defect is elsewhere'
    return for_each(bench, look)
