"""gdb's commands `attic ...` at every stage of the boot, in ring 3, in a panic and in the double-fault task, compared with the tables in
physical memory, which QEMU's monitor saves."""
import re

import pytest

from attic import debugger
from attic.build import build_dir
from attic.machine import PROMPT
from in_gdb import CR0_PG, DEBUG, STAGES, Dump, at_stages, check_map, check_pgd, check_walk, kernel, session, wait_for_sleep
from machines import unfolded

EVERYWHERE = ('attic walk 0xc0100000', 'attic walk 0', 'attic walk $pc', 'attic map', 'attic pgd', 'attic pgdiff',
              'attic pgdiff loaded master', 'attic areas', 'attic frames', 'attic who 0x100000', 'attic ps', 'attic bt 1', 'attic paging')
WALKED = (0xC0100000, 0, '$eip')
ANSWER_FROM = {'attic areas': 8, 'attic frames': 7, 'attic ps': 8, 'attic bt 1': 8}  # the number of the stage


def said_everywhere(answers):
    return dict(zip(EVERYWHERE, answers))


def sentences(answers, pattern):
    """The number of answers that are one sentence of this kind."""
    return sum(bool(re.fullmatch(rf'attic \w+: {pattern}[^\n]*\n', unfolded(answer))) for answer in answers)


def test_stages(boot, check, tmp_path):
    """Every stage of the boot, on the smallest machine."""
    machine = boot('gdb-commands', build=DEBUG, stopped=True, gdb=True, mem='8M', input='run hello\n')
    stages = at_stages(check, machine, tmp_path, EVERYWHERE, *WALKED)
    _, early, _ = next(stages)
    check.equal(sentences(early.values(), 'the kernel does not run yet: '), len(EVERYWHERE) - 1, 'before the kernel: a sentence each',
                early)
    check.like(early['attic paging'], r'^PG=0 CR3=0x00000000 EIP=0x\w+ CS=0x\w+ no source$', 'paging can be asked for then')
    for stage, said, state in stages:
        check_stage(check, stage, said, state)


def check_stage(check, stage, said, state):
    on, directory = bool(state['CR0'] & CR0_PG), state.directory
    if stage in kernel():
        check.equal(state['EIP'], kernel()[stage], f'{stage}: there')
    check.like(said['attic paging'], rf'^PG={on:d} CR3={state["CR3"]:#010x} ', f'{stage}: paging')
    if on:
        for name, what, address in ('0xc0100000', '0xc0100000', 0xC0100000), ('0', '0', 0), ('EIP', '$pc', state['EIP']):
            check_walk(check, f'{stage}, {name}', said[f'attic walk {what}'], state, directory, address)
        check_map(check, stage, said['attic map'], state, directory)
        check_pgd(check, stage, said['attic pgd'], state, directory)
    else:
        check.like(said['attic walk 0xc0100000'], '^0xc0100000 is physical: paging is off',
                   f'{stage}: walk says that addresses are physical')
        check.like(said['attic map'], '^attic map: paging is off', f'{stage}: map has nothing to walk')
    number = STAGES.index(stage) if stage in STAGES else len(STAGES)
    for command, first in ANSWER_FROM.items():
        too_early = sentences([said[command]], r'there are no \w') == 1
        check.equal(too_early, number < first, f'{stage}: {command} {"says that it is too early" if too_early else "answers"}')


# Where gdb stops, and what `attic ps` and `attic bt 1` print there.
CRASHES = {
    'panic': (['hbreak machine_exit', 'continue'], r'^ +1 running .* init +in machine_exit$',
              r'\n  #0 .* machine_exit\+.*(?:\n.*)* panic_report\+.*(?:\n.*)* crash_panic\+.*(?:\n.*)* thread_start\+.*\n\Z'),
    'stack': (['hbreak crash_recurse if depth == 3', 'continue', 'attic map', 'delete', 'hbreak double_fault_task', 'continue'],
              r'^ +1 running .* init +in double_fault_task$',
              r'^interrupted by a double fault.*\n  #0 .* crash_recurse.*\n  #1.*\n  \.\.\. and \d+ more of the same\n.* crash_stack\+'),
}


@pytest.mark.parametrize('crash', CRASHES)
def test_crash(crash, boot, check, tmp_path):
    """Also with a selected frame that has a local of the same name as a variable of the kernel."""
    way, ps, bt = CRASHES[crash]
    machine = boot(f'gdb-commands-{crash}', build=DEBUG, stopped=True, gdb=True, mem='8M',
                   input=f'run forever &\nrun nap 1000 1\ncrash {crash}\n')
    dump = Dump(tmp_path / 'dump', 8, *WALKED)
    answers = iter(session(check, machine, *way, *dump.commands, *EVERYWHERE, 'attic bt 2', 'up', *EVERYWHERE, 'detach'))
    going = [answer for _, answer in zip(way, answers)]
    if crash == 'stack':
        check.like(going[1], r'crash_recurse \(depth=depth@entry=3\)|crash_recurse \(depth=3\)', 'local: depth is one of crash_recurse()')
        check.like(going[2], r'^fixmap 0xffc00000\.\.0xffffefff: nothing mapped\nlast page',
                   'local: and is not taken for that of mm/frame/highmem.c')
    state = dump.take(answers, check, crash)
    said = said_everywhere(answers)
    check_stage(check, crash, said, state)
    check.like(said['attic ps'], ps, f'{crash}: ps')
    check.like(said['attic bt 1'], bt, f'{crash}: bt')
    check.like(next(answers), r'^forever\[2\], ready;.*\n(?:  #\d.*\n)+in the program: main, user/forever\.c:\d+\n'
               r'in ring 3: EIP 0x0804\w+ \(/forever\).* by interrupt 32$',
               f'{crash}: bt of another one')
    next(answers)
    again = said_everywhere(answers)
    check.equal([command for command in EVERYWHERE if again[command] != said[command] and '$pc' not in command], [],
                f'{crash}: in another frame the answers are the same')


def test_in_ring_0(boot, check):
    """An exception and an interrupt in ring 0: the frames continue behind the stub. CR0.WP is turned off by hand."""
    machine = boot('gdb-commands-null', build=DEBUG, stopped=True, gdb=True, mem='8M', input='test vmalloc.*\ncrash null\n')
    boot_is_over = ('attic pgdiff', 'attic map boot')
    _, _, interrupt, _, _, _, ps, fault, pgdiff, boot_map, _, cr0, *without_wp, _ = session(
        check, machine, 'hbreak tick if boot_cpu.current && boot_cpu.current->pid == 1 && !user', 'continue', 'attic bt 1', 'delete',
        'hbreak panic_enter', 'continue', 'attic ps', 'attic bt 1', *boot_is_over, 'set var $cr0 &= ~0x10000', 'print $cr0', *boot_is_over,
        'detach')
    check.like(interrupt, r'\n  #0 .* tick\+.*\n(?:  #.*\n)*.* trap_common\+.*\n  interrupt 32 came here, in ring 0:\n'
               r'  #\d+ (?:.*\n)*.* thread_start\+.*\n\Z', 'bt: an interrupt in ring 0')
    check.like(ps, r'^ +1 running .* init +in panic_(?:enter|trap)$', 'ps: in a page fault')
    check.like(fault, r'\n  #0 .* panic_(?:enter|trap)\+.*\n(?:  #.*\n)*.* trap_common\+.*\n  exception 14 came here, in ring 0:\n'
               r'  #\d+ .* crash_null\+.*\n.* monitor_crash\+.*\n(?:.*\n)*.* thread_start\+.*\n\Z', 'bt: a page fault in ring 0')
    check.equal(pgdiff, 'the kernel half of the only directory is as at the end of the boot\n', 'pgdiff: of one directory')
    check.unlike(cr0, r'\bWP\b', 'CR0.WP is off')
    check.equal(without_wp, [pgdiff, boot_map], 'and the boot is over all the same')


def test_another_build(boot, check):
    """The normal build of the kernel, where many functions are inlined."""
    machine = boot('gdb-commands-O2', gdb=True, mem='16M')
    machine.expect(PROMPT, 30)
    machine.run('run forever &', 10)
    said = machine.beside(*debugger.gdb(None, '-batch', *debugger.commands(
        'attic walk 0', 'attic paging', f'target remote {machine.gdb_target}', *EVERYWHERE, 'detach')))
    check.like(unfolded(said), r'^attic walk: no machine is connected: .*\nattic paging: no machine is connected: ', 'no machine: a sentence')
    check.equal(len(re.findall(r'^attic \w+: gdb has no kernel with debug information: ', said, re.M)), len(EVERYWHERE) - 1,
                'no symbols: a sentence each', said)
    other = session(check, machine, *EVERYWHERE, 'detach')
    check.equal(sentences(other, r"the machine runs another build than gdb's symbols are of \("), len(EVERYWHERE) - 1,
                'symbols of another build: a sentence each', other)
    wait_for_sleep(check, machine, build_dir())
    said = said_everywhere(session(check, machine, *EVERYWHERE, 'detach', build=build_dir()))
    check.equal([command for command in EVERYWHERE if re.match(r'attic \w+:', said[command])], [], 'the other build: all commands answer')
    check.like(said['attic ps'], '^ +1 sleeping .* init +tty_getc$', 'the other build: where a task waits')
    check.like(said['attic bt 1'], r' tty_getc\+.*\n.* readline\+.*\n.* monitor_main\+', 'the other build: a backtrace')


def test_by_hand(boot, check):
    """gdb's own commands while the monitor makes an area: the function has the name that a reader expects, and `finish` works."""
    machine = boot('gdb-commands-vmalloc', build=DEBUG, stopped=True, gdb=True, mem='16M', input='vmalloc 12K\npoweroff\n')
    *_, stop, out, _, _ = session(check, machine, 'hbreak monitor_main', 'continue', 'break vmalloc', 'continue', 'finish', 'delete',
                                  'detach')
    check.like(stop, r'^Breakpoint \d+, vmalloc \(size=(?:size@entry=)?12288\) at mm/kva/vmalloc\.c:\d+$',
               'vmalloc SIZE: stops at vmalloc()')
    check.like(out, r'^Value returned is \$1 = \(void \*\) 0xf7c\w{5}$', 'and finish behind it')
    check.equal(machine.finish(), 'pass', 'Attic goes on', machine)


def test_program(boot, check):
    """The names of a program, in a command for its process. A file with other code is not used."""
    machine = boot('gdb-commands-program', build=DEBUG, stopped=True, gdb=True, mem='16M', input='run tour\npoweroff\n')
    asked = ('attic bt 4', 'attic walk touch 4', 'attic explain touch 4', 'attic walk kernel_main 4', 'attic walk no_such_name 4',
             'attic walk touch', 'attic walk touch 1', 'attic bt 2', 'print &touch', 'attic bt 1')
    other_file = f'python from attic.gdb import program; program.of_build = lambda name: "{DEBUG}/user/hello"'
    _, _, *answers, _, _, ring3, _, other, _ = session(
        check, machine, 'hbreak *page_fault if $cr2==0x50000000', 'continue', *asked, 'hbreak *((struct pt_regs *)$eax)->eip', 'continue',
        'attic bt 4', other_file, 'attic bt 4', 'detach')
    said = dict(zip(asked, answers))
    check.like(said['attic bt 4'], r'\nin the program: touch, user/tour\.c:\d+\nin ring 3: EIP 0x0804\w+ \(/tour\), .* exception 14\n\Z',
               'bt: where it was in ring 3')
    check.like(said['attic bt 2'], r'^in the program: \w+, user/\S+:\d+$', 'bt: of one that sleeps')
    check.like(said['attic walk touch 4'], r'\A0x0804\w{4} \(user\) in the directory of tour\[4\], ', 'walk: a name of the program')
    check.like(said['attic explain touch 4'], r'\Aaddress   0x0804\w{4} of tour\[4\]\n', 'explain: the same')
    check.like(said['attic walk kernel_main 4'], r'\A0xc01\w{5} \(lowmem\) in the directory of tour\[4\], ', 'walk: a name of the kernel')
    for command, name in (('attic walk no_such_name 4', 'no_such_name'), ('attic walk touch', 'touch'), ('attic walk touch 1', 'touch')):
        check.equal(unfolded(said[command]), f'attic walk: `{name}` is not an address: No symbol "{name}" in current context\n',
                    f'{command}: nobody has it')
    check.equal(said['print &touch'], 'No symbol "touch" in current context.\n', 'and gdb itself knows the kernel alone')
    check.unlike(said['attic bt 1'], 'in the program', 'a kernel thread has no program')
    check.like(ring3, r"^it runs in ring 3, .*\n#0  touch \(\) at user/tour\.c:\d+\n#1 .* in child \(\) at "
               r'(?:.*\n)*#\d .* in main \(\) at ',
               'bt: in ring 3, the functions of the program')
    check.like(other, r'^it runs in ring 3, .*\n#0 +0x0804\w+ in \?\? \(\)$', 'of a file with other code nothing is told')
    check.equal(machine.finish(), 'pass', 'Attic goes on', machine)
