"""The in-kernel tests in Bochs, on a Core i7, which has SMEP and SMAP, and on a Pentium III, which has neither: another emulator, with
another TLB, a different behaviour when a segment register is pushed, and devices of PCI 2.1. Suites that do not depend on these are left
out, on the Pentium III all those where only the processor is different: Bochs is ten times as slow as QEMU.

What Bochs lacks, and the tests then skip: the edu card, which is QEMU's own, and on these two processors UMIP.
"""
import pytest

import bochs
from attic import ktap
from ktests import CHIPSET, MEMORY, PROCESSOR, report_run, which_ktests

# The tests of a processor's features that may be skipped; all others of that kind must run.
LACKS = {'corei7_skylake_x': 'UMIP', 'p3_katmai': 'SMEP|SMAP|UMIP'}
SUITES = {'corei7_skylake_x': f'{MEMORY} {CHIPSET} {PROCESSOR} filemap pipe slab turns vmalloc', 'p3_katmai': f'{PROCESSOR} kpde lowmem vmalloc'}


@pytest.mark.parametrize('model', LACKS)
def test_bochs(model, check, can_be_had):
    can_be_had(bochs.is_there)
    with bochs.Bochs(f'bochs-{model}', model, cmdline=which_ktests(SUITES[model])) as run:
        status = run.finish()
        report_run(check, model, ktap.judge(run.output, status, LACKS[model]), run, SUITES[model])
