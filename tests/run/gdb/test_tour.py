"""The tour of the memory: `make tour BATCH=1` prints the contents of docs/tour.md, except for numbers that depend on the build, and the
entries that it shows are those in memory. The tour itself checks each of its claims, and ends if one is false."""
import re
import subprocess
from itertools import zip_longest

from attic.build import ROOT, compiler, make, ran, with_make
from in_gdb import DEBUG, ELF, PYTHON
from programs import on_terminal

MOMENTS = 44


class Names:
    """The parts of a transcript that are the same in every build. Numbers become names, by first appearance, so that equal ones stay equal
    and different ones different: lines of source; the frames in entries and in the addresses of entries, where the lower bits stay as they
    are; other numbers as a whole. The addresses that are walked stay."""

    def __init__(self, transcript):
        self.names, self.file = {}, ''
        self.lines = [re.sub(' +', ' ', self.line(line)) for line in transcript.rstrip('\n').split('\n')]

    def name(self, thing):
        return self.names.setdefault(thing, f'#{len(self.names) + 1}')

    def frame(self, match):
        """A number above the end of RAM is not a frame, but the tag in an entry that is not present."""
        before, number = match.groups()
        if number[0] in 'cdef':
            return before + self.name(f'tag {number}')
        return f'{before}{self.name(f"frame {number[:5]}")}+{number[5:]}'

    def line(self, line):
        if found := re.match(r'(    ([\w/]+\.(?:c|asm)):)(\d+)$', line):
            self.file = found[2]
            return found[1] + self.name(f'{self.file}:{found[3]}')
        line = re.sub(r'^(    [ >]) *(\d+)  ', lambda match: f'{match[1]}{self.name(f"{self.file}:{match[2]}")}  ', line)
        head, line = re.match(r'(    0x\w+(?:\.\.0x\w+)?, )?(.*)', line).groups()
        if not head or 'CR3=' in line:
            line = re.sub(r'( at |: |was |physical |frame |CR3=)0x(\w{8})', self.frame, line)
            line = re.sub('0x([0-9a-f]{8})', lambda match: self.name(f'value {match[1]}'), line)
        return (head or '') + line


def make_tour(**environment):
    with with_make():
        return make('tour', 'BATCH=1', *compiler(), env=environment, stderr=subprocess.PIPE)


def test_transcript(check):
    done = make_tour()
    check.equal(done.returncode, 0, 'make tour BATCH=1 ends with status 0', done.stderr)
    pairs = zip_longest(Names(done.stdout).lines, Names((ROOT / 'docs/tour.md').read_text()).lines, fillvalue='(nothing)')
    differ = next((f'line {number} is now\n{now}\nand in docs/tour.md\n{kept}'
                   for number, (now, kept) in enumerate(pairs, 1) if now != kept), '')
    check.true(not differ, 'docs/tour.md holds the transcript: `make tour-doc` writes it again', differ)
    check.equal([line for line in done.stdout.split('\n') if len(line) > 80], [], 'no line has more than 80 columns')
    stops = re.split('^## ', done.stdout, flags=re.M)[1:]
    check.equal(len(stops), 20, 'so many stops')
    for stop in stops:
        check_stop(stop, check)


def check_stop(stop, check):
    found = re.match(r'\d+ of 20\. ([^:]+): .*\n\n((?:.+\n)+)', stop)
    assert found, f'a stop has a heading and sentences:\n{stop}'
    name, text = found.groups()
    sentences = len(re.findall(r'[.?](?=\s)', text))
    check.true(2 <= sentences <= 5, f'{name}: two to five sentences', f'{sentences}: {text}')
    check.like(stop, r'^    (?:[\w/]+\.(?:c|asm):\d+\n\n(?:    .*\n|\n)*?    > *\d+  |0x\w+: the program\'s first instruction)',
               f'{name}: a source line')
    check.like(stop, r'^Before:\n\n    CR0.*\n(?:        .*\n)?\n    0x\w+.*\n(?:    .*\n|\n)*(?:(?:In between|Then).*:\n\n(?:    .*\n|\n)*)?'
               r'^After.*:\n\n    CR0.*\n(?:        .*\n)?\n    0x', f'{name}: a walk before and after')


def test_entries_are_in_memory(boot, check):
    """The same stop by stop. QEMU's monitor reads each entry again that the tour has read."""
    machine = boot('tour', build=DEBUG, stopped=True, gdb=True, input='run tour\ndma\npoweroff\n')
    look = ('python from attic.gdb.tour.tour import Tour; [gdb.execute("monitor xp /1wx 0x%x" % entry.at) '
            'for walks in Tour.guide.walks for walk in walks for entry in walk.entries]')
    said = machine.gdb(ELF, *['attic tour', look] * MOMENTS, 'attic tour', 'info breakpoints', 'detach')
    moments = re.split('^(?=## |After|In between|Then)', said, flags=re.M)[1:]
    check.equal(len(moments), MOMENTS, 'so many moments, one with each `attic tour`', said)
    entries, wrong = 0, []
    for moment in moments:
        memory = dict(re.findall('^0*([0-9a-f]{8}): 0x([0-9a-f]{8})', moment, re.M))
        for at, value in re.findall(r'^    [ *] P[DT]E +\d+ at 0x(\w+): 0x(\w+)', moment, re.M):
            entries += 1
            if memory.get(at) != value:
                wrong.append(f'{at}: tour {value}, monitor {memory.get(at, "nothing")}')
    check.true(entries > 100, 'there are entries to compare', entries)
    check.equal(wrong, [], "each entry is in memory as the tour shows it, says QEMU's monitor")
    check.like(said, '^attic tour: the tour is over', 'then it is over')
    # The words of gdb 10, and of gdb 16 and later.
    check.like(said, r'^No breakpoints(?: or watchpoints|, watchpoints, tracepoints, or catchpoints)\.$', 'and has left no breakpoint')
    check.unlike(said, PYTHON, 'no exception of Python shows')
    check.equal(machine.finish(), 'pass', 'detached, Attic goes on and powers off', machine)
    check.like(machine.output, "^tour: the child wrote to its own page; the parent still reads 'p'$", 'the program did what the tour tells')
    check.like(machine.output, '^tour: the child read what is the kernel.s, and was killed by signal 11$', 'to the end')


def test_who_goes_on_alone(boot, check, monkeypatch):
    machine = boot('tour-alone', build=DEBUG, stopped=True, gdb=True)
    monkeypatch.setenv('ATTIC_CONSOLE', machine.open_console())
    said = machine.gdb(ELF, 'attic tour', 'thbreak monitor_main', 'continue', 'attic tour', 'attic tour')
    check.equal(headings(said), '## 1 Before ## 10 Before After', 'past the boot the tour goes on with the program', said)


def headings(said):
    return ' '.join(re.findall(r'^(## \d+|Before|After|\(As it was)', said, re.M))


def test_to_a_stop(boot, check):
    machine = boot('tour-to', build=DEBUG, stopped=True, gdb=True, input='run tour\ndma\npoweroff\n')
    asked = ('kernel_main', '2', '5', 'boot_', '21', 'vmalloc', 'refu', '12')
    said = machine.gdb(ELF, *(word for stop in asked for word in ('echo @@@\\n', f'attic tour {stop}')), 'echo @@@\n', 'attic tour',
                       'echo @@@\n', 'complete attic tour v', 'detach')
    by_name, shown, here, many, none, on, prefix, old, more, completed = (part.strip() for part in said.split('@@@\n')[1:])
    check.equal(headings(by_name), '## 5 Before', 'a name: runs on to that stop, and says nothing of those between')
    check.equal(headings(shown), '## 2 (As it was Before After', 'one that has gone by is shown whole, from memory')
    check.like(shown, r'The\s+machine\s+is\s+now\s+at\s+`kernel_main`', 'and where the machine is')
    check.equal(here, by_name, 'that at which the machine stands as it was shown')
    check.equal(many, 'attic tour: `boot_` begins the names of 3 stops: boot_paging_on boot_high\n  boot_identity_gone', 'more than one')
    check.like(none, '^attic tour: `21` is not one of the 20 stops: _start boot_paging_on ', 'a number that is none')
    check.equal(headings(on), '## 12 Before', 'a name that another one begins with')
    check.equal(headings(prefix), '## 18 Before', 'the beginning of a name')
    check.equal(headings(old), '## 12 (As it was Before After', 'also one that was not asked for moment by moment')
    check.equal(headings(more), 'After', 'then the tour goes on where the machine is')
    check.equal(re.findall(r'^attic tour (\w+)$', completed, re.M), ['vfree', 'vmalloc', 'vmalloc_init'], 'Tab completes names')
    check.unlike(said, PYTHON, 'no exception of Python shows')
    check.equal(machine.finish(), 'pass', 'and Attic powers off', machine)


def enter(text):
    """`make tour` without make: its output, with headings for each answer."""
    done = ran(ROOT / 'scripts/debug', '--tour', DEBUG, input=text)
    return done, [headings(part) for part in done.stdout.split('-- Enter: ')]


def test_enter(check):
    done, _ = enter('\n\n\nq\n')
    check.equal(headings(done.stdout), '## 1 Before After ## 2 Before After', 'each Enter goes on by a moment', done.stdout)
    check.equal(done.returncode, 0, 'q quits')


def test_back(check):
    done, parts = enter('b\n' + '\n' * 4 + 'b\nb\n\n\n\n' + 'mm_seal\n2\nb\nb\n18\nbanana\n\nq\n')
    one, two = '## 1 (As it was Before After', '## 2 (As it was Before After'
    check.equal(parts, ['## 1 Before', '', 'After', '## 2 Before', 'After', '## 3 Before', two, one, two, '## 3 Before', 'After',
                        '## 9 Before', two, one, '', '## 18 Before', '', 'After', ''],
                'b: back by a stop, from memory; Enter: forward to the machine; a name: there', done.stdout)
    check.like(done.stdout, '^there is no stop before this one\\.$', 'the first one has none before it')
    check.like(done.stdout, '^`banana` is not one of the 20 stops: ', 'a stop that is none')
    check.equal(done.returncode, 0, 'q quits')


def test_pages(check):
    """On a terminal of 24 lines each question comes within 24 lines; what is shown is the same."""
    whole, _ = enter('\n\nq\n')
    said, status = on_terminal(ROOT / 'scripts/debug', '--tour', DEBUG, rows=24, input='\n' * 60 + 'q\n')
    said = re.sub('^map: .*\n', '', said, flags=re.M)  # the machine's own output comes before the page
    shown = [page[max(0, page.find('## ')):] for page in re.split('^-- Enter: .*-- ', said, flags=re.M)]
    check.equal(status, 0, 'q quits', said)
    check.true(len(shown) > 6, 'in pages', said)
    check.equal([page for page in shown if page.count('\n') > 23], [], 'each fits')
    check.equal([page for page in shown if page.rstrip('\n').endswith(':')], [], 'none ends with the announcement of the next one')
    lines = [line for page in shown for line in page.split('\n') if line]
    first = [line for line in whole.stdout.partition('-- Enter: ')[0].partition('## 1 ')[2].split('\n') if line]
    at = next((at for at, line in enumerate(lines) if line == f'## 1 {first[0]}'), 0)
    check.equal(lines[at + 1:at + len(first)], first[1:], 'with the same lines')


def test_no_qemu(check):
    done = make_tour(QEMU='/bin/false')
    check.true(done.returncode, 'no QEMU: the tour fails')
    check.equal(done.stdout, '', 'and writes no half of a transcript')
    check.like(done.stderr, '^(?:tour|qemu): .*', 'but why')


def test_no_end(check, tmp_path):
    gdb = tmp_path / 'gdb'
    gdb.write_text('#!/bin/sh\n[ "$1" = --version ] && exec gdb --version\nexec sleep 60\n')
    gdb.chmod(0o755)
    done = make_tour(GDB=str(gdb), TIMEOUT='1')
    check.true(done.returncode, 'no end: the tour fails')
    check.equal(done.stdout, '', 'with no half of a transcript')
    check.like(done.stderr, '^tour: not at its end after 1 s$', 'but a line')
