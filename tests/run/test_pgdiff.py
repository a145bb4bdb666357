"""`pgdiff`: two processes of one program, compared with the tables in memory; and a changed entry."""
import re

import pytest

from attic.build import build_dir
from attic.machine import PROMPT, Machine
from attic.symbols import PAGE_OFFSET
from attic.tables import RW, US, P


@pytest.fixture(scope='module')
def machine():
    with Machine('pgdiff', gdb=True) as machine:
        machine.expect(PROMPT)
        machine.run('run places &')
        yield machine


@pytest.fixture(scope='module')
def pids(machine):
    """The pids of the program and its child, when both sleep."""
    found = []

    def both_sleep():
        found[:] = re.findall(r'^ *(\d+) .* sleeping .* places$', machine.run('ps'), re.M)
        return len(found) == 2
    assert machine.wait_until(both_sleep), machine
    return found


def directories(said):
    return [int(address, 16) for address in re.findall(r'^[AB]: .* directory at 0x(\w{8})', said, re.M)]


def shared(a, b):
    """What two pages share, in pgdiff's words."""
    if not a or not b:
        return 'only in A' if a else 'only in B'
    if a.physical != b.physical:
        return 'other frames'
    return 'the same frames, other rights' if (a.rights ^ b.rights) & (P | RW | US) else 'the same frames'


def ranges(machine, one, other):
    """The lines about the user halves, from memory."""
    a, b = ({page.start: page for page in machine.tables.pages(directory, 0, PAGE_OFFSET - 1)} for directory in (one, other))
    lines = []
    for start in sorted(a.keys() | b.keys()):
        now = shared(a.get(start), b.get(start))
        if lines and lines[-1][1] + 1 == start and lines[-1][2] == now:
            lines[-1][1] = start + 4095
        else:
            lines.append([start, start + 4095, now])
    return [f'  0x{first:08x}..0x{last:08x}  {said}' for first, last, said in lines]


def test_two_processes(machine, pids, check):
    said = machine.run(f'pgdiff {pids[0]} {pids[1]}')
    check.like(said, rf'\AA: places\[{pids[0]}\], directory at 0x\w{{8}}\nB: places\[{pids[1]}\], directory at 0x\w{{8}}\n', 'who is compared')
    check.like(said, '^kernel half: 256 of 256 entries are the same$', 'one kernel half')
    a, b = (len(list(machine.tables.pages(directory, 0, PAGE_OFFSET - 1))) for directory in directories(said))
    check.like(said, f'^user half: A maps {a} pages, B maps {b} pages$', 'how many pages each has')
    check.equal(re.findall('^  0x.*', said, re.M), ranges(machine, *directories(said)), 'the user halves, as in the tables')
    for words in ('the same frames', 'other frames', 'only in B'):
        check.like(said, f'^  0x.*  {words}$', f'a page and its child: {words}')
    check.like(said, r'^the kernel half of all 3 directories is as at the end of the boot\n\Z', 'all of them')
    said = machine.run(f'pgdiff {pids[1]} 1')
    check.like(said, '^B: init.1., directory at 0x001.*, the master, which kernel threads use$', 'a kernel thread')
    check.equal(re.findall('^  0x.*', said, re.M), ranges(machine, *directories(said)), 'has no user half')


@pytest.mark.parametrize('index, where', [(900, 'child'), (768, 'child'), (801, 'master'), (1023, 'master')])
def test_changed_entry(index, where, machine, pids, check):
    """The entry is changed by a debugger; two bits without a meaning for this kernel, so that it survives."""
    child = directories(machine.run(f'pgdiff {pids[0]} {pids[1]}'))[1]
    directory = f'{PAGE_OFFSET + child:#x}' if where == 'child' else 'swapper_pg_dir'
    change = f'set var ((pde_t *){directory})[{index}].val ^= 0xc00'
    machine.gdb(build_dir() / 'attic.debug', change, 'detach')
    said = machine.run(f'pgdiff {pids[0]} {pids[1]}')
    place = rf'PDE {index} of 0x{index << 22:08x}: '
    if where == 'child':
        check.like(said, rf'^kernel half: 255 of 256 entries are the same\n  {place}A 0x(\w{{8}})  B 0x\w{{8}}$', 'the two differ')
    else:
        check.like(said, '^kernel half: 256 of 256 entries are the same$', 'the two are the same')
    whose = f'directory 0x{child:08x}' if where == 'child' else 'the master'
    check.like(said, rf'^{place}0x\w{{8}} \(at boot 0x\w{{8}}\) in {whose}$', 'and it says whose is wrong')
    check.unlike(said, 'the kernel half of all', 'not all are right')
    machine.gdb(build_dir() / 'attic.debug', change, 'detach')
    check.like(machine.run('pgdiff'), r'\Athe kernel half of all 3 directories is as [^\n]*\n\Z', 'and well again')


@pytest.mark.parametrize('line, answer', [
    ('pgdiff 2', 'usage: pgdiff'), ('pgdiff 1 x', 'pgdiff: x is not a pid;'), ('pgdiff 1 2 3', 'usage: pgdiff'),
    ('pgdiff 1 4000000', 'pgdiff: no task has the pid 4000000')])
def test_wrong(line, answer, machine, check):
    check.like(machine.run(line), rf'\A{answer}[^\n]*\n\Z', line)
