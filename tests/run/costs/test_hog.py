"""No call keeps the processor for too long: user/tests/helpers/hog.c makes long calls while another process reads the clock. Under -icount
the clock counts instructions, here 4 ns each, about the time that QEMU needs for one: the result is the same in every run, even on a busy
host."""
import re

LIMIT_MS = 50


def test_hog(boot, check):
    """The more memory, the longer the calls."""
    machine = boot('hog', mem='512M', input='run hog\naudit\npoweroff\n', extra=['-icount', 'shift=2,sleep=off'], timeout=400)
    machine.finish()
    measured = re.findall(r'^hog: (.+): (\d+) ms$', machine.output, re.M)
    check.true(len(measured) >= 30, 'the calls were made', machine)
    for what, ms in measured:
        check.true(int(ms) < LIMIT_MS, f'{what}: others wait {ms} ms at most')
    check.like(machine.output, r'^hog\[\d+\]: exit status 0', 'nothing failed', machine)
    check.like(machine.output, '^audit: all invariants hold', 'the audit holds')
