"""Run the in-kernel tests on a machine, and report each as a point."""
import fnmatch
import os

from attic import ktap, qemu
from attic.machine import Machine


# Suites that may find something where only the memory, the chipset and its firmware, or the processor are different.
MEMORY = 'audit boot* buddy dma explain* frames highmem ioremap kpde layout lowmem map process snapshot'
CHIPSET = ('audit boot* buddy cpu dma entry explain* frames ioremap keyboard layout lowmem map pci readline sched snapshot symbols tty '
           'usertests')
PROCESSOR = 'audit boot* coredump cpu entry fpu fuzz isolation kill mm* proc process sched stack syscall sysenter tls uaccess usertests'


def which_ktests(suites='*', slow=False):
    """The words of a command line."""
    chosen = os.environ.get('KTEST')
    globs = chosen or ','.join(f'{suite}.*' for suite in dict.fromkeys(suites.split()))
    return f'ktest={globs}' + ('' if chosen or slow else ' ktest_slow=off')


def check_ktests(check, name, label, *, cmdline='', suites='*', slow=False, **options):
    """`label` is put before each point's name; options are those of Machine. Only suites that match `suites` run; KTEST selects tests by a
    glob instead. Those that are slow run if it is set, and on machines that are `slow`."""
    cmdline = f'{cmdline} {which_ktests(suites, slow)}'.strip()
    with Machine(name, cmdline=cmdline, **{'timeout': 240, 'medium': 'cd'} | options) as machine:
        status = machine.finish()
    report_run(check, label, ktap.judge(machine.output, status, ktap.lacks(qemu.cpu_of(options.get('cpu')))), machine, suites)


def report_run(check, label, run, machine, suites='*'):
    """Points of a run that has been judged."""
    for test in run.tests:
        check.again = test.name
        if test.ok and test.skip is not None:
            check.skip(f'{label}: {test.name}', test.skip)
        else:
            check.true(test.ok, f'{label}: {test.name}', '\n'.join(test.notes) or 'no notes')
    check.again = os.environ.get('KTEST')
    check.true(not run.problems, f'{label}: the run is whole', '\n'.join([*run.problems, str(machine)]))
    if not os.environ.get('KTEST'):
        names = [test.name for test in run.tests]
        missing = [suite for suite in suites.split() if not fnmatch.filter(names, f'{suite}.*')]
        check.equal(missing, [], f'{label}: each suite has run', machine)
