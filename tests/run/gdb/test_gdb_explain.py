"""gdb's `attic explain`: byte for byte the output of the monitor's `explain`, for an address of every kind, of the kernel and of processes;
and at every other stage, where the monitor does not run, compared with the tables in physical memory."""
import re

import pytest

from attic.machine import PROMPT, Machine
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME, RW, US, Tables
from in_gdb import ALL, CR4_SMAP, DEBUG, KERNEL_HALF, STAGES, Dump, addresses_of, at_stages, kernel, session, wait_for_sleep
from machines import unfolded, wide

CR0_WP, CR4_SMEP = 1 << 16, 1 << 20


# ---- at the prompt: gdb says what the monitor says ----

def kernel_addresses(machine):
    names, tables = kernel(), Tables(machine.physical)
    machine.run('vmalloc -s 100K')  # more runs than are listed
    areas = re.findall(r'^0x(\w{8})-0x(\w{8}) ', machine.run('vmallocinfo'), re.M)
    starts, ends = ([int(area[side], 16) for area in areas] for side in (0, 1))  # an area ends after its guard
    table, vmalloc_table = (tables.word(names.physical('swapper_pg_dir') + 4 * index) & FRAME for index in (768, 1000))
    high = int(re.search(r'^region +0xc0000000\.\.(0x\w+) ', machine.run('explain 0xc0000000'), re.M)[1], 16)
    addresses = [*(names[name] for name in ('schedule', '__rodata_start', 'swapper_pg_dir', 'layout_regions', 'lowmem_size', 'jiffies',
                                            '__kernel_end')),
                 *starts, *ends, *(end - 4096 for end in ends),
                 *(PAGE_OFFSET + offset for offset in (0, 0x9FC00, 0xB8000, 0xF0000, 0x100000, 0x101000, 0x400000, 0x400123, 0x7FFFFF,
                                                       table, vmalloc_table)),
                 high, high + 1, high + 0x400000, ends[-1], ends[-1] + 0x1123, 0xFE000000,
                 0xFFBFE000, 0xFFBFF000, 0xFFC00000, 0xFFC01008, 0xFFFFE000, 0xFFFFF000, 0xFFFFFFFF]
    return ['kernel_main', *(f'0x{address:08x}' for address in addresses), '0', '4096', '0x00010000', '0x08048000', '0xbfffe000',
            '0xbfffffff']


def output_has(machine, pattern):
    found = machine.wait_until(lambda: re.search(pattern, machine.output))
    assert found, f'no match of: {pattern}\n{machine}'
    return found[0]


def user_addresses(machine, check):
    """Addresses of user/places.c, which has a page of every kind, of its child, and of a running program."""
    machine.run('run places &', 10)
    said = output_has(machine, r'places\[\d+\]: text (?s:.*): own 0x\w+\n')
    at = {name: int(address, 16) for name, address in re.findall(r'\]: (\w+) 0x(\w+)$', said, re.M)}
    pids = []

    def both_sleep():
        pids[:] = re.findall(r'^ *(\d+) .* sleeping .* places$', machine.run('ps', 10), re.M)
        return len(pids) == 2
    assert check.true(machine.wait_until(both_sleep), 'places has forked, and both sleep', machine)
    machine.run('run forever &', 10)
    output_has(machine, r'forever\[\d+\]: runs .*\n')
    runs = re.search(r'^ *(\d+) .* forever$', machine.run('ps', 10), re.M)[1]
    untouched = [f'0x{at[name] + 0x1004:08x}' for name in ('bss', 'heap', 'none', 'shared')]
    others = ['0', '0xffff', '0x08047fff', '0x10000000', '0x50000000', '0xbf000000', '0xbfedcfff', '0xbfedd000', '0xbffdcfff',
              '0xbffdd000', '0xbfffe010', '0xbffff000', 'kernel_main', '0xf7c02000', '0xffc00000']
    return [*(f'0x{at[name]:08x} {pid}' for pid in pids for name in sorted(at)),
            *(f'{address} {pids[0]}' for address in untouched + others), f'0xc0100000 {runs}', f'0x08048000 {runs}']


def compare_with_monitor(name, few, check, **options):
    """The monitor's output, by address, or address and PID. Its `explain VA` uses the master directory."""
    with Machine(f'gdb-explain-{name}', build=DEBUG, gdb=True, **options) as machine:
        machine.expect(PROMPT, 30)
        user = user_addresses(machine, check)
        asked = [what for what in kernel_addresses(machine) + user if re.search(few, what)]
        theirs = [machine.run(f'explain {what}', 10) for what in asked]
        wait_for_sleep(check, machine)
        commands = [f'attic explain {what}' + ('' if ' ' in what else ' master') for what in asked]
        *ours, by_itself, loaded, _ = session(check, machine, *commands, 'attic explain kernel_main', 'attic explain kernel_main loaded',
                                              'detach')
    for what, our, their in zip(asked, ours, theirs):
        check.equal(our, their, f'{name}: explain {what}: byte for byte')
    check.equal(by_itself, loaded, f'{name}: without PID it is the loaded directory')
    return dict(zip(asked, theirs))


# Every kind of address must be tested.
AMONG = (
    'made by double_fault_report_init', 'lowmem: text', 'lowmem: rodata', 'lowmem: sealed', 'lowmem: data and bss', 'lowmem: memory$',
    '4 MiB page at', ' ioremap$', r'vmalloc, kernel stack of init\[1\]', 'its guard is here', 'the tag of an area',
    'the tag of a free range', 'above all RAM', 'no RAM', 'page tables, reserved at start-up', 'this memory is free',
    'the kernel itself may only read', 'may have it at physical', 'hole, never mapped', 'fixmap guard, never mapped', 'last page, never mapped',
    'never mapped$', r'try  +explain 0x08048000 \d+ +\(', 'no process has an area there', 'r-xp, page 0 of /places', r'rw-p \[heap\]',
    r'rw-p \[stack\]', 'it may grow down to here', r'\[vdso\]', 'keeps a frame without rights', 'kept without rights', 'the page of zeros',
    'rw-s, page 0$', 'in a block of', 'SMAP=1', 'SMEP=1', 'RW=0, CR0.WP=1', 'nothing: here the address space ends',
)


def test_same_as_the_monitor(check):
    said = compare_with_monitor('64M', '', check, mem='64M')
    check.true(len(said) >= 80, 'many addresses were asked for', len(said))
    everything = ''.join(said.values())
    for what in AMONG:
        check.like(everything, what, f'among them: {what}')


def test_same_where_pages_have_no_address_in_lowmem(check):
    """Pages of ring 3 and of vmalloc."""
    compare_with_monitor('lowmem', r'^0xf7c0[0-4]|^0xc0[57]|^0xffc0\w+$|0 2$', check, mem='64M', cmdline='lowmem=8M')


# ---- the tables ----

def check_explanation(check, name, said, state, directory, address):
    """Checks the walk and the rights in an explanation."""
    walk = state.tables.walk(directory, address)
    check.equal([' '.join(found) for found in
                 re.findall(r'^(PDE \d+|PTE \d+) +(0x\w{8}) at 0x\w{8}, physical (0x\w{8})$', said, re.M)],
                [f'{entry.level} {entry.index} {entry.value:#010x} {entry.at:#010x}' for entry in walk.entries], f'{name}: entries', said)
    if not walk.mapped:
        stop = f'{walk.last.level} {walk.last.index}'
        check.like(said, f'^walk +stops at {stop}: P=0$', f'{name}: where it stops')
        for ring in 0, 3:
            check.like(said, rf'^ring {ring} +may not read, write, execute \({stop}: P=0\)$', f'{name}: and ring {ring} may nothing')
        check.unlike(said, '^(?:frame|also at) ', f'{name}: no frame')
        return
    check.like(said, f'^walk +ends at physical {walk.physical:#010x}$', f'{name}: where it ends')
    writable, user = walk.rights & RW, walk.rights & US
    check.equal(may(said, 'ring 3'), ['read', 'write', 'execute'][::1 if writable else 2] if user else [], f'{name}: ring 3')
    ring0 = [] if user and state['CR4'] & CR4_SMAP else ['read', 'write'] if writable or not state['CR0'] & CR0_WP else ['read']
    check.equal(may(said, 'ring 0'), ring0 + ([] if user and state['CR4'] & CR4_SMEP else ['execute']), f'{name}: ring 0')
    check.like(said, rf'^frame +{walk.physical & FRAME:#010x}\b', f'{name}: the frame')


def paragraph(said, label):
    found = re.search(rf'^{label} +(.*\n(?: {{10}}.*\n)*)', said, re.M)
    return found[1] if found else ''


def may(said, label):
    """The rights of a ring, in words."""
    lines = re.findall(r'^\s*may (?!not)([^(\n]*)', paragraph(said, label), re.M)
    return ' '.join(lines).replace(',', ' ').split()


def check_aliases(check, name, said, state, address, directory, bounds):
    """The other addresses in this directory."""
    physical = state.tables.walk(directory, address).physical
    others = [f'0x{other:08x}' for other in addresses_of(state, physical, [(directory, bounds)]) if other != address]
    check.equal(sorted(re.findall(r'^\s*(0x\w{8}) ', paragraph(said, 'also at'), re.M)), others, f'{name}: its other addresses', said)


# ---- every stage of the boot, and ring 3 ----

ADDRESSES = {'image': 0xC0100000, 'null': 0, 'vmalloc': 0xF7C00000, 'device': 0xF7C03000, 'kmap': 0xFFC00000, 'user': 0x08048000}
EVERYWHERE = [f'attic explain 0x{address:08x}' for address in ADDRESSES.values()]
NUMBER = {stage: number for number, stage in enumerate(STAGES)}


def said_everywhere(answers):
    return dict(zip(ADDRESSES, answers))


def test_stages(boot, check, tmp_path):
    machine = boot('gdb-explain-stages', build=DEBUG, stopped=True, gdb=True, mem='8M', input='run forever\n')
    stages = at_stages(check, machine, tmp_path, [*EVERYWHERE, 'attic explain $esp'], *ADDRESSES.values(), '$esp')
    _, early, _ = next(stages)
    check.equal([said for said in early.values() if not re.fullmatch(r'attic explain: the kernel does not run yet: [^\n]*\n', unfolded(said))], [],
                'before the kernel: a sentence')
    for stage, said, state in stages:
        check_stage(check, stage, said_everywhere(said.values()), state)


def check_stage(check, stage, said, state):
    if stage == '_start':
        check_physical(check, said)
        return
    number, directory = NUMBER.get(stage, len(STAGES)), state.directory
    for kind, address in ADDRESSES.items():
        check_explanation(check, f'{stage}, {kind}', said[kind], state, directory, address)
    if number > NUMBER['lowmem_map_init']:
        directory = kernel().physical('swapper_pg_dir')
    bounds = ALL if number < NUMBER['lowmem_map_init'] else KERNEL_HALF
    check_aliases(check, f'{stage}, image', said['image'], state, ADDRESSES['image'], directory, bounds)
    check_until(check, number <= NUMBER['page_alloc_init'], said['image'],
                r'^frame +0x00100000; there are no struct pages yet: page_alloc_init\(\) makes them$', f'{stage}: struct pages')
    check_until(check, number <= NUMBER['lowmem_map_init'], said['image'], '^area +which part of it, is not known yet', f'{stage}: rows')
    check.like(said['null'], '^device +may not have it: -EFAULT$', f'{stage}: no device may have null')
    # The regions are set just before the rows are made; until then they are those of the boot directory, and all this is its lowmem.
    if number < NUMBER['lowmem_map_init']:
        for kind in 'vmalloc', 'device':
            check.like(said[kind], r'^region +0xc0000000\.\.\w+ lowmem', f'{stage}: a {kind} address is lowmem yet')
        return
    check_until(check, number <= NUMBER['vmalloc_init'], said['vmalloc'],
                r'^area +none yet: vmalloc_init\(\) makes|^area +none: the boot directory', f'{stage}: areas')
    for kind in 'vmalloc', 'device':
        check.like(said[kind], '^device +may not have it: -EADDRNOTAVAIL$', f'{stage}: nor a {kind} address')
    if number >= NUMBER['mm_seal']:
        check.like(said['vmalloc'], r'^area +0xf7c00000\.\.0xf7c01fff vmalloc\n +made by double_fault_report_init\+',
                   f'{stage}: a vmalloc area')
    if number > NUMBER['mm_seal']:
        check.like(said['device'], r'^area +0xf7c03000\.\.0xf7c03fff ioremap\n +made by edu_bind\+', f'{stage}: a device')


def check_until(check, early, said, pattern, name):
    """The sentence is printed at early stages only."""
    (check.like if early else check.unlike)(said, pattern, name)


def check_physical(check, said):
    check.equal([line for kind in ADDRESSES for line in wide(said[kind])], [], '_start: 80 columns')
    said = {kind: re.sub(r'(?<!\n)\n {10}(?! )', ' ', said[kind]) for kind in ADDRESSES}
    for kind, address in ADDRESSES.items():
        check.like(said[kind], rf'\Aaddress +0x{address:08x} is physical: paging is off,', f'_start: {kind} is physical')
        check.like(said[kind], f'^walk +ends at physical 0x{address:08x}$', f'_start: {kind}: there is nothing to walk')
    check.like(said['image'], " with paging on, this address shows physical 0x00100000, in the kernel's image, "
               'from __boot_start to __text_start$', '_start: what will be there')
    check.like(said['null'], r"^frame +0x00000000 outside the kernel's image, which is at 0x00100000\.\.0x001\w{5}$",
               '_start: what is there')
    too_early = re.compile('^device +not known yet: the DMA API looks at struct pages', re.M)
    check.equal([kind for kind in ADDRESSES if not too_early.search(said[kind])], [], '_start: and it is too early for devices')


# ---- a slot of kmap_local_page() that is taken ----

def open_sites(state):
    """The addresses of stac in the kernel, which allows ring 0 to access user pages: from the kernel's table (arch/x86/cpu.c)."""
    names = kernel()
    start, end = names.physical('__smap_sites_start'), names.physical('__smap_sites_end')
    words = state.tables.words(start, (end - start) // 4)
    return [site for site, opens in zip(words[::2], words[1::2]) if opens]


def test_kmap_slot(boot, check, tmp_path):
    machine = boot('gdb-explain-kmap', build=DEBUG, stopped=True, gdb=True, mem='32M', cmdline='lowmem=8M', input='run forever\n')
    dump = Dump(tmp_path / 'dump', 32, 0xFFC00008, 0xFFC01000, '$eip')
    _, _, *dumped, taken, free, code, _ = session(
        check, machine, 'hbreak *&kunmap_local if (unsigned)$eax >= 0xffc00000', 'continue', *dump.commands,
        'attic explain 0xffc00008', 'attic explain 0xffc01000', 'attic explain $pc', 'disconnect')
    state = dump.take(iter(dumped), check, 'kmap')
    check_explanation(check, 'a slot that is taken', taken, state, state.directory, 0xFFC00008)
    check.like(taken, r'^area +0xffc00000\.\.0xffc00fff kmap slot$', 'a slot that is taken')
    check.like(taken, r'^frame +0x0\w{7} \w[\w ]*; references: 1$', 'shows a page')
    check.true(int(re.search(r'^frame +0x(\w{8})', taken, re.M)[1], 16) >= 8 << 20, 'in highmem', taken)
    check.unlike(taken, ' lowmem$', 'which has no address in lowmem')
    check.like(taken, '^device +may not have it: -ENXIO$', 'and no device may have the slot')
    check_explanation(check, 'a slot that is free', free, state, state.directory, 0xFFC01000)
    check.like(free, r'^below +0xffc00000\.\.0xffc00fff kmap slot$', 'a slot that is free, above it')
    check.like(code, r'^address +0xc01\w{5} kunmap_local\+0x', 'code has its name')
    *_, opened, _ = session(check, machine, *(f'hbreak *{site + 3:#x}' for site in open_sites(state)), 'continue',
                            'attic explain 0x08048000', 'detach')
    check.like(opened, '^ring 0 +may read$', 'between stac and clac ring 0 may read what ring 3 may')


# ---- in a panic, in the double-fault task; help, completion, and what is asked wrong: one sentence ----

WRONG = {
    'attic explain': r'^usage: attic explain VA \[PID\]$',
    'attic explain banana': '^attic explain: `banana` is not an address: ',
    'attic explain 1 +': r'^attic explain: `1 \+` is not an address: ',
    'attic explain 0x123456789': '^attic explain: .* 32 bits$',
    'attic explain 0 77': '^attic explain: there is no process 77: `attic ps` lists them$',
    'attic explain 0 banana': '^attic explain: `banana` is neither a pid nor one of master, boot, loaded$',
    'attic explain 0 boot': '^attic explain: the boot directory is gone',
}
COMPLETIONS = {
    'attic expl': ('completion', ['attic explain']),
    'attic explain kernel_mai': ('completion of VA', ['attic explain kernel_main']),
    'attic explain 0 ': ('completion of PID', [f'attic explain 0 {word}' for word in (0, 1, 2, 'boot', 'loaded', 'master')]),
}


@pytest.mark.parametrize('crash, stop', [('panic', 'machine_exit'), ('stack', 'double_fault_task')])
def test_crash(crash, stop, boot, check, tmp_path):
    machine = boot(f'gdb-explain-{crash}', build=DEBUG, stopped=True, gdb=True, mem='8M', input=f'run forever &\ncrash {crash}\n')
    dump = Dump(tmp_path / 'dump', 8, *ADDRESSES.values())
    more = [*WRONG, 'help attic', 'help attic explain', *(f'complete {typed}' for typed in COMPLETIONS)]
    answers = iter(session(check, machine, f'hbreak {stop}', 'continue', *dump.commands, *EVERYWHERE, 'attic explain 0x08048000 2', *more,
                           'detach'))
    next(answers), next(answers)
    state = dump.take(answers, check, crash)
    check_stage(check, crash, said_everywhere(answers), state)
    check.like(next(answers), r'^address +0x08048000 of forever\[2\]$', f'{crash}: a process can be asked for')
    said = dict(zip(more, answers))
    for command, pattern in WRONG.items():
        check.like(unfolded(said[command]), r'\A[^\n]*\n\Z', f'{crash}: {command}: one sentence')
        check.like(unfolded(said[command]), pattern, f'{crash}: {command}')
    check.like(said['help attic'], '^attic explain -- Print all that is known of an address', f'{crash}: help')
    check.like(said['help attic explain'], r'^usage: attic explain VA \[PID\]$', f'{crash}: help of its own')
    for typed, (name, wanted) in COMPLETIONS.items():
        check.equal(said[f'complete {typed}'], ''.join(f'{line}\n' for line in wanted), f'{crash}: {name}')
