"""Copies between programs and the kernel, with addresses that the grader puts in the place of a program's while the machine is stopped."""
from pathlib import Path

COPIES = 16
PROGRAM = 'file_test'  # makes many system calls; no self-test runs meanwhile


def refused(bench):
    """An address that is not the program's is refused as a whole, and nothing is copied from it."""
    name, initramfs = bench.under_a_drawn_name(PROGRAM)
    steps = bench.followed(Path(__file__).with_name('asked_in_gdb.py'), COPIES, 'refused', f'init=/{name}', initramfs=initramfs)
    if reason := next((step['reason'] for step in steps if step['reason']), None):
        return reason
    return None if len(steps) == COPIES else 'the machine ends before all copies have been made'
