"""Snapshots as a reader gets them: each document matches its schema and the tables in physical memory, read through QEMU's monitor without
Attic's help. And machines that cannot send snapshots."""
import fcntl
import json
import os
import re
import struct
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import pytest

from attic.build import log_dir, symbols
from attic.machine import PROMPT
from attic.symbols import PAGE_OFFSET
from attic.tables import BIT_NAMES, PS
from snapshots import SCHEMA, documents, invalid

NAMES = symbols()
MASTER = NAMES.physical('swapper_pg_dir')
PDE_USER_LAST = (PAGE_OFFSET >> 22) - 1
MACHINES = {'8M': {'mem': '8M'}, 'lowmem': {'mem': '128M', 'cmdline': 'lowmem=8M'}, '4G': {'mem': '4G', 'cmdline': 'vmalloc=64M'}}

# Owners of the frames that have a block, by the number in their struct page.
OWNERS = (None, 'buddy', 'hot', 'other', 'slab', 'vmalloc', 'process tables', 'user pages', 'file pages')
STRUCT_PAGE = 16  # bytes


# ---- documents ----

def entries(runs):
    """Runs of directory entries as (frame, bits) by index."""
    return {run['index'] + i: ((int(run['phys'], 16) >> 12) + i * step(run), run['bits']) for run in runs for i in range(run['count'])}


def pages(*lists):
    """Runs of pages as (frame, bits) by page number; for 4 MiB pages only the first 4 KiB. No two adjacent runs could be joined."""
    found, last = {}, {}
    for run in (run for runs in lists for run in runs):
        assert (last.get('end'), last.get('bits')) != (run['start'], run['bits']), f'{run["start"]}: goes on what was before'
        last, at = run, int(run['start'], 16) >> 12
        for first, count in run['frames']:
            found |= {at + i: (first + i, run['bits']) for i in range(0, count, step(run))}
            at += count
        assert at << 12 == int(run['end'], 16), f'{run["start"]}: frames and pages differ'
    return found


def step(run):
    return 1024 if 'PS' in run['bits'] else 1


# ---- the tables, from outside ----

def bits(entry):
    """The bits as in documents: bit 7 is called PAT in a page table."""
    return ' '.join('PAT' if bit == PS and entry.level == 'PTE' else name for bit, name in BIT_NAMES if entry.value & bit)


def walk(machine, directory, first, last):
    """The entries of a directory that are not 0, and all it maps from index `first` to `last`, in the form of entries() and pages(). In the
    kernel's half an entry that is not present maps nothing, and may be a tag of the vmalloc area."""
    found, mapped = {}, {}
    for pde in machine.tables.directory_entries(directory)[first:last + 1]:
        if not pde.value:
            continue
        frame = (pde.value >> 12, bits(pde))
        found[pde.index] = frame
        if pde.value & PS:
            mapped[pde.index << 10] = frame
            continue
        for pte in machine.tables.table_entries(pde):
            if pte.present or pte.value and pde.index <= PDE_USER_LAST:
                mapped[(pde.index << 10) + pte.index] = (pte.value >> 12, bits(pte))
    return found, mapped


def variable(machine, name):
    return machine.tables.word(NAMES.physical(name))


def frame_runs(machine):
    """Runs of frames that have a block, from the array of struct pages: first frame, count, owner, references."""
    count, runs, pfn = variable(machine, 'max_pfn'), [], 0
    struct_pages = machine.physical(variable(machine, 'mem_map') - PAGE_OFFSET, STRUCT_PAGE * count)
    while pfn < count:
        kind, _, order, head, references = struct.unpack_from('<4BI', struct_pages, STRUCT_PAGE * pfn)
        size = 1 << order if head else 1
        if head and runs and runs[-1][0] + runs[-1][1] == pfn and runs[-1][2:] == [OWNERS[kind], references]:
            runs[-1][1] += size
        elif head:
            runs.append([pfn, size, OWNERS[kind], references])
        pfn += size
    return runs


@pytest.mark.parametrize('label', MACHINES)
def test_machine(label, boot, check):
    file = log_dir() / f'snapshot-{label}.jsonl'
    machine = boot(f'snapshot-{label}', snapshots=file, silence=100, **MACHINES[label])
    machine.expect(PROMPT)
    machine.run('vmalloc 20K')
    pid = re.search(r'^steps\[(\d+)\]', machine.run('run steps &'), re.M)[1]
    for _ in range(4):
        machine.run(f'run steps {pid}')
    sent = re.search(r'^snapshot: one: (\d+) bytes sent$', machine.run('snapshot one'), re.M)
    check.like(machine.run('snapshot two'), r'\Asnapshot: two: \d+ bytes sent\n\Z', f'{label}: snapshot says what it has sent')
    machine.monitor('stop')

    check.equal(invalid(file), '', f'{label}: the schema holds')
    one, two = (documents(file)[name] for name in ('one', 'two'))
    check.equal(sent and int(sent[1]), file.read_bytes().index(b'\n') + 1, f'{label}: so many bytes came')
    check.equal(one | {key: two[key] for key in ('name', 'uptime_ms')}, two, f'{label}: two in a row are the same')
    check.true(two['uptime_ms'] >= one['uptime_ms'], f'{label}: but for the time')
    check_kernel(label, machine, two, check)
    check_spaces(label, machine, two, int(pid), check)
    check_frames(label, machine, two, check)
    machine.monitor('cont')
    check.like(machine.run('audit'), 'all invariants hold', f'{label}: and nothing is wrong afterwards')


def check_kernel(label, machine, document, check):
    kernel, areas = document['kernel'], document['kernel']['areas']
    found, mapped = walk(machine, MASTER, 0, 1023)
    check.equal(int(kernel['pgd'], 16), MASTER, f'{label}: the master directory')
    check.equal(entries(kernel['pdes']), found, f'{label}: its entries')
    check.equal(pages(kernel['mappings'], *(area['mappings'] for area in areas)), mapped, f'{label}: all that it maps')
    for area in areas:
        count, size, where = len(pages(area['mappings'])), int(area['end'], 16) - int(area['start'], 16), f'{label}: area {area["start"]}'
        if count != area['pages']:
            check.equal(count, area['pages'], f'{where}: all its pages are mapped')
        if size != 4096 * (count + 1):
            check.equal(size, 4096 * (count + 1), f'{where}: and a guard')
    regions = {region['name']: region for region in document['regions']}
    check.equal(int(regions['lowmem']['end'], 16) - PAGE_OFFSET, variable(machine, 'lowmem_size'), f'{label}: where lowmem ends')
    check.equal(int(regions['vmalloc']['start'], 16), variable(machine, 'vmalloc_start'), f'{label}: where the vmalloc area starts')
    for below, region in pairwise(document['regions']):
        check.equal(region['start'], below['end'], f'{label}: no gap below {region["name"]}')
    mine = next(area for area in areas if area['caller'].startswith('monitor_vmalloc+'))
    check.equal((mine['kind'], mine['pages']), ('vmalloc', 5), f'{label}: the area that was made by hand')
    check.equal(int(mine['caller_address'], 16), NAMES['monitor_vmalloc'], f'{label}: and by whom')


def check_spaces(label, machine, document, pid, check):
    spaces = {space['pgd']: space for space in document['spaces']}
    tasks = [task for task in document['tasks'] if task['pgd']]
    check.equal(len(tasks), 2, f'{label}: two processes')
    check.equal(sorted(spaces), sorted(task['pgd'] for task in tasks), f'{label}: with an address space each')
    for task in tasks:
        space, name = spaces[task['pgd']], f'{label}: process {task["pid"]}'
        found, mapped = walk(machine, int(task['pgd'], 16), 0, PDE_USER_LAST)
        check.equal(entries(space['pdes']), found, f'{name}: its directory')
        check.equal(pages(space['mappings']), mapped, f'{name}: all that it maps')
        check.equal(space['kernel_differs'], [], f"{name}: the kernel's half")
    check.equal(sorted(f'{task["comm"]} {task["state"]}' for task in document['tasks']),
                ['idle ready', 'init running', 'steps sleeping', 'steps sleeping'], f'{label}: names and states')
    check.equal(tasks[1]['ppid'], pid, f"{label}: the child's parent")


def check_frames(label, machine, document, check):
    frames, counts = document['frames'], Counter()
    for _, count, owner, *_ in frames:
        counts[owner] += count
    check.equal(counts.total(), document['memory']['ram_frames'], f'{label}: the frames are all of RAM')
    check.equal(counts['buddy'] + counts['hot'], document['memory']['free_frames'], f'{label}: and so many are free')
    in_blocks = [run for run in frames if run[2] in OWNERS]
    check.equal(in_blocks, frame_runs(machine), f'{label}: owner and references of each')
    overlap = [after for before, after in pairwise(frames) if before[0] + before[1] > after[0]]
    check.equal(overlap, [], f'{label}: and no frame twice')


def undescribed(schema, where=''):
    """Members of the schema, at any level, that have no description."""
    properties, items = schema.get('properties', {}), schema.get('items', [])
    items = items if isinstance(items, list) else [items]
    found = [f'{where}.{key}' for key, member in properties.items() if not re.search(r'\w{2}', member.get('description', ''))]
    found += [f'{where}[]' for item in items if not item.get('description')]
    for key, member in (properties | schema.get('definitions', {})).items():
        found += undescribed(member, f'{where}.{key}')
    for item in items:
        found += undescribed(item, f'{where}[]')
    return found


def test_schema(check):
    check.equal(undescribed(json.loads(SCHEMA.read_text())), [], 'the schema describes every member')


# ---- machines where it cannot work ----

WRONG = ['snapshot x', 'snapshot', 'snapshot a/b', f'snapshot {"a" * 33}', 'vmalloc 0', 'vmalloc 1x', 'vmalloc 5G', 'vfree x',
         'vfree 0xc0100000', 'vfree 0xf7c00000', 'poweroff', '']


def test_no_second_port(boot, check):
    machine = boot('snapshot-none', input='\n'.join(WRONG))
    status, said = machine.finish(), machine.output
    check.like(said, '^snapshot: there is no second serial port; `make run` gives the machine one\n',
               'no second port: one line')
    check.equal(len(re.findall('^usage: snapshot NAME', said, re.M)), 3, 'a name that is none: one line')
    check.equal(len(re.findall(r'^usage: vmalloc \[-s\] SIZE; a size', said, re.M)), 2, 'a size that is none: one line')
    check.like(said, '^vmalloc: 5G is too much; free: ', 'a size that is too much')
    check.like(said, '^usage: vfree ADDR;', 'an address that is none')
    for address in ('0xc0100000', '0xf7c00000'):
        check.like(said, f'^vfree: {address} is not, or no longer, the start of an area of "vmalloc"$', f'vfree {address}: not one of its own')
    check.equal(status, 'pass', 'and Attic goes on', machine)


def test_port_that_takes_nothing_more(boot, check, tmp_path):
    """The reader of the port does not read: a full pipe."""
    for end in ('in', 'out'):
        os.mkfifo(tmp_path / f'pipe.{end}', 0o600)
    with open(tmp_path / 'pipe.out', 'r+b', buffering=0) as pipe:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
        machine = boot('snapshot-deaf', silence=60, extra=['-serial', f'pipe:{tmp_path}/pipe'])
        machine.expect(PROMPT)
        machine.run('run forever sleep &')
        check.like(machine.run('snapshot x', 60),
                   r'^snapshot: cut short after \d+ bytes: the second serial port accepts no more\n',
                   'a port that takes nothing more: one line')
        rest = pipe.read(4096)
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
        check.like(machine.run('snapshot y', 60), r'^snapshot: y: \d+ bytes sent$', 'when somebody listens again, the next one comes')
        rest += pipe.read(1 << 20)
    cut, *whole = rest.decode().splitlines()
    check.equal([json.loads(line)['name'] for line in whole], ['y'], 'in a line of its own')
    read = None
    with suppress(ValueError):
        read = json.loads(cut)
    check.equal(read, None, 'behind what was cut short')
