"""The monitor as a user meets it: `make run` with input piped in, each command's output, and a lot of input at once."""
import re
from subprocess import PIPE

import pytest

from attic.build import ROOT, symbols
from attic.machine import PROMPT, Machine
from machines import kilobytes, unfolded
from programs import run, run_make

LISTED = 'help layout meminfo vmallocinfo frames audit ps run test poweroff'.split()
ENDED = r'^counter\[\d+\]: exit status 0'

# A wrong line, and the answer.
WRONG = {
    'meminf': 'meminfo', 'xyzzy': 'help', 'quit': 'the nearest is: poweroff$',
    'trap divide': '^trap: a program, no command: "run trap"$', '/etc/passwd': '^/etc/passwd: no such command',
    'layout now': 'usage: layout; "help layout" shows an example$', 'crash gently': 'usage: crash', 'help nothing': 'no such command',
    'run': 'usage: run PROGRAM', 'run nothing': 'no such program', 'run &': 'usage: run',
    'kill': 'usage: kill PID', 'kill init': 'kill: init is not a pid; "ps" lists the processes', 'kill 4000000': 'no task has the pid 4000000',
    'test -x': 'usage: test', 'test a b': 'usage: test', 'test no.such': 'no self-test matches',
    'A' * 200: 'no such command', 'A' * 300: 'too long and was dropped',
}


@pytest.fixture(scope='module')
def machine():
    with Machine('monitor') as machine:
        machine.expect(PROMPT)
        yield machine


def count(pattern, text):
    return len(re.findall(pattern, text, re.M))


# ---- make run, as it is ----

def make_run(input, *variables):
    """What `make run` prints on standard output and on standard error, and its exit status."""
    return run_make('run', 'TIMEOUT=60', *variables, input=input, stderr=PIPE)


def test_make_run(check):
    out, err, status = make_run('help\nlayout\nrun counter\npoweroff\n')
    check.equal(status, 0, 'make run with piped input ends with status 0', err)
    check.equal(err, '', 'and nothing on standard error')
    session = r'^attic> help\nhelp .*^attic> layout\n.*0xC0000000.*^attic> run counter\n.*exit status 0.*^attic> poweroff\n'
    check.like(out, re.compile(session, re.M | re.S | re.I), 'and all of it is on standard output')
    out, err, status = make_run('audit')
    check.equal(status, 0, 'input that ends without poweroff, and without a newline, ends the run as well', err)
    check.like(out, re.compile(r'^attic> audit\n.*^attic> poweroff\n', re.M | re.S), 'after its last line')
    check.equal(make_run('')[2], 0, 'no input at all')
    _, err, status = make_run('crash panic\n')
    check.true(status != 0, 'a panic is a failure of make run')
    check.like(err, '^qemu: the kernel panicked$', 'and is told in one line')


def test_make_run_programs(check):
    """The list of programs and their descriptions: /etc/programs has the words, from the sources."""
    listed, *_ = make_run('programs\nhelp run\n')
    programs = run(ROOT / 'scripts/rooms', 'programs')[0].splitlines()
    check.true(len(programs) >= 8, 'there are programs to look at')
    for line in programs:
        name, text = line.split(' ', 1)
        check.equal(count(f'^{re.escape(f"{name:12} {text}")}$', listed), 2, f'programs and help run: {name}, and what it is for')
    check.like(listed, r'^Others: (?:.*\n)+? .*\bfork_test\b', 'tests are only named')
    shown = listed.partition('\nattic> programs\n')[2].splitlines()
    check.true(shown and max(map(len, shown)) <= 80, 'in 80 columns', '\n'.join(shown))


def test_make_run_variables(check):
    out, err, status = make_run('', 'CMDLINE=ktest=printf.*')
    check.equal(status, 0, 'CMDLINE="ktest=printf.*" runs self-tests', out + err)
    check.like(out, r'^ok 1 printf\.', 'with their results')
    _, err, status = make_run('', 'CMDLINE=ktest=nothing*')
    check.true(status != 0, 'self-tests that do not exist fail')
    check.like(err, '^qemu: .*none has that name', 'and it is not said that one failed')
    out, err, _ = make_run('meminfo\n', 'MEM=16M', 'CMDLINE=')
    check.like(out, r'\b1[56][ .\d]*(?:MiB|\d\d\d kB)', 'MEM=16M is the size of the machine', err)
    out, *_ = make_run('meminfo\nbuddyinfo\n', 'MEM=1G', 'CMDLINE=')
    kb = kilobytes(out)
    check.true(kb.get('HighTotal', 0) > 100 << 10, 'MEM=1G has high memory', out)
    check.true(abs(kb['HighTotal'] - kb['HighFree']) < 4 << 10, 'nearly all of it free', out)
    check.like(out, r'^Node 0, zone  HighMem(?: +\d+){11} *$', 'buddyinfo: it is a zone')
    out, *_ = make_run('dma\n', 'MEM=512M', 'CMDLINE=')
    check.equal(count(r'^ +The copy has 8192 of 8192 bytes right\.$', out), 2, 'dma: also where vmalloc has frames above the mask', out)


def test_make_run_unknown_options(check):
    """Unknown options are reported, as they were typed."""
    out, *_ = make_run('', 'CMDLINE=vmaloc=64M quiet ktest vmalloc=3M lowmem=1M mem=3M bench')
    for option in ('vmaloc=64M', 'quiet'):
        check.like(out, f'^Kernel option "{option}" is unknown and ignored; .*vmalloc=', f'option {option}: unknown')
    check.like(out, '^Kernel option "ktest" has no value', 'option ktest without a value')
    for option in ('vmalloc=3M', 'lowmem=1M', 'mem=3M'):
        check.like(out, f'^{option} is ', f'{option}: quoted as typed')
    check.unlike(out, '^Kernel option "(?:bench|.*=[31]M)"', 'known options are not complained about')


# ---- each command ----

def test_help(machine, check):
    check.like(machine.output, PROMPT, 'the prompt')
    said = machine.run('help')
    for name in LISTED:
        check.like(said, rf'^{name}\b.*\S', f'help lists {name}')
    check.like(machine.run('help audit'), r'\Aaudit: \w.*\nexample: audit\n\Z', 'help COMMAND: what it does, and an example')
    check.like(machine.run('crash'), r'\Ausage: crash KIND; the kinds are\n  panic stack (?:.*\n)+\Z', 'crash alone lists the kinds')


# Lines in Linux's formats may be longer.
WIDE = {
    'buddyinfo': 'Node 0, zone ',
    'slabinfo': r'# name |\S+ +\d.* : slabdata ',
}
# Commands that end the machine, and what is printed before.
ENDS = {'crash': ('panic', r'^PANIC at .*: kernel stack overflow: '), 'poweroff': ('pass', r'^Power off\.$')}


def examples(machine, check):
    """(command, lines of its example) of each command of `help`."""
    said = machine.run('help')
    check.true(said.count('\n') <= 22, 'help: fits a screen of 24 lines', said)
    listed = re.findall(r'^(\w+)\b(?! COMMAND for)', said, re.M)
    listed += re.search('^help COMMAND for: +(.*)', said, re.M)[1].split()
    check.true({*LISTED, 'buddyinfo', 'crash'} < set(listed), 'help has its commands', listed)
    for command in listed:
        said = machine.run(f'help {command}').partition('\nexample: ')[2]
        lines = re.match(r'.*(?:\n {9}.*)*', said)[0].split('\n')
        check.true(lines[0], f'help {command}: has an example')
        check.like(lines[-1].strip(), rf'^{command}\b', f'help {command}: of itself')
        yield command, [line.strip() for line in lines]


def told(line, before):
    """A line of an example with ADDR and PID replaced by those that the line before has printed."""
    for word, pattern in (('ADDR', r'(0x\w{8})'), ('PID', r'\[(\d+)\]')):
        if re.search(rf'\b{word}\b', line):
            line = re.sub(rf'\b{word}\b', re.search(pattern, before)[1], line)
    return line


def too_wide(command, said):
    return [line for line in said.splitlines()
            if len(re.sub(r'\x1b\[[\d;?]*[A-Za-z]|\x1b[78]', '', line)) > 80 and not re.match(WIDE.get(command, '(?!)'), line)]


def test_examples(boot, check):
    """Each example of `help` works, and its output fits a terminal of 80 columns; so does that of help."""
    machine = boot('monitor-examples', snapshots='/dev/null')
    machine.expect(PROMPT)
    ends = {}
    check.equal(too_wide('help', machine.run('help')), [], 'help: in 80 columns')
    for command, lines in examples(machine, check):
        check.equal(too_wide('help', machine.run(f'help {command}')), [], f'help {command}: in 80 columns')
        if command in ENDS:
            ends[command] = lines
            continue
        said = ''
        for line in lines:
            said = machine.run(told(line, said), 60)
            check.unlike(said, rf'^usage: |no such |^{command}: .*\b(?:is neither|is not|is no|has no|cannot|no frames)\b', f'{line}: works')
            check.equal(too_wide(command, said), [], f'{line}: in 80 columns')
        check.true(said or command == 'vfree', f'{command}: prints something')
    check.equal(set(ends), set(ENDS), 'two end the machine')
    for command, (end, pattern) in ENDS.items():
        machine = boot(f'monitor-example-{command}')
        machine.expect(PROMPT)
        check.equal(machine.finish(ends[command][0]), end, f'{command}: its example ends the machine', machine)
        check.like(machine.output, pattern, f'{command}: with a report')


def test_layout(machine, check):
    layout = machine.run('layout')
    check.like(layout, '(?is)0xffc00000.*fixmap', 'layout: the fixmap')
    check.like(layout, '(?is)0xf7c00000.*vmalloc|vmalloc.*0xf7c00000', 'layout: the vmalloc area')
    check.like(layout, r'(?i)0xc8000000|0xc7f[def]\w+', 'layout: high_memory is that of 128 MiB')
    check.like(layout, '(?i)0xc0000000', 'layout: C')
    addresses = [int(address, 16) for address in re.findall(r'^\s*(0x[0-9a-f]{8})\b', layout, re.M | re.I)]
    check.equal(addresses, sorted(addresses, reverse=True), 'layout: from high to low addresses')
    edges = re.findall(r'^(0x\w{8}) \+[-=]+\+ (\w+)$', layout, re.M)
    check.equal(len(edges), 7, 'layout: named edges')
    for address, name in edges:
        check.like(machine.run(f'explain {name}'), f'^address   {address}', f'explain {name}')
    check.true(layout.count('\n') < 24, 'layout: with the prompt on a terminal of 24 lines', layout)


def test_meminfo(machine, check):
    meminfo = machine.run('meminfo')
    check.like(meminfo, r'^MemTotal: +\d+ kB$', 'meminfo: MemTotal')
    check.like(meminfo, r'^MemFree: +\d+ kB$', 'meminfo: MemFree')
    check.like(meminfo, r'^MemAvailable: +\d+ kB\nBuffers: +0 kB\nCached: +\d+ kB$', "meminfo: Linux's lines")
    check.like(meminfo, r'^BootTsc: +[1-9]\d* .*\bunder -icount', 'meminfo: the cost of the boot, in its unit')
    kb, names = kilobytes(meminfo), symbols()
    check.equal(kb['KernelImage'], names['__kernel_end'] - names['__text_start'] >> 10, 'meminfo: the image without the boot code')
    check.equal(kb['MemFree'] + kb['MemUsed'], kb['MemTotal'], 'meminfo: free and used are all')
    check.equal(kb['LowTotal'] + kb['HighTotal'], kb['MemTotal'], 'meminfo: low and high are all')


def test_vmallocinfo(machine, check):
    said = machine.run('vmallocinfo')
    areas = re.findall('^0x.*', said, re.M)
    check.true(areas, 'vmallocinfo: there is an area')
    area = re.compile(r'0x([0-9a-f]{8})-0x([0-9a-f]{8}) +(\d+) [\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+'
                      r'(?: pages=\d+ (?:vmalloc|vmap)| phys=0x[0-9a-f]{8} ioremap)')
    check.equal([line for line in areas if not area.fullmatch(line)], [], "vmallocinfo: Linux's line format")
    sizes = [(int(end, 16) - int(start, 16), int(size)) for start, end, size in area.findall(said)]
    check.equal([pair for pair in sizes if pair[0] != pair[1]], [], 'vmallocinfo: sizes are the ranges')
    check.like(said, ' pages=2 vmalloc$', 'vmallocinfo: a kernel stack of two pages')
    check.like(said, r' edu_\w+\S+ phys=0x[0-9a-f]{5}000 ioremap$', 'vmallocinfo: the registers of a device')


def runs_in(said):
    """(first, last) of each run of frames in the output."""
    found = re.findall(r' 0x(\w{8})(?:\.\.0x(\w{8}))?(?= |,|$)', said, re.M)
    return [(int(first, 16), int(last or first, 16) | 4095) for first, last in found]


def test_frames_of_an_area(machine, check):
    """The frames of an area in one line; the page tables have the same."""
    def used():
        return re.findall('^used .*', machine.run('frames'), re.M)

    before = used()
    for command, runs, apart in (('vmalloc 16K', 1, False), ('vmalloc -s 16K', 4, True), ('vmalloc -s 96K', 24, True)):
        said = machine.run(command)
        start = int(re.search(r'\Avmalloc: 0x(\w{8}), ', said)[1], 16)
        frames = [machine.walk(address).physical for address in range(start, start + int(command.split()[-1][:-1]) * 1024, 4096)]
        found = runs_in(said.partition('\n')[2])
        check.like(said, rf'^frames    {len(frames)} in {runs} runs?: 0x', f'{command}: how many')
        check.equal([frame for first, last in found for frame in range(first, last, 4096)], frames[:len(found) * len(frames) // runs],
                    f'{command}: as the page tables have them')
        if apart:
            check.true(all(abs(one - other) > 4096 for one in frames for other in frames if one != other),
                       f'{command}: none is next to another')
        said, hint = re.fullmatch(r'(.*?\n)( {10}as they are free now; "vmalloc -s .*\n)?', said, re.S).groups()
        check.equal(bool(hint), '-s' not in command, f'{command}: how to have scattered ones')
        check.true(said[said.index('frames') + 10:] in machine.run('vmallocinfo'), f'{command}: vmallocinfo tells the same')
        machine.run(f'vfree {start:08x}')
    check.equal(used(), before, 'all frames are back')
    for line in ('vmalloc -x 4K', 'vmalloc 4K -s', 'vmalloc -s'):
        check.like(machine.run(line), '^usage: vmalloc ', f'{line}: refused')
    check.like(machine.run('vmalloc -s 100M'), r'^vmalloc: 100M is too much; free: 12\d{4}K of frames, 131\d{3}K of addresses\n'
               '  -s takes 16 times ', 'not so many')
    check.equal(used(), before, 'nothing has changed')


def test_buddyinfo(machine, check):
    said = machine.run('buddyinfo')
    for line in said.splitlines():
        check.like(line, r'^Node 0, zone +\w+(?: +\d+){11} *$', "buddyinfo: Linux's line format")
    check.equal(re.findall(r'zone +(\w+)', said), ['DMA', 'Normal'], 'buddyinfo: the zones that have memory')


def test_slabinfo(machine, check):
    said = machine.run('slabinfo')
    first, second, *caches = said.splitlines()
    check.equal(first, 'slabinfo - version: 2.1', "slabinfo: Linux's first line")
    check.like(second, '^# name +<active_objs> <num_objs> <objsize> .* : tunables .* : slabdata ', 'slabinfo: the second')
    cache = re.compile(r'\S+ +(\d+) +(\d+) +\d+ +(\d+) +\d+ : tunables +0 +0 +0 : slabdata +(\d+) +(\d+) +0')
    check.equal([line for line in caches if not cache.fullmatch(line)], [], "slabinfo: Linux's line format")
    wrong = []
    for found in filter(None, map(cache.fullmatch, caches)):
        active, objects, per_slab, active_slabs, slabs = map(int, found.groups())
        if active > objects or objects != per_slab * slabs or active_slabs > slabs:
            wrong.append(found[0])
    check.equal(wrong, [], 'slabinfo: the numbers fit together')
    for name in 'kmem_cache kmalloc-8 kmalloc-64 kmalloc-96 kmalloc-8k task vmap_area'.split():
        check.like('\n'.join(caches), f'^{name} ', f'slabinfo: {name}')


def test_frames(machine, check):
    said = machine.run('frames')
    row = re.compile(r'(free|used|reserved|sum) +([a-z0-9]\D*?[a-z0-9]+(?: 0)?|) +(\d+) +(\d+) kB')
    check.equal([line for line in said.splitlines() if not row.fullmatch(line)], [], 'frames: a row for each owner')
    rows = [(found[1], int(found[3]), int(found[4])) for found in map(row.fullmatch, said.splitlines()) if found]
    check.equal([found for found in rows if found[2] != 4 * found[1]], [], 'frames: frames of 4 kB')
    total = sum(frames for kind, frames, _ in rows if kind == 'sum')
    check.equal(sum(frames for kind, frames, _ in rows if kind != 'sum'), total, 'frames: the sum is that of the rows')
    check.equal(4 * total, kilobytes(machine.run('meminfo'))['MemTotal'], 'frames: and all of RAM')
    for owner in ('free +buddy', 'used +slab', 'used +vmalloc', 'reserved +page 0', 'reserved +kernel image', 'reserved +struct pages',
                  'reserved +module'):
        check.like(said, f'^{owner} +[1-9]', f'frames: {owner}')


def test_devices(machine, check):
    check.like(machine.run('lspci'), r'^00:03\.0 00ff: 1234:11e8 \(rev \w\w\)\n\tInterrupt: pin A routed to IRQ \d+\n'
               r'\tRegion 0: Memory at [0-9a-f]{8} .*1M\]$', 'lspci: the edu card, its interrupt and its registers')
    dma = unfolded(machine.run('dma', 30))
    parts = re.split(r'^(?=\d\. )', dma, flags=re.M)
    check.equal(len(parts), 5, 'dma: a head and four parts', dma)
    check.like(parts[1], r'^ +The copy has 8192 of 8192 bytes right\.$', 'dma: lowmem is copied right')
    check.equal(count('^dma: .* refused: ', dma), 1, 'dma: one line says what is refused')
    check.like(parts[2], r'^dma: edu: 0x[0-9a-f]{8} refused: a vmalloc address: its frames may be .*\n +dma_map_single has refused it with error -99\.$',
               'dma: the vmalloc buffer, and why')
    check.like(parts[3], r'(?:^ +Segment: 4096 bytes at 0x\w+\.\n){2} +The copy has 8192 of 8192 bytes right\.$',
               'dma: frame by frame it is copied right')
    check.like(parts[4], r'A, the first page, has 4096 new .*\n +has 0\. B, .* has 4096: .*\n.*meant for C: yes, all\.$',
               'dma: arithmetic writes over the neighbour')
    check.like(dma, r'^The device has interrupted 24 times\. ', 'dma: an interrupt for each transfer')
    check.like(machine.run('audit'), 'hold', 'dma: and nothing is left behind')


def test_ps_audit_run(machine, check):
    check.like(machine.run('ps'), r'^ *PID .*\n(?: *\d+ .*\n)*.* init$', 'ps: the thread of the monitor')
    check.like(machine.run('audit'), r'\Aaudit: \d+ frames, \d+ pages of lowmem, \d+ vmalloc areas, 1 page directory\n'
               r'audit: all invariants hold\n\Z', 'audit: what is compared, and all hold')
    check.like(machine.run('run hello'), r'hello\[\d+\]: exit status 0', 'run hello')


def run_counters(machine):
    """Two at once; the end of the one in the background is reported before some prompt. Returns their output, and how often the output
    changes from one to the other."""
    said = machine.run('run counter & counter', 30)

    def both_ended():
        nonlocal said
        said += machine.run('')
        return count(ENDED, said) >= 2
    machine.wait_until(both_ended)
    pids = re.findall(r'counter\[(\d+)\] \d of', said)
    return said, sum(one != other for one, other in zip(pids, pids[1:]))


def test_two_at_once(machine, check):
    """On a busy host so many ticks may be lost that one program ends before the other has run: then it is tried again."""
    for _ in range(20):
        said, turns = run_counters(machine)
        if turns >= 2:
            break
    check.equal(count(ENDED, said), 2, 'run counter & counter: both end', said)
    check.true(turns >= 2, 'and took turns')


def test_ctrl_c(machine, check):
    """When the program runs, and before it runs: then the key waits unread."""
    machine.send('run forever\n')
    check.true(machine.saw(r'^forever\[\d+\]: runs until.*\n', 20), 'run forever', machine)
    machine.send('dropped\x03')
    assert check.true(machine.saw(PROMPT, 20), 'Ctrl-C brings the prompt back', machine)
    check.like(machine.before, r'\A\^C\nforever\[\d+\]: killed by signal 2 \(SIGINT\)\n\Z', 'and ends the program')
    check.equal(machine.run(''), '', 'what was typed before it is dropped')
    check.like(machine.run('run forever sleep\n\x03'), r': killed by signal 2 \(SIGINT\)',
               'Ctrl-C that waits unread, and a program that sleeps')


def test_ctrl_c_ends_commands(machine, check):
    for command, begun, end in (('test', r'^ok 3 ', r'^# Ctrl-C: the other tests are not run\n# \d{1,3} passed, 0 failed\n\Z'),
                                ('bench', r'^bench: \w+ +\d+\n', r'^bench: Ctrl-C: the other rows are not run\n\Z')):
        machine.send(f'{command}\n')
        check.true(machine.saw(begun, 20), f'{command} has begun', machine)
        machine.send('dropped\x03')
        assert check.true(machine.saw(PROMPT, 20), f'Ctrl-C ends {command}', machine)
        check.like(machine.before, end, f'{command}: and says so')
        check.equal(machine.run(''), '', 'what was typed before it is dropped')


def test_kill(machine, check):
    machine.send('run forever & forever sleep & tty_read\n')
    check.true(machine.saw('^ready\n', 20), 'a program in the foreground, two behind it')
    machine.send('\x03')
    check.true(machine.saw(r'^tty_read\[\d+\]: killed by signal 2 \(SIGINT\)\n', 20), 'Ctrl-C ends the one in the foreground')
    machine.expect(PROMPT, 10)
    tasks = re.findall(r'^ *(\d+) .* (\w+)$', machine.run('ps'), re.M)
    background = [pid for pid, name in tasks if name == 'forever']
    check.equal(len(background), 2, 'and leaves those in the background')
    check.like(machine.run('test list.*'), r'\Atest: it counts free pages, so end the background program first\n',
               'test waits for them')
    for pid in background:
        check.equal(machine.run(f'kill {pid}'), f'forever[{pid}]: killed by signal 9 (SIGKILL)\n', f'kill {pid}')
    check.unlike(machine.run('ps'), 'forever', 'and they are gone')
    pids = {name: pid for pid, name in tasks}
    for name in ('init', 'idle'):
        check.like(machine.run(f'kill {pids[name]}'), rf'\Akill: {name}\[\d+\] is a part of the kernel[^\n]*\n\Z', f'kill: {name} refuses')
    check.like(machine.run('run attack read 0'), r'killed by signal 11 \(SIGSEGV\)', 'a signal is named')


def test_test(machine, check):
    names = re.findall(r'^KTEST(?:_SLOW)?\(kill, (\w+)\)', (ROOT / 'tests/kernel/process/kill_test.c').read_text(), re.M)
    check.equal(machine.run('test -l kill.*'), ''.join(f'kill.{name}\n' for name in names), 'test -l GLOB lists them')
    check.true(machine.run('test -l').count('\n') > 100, 'test -l lists all')
    check.equal(machine.run('test -l nosuch'), 'test: no self-test matches "nosuch"\n', 'or none')
    check.like(machine.run('test list.*'), r'^KTAP version 1\n1\.\.\d+\n(?s:.*)# [1-9]\d* passed, 0 failed\n', 'test GLOB')


def test_wrong_lines(machine, check):
    for line, answer in sorted(WRONG.items()):
        said = machine.run(line)
        label = line[:10] + '...' if len(line) > 20 else line
        check.like(said, answer, f'{label}: says what is right')
        if line != 'test no.such':
            check.equal(said.count('\n'), 1, f'{label}: in one line')
    check.equal(machine.run(''), '', 'an empty line says nothing')
    check.equal(machine.run('   '), '', 'nor do blanks')
    check.equal(machine.run('\x1b'), '', 'nor does a stray escape')


def test_much_at_once(machine, check):
    """Nothing is lost. While the program runs no input is read, so that the kernel's buffer fills up and the rest must wait outside."""
    lines = [f'no{number:05}' for number in range(1, 8201)]
    bulk = ''.join(f'{line}\n' for line in lines)
    check.true(len(bulk) >= 65536, 'more than 64 KiB of input')
    check.equal(machine.finish(f'run counter\n{bulk}poweroff'), 'pass', 'piped in at once, it ends in a power-off', machine)
    echoed = re.findall(r'^attic> (no\d{5})$', machine.output, re.M)
    check.equal(len(echoed), len(lines), 'each line was read')
    check.equal(next(((found, wanted) for found, wanted in zip(echoed, lines) if found != wanted), None), None, 'and in order')
