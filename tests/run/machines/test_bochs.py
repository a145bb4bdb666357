"""The in-kernel tests in Bochs, on a Core i7, which has SMEP and SMAP, and on a Pentium III, which has neither: another emulator, with
another TLB, a different behaviour when a segment register is pushed, and devices of PCI 2.1. Suites that do not depend on these are left
out, on the Pentium III also those of devices: Bochs is ten times as slow as QEMU.

What Bochs lacks, and the tests then skip: the edu card, which is QEMU's own, and on these two processors UMIP.
"""
import pytest

import bochs
from attic import ktap
from ktests import report_run, which_ktests

# The tests of a processor's features that may be skipped; all others of that kind must run.
LACKS = {'corei7_skylake_x': 'UMIP', 'p3_katmai': 'SMEP|SMAP|UMIP'}
TLB_AND_RINGS = 'boot* coredump cpu entry fpu fuzz isolation kpde lowmem mm_fork mm_tlb process stack syscall sysenter tls uaccess usertests vmalloc'
SUITES = {'corei7_skylake_x': f'{TLB_AND_RINGS} dma highmem ioremap keyboard kill mm mm_* pci proc turns tty', 'p3_katmai': TLB_AND_RINGS}


@pytest.mark.parametrize('model', LACKS)
def test_bochs(model, check, can_be_had):
    can_be_had(bochs.is_there)
    with bochs.Bochs(f'bochs-{model}', model, cmdline=which_ktests(SUITES[model])) as run:
        status = run.finish()
        report_run(check, model, ktap.judge(run.output, status, LACKS[model]), run, SUITES[model])
