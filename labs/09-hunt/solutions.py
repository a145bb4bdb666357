"""Answers for the proof of the grader (scripts/lab prove): the right ones, and wrong ones with the points that they must get."""
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'scripts'))
from attic.lab import hunt, lab  # noqa: E402

NUMBER, OTHER = 'proof', 'another'  # students


def right(number=NUMBER):
    return hunt.right(lab.read('hunt'), number)


def each(**changes):
    """The right answers, each with the same changes."""
    return hunt.text_of({bug: replace(answer, **changes) for bug, answer in right().items()})


def first_half():
    return hunt.text_of({bug: answer if bug <= hunt.COUNT // 2 else hunt.Answer() for bug, answer in right().items()})


def shifted():
    """The right lines, for the next bug each."""
    answers = right()
    lines = [answer.line for answer in answers.values()]
    return hunt.text_of({bug: replace(answer, line=lines[bug % len(lines)]) for bug, answer in answers.items()})


def of_another():
    """The right invariants, with what another student has found."""
    others = right(OTHER)
    return hunt.text_of({bug: replace(others[bug], invariant=answer.invariant) for bug, answer in right().items()})


REFERENCE = hunt.text_of(right())
WRONG = {
    'lines-of-another': (28, of_another),
    'half-of-them': (48, first_half),
    'invariants-that-do-not-exist': (76, lambda: each(invariant='I11')),
    'lines-of-the-next': (60, shifted),
    'all-tests': (64, lambda: each(shows=['test *'])),
    'panics-everywhere': (68, lambda: each(shows=['crash panic'])),
    'says-not-ok': (68, lambda: each(shows=['run echo not ok 1'])),
    'no-file': (0, lambda: 'I have nothing to say.\n'),
}

if __name__ == '__main__':
    print(hunt.text_of(right(sys.argv[1])))
