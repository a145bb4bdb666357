"""Tests of the judge of in-kernel runs: complete logs pass, and each kind of broken run is detected. And the reports about a machine or a
program that does not answer."""
import re
import sys

from attic.build import runs_itself
from attic.ktap import judge
from attic.machine import PROMPT, Machine
from attic.watch import Watch

WHOLE = """Attic: some line of the boot log
KTAP version 1
1..3
ok 1 list.add
# lib/list.c:3: a note
ok 2 list.remove # SKIP no reason
pid 3 (attack): SIGSEGV
ok 3 vmalloc.lowest_fit
"""
ONE_FAILED = re.sub('^ok 2 .*$', r'# mm/x.c:1: expected a\nnot ok 2 list.remove', WHOLE, flags=re.M)

# Wrong logs: the point, how the run ended, and the problem.
BROKEN = [
    (ONE_FAILED, 'a failed test and status pass', 'pass', 'ended in pass, not fail'),
    *((WHOLE, f'ended in {end}', end, f'ended in {end}, not pass')
      for end in ('fail', 'panic', 'refuse', 'triple-fault', 'timeout', 'error')),
    (re.sub(r'^ok 3.*\n', '', WHOLE, flags=re.M), 'a short run', 'pass', '3 tests planned, 2 reported'),
    (WHOLE + 'ok 4 more\n', 'a long run', 'pass', '3 tests planned, 4 reported'),
    (WHOLE.replace('1..3\n', ''), 'no plan', 'pass', 'no plan'),
    (WHOLE.replace('KTAP version 1\n', ''), 'no header', 'pass', 'no KTAP header'),
    (WHOLE.replace('version 1', 'version 2'), 'an unknown version', 'pass', 'KTAP version 2'),
    (WHOLE.replace('\nok 2', '\nok 3'), 'a number that is missing', 'pass', 'result 3 where 2 should be'),
    (WHOLE.replace('list.remove', 'list.add'), 'a test that is there twice', 'pass', r'list\.add is there twice'),
    (WHOLE + WHOLE, 'a machine that started over', 'pass', 'a second KTAP header; a second plan'),
    ('KTAP version 1\n1..0\n', 'no tests at all', 'pass', 'no tests'),
    ('', 'silence', 'timeout', 'no KTAP header'),
]


def problems(log, status):
    return '; '.join(judge(log, status).problems)


def test_whole(check):
    check.equal(problems(WHOLE, 'pass'), '', 'a whole run')
    check.equal(problems(WHOLE.replace('\n', '\r\n'), 'pass'), '', 'a whole run with carriage returns')
    tests = judge(WHOLE, 'pass').tests
    check.equal(len(tests), 3, 'all its tests are there')
    check.equal(tests[1].skip, 'no reason', 'a skipped test has its reason')
    check.equal(tests[2].name, 'vmalloc.lowest_fit', 'names are those of the kernel')


def test_one_failed(check):
    check.equal(problems(ONE_FAILED, 'fail'), '', 'a failed test is a result, not a broken run')
    failed = judge(ONE_FAILED, 'fail').tests[1]
    check.true(not failed.ok, 'and it is seen as failed')
    check.equal(failed.notes[-1], '# mm/x.c:1: expected a', 'with the note before it')


def test_broken(check):
    for log, name, status, problem in BROKEN:
        check.like(problems(log, status), problem, name)


# ---- what does not answer ----

def script(folder, text):
    file = folder / 'program'
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_machine_that_talks(check, tmp_path, monkeypatch):
    """A machine that prints for ever: a program takes the place of QEMU. It ends by itself if it is not killed."""
    qemu = script(tmp_path, f'#!{sys.executable}\nimport signal, time\nsignal.alarm(20)\n'
                            'while True:\n    print("x", flush=True)\n    time.sleep(0.02)\n')
    monkeypatch.setenv('QEMU', str(qemu))
    asked = []
    with Machine('judge-talks', iso='none', timeout=1) as machine:
        machine.watch.qmp.ask = lambda *words: asked.append(words)
        check.equal(machine.finish(), 'timeout', 'a machine that does not stop talking is ended')
        check.equal(asked, [], 'one that does not answer is not asked for its registers')


def test_end_between_questions(check):
    """QEMU's last event arrives before the answer to a question, which reads both."""
    with Machine('judge-questions', exit_device=False, timeout=30) as machine:
        machine.expect(PROMPT)
        machine.watch.qmp.idle = None
        machine.send('poweroff\n')
        while (machine.watch.qmp.ask('query-status') or {}).get('running'):
            pass
        check.true(machine.finish() != 'timeout', 'it is ended then, too', machine)


class Answers:
    """A QEMU that shows its registers, but not its memory."""
    speaks = True

    def __init__(self, registers):
        self.registers = registers

    def ask(self, *_):
        pass

    def monitor(self, line):
        return self.registers if line == 'info registers' else ''


def registers(flags=2, cr0=0x10, cr2=0, halted=0, idt_limit=0x3ff):
    watch = Watch()
    watch.qmp.close()
    watch.qmp = Answers(f'EIP=00007c00 EFL={flags:08x} [-------] CPL=0 II=0 A20=1 SMM=0 HLT={halted}\nGDT=     00000000 0000ffff\n'
                        f'IDT=     00000000 {idt_limit:08x}\nCR0={cr0:08x} CR2={cr2:08x} CR3=00000000 CR4=00000000\n')
    watch.look()
    return watch.lines


def test_registers(check):
    """The report about registers if nothing is known about the kernel: before it is loaded, and for another kernel."""
    firmware = ['EIP 0x00007c00, CR0 0x00000010, CR2 0x00000000, CR3 0x00000000', 'paging is off: EIP is a physical address']
    check.equal(registers(), firmware, 'registers: firmware')
    check.equal(registers(halted=1), [*firmware, 'the processor has halted with interrupts off, for good'],
                'registers: firmware that has stopped')
    check.equal(registers(halted=1, flags=0x202)[2], 'the processor has halted until the next interrupt', 'registers: firmware that waits')
    check.equal(registers(idt_limit=0)[2], 'the IDT is empty: no trap can be handled', 'registers: no IDT')
    check.equal(registers(cr0=0x80000011, cr2=0x123)[1:3],
                ['paging is on; EIP: nothing is known of it',
                 'the last page fault, if there was one, was at CR2: nothing is known of it'],
                'registers: a kernel of which nothing is known')


def test_runs_itself(check, tmp_path):
    """A program that is run by another one, as by an emulator."""
    interpreted = script(tmp_path, '#!/bin/sh\necho runs\nexec sleep 20\n')
    check.true(not runs_itself(interpreted), 'what an interpreter runs does not run by itself')
    check.true(not runs_itself(tmp_path / 'nothing'), 'nor what is not there')
