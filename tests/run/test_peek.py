"""`peek` and `poke` at the prompt, compared with physical memory as QEMU's monitor shows it; accesses that the page tables forbid; and
addresses by name: of the kernel's variables, of programs and of files that only look like programs."""
import re
import struct

import pytest

from attic.build import build_dir, make_initramfs, symbols, user_programs
from attic.machine import PROMPT, Machine
from attic.symbols import Symbols
from machines import run_forever, unfolded, wide
from programs import run

NAMES = symbols()
IMAGE = 0xC0100000  # the multiboot2 header comes first
FAULTY = 'hello'    # the program from which the broken ones are made
SECTIONS, SECTION_SIZE, COUNT = 32, 46, 48  # offsets in an ELF header: e_shoff, e_shentsize, e_shnum
LINK, ENTRY_SIZE, TYPE, PLACE, SIZE = 24, 36, 4, 16, 20  # offsets in a section header

# Wrong commands, and the right usage; one line each.
WRONG = {
    'peek': r'^usage: peek ADDR \[N \[PID\]\];', 'peek 1 2 3 4': '^usage: peek', 'poke 0xc0100000': '^usage: poke ADDR VALUE;',
    'peek 0xc0100000 0': r'^usage: peek .*; N: 1 to 1024 words$', 'peek 0xc0100000 1025': '^usage: peek', 'peek 0xc0100000 x': '^usage: peek',
    'peek zork': r'^peek: zork is not an address \(0x1234abcd\), kernel symbol or PROGRAM:NAME$', 'poke zork 1': '^poke: zork is not an address',
    'peek 0x08048000': '^peek: 0x08048000 is a user address: which process', 'peek 0x08048000 1 1': r'^peek: init\[1\] has no address space',
    'peek 0x08048000 1 x': '^peek: x is not a pid', 'peek 0x08048000 1 4000000': '^peek: no task has the pid 4000000',
    'poke 0x08048000 1': "^poke: 0x08048000 is a user address: poke writes kernel addresses only$",
    'poke 0xc00b8000 x': '^usage: poke ADDR VALUE; VALUE: 32 bits', 'poke 0xc00b8000 0x100000000': '^usage: poke',
    'peek 0xfffffffe': r'^peek: cannot read 0xfffffffe \(last page; PTE 1023: P=0\)$',
    'explain hello:main': r'^explain: hello:main is 0x0804\w{4} in a process that runs it, and none does; "run forever &" starts a program',
    'explain hello:main+0xc0000000': '^explain: 0xc0000000 bytes behind hello:main there are no user addresses$',
    'explain hello:main+x': '^explain: hello:main.x is not an address', 'explain hello+4:main': r'^explain: hello\+4: no such program',
    'explain hello:zork': '^explain: hello has no symbol zork$', 'explain zork:main': '^explain: zork: no such program; "programs" lists them$',
    'explain :': '^explain: : no such program', 'explain tmp:main': '^explain: tmp: no such program',
    f'explain {"a" * 150}:main': '^explain: a+: no such program', f'explain hello:{"a" * 200}': '^explain: hello has no symbol a+$',
}


def section(data, kind):
    """The offset of the header of the first section of a type."""
    start, count = struct.unpack_from('<I', data, SECTIONS)[0], struct.unpack_from('<H', data, COUNT)[0]
    return next(at for at in range(start, start + 40 * count, 40) if struct.unpack_from('<I', data, at + TYPE)[0] == kind)


def broken_programs():
    """{name: (bytes, expected message)}, each with one number of `hello` changed."""
    hello = (build_dir() / f'user/{FAULTY}').read_bytes()
    table = section(hello, 2)
    changes = {
        'far_sections': ('<I', SECTIONS, 0xfffffff0, 'section headers beyond the end of the file'),
        'cut_sections': ('<I', SECTIONS, len(hello) - 20, 'section headers beyond the end of the file'),
        'section_size': ('<H', SECTION_SIZE, 39, 'section headers of the wrong size'),
        'no_sections': ('<H', COUNT, 0, 'it has no symbols'),
        'symbol_size': ('<I', table + ENTRY_SIZE, 0, 'symbols of the wrong size'),
        'no_names': ('<I', table + LINK, 0xffffffff, 'its symbols have no names'),
        'far_symbols': ('<I', table + PLACE, 0xfffffffc, 'symbols beyond the end of the file'),
        'many_symbols': ('<I', table + SIZE, 0xfffffff0, 'symbols beyond the end of the file'),
        'position': ('<H', 16, 3, 'position-independent: its symbols are not addresses'),
        'processor': ('<H', 18, 62, 'built for another processor'),
    }
    files = {'text': (b'#!/hello\n', 'too short for an ELF header'), 'long_text': (b'text ' * 100, 'not an ELF file')}
    for name, (form, at, value, why) in changes.items():
        data = bytearray(hello)
        struct.pack_into(form, data, at, value)
        files[name] = bytes(data), why
    return files


@pytest.fixture(scope='module')
def broken():
    return broken_programs()


@pytest.fixture(scope='module')
def machine(broken):
    files = {name: data for name, (data, _) in broken.items()}
    with Machine('peek', initramfs=make_initramfs('peek', programs=user_programs(), files=files)[0]) as machine:
        machine.expect(PROMPT)
        yield machine


def words(said):
    """The words that peek prints, after a check of each row."""
    found = []
    for row in said.splitlines():
        address, numbers, text = re.fullmatch(r'0x(\w{8})  ((?:\w{8} | {9}){4}) (.*)', row).groups()
        some = [int(number, 16) for number in numbers.split()]
        plain = ''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in struct.pack(f'<{len(some)}I', *some))
        assert text == plain, row
        found += [(int(address, 16) + 4 * number, word) for number, word in enumerate(some)]
    return found


def in_memory(machine, address, count):
    """The same words, from the page tables and raw memory."""
    return [(at, machine.tables.word(machine.walk(at).physical)) for at in range(address, address + 4 * count, 4)]


def test_peek(machine, check):
    for address, count in ((IMAGE, 4), (IMAGE, 7), (NAMES['kernel_main'], 1), (0xf7c01000, 1024)):
        said = machine.run(f'peek {address:#x} {count}')
        check.equal(words(said), in_memory(machine, address, count), f'peek {address:#x} {count}')
    check.equal(words(machine.run(f'peek {IMAGE}')), in_memory(machine, IMAGE, 4), 'four words when no number is told')
    one, other = (words(machine.run(f'peek {address:#x} 2')) for address in (IMAGE, IMAGE + 3))
    check.equal(other[0][1], (one[0][1] >> 24 | one[1][1] << 8) & 0xffffffff, 'an address that is no multiple of 4')
    check.equal(words(machine.run(f'peek {IMAGE:#x} 3')), words(machine.run(f'peek {IMAGE:#x} 9'))[:3], 'a part of a row')


def test_peek_stops(machine, check):
    said = machine.run('peek 0xf7c01ff4 9')
    check.equal(wide(said), [], 'in 80 columns')
    *rows, last = unfolded(said).splitlines()
    check.equal(len(words('\n'.join(rows))), 3, 'up to the guard page')
    check.like(last, r'^peek: cannot read 0xf7c02000 \(vmalloc, guard of 0xf7c00000\.\..*; PTE 2: P=0\)$', 'where it stops, and why')
    *rows, last = unfolded(machine.run('peek 0xf7c01ff9 4')).splitlines()
    check.equal(len(words('\n'.join(rows))), 1, 'a word that only begins before it')
    check.like(last, '^peek: cannot read 0xf7c02000 ', 'is not read')
    registers = re.search(r'0x(\w{8})-\S+ +\d+ edu_\S+ phys=', machine.run('vmallocinfo'))[1]
    for command in (f'peek 0x{registers}', f'poke 0x{registers} 1'):
        check.like(machine.run(command), r'^\w+: 0x\w{8} is a register of a device: even a read may change something$', f'{command}: refused')


def test_poke(machine, check):
    address = int(re.search(r'0x(\w{8})', machine.run('vmalloc 8K'))[1], 16)
    for at, value in ((address, 0x12345678), (address + 5, 0xfedcba98), (address + 0xffe, 0x0badcafe), (address, 4294967295)):
        before = words(machine.run(f'peek {at:#x} 1'))[0][1]
        check.equal(machine.run(f'poke {at:#x} {value:#x}'), f'{at:#010x}: {value:#010x}, was {before:#010x}\n', f'poke {at:#x}')
        check.equal(words(machine.run(f'peek {at:#x} 1')), [(at, value)], 'it is there')
    check.equal(words(machine.run(f'peek {address + 4096:#x} 1'))[0][1] & 0xffff, 0x0bad, 'in two pages, two bytes in each')
    machine.run(f'vfree {address:x}')
    machine.run('poke 0xc00b8000 0x1f211f48')
    check.equal(machine.physical(0xb8000, 4), b'H\x1f!\x1f', 'the memory of the screen, which is no RAM')


def test_poke_refused(machine, check):
    """Nothing is written, which raw memory shows; explain names the same bit."""
    places = {'kernel_main': 'text', 'swapper_pg_dir': 'sealed', '__rodata_start': 'rodata', '0xf7c02000': 'guard', '0xf7c01ffe': 'guard'}
    for word, what in places.items():
        address = NAMES.get(word) or int(word, 16)
        where = machine.walk(address).physical
        before = where and machine.tables.word(where)
        said = unfolded(machine.run(f'poke {word} 0x12345678'))
        check.like(said, rf'^poke: cannot write 0x\w{{8}} \(.*\b{what}\b.*: (?:RW=0, CR0\.WP=1|P=0)\)\n\Z', f'poke {word}: refused')
        check.equal(where and machine.tables.word(where), before, 'and not written')
        refused = int(re.search('cannot write (0x\\w{8})', said)[1], 16)
        check.true(re.search(r'\((.* \d+: .*)\)', machine.run(f'explain {refused:#x}'))[1].split(': ')[-1] in said, 'as explain has it')
    check.like(machine.run('audit'), 'hold', 'audit')


def test_wrong(machine, check):
    for command, answer in WRONG.items():
        said = unfolded(machine.run(command))
        check.like(said, answer, f'{command[:40]}: says what is right')
        check.equal(said.count('\n'), 1, f'{command[:40]}: in one line')


# ---- names ----

def test_kernel_names(machine, check):
    for name in ('kernel_main', 'swapper_pg_dir', '__kernel_end', 'layout_regions', 'boot_info'):
        check.like(machine.run(f'explain {name}'), f'^address   {NAMES[name]:#010x}\\b', f'explain {name}')
    listed = run('nm', build_dir() / 'attic.debug')[0]
    twice = set(re.findall(r' [bdr] (\w+)$', listed, re.M)) & set(re.findall(r' [TBDR] (\w+)$', listed, re.M))
    check.true(twice, 'a static variable has the name of a global one')
    for name in twice:
        check.like(machine.run(f'explain {name}'), '^address   0xc0', f'explain {name}: the global one')
    check.like(machine.run('explain layout_regions'), r'^area .* sealed$', 'a table that is read-only')
    check.equal(machine.run('peek swapper_pg_d\t1'), machine.run(f'peek {NAMES["swapper_pg_dir"]:#x} 1'), 'tab completes names')


def test_program_names(machine, check):
    names = Symbols(build_dir() / 'user/forever')
    main, environ = (f'{names[name]:#010x}' for name in ('main', 'environ'))
    pid, = run_forever(machine, 1)
    check.like(machine.run('explain forever:main'), rf'^address   {main} of forever\[{pid}\]$', 'the one process that runs it')
    check.like(machine.run(f'explain forever:environ {pid}'), rf'^address   {environ} of forever\[{pid}\]$', 'a variable, and a pid')
    check.like(machine.run('explain /forever:main'), f'^address   {main} ', 'a path')
    check.like(machine.run('explain forever:main+0x10'), rf'^address   {names["main"] + 16:#010x} of forever', 'an offset')
    check.like(machine.run('explain fore\tma\t'), rf'^address   {main} of forever', 'tab completes both names')
    check.like(machine.run('peek forever:main 1 \t'), f'^{main}  ', 'tab completes the only pid')
    code = (build_dir() / 'user/forever').read_bytes()
    start = words(machine.run(f'peek forever:main 8 {pid}'))
    check.equal([at for at, _ in start], list(range(names['main'], names['main'] + 32, 4)), 'peek: at its address')
    check.true(struct.pack('<8I', *(word for _, word in start)) in code, 'peek: the code of the file')
    check.equal(words(machine.run('peek forever:main 8')), start, 'also without the pid')
    check.like(machine.run('poke forever:main 0'), '^poke: 0x0804.* is a user address', 'poke: refused')
    *rows, last = unfolded(machine.run(f'peek 0xbfffeff8 9 {pid}')).splitlines()
    check.equal([at for at, _ in words('\n'.join(rows))], [0xbfffeff8, 0xbfffeffc], 'the vDSO, the last page, up to its end')
    check.like(last, r'^peek: cannot read 0xbffff000 \(user, above 0xbfffe000\.\.0xbfffefff r-xp \[vdso\]; ', 'where it stops')
    check.equal(unfolded(machine.run(f'peek 0xbfffeffe 1 {pid}')), f'{last}\n', 'a word in two pages: the one that is missing')
    check.like(machine.run(f'explain hello:main {pid}'), rf'^explain: forever\[{pid}\] runs another program$', 'another program')
    one, other = run_forever(machine, 1)
    for command in ('explain', 'peek', 'poke'):
        line = f'{command} forever:main' + (' 0' if command == 'poke' else '')
        check.equal(machine.run(line), f'{command}: forever:main is {main} in 2 processes: add a PID\n', f'{command}: which of two?')
    check.like(machine.run(f'explain forever:main {other}'), rf'^address   {main} of forever\[{other}\]$', 'the other one')
    for number in (one, other):
        machine.run(f'kill {number}')
    check.like(machine.run('explain forever:main'), f'^explain: forever:main is {main} in a process that runs it, and none does;', 'when they have ended')


def test_broken_programs(machine, broken, check):
    for name, (_, why) in broken.items():
        check.equal(machine.run(f'explain {name}:ma\t\tin'), f'explain: {name} has no symbols: {why}\n', f'{name}: says what is wrong, tab nothing')
    check.like(machine.run('audit'), 'hold', 'audit')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)
