"""`attic tour` in gdb, through the boot: it stops at every stage, with source lines before and after paging is turned on, and finds the
CR0.PG, CR3 and EIP of that stage. It may begin anywhere, and continues where something else stopped the machine. (test_tour.py tests the
whole tour and the tables that it shows.)"""
import re

from attic.build import ROOT
from attic.machine import PROMPT
from attic.symbols import PAGE_OFFSET
from in_gdb import DEBUG, ELF, PYTHON, kernel
from machines import unfolded

LOADED, MASTER = 'loaded by the boot code', 'master'  # which directory

# Stage, CR0.PG, the page directory, whether EIP is above PAGE_OFFSET, file.
STAGES = (
    ('_start', 0, 0, False, 'boot/boot.asm'),
    ('boot_paging_on', 1, LOADED, False, 'boot/boot.asm'),
    ('boot_high', 1, LOADED, True, 'boot/'),
    ('boot_identity_gone', 1, LOADED, True, 'boot/'),
    ('kernel_main', 1, LOADED, True, 'kernel/main.c'),
    ('lowmem_map_init', 1, LOADED, True, 'mm/kva/lowmem.c'),
    ('page_alloc_init', 1, MASTER, True, 'mm/frame/zone.c'),
    ('vmalloc_init', 1, MASTER, True, 'mm/kva/vmalloc.c'),
    ('mm_seal', 1, MASTER, True, 'mm/'),
    ('return_to_user', 1, None, True, 'arch/x86/entry.asm'),
)


def tours(count):
    return ['attic tour'] * count


def names(text):
    """The names of the stops in gdb's output."""
    return [stop['name'] for stop in stops(text)]


def stops(text):
    """The stops in gdb's output: name, registers and source line of the first moment, the rest of the text. A stop between two of them has
    the name `between`."""
    found = []
    for part in re.split('^(?=## |Stopped between)', text, flags=re.M):
        registers = re.search(r'^    (CR0\.PG=.*)$', part, re.M)
        name = re.match(r'## \d+ of \d+\. `?(.*?)`?:', part)
        if registers and (name or part.startswith('Stopped')):
            place = re.search(r'^    ([\w/]+\.(?:c|asm):\d+)$', part, re.M)
            # The line itself, joined if it was folded, and in assembly the label before it.
            source = re.search(r'^((?:     +\d+  \w+:\n)?    > *\d+  .*)$', re.sub(r'\n {14,}', ' ', part), re.M)
            found.append({'name': name[1] if name else 'between', 'rest': part, 'place': place[1] if place else '',
                          'source': source[1] if source else '',
                          **{key: int(value, 16) for key, value in re.findall(r'\b(PG|CR3|EIP|CPL)=(\w+)', registers[1])}})
    return found


def source_of(place, shown):
    """The same lines from the file."""
    path, _, number = place.rpartition(':')
    if not path:
        return 'no place'
    lines, number = (ROOT / path).read_text().split('\n'), int(number)
    first = number - shown.count('\n')
    return '\n'.join(f'    {">" if at == number else " "}{at:4}  {lines[at - 1]}' for at in range(first, number + 1))


def test_stages(boot, check):
    """Any program can be the first one."""
    directories = {LOADED: kernel()['boot_page_directory'], MASTER: kernel().physical('swapper_pg_dir')}
    machine = boot('gdb', build=DEBUG, stopped=True, gdb=True, input='run hello\npoweroff\n')
    said = machine.gdb(ELF, *tours(2 * len(STAGES) + 1), 'info breakpoints', 'detach')
    found = stops(said)
    for (stage, pg, directory, high, file), stop in zip(STAGES, found):
        check.equal(stop['name'], stage, f'{stage}: gdb stops there', said)
        check.equal(stop['PG'], pg, f'{stage}: CR0.PG')
        if directory is not None:
            check.equal(stop['CR3'], directories.get(directory, directory), f'{stage}: CR3')
        check.equal(stop['EIP'], kernel()[stage], f'{stage}: EIP')
        check.equal(stop['EIP'] >= PAGE_OFFSET, high, f'{stage}: EIP is {"above" if high else "below"} C')
        check.like(stop['place'], rf'^{re.escape(file)}.*:\d+$', f'{stage}: source line')
        check.like(stop['source'], rf'\b{stage}\b', f'{stage}: that line is about it')
        check.equal(stop['source'], source_of(stop['place'], stop['source']), f'{stage}: it is what the file holds')
        check.like(stop['rest'], r'^After, .*:\n\n    CR0', f'{stage}: and what comes after')
    assert len(found) > len(STAGES), said
    last = found[len(STAGES)]
    check.equal(last['name'], 'Ring 3', 'first process: gdb stops at its first instruction', said)
    check.equal(last['CPL'], 3, 'first process: in ring 3')
    check.true(last['EIP'] < PAGE_OFFSET, 'first process: EIP is below C', f'{last["EIP"]:#x}')
    check.true(last['CR3'] != directories[MASTER], 'first process: a directory of its own')
    check.equal(machine.finish(), 'pass', 'detached, Attic goes on and powers off', machine)


def test_beside_the_path(boot, check):
    """Breakpoints of the user's, another start, bad arguments."""
    machine = boot('gdb-beside', build=DEBUG, stopped=True, gdb=True, input='run hello\npoweroff\n')
    said = machine.gdb(ELF, 'attic tour banana', 'attic tour 1 2 3', 'attic tour transcript', 'help attic tour',
                       'hbreak *kernel_main', 'continue', 'hbreak *page_alloc_init', *tours(2), 'hbreak pit_init', *tours(6),
                       'info breakpoints', *tours(4), 'info breakpoints', 'detach')
    check.equal(names(said), 'kernel_main lowmem_map_init page_alloc_init vmalloc_init between mm_seal return_to_user'.split(),
                'the tour begins where the machine is, and stops at breakpoints without losing its place', said)
    check.like(said, r'^Stopped between the stops(?:.*\n)+?.*continues\s+from\s+here\.\n\n    CR0\.PG=1 .*EIP=0xc',
               'such a stop is named as one')
    tables = re.findall(r'^Num +Type.*\n((?:.*\n)*?)(?=\n|## |After|Stopped|\[Inf)', said, re.M)
    breakpoints = [' '.join(pair) for table in tables for pair in re.findall(r'^(\d+) .* in (\w+)', table, re.M)]
    check.equal(breakpoints, ['1 kernel_main', '2 page_alloc_init', '3 pit_init'] * 2,
                "the tour leaves no breakpoint, and takes no number from the user's", said)
    check.equal(len(re.findall('^usage: attic tour .*$', said, re.M)), 3, 'arguments that make no sense get the usage, as `help` does')
    check.like(unfolded(said), '^attic tour: `banana` is not one of the 20 stops: _start boot_paging_on .* vfree .*$',
               'a stop that is none: a line')
    check.unlike(said, PYTHON, 'no exception of Python shows')
    found = re.search(r'^Run to the next stop.*?[Tt]he\s+stops:\n\n(?:[^\n]+\n)+', said, re.M | re.S)
    help = found[0] if found else ''
    for stage, *_ in STAGES:
        check.like(help, rf'\b{stage}\b', f'help attic tour names {stage}')
    documents = re.findall(r'\b\w+\.md\b', help)
    check.equal([name for name in documents if not (ROOT / name).exists()], [], 'and no document that is not there')
    check.equal(machine.finish(), 'pass', 'detached half-way, Attic goes on', machine)


def test_who_goes_on_alone(boot, check):
    """If the reader continues without the tour after a first moment, the tour does not wait for the second one."""
    machine = boot('gdb-alone', build=DEBUG, stopped=True, gdb=True, input='run hello\npoweroff\n')
    said = machine.gdb(ELF, *tours(3), 'hbreak *kernel_main', 'continue', 'stepi', 'attic tour', 'stepi', 'attic tour', 'detach')
    check.equal(names(said), ['_start', 'boot_paging_on', 'lowmem_map_init'], 'who goes on alone is found again', said)


def test_from_the_prompt(boot, check):
    """A program must be started then. One of these machines starts after gdb has connected."""
    machine = boot('gdb-prompt', build=DEBUG, gdb=True)
    machine.expect(PROMPT, 30)
    machine.send('run nap 1000000 1\n' * 20)
    said = machine.gdb(ELF, *tours(4), 'detach')
    check.equal(names(said), ['return_to_user', 'Ring 3'], 'from the prompt: the way to ring 3', said)
    check.like(said, r'^\(the next stop needs a command: type `run tour`.*\n(?:.*\n)*## 10', 'after a word on what to do')


def test_within_the_program(boot, check):
    """The next stop is the next one that the machine reaches."""
    machine = boot('gdb-middle', build=DEBUG, stopped=True, gdb=True, input='run tour\npoweroff\n')
    said = machine.gdb(ELF, 'hbreak *mm_seal', 'continue', 'hbreak sys_fork', 'continue', 'delete', *tours(18), 'detach')
    check.equal(names(said), ['A vmalloc', 'A process switch', 'A first-touch fault', 'A copy-on-write fault', "A system call's way in",
                              "A system call's way out", 'A refusal', 'A vfree'], 'begun within the program, the tour goes on there', said)
    check.equal(machine.finish(), 'pass', 'and Attic powers off', machine)
