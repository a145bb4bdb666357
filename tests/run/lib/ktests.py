"""Run the in-kernel tests on a machine, and report each as a point."""
import os

from attic import ktap, qemu
from attic.machine import Machine


def which_ktests(slow=False):
    """The words of a command line."""
    chosen = os.environ.get('KTEST')
    return f'ktest={chosen or "*"}' + ('' if chosen or slow else ' ktest_slow=off')


def check_ktests(check, name, label, *, cmdline='', slow=False, **options):
    """`label` is put before each point's name; options are those of Machine. KTEST selects tests by a glob; those that are slow run if it
    is set, and on machines that are `slow`."""
    cmdline = f'{cmdline} {which_ktests(slow)}'.strip()
    with Machine(name, cmdline=cmdline, **{'timeout': 240} | options) as machine:
        status = machine.finish()
    report_run(check, label, ktap.judge(machine.output, status, ktap.lacks(qemu.cpu_of(options.get('cpu')))), machine)


def report_run(check, label, run, machine):
    """Points of a run that has been judged."""
    for test in run.tests:
        check.again = test.name
        if test.ok and test.skip is not None:
            check.skip(f'{label}: {test.name}', test.skip)
        else:
            check.true(test.ok, f'{label}: {test.name}', '\n'.join(test.notes) or 'no notes')
    check.again = os.environ.get('KTEST')
    check.true(not run.problems, f'{label}: the run is whole', '\n'.join([*run.problems, str(machine)]))
