"""What `explain` prints about addresses that are drawn at random, compared with the page tables in physical memory. Here the printed text is the
answer; but which addresses are asked for is not known before, and what is right is computed from memory (Intel SDM vol. 3, 4.3 and 4.6)."""
import re

from attic.lab.bench import typed
from attic.symbols import PAGE_OFFSET
from attic.tables import FRAME, P, RW, US

CR0_WP, CR4_SMEP, CR4_SMAP = 1 << 16, 1 << 20, 1 << 21
PAGE, VMALLOC = 4096, 0xF7C00000  # where the vmalloc area begins by default
PROCESSORS = ('max', 'qemu32', 'max,-smap', 'max,-smep')
ADDRESSES = 12


def walked(bench):
    """On each processor, as they differ in SMEP and SMAP."""
    return next((reason for cpu in PROCESSORS if (reason := walked_on(bench, cpu))), None)


def walked_on(bench, cpu):
    with bench.at_prompt(f'walked-{cpu}', cpu=cpu, mem=f'{bench.random.choice([24, 64, 136])}M') as machine:
        if not machine or not typed(machine, 'run forever &') or not typed(machine, 'vmalloc -s 100K'):
            return 'the kernel does not come to its prompt'
        directory = machine.wait_until(lambda: directory_of_process(machine))
        if not directory:
            return 'no process runs in ring 3'
        pid = re.search(r'forever\[(\d+)\]', machine.output)
        if not pid:
            return 'no process has been started'
        for space, suffix in ((bench.names.physical('swapper_pg_dir'), ''), (directory, f' {pid[1]}')):
            for address in drawn(bench, machine, space):
                if not typed(machine, f'explain {address:#x}{suffix}'):
                    return f'no prompt after `explain {address:#x}{suffix}`'
                if reason := judged(machine, space, address, machine.before):
                    return f'explain {address:#x}{suffix}, on a processor {cpu}: {reason}'
    return None


def directory_of_process(machine):
    """CR3, if the machine is in ring 3 now."""
    machine.monitor('stop')
    found = machine.register('CR3') & FRAME if machine.register('EIP') < PAGE_OFFSET else None
    machine.monitor('cont')
    return found


def drawn(bench, machine, directory):
    """Addresses of all kinds: mapped ones, those behind them, and any."""
    pages = list(machine.tables.pages(directory))
    kinds = [[page for page in pages if page.size > PAGE], [page for page in pages if page.size == PAGE and page.start >= PAGE_OFFSET],
             [page for page in pages if VMALLOC <= page.start], [page for page in pages if page.start < PAGE_OFFSET]]
    some = [bench.random.choice(kind) for kind in kinds if kind for _ in range(ADDRESSES // 4)]
    some += [page for page in kinds[3] if not page.rights & RW][:1]
    found = [page.start + bench.random.randrange(page.size) for page in some]
    found += [(page.start + page.size) % (1 << 32) for page in some]
    return found + [bench.random.randrange(1 << 32) for _ in range(ADDRESSES // 4)]


def judged(machine, directory, address, said):
    """The first thing that is not as the tables say."""
    walk = machine.tables.walk(directory, address)
    for entry in walk.entries:
        if not re.search(rf'^{entry.level} {entry.index} +{entry.value:#010x} ', said, re.M):
            return f'{entry.level} {entry.index} is {entry.value:#010x}'
    end = f'ends at physical {walk.physical:#010x}' if walk.mapped else f'stops at {walk.last.level} {walk.last.index}: P=0'
    if re.findall(r'^walk +(.*)', said, re.M) != [end]:
        return f'the walk {end}'
    for ring in (0, 3):
        may = set(re.sub(r'\(.*', '', ' '.join(re.findall(r'may ((?!not)[^\n(]*)', rights_of(said, ring)))).replace(',', '').split())
        if may != allowed(machine, walk, ring):
            return f'ring {ring} may {", ".join(sorted(allowed(machine, walk, ring))) or "nothing"}'
    return None


def rights_of(said, ring):
    """The lines about a ring."""
    found = re.search(rf'^ring {ring} .*\n(?: .*\n)*', said, re.M)
    return found[0] if found else ''


def allowed(machine, walk, ring):
    """What a ring may do with EFLAGS.AC clear."""
    if not walk.mapped:
        return set()
    bits = [entry.value for entry in walk.entries]
    user, writable = all(entry & US for entry in bits), all(entry & RW for entry in bits)
    if not all(entry & P for entry in bits):
        return set()
    if ring == 3:
        return {'read', 'execute'} | ({'write'} if writable else set()) if user else set()
    cr0, cr4 = machine.register('CR0'), machine.register('CR4')
    may = {'read', 'write', 'execute'}
    if not writable and cr0 & CR0_WP:
        may -= {'write'}
    if user and cr4 & CR4_SMEP:
        may -= {'execute'}
    if user and cr4 & CR4_SMAP:
        may -= {'read', 'write'}
    return may
