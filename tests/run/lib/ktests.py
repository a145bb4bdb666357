"""Run the in-kernel tests on a machine, and report each as a point."""
import os
import re

from attic import ktap
from attic.machine import Machine

EVERYTHING = 'max'  # QEMU's processor that has all that Attic asks for
NOTHING, ANYTHING = '(?!)', ''  # as patterns


def check_ktests(check, name, label, *, cmdline='', **options):
    """`label` stands before each point's name; options are those of Machine. KTEST chooses tests by a glob."""
    cmdline = f'{cmdline} ktest={os.environ.get("KTEST") or "*"}'.strip()
    with Machine(name, cmdline=cmdline, **{'timeout': 240} | options) as machine:
        status = machine.finish()
    lacks = NOTHING if options.get('cpu', EVERYTHING) == EVERYTHING else ANYTHING
    report_run(check, label, ktap.judge(machine.output, status), machine, lacks)


def report_run(check, label, run, machine, lacks):
    """Points of a run that has been judged. `lacks` is what the processor may lack: a test that says so of something else has been
    misled."""
    problems = run.problems + [f'{test.name}: {test.skip}' for test in run.tests
                               if (test.skip or '').startswith('this processor') and not re.search(lacks, test.skip)]
    for test in run.tests:
        check.again = test.name
        if test.ok and test.skip is not None:
            check.skip(f'{label}: {test.name}', test.skip)
        else:
            check.true(test.ok, f'{label}: {test.name}', '\n'.join(test.notes) or 'no notes')
    check.again = os.environ.get('KTEST')
    check.true(not problems, f'{label}: the run is whole', '\n'.join([*problems, str(machine)]))
