"""Run the same shell scripts on Attic and on Linux, with the same busybox, and compare their output.

One folder with busybox, the scripts and their data is packed into the initramfs of one boot, and is the root of a process tree on Linux,
see linux.py. Each script is one point, whose output and exit status must be the same. If a script stops the machine, or hangs, the others
run in another boot.
"""
import re

from attic.machine import Machine
from linux import results, script_tree, scripts_on_linux

BOOTS = 6      # each with the remaining scripts after one did not end
SECONDS = 600  # a whole run
SILENCE = 40   # a script


def read_cases(text):
    """The scripts of a file by name, in the format described at its head."""
    return dict(re.findall(r'^== (\w+)\n((?:(?!== \w+$).*\n)*)', text, re.M))


def same_as_linux(check, name, cases, can_be_had, **options):
    """`cases` are scripts by name; options are those of script_tree()."""
    assert cases, 'there is something to compare'
    linux = can_be_had(scripts_on_linux, name, *script_tree(name, cases=cases, **options))
    attic, stopped = run_on_attic(name, cases, options)
    for case, script in cases.items():
        compare(check, case, script, linux.get(case), attic.get(case), stopped.get(case, 'not run: too many machines have stopped before'))


def compare(check, case, script, linux, attic, why):
    if not linux:
        check.true(False, f'{case}: Linux did not end it')
    elif not attic:
        check.true(False, f'{case}: ends', f'{why}\nthe script:\n{script}')
    else:
        # What a killed process leaves behind on Linux depends on the configuration of that machine.
        wanted = linux._replace(output=re.sub(r' \(core dumped\)$', '', linux.output, flags=re.M))
        check.true(attic == wanted, case, difference(wanted, attic) + f'the script:\n{script}')


def difference(wanted, found):
    """The first line that differs, and around it."""
    sides = {'Linux': wanted.output.split('\n'), 'Attic': found.output.split('\n')}
    i = next((i for i, (one, other) in enumerate(zip(*sides.values())) if one != other), min(map(len, sides.values())))
    start = max(i - 2, 0)
    lines = [f'  {side} | {line[:200]}{"..." if len(line) > 200 else ""}\n' for side, all_lines in sides.items()
             for line in all_lines[start:start + 5]]
    return f'from line {start + 1} of the output; exit status: Linux {wanted.status}, Attic {found.status}\n{"".join(lines)}'


def run_on_attic(name, cases, options):
    """Boot, and boot again with the remaining scripts if the machine stopped. Returns results by script, and why others have none."""
    left, found, stopped = dict(cases), {}, {}
    for boot in range(1, BOOTS + 1):
        archive, _ = script_tree(name, cases=left, **options)
        with Machine(f'{name}-{boot}', initramfs=archive, cmdline='init=/init.test', timeout=SECONDS, silence=SILENCE) as machine:
            done = machine.saw('^@done$')
            found |= results(machine.output)
            why = str(machine)
        left = {case: script for case, script in left.items() if case not in found}
        if done and not left:
            break
        if left:
            first = next(iter(left))
            stopped[first] = why
            del left[first]
        if not left or len(left) == len(cases) - 1:  # the second: not even the first script ran, there is no shell
            break
    return found, stopped
