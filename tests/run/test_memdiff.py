"""memdiff: the effect of each of the steps of user/steps.c, in words; where it looks for snapshots, and what it refuses; artificial changes
of documents; and all of it through make."""
import json
import re
from functools import partial
from subprocess import PIPE

import pytest

from attic.build import ROOT, log_dir
from attic.machine import PROMPT, Machine
from programs import on_terminal, run, run_make
from snapshots import documents, invalid

FRAMES = r'frames? 0x[0-9a-f]{5}000(?:\.\.0x[0-9a-f]{5}fff)?(?:, 0x[0-9a-f]{5}(?:000|fff)\S*)*'
AT = '0x[0-9a-f]{8}'
STEPS = 'mmap touch fork write mprotect kill munmap end'.split()


def memdiff(*arguments):
    """The output of memdiff, its standard error, and its exit status."""
    return run(ROOT / 'scripts/memdiff', *arguments, stderr=PIPE)


class Story:
    """A machine on which a program takes its steps, and its snapshots."""

    def __init__(self, machine, file):
        self.machine, self.file = machine, file
        machine.expect(PROMPT)
        self.snapshot('start')
        self.area = re.search(f'^vmalloc: ({AT}), 4 pages', machine.run('vmalloc 16K'), re.M)[1]
        self.area_end = f'{int(self.area, 16) + 5 * 4096:#010x}'
        self.snapshot('vmalloc')
        machine.run(f'vfree {self.area}')
        self.snapshot('vfree')
        self.steps = re.search(r'^steps\[(\d+)\]', machine.run('run steps &'), re.M)[1]
        self.process = rf'^process {self.steps} \(steps\)'
        self.snapshot('steps')
        # After these, everything that only a first program needs is allocated.
        machine.run('run forever & forever sleep &')
        for pid in re.findall(r'^ *(\d+) .* forever$', machine.run('ps'), re.M):
            machine.run(f'kill {pid}')
        self.snapshot('first')
        self.done = {name: self.take(name) for name in STEPS}
        for _ in range(12):
            machine.run('vmalloc 8K')
        self.snapshot('many')
        self.touched = re.search(f': pages ({AT})-', self.memdiff('mmap', 'touch')[0])[1]
        machine.finish('poweroff')

    def snapshot(self, name):
        self.machine.run(f'snapshot {name}')

    def take(self, name):
        said = self.machine.run(f'run steps {self.steps}')
        self.snapshot(name)
        return said

    def memdiff(self, *arguments):
        return memdiff('--file', self.file, *arguments)

    def page(self, number):
        """The address of one of the pages that the program has touched."""
        return f'{int(self.touched, 16) + 4096 * number:#010x}'


@pytest.fixture(scope='module')
def story():
    file = log_dir() / 'memdiff.jsonl'
    with Machine('memdiff', snapshots=file, silence=100) as machine:
        return Story(machine, file)


def check_changed(story, check, start, end, expected):
    """`expected` are patterns by subject; a pattern of the subject `no` must not match."""
    said, errors, status = story.memdiff(start, end)
    check.equal((errors, status), ('', 1), f'{start} to {end}: something has changed, and no trouble')
    for what, pattern in expected.items():
        (check.unlike if what.startswith('no ') else check.like)(said, pattern, f'{start} to {end}: {what}')
    return said


def test_nothing_and_vmalloc(story, check):
    said, *trouble = story.memdiff('first', 'first')
    check.equal(said, 'Nothing has changed from first to first.\n', 'nothing has changed')
    check.equal(trouble, ['', 0], 'which is status 0')
    said, _, status = story.memdiff('start', 'vmalloc')
    area = f'^vmalloc area {story.area}-{story.area_end}'
    check.equal(status, 1, 'something has changed: status 1')
    check.like(said, rf'{area} \(4 pages, vmalloc, by monitor_vmalloc\+0x0\) is new: {FRAMES}, which were free$', 'a vmalloc: the area')
    check.like(said, r'\A4 PTEs written, 0 PDEs; [45] frames taken$', 'the counts come first; a slab may be new')
    check.like(said, f'^vmalloc: 4 frames more, {FRAMES}, which were free$', 'and its frames')
    check.unlike(said, 'kernel: directory|process|kernel: page', 'and no directory entry')
    check_changed(story, check, 'vmalloc', 'vfree', {'the counts': r'\A4 PTEs written, 0 PDEs; 4 frames given back$',
                                                  'the area': f'{area} .* is gone: {FRAMES}, which are free now$'})
    check.like(story.memdiff('start', 'vfree')[0], r'\A(?:Nothing has changed from start to vfree\.\n|0 PTEs .*\nslab: 1 frame more.*\n)\Z',
               'there and back: nothing but a slab that was kept')


def test_terminal(story, check):
    """On a terminal sentences are folded; no word is lost or cut."""
    said = story.memdiff('start', 'vmalloc')[0]
    terminal = {columns: on_terminal(ROOT / 'scripts/memdiff', '--file', story.file, 'start', 'vmalloc', columns=columns)[0]
                for columns in (80, 200)}
    check.true(max(map(len, said.splitlines())) > 100, 'in a pipe a sentence is one line', said)
    check.true(max(map(len, terminal[80].splitlines())) <= 80, '80 columns', terminal[80])
    check.equal(terminal[80].split(), said.split(), '80 columns: the same words')
    check.equal(terminal[200], said, '200 columns: nothing to fold')


def test_process(story, check):
    check_changed(story, check, 'vfree', 'steps', {
        'its kernel stack':
            rf'^vmalloc area .*\(2 pages, vmalloc, by \w+\+0x[0-9a-f]+, kernel stack of {story.steps} \(steps\)\) is new: ',
        'the process': rf'{story.process} is new, started by 1 \(init\): 5 areas, \d+ pages? mapped: .*; \d+ page tables?$',
        'its tables': r'^process tables: \d+ frames more'})
    check_changed(story, check, 'munmap', 'end', {'the process': f'{story.process} is gone$'})


def test_mmap_and_touch(story, check):
    check.like(story.done['mmap'], rf'^steps\[{story.steps}\]: mmap', 'a step is taken')
    check_changed(story, check, 'first', 'mmap', {
        'only the area': r'\A0 PTEs written, 0 PDEs; [01] frames? taken$',
        'the area': rf'{story.process}: area {AT}-{AT} \(8 pages; rw-p, no name\) is new$',
        'no page of it': f'{story.process}: page.*mapped now'})
    check_changed(story, check, 'mmap', 'touch', {
        'the counts': r'\Auser half: 5 PTEs written, [12] PDEs?; [4-7] frames taken$',
        'four pages': rf'{story.process}: pages ({AT})-{AT} \(4 pages\): mapped now: {FRAMES} writable \(1 reference\), was free$',
        'the page of zeros': f'{story.process}: page {AT}: mapped now: the page of zeros$',
        'a page table': rf'{story.process}: directory entry \d+ \({AT}\): page table in {FRAMES} \[P RW US\] is new$',
        'frames': f'^user pages: 4 frames more, {FRAMES}, which were free$',
        'a reference': r'^the page of zeros: 1 frame with \d+ references, which had \d+: ',
        'no area': ': area '})


def test_fork_and_copy(story, check):
    said = check_changed(story, check, 'touch', 'fork', {
        'the child': rf'^process \d+ \(steps\) is new, forked from {story.steps} \(steps\), with which it shares 4 frames: 6 areas, ',
        'shared from now on': rf'{story.process}: pages {story.page(0)}-{story.page(4)} \(4 pages\): {FRAMES}: writable -> read-only, '
                              '1 -> 2 references$',
        'two have them': f'^user pages: 4 frames with 2 references, which had 1: {FRAMES}$'})
    pages, tables = map(int, re.search(r' 6 areas, (\d+) pages mapped: .*; (\d+) page tables$', said, re.M).groups())
    check.like(said, rf'\Akernel half: 2 PTEs written, 0 PDEs; user half: {pages + 4} PTEs written, {tables} PDEs; \d+ frames taken$',
               'two for a kernel stack, all of the child, four of the parent')
    check_changed(story, check, 'fork', 'write', {
        'the counts': r'\Auser half: 2 PTEs written, 0 PDEs; 2 frames taken$',
        'copied': rf'{story.process}: pages {story.page(0)}-{story.page(2)} \(2 pages\): {FRAMES} read-only \(2 references\) -> '
                  rf'{FRAMES} writable \(1 reference\): copied$',
        'frames': f'^user pages: 2 frames more, {FRAMES}, which were free$',
        'one has the old ones': f'^user pages: 2 frames with 1 reference, which had 2: {FRAMES}$',
        'no other process': f'^process (?!{story.steps} )'})
    check_changed(story, check, 'mprotect', 'kill', {
        'the child': r'^process \d+ \(steps\) is gone$',
        'its frames': rf'^user pages: \d frames fewer, {FRAMES}, which are free now$'})


def test_mprotect_and_munmap(story, check):
    check_changed(story, check, 'write', 'mprotect', {
        'the counts': r'\Auser half: 1 PTE written, 0 PDEs; [01] frames? taken$',
        'the area': rf'{story.process}: area {story.page(0)}-{AT} \(1 page\): r--p, no name; was rw-p, no name$',
        'the page': f'{story.process}: page {story.page(0)}: {FRAMES}: writable -> read-only'})
    check_changed(story, check, 'kill', 'munmap', {
        'the areas': rf'{story.process}: area {AT}-{AT} \(7 pages; rw-p, no name\) is gone$',
        'the pages': rf'{story.process}: pages? \S+.*: mapped no longer: {FRAMES} writable \(1 reference\), is free now$',
        'the table': f'{story.process}: directory entry .* is gone$'})


def test_many_and_end(story, check):
    """Many changes at once give few words, and --all prints all of them."""
    short = check_changed(story, check, 'end', 'many', {
        'twelve areas': rf'^12 vmalloc areas from {AT} to {AT} \(2 pages each, vmalloc, by monitor_vmalloc\+0x0\) are new: '})
    check.true(short.count('\n') < 8, 'end to many: few lines', short)
    long, *_ = story.memdiff('--all', 'end', 'many')
    check.true(long.count('\n') > 12, 'and many with --all', long)
    check.equal(story.machine.status, 'pass', 'and Attic is well', story.machine)
    check.equal(invalid(story.file), '', 'the schema holds for all of them')


# ---- where snapshots are found ----

class Files:
    """Files with snapshots, made from lines of the story and a document."""

    def __init__(self, folder, story):
        self.folder, self.story = folder, story
        found = {name: line for line in story.file.read_text().splitlines(True) for name in re.findall('"name":"(first|touch)"', line)}
        self.first, self.touch = found['first'], found['touch']
        self.document = json.loads(self.first)
        self.alone = self.write('alone.json', self.touch)

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        return file


@pytest.fixture
def files(tmp_path, story):
    return Files(tmp_path, story)


def check_same(check, label, *arguments):
    said, *trouble = memdiff(*arguments)
    check.equal(trouble, ['', 0], label, said)


def check_refused(check, label, pattern, *arguments):
    said, errors, status = memdiff(*arguments)
    check.equal((said, status), ('', 2), f'{label}: status 2, and nothing is printed')
    check.like(errors, pattern, f'{label}: says why')
    check.equal(errors.count('\n'), 1, f'{label}: in one line')


def test_found(files, check):
    file, alone = files.story.file, files.alone
    check_same(check, 'FILE:NAME, and a file with one document', '--file', file, f'{file}:touch', alone)
    check_same(check, 'a document in many lines', '--file', file, 'first',
               files.write('pretty.json', json.dumps(files.document, indent=3, sort_keys=True)))
    renamed = files.touch.replace('"name":"touch"', '"name":"first"', 1)
    check_same(check, 'the last of a name counts', '--file', files.write('twice', f'{files.first}\n{renamed}'), 'first', alone)
    check_same(check, 'what is cut short behind it does no harm', '--file', files.write('behind', files.touch + files.first[:2000]),
               'touch', alone)


def test_not_found(files, check):
    refused, file, folder = partial(check_refused, check), files.story.file, files.folder
    refused('no such name', '^memdiff: no snapshot "nothing": .+ has end, first, ', '--file', file, 'first', 'nothing')
    refused('no such file', r'^memdiff: \S+none: no such file', '--file', folder / 'none', 'first', 'touch')
    refused('a folder', r'^memdiff: \S+: Is a directory$', '--file', folder, 'first', 'touch')
    refused('an empty file', 'has no snapshots$', '--file', files.write('empty', ''), 'first', 'touch')
    refused('a file with many', 'more than one document; .+:NAME says which$', file, files.alone)
    refused('one argument', '^memdiff: .*usage: make memdiff A=NAME B=NAME', 'first')
    refused('an empty argument', 'two snapshots are needed', 'first', '')
    refused('cut short', 'first: broken JSON', '--file', files.write('cut', files.first[:2000]), 'first', files.alone)


def test_broken_documents(files, check):
    def refused(label, pattern, name, text):
        check_refused(check, label, pattern, files.alone, files.write(name, text))
    document = files.document
    refused('no JSON', 'broken JSON', 'text', 'hello\n')
    refused('brackets without end', 'broken JSON', 'deep', '[' * 100_000)
    refused('other JSON', 'no snapshot of Attic', 'list', '[1]\n')
    newer = files.first.replace('"version":1', '"version":2', 1)
    refused('another version', 'format version 2; this program reads 1$', 'newer', newer)
    for key in sorted(document.keys() - {'uptime_ms'}):
        refused(f'without {key}', r'^memdiff: \S*less: ', 'less', {name: value for name, value in document.items() if name != key})
    for key, value in (('frames', [[1, 2]]), ('frames', [[1, 2, [], 1]]), ('regions', [{'name': 'null', 'start': 0, 'end': 1}]),
                       ('tasks', [{}]), ('spaces', 7), ('kernel', document['kernel'] | {'pdes': [{}]})):
        refused(f'wrong {key}', r'not as docs/snapshot\.schema\.json has it', 'wrong', document | {key: value})


class Forked:
    """The document of the step `fork`, to be changed."""

    def __init__(self, story):
        self.document = documents(story.file)['fork']
        self.kernel, self.spaces, self.tasks = (self.document[name] for name in ('kernel', 'spaces', 'tasks'))
        self.parent, self.child = sorted((task for task in self.tasks if task['pgd']), key=lambda task: task['pid'])
        self.space = next(space for space in self.spaces if space['pgd'] == self.child['pgd'])
        self.touched = story.page(0)

    def of_touched(self, kind):
        """The child's area, or run of mappings, that starts with the pages that were touched."""
        return next(entry for entry in self.space[kind] if entry['start'] == self.touched)


@pytest.fixture
def made_up(story, files, check):
    """A function that changes a Forked, and checks the output: one pattern for each line except the counts, in which no frame is taken."""
    def compare(label, change, *patterns, counts='0 PTEs written, 0 PDEs'):
        fork = Forked(story)
        before = files.write('before', fork.document)
        change(fork)
        said, errors, _ = memdiff(before, files.write('after', fork.document))
        if not patterns[0].startswith('Nothing'):
            patterns = f'{counts}; 0 frames taken', *patterns
        check.like(errors + said, re.compile(r'\A' + ''.join(f'{line}\n' for line in patterns) + r'\Z'), label)
    return compare


def test_made_up_tasks(story, made_up):
    fork = Forked(story)
    pid, parent = fork.child['pid'], fork.parent['pid']
    who, task, hello = rf'process {pid} \(steps\)', rf'task {pid} \(steps\)', rf'process {pid} \(hello\)'
    made_up('nothing but a turn', lambda fork: fork.child.update(state='ready'), r'Nothing has changed from fork to fork\.')
    made_up('a signal', lambda fork: fork.child.update(state='stopped'), f'{who} has been stopped')
    made_up('another parent', lambda fork: fork.child.update(ppid=1), f'{who}: its ppid is 1, was {parent}')

    def end(fork):
        fork.spaces.remove(fork.space)
        fork.child.update(state='zombie', pgd=None)
    made_up('a zombie', end, f'{task} has ended, and its parent has not asked for it yet', f'{task} has no address space any more')

    def become_hello(fork):
        fork.space['pgd'] = fork.child['pgd'] = '0x00123000'
        fork.child['comm'] = 'hello'
    made_up('a program that execs', become_hello, f'{hello} was steps',
            rf'{hello} has a new address space, page directory 0x00123000: 6 areas, \d+ pages mapped: .*',
            counts=r'user half: \d+ PTEs written, \d+ PDEs')
    made_up('vfork', lambda fork: fork.tasks.append(fork.child | {'pid': 4000, 'ppid': pid}),
            rf'process 4000 \(steps\) is new, in the address space of {pid} \(steps\) \(vfork\)')
    made_up('a directory that another process has', lambda fork: fork.child.update(pid=4000), rf'{who} is gone',
            rf'process 4000 \(steps\) is new, forked from {parent} .*', counts=r'user half: \d+ PTEs written, 3 PDEs')


def test_made_up_spaces(story, made_up):
    first, behind, who = story.page(0), story.page(4), rf'process {Forked(story).child["pid"]} \(steps\)'
    made_up('a heap', lambda fork: fork.space.update(heap_end='0x0804d010'), f'{who}: the heap is {AT}-0x0804d010, was {AT}-{AT}')

    def grow(fork):
        stack = next(area for area in fork.space['vmas'] if area.get('name') == '[stack]')
        stack['start'] = f'{int(stack["start"], 16) - 8192:#010x}'
    made_up('a stack that grows', grow, rf'{who}: area {AT}-{AT} \(2 pages; rw-p, \[stack\]\) is new, grown from what is beside it')
    made_up('an area cut short', lambda fork: fork.of_touched('vmas').update(end=behind),
            rf'{who}: area {behind}-{AT} \(4 pages; rw-p, no name\) is gone, cut off what is beside it')
    made_up('a right', lambda fork: fork.of_touched('mappings').update(bits='US'),
            rf'{who}: pages {first}-{behind} \(4 pages\): {FRAMES}: read-only -> without any right, A cleared(?:, D cleared)?',
            counts='user half: 4 PTEs written, 0 PDEs')
    made_up('the other half', lambda fork: fork.space.update(kernel_differs=[800]),
            rf"{who}: directory entries that are not the kernel's: \[800\], was \[\]")
    made_up('an address space of nobody', lambda fork: fork.spaces.append(fork.space | {'pgd': '0x00123000'}),
            'page directory 0x00123000, which no task has, has a new address space, .*', counts=r'user half: \d+ PTEs written, \d+ PDEs')

    def show_zeros(fork):
        frames = [[fork.document['memory']['zero_frame'], 1]]
        fork.space['mappings'] = [{'start': f'{at:#010x}', 'end': f'{at + 4096:#010x}', 'bits': 'P US', 'frames': frames}
                                  for at in range(0x20000000, 0x20000000 + 40 * 8192, 8192)]
    made_up('a page of every second kind', show_zeros, *[f'{who}: .*'] * 16, rf'{who}: and \d\d more changes of its pages',
            counts=r'user half: [45]\d PTEs written, 0 PDEs')


def test_made_up_accesses(story, files, check):
    """Bits that the processor sets are reported, but not counted as written."""
    fork = Forked(story)
    now = files.write('now', fork.document)
    fork.of_touched('mappings')['bits'] = 'P US'
    said, errors, _ = memdiff(files.write('not yet', fork.document), now)
    check.like(errors + said, r'\A0 PTEs written, 0 PDEs; 0 frames taken\nprocess .* \(4 pages\): .*: accessed, written to\n\Z',
               'A and D are the processor\'s to write')


def test_made_up_kernel(made_up):
    def set_hot(fork):
        for frames in fork.document['frames']:
            frames[2] = 'hot' if frames[2] == 'buddy' else frames[2]
    made_up('hot frames', set_hot, 'Nothing has changed .*')

    shown = {'start': '0xff000000', 'end': '0xff001000', 'bits': 'P RW A D G', 'frames': [[0, 1]]}
    area = {'start': '0xff000000', 'end': '0xff002000', 'kind': 'vmap', 'pages': 1, 'caller': 'here+0x1/0x2',
            'caller_address': '0xc0100001', 'mappings': [shown]}
    made_up('a vmap', lambda fork: fork.kernel['areas'].append(area),
            r'vmalloc area 0xff000000-0xff002000 \(1 page, vmap, by here\+0x1\) is new: shows frame 0x00000000, of page 0',
            counts='1 PTE written, 0 PDEs')
    made_up('a device that is given up',
            lambda fork: fork.kernel.update(areas=[area for area in fork.kernel['areas'] if area['kind'] != 'ioremap']),
            r'vmalloc area .* \(1 page, ioremap, by edu_bind\+.*\) is gone: showed a device at frame 0xfea00000',
            counts='1 PTE written, 0 PDEs')
    made_up('a page of an area', lambda fork: fork.kernel['areas'][0]['mappings'][0].update(bits='P A D G'),
            r'vmalloc area .*: pages .* \(2 pages\): frame (\w+) \[P A D G\], was frame \1 \[P RW A D G\]', counts='2 PTEs written, 0 PDEs')

    def take_other_machine(fork):
        fork.document['memory']['ram_frames'] = 1
        for runs in (fork.document['regions'], fork.kernel['pdes'], fork.kernel['mappings'], fork.document['frames']):
            runs.pop(0)
    made_up('another machine', take_other_machine,
            r'memory: ram_frames is 1, was \d+', 'region null: not there, was 0x00000000-0x00010000',
            r'kernel: directory entry 768 \(0xc0000000\): page table in frame 0x\w{8} \[P RW A\] is gone',
            r'kernel: pages 0xc0000000-0xc0\w{6} \(\d+ pages\): nothing, was frame 0x00000000 \[P RW A D G\]',
            '1 frame of page 0 now of no RAM: frame 0x00000000', counts=r'\d+ PTEs written, 1 PDE')


def test_make(tmp_path, check):
    snapshots = tmp_path / 'made by make'
    snapshots.write_text('of a run before\n')
    variable = f'SNAPSHOTS={snapshots}'
    said, status = run_make('run', variable, 'TIMEOUT=60', 'CMDLINE=', input='snapshot a\nvmalloc 4K\nsnapshot b\n')
    check.equal(status, 0, 'make run', said)
    check.equal(snapshots.read_text().count('\n'), 2, 'SNAPSHOTS= is the file, with the snapshots of this run')
    said, status = run_make('memdiff', variable, 'A=a', 'B=b')
    check.like(said, r'\A1 PTE written, 0 PDEs; [12] frames? taken\n'
               r'vmalloc area .* \(1 page, vmalloc, by monitor_vmalloc\+0x0\) is new: ', 'make memdiff')
    check.equal(status, 0, 'for which a change is no failure')
    said, status = run_make('memdiff', variable, 'A=a', 'B=c')
    check.like(said, '^memdiff: no snapshot "c": .* has a, b$', 'but trouble is')
    check.equal(status, 2, 'one')
