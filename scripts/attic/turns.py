"""In-kernel tests in the order that a seed gives to tasks and to refused allocations (kernel/turns.c).

    found = run_seed(17, 'turns.*')
    found.failed       # the names of tests that failed, and what else is wrong with the run
    found.order        # the kernel's line with its counts: the same for each run of a seed

The machine's clock counts instructions and its date is fixed, so that a seed repeats its order on every host.
"""
import tempfile
from pathlib import Path
from subprocess import run
from typing import NamedTuple
import re

from attic import ktap
from attic.build import ROOT, build_dir, own_initramfs
from attic.machine import Machine

# Rooms in which a task may yield, and the programs that attack the kernel. Without those that take a quarter of a minute each.
SUITES = 'turns.*,process.*,kill.*,usertests.*,fuzz.*,isolation.*,coredump.*,fs*.*,pipe.*,proc.*,mm*.*,filemap.*'
CLOCK = ['-icount', 'shift=0,sleep=off', '-rtc', 'base=2026-01-01,clock=vm']
SECONDS = 120


class Found(NamedTuple):
    failed: list[str]
    order: str
    machine: Machine


def run_seed(seed: int, globs: str, build: Path | None = None) -> Found:
    build = build or build_dir()
    with tempfile.TemporaryDirectory(prefix='attic-turns-') as folder:
        iso = Path(folder) / 'attic.iso'  # a thousand of them would fill the folder of those that are kept
        run([ROOT / 'scripts/make/mkiso', iso, build / 'attic.elf', own_initramfs(build), f'turns={seed} ktest={globs}'], check=True)
        with Machine(f'turns-{seed}', iso=iso, extra=CLOCK, timeout=SECONDS, mem='64M') as machine:
            status = machine.finish()
    judged = ktap.judge(machine.output, status)
    failed = [test.name for test in judged.tests if not test.ok] + judged.problems
    order = re.search(r'^# turns=\d+: (.*)', machine.output, re.M)
    if not failed and not order:
        failed = ['the kernel did not say that it had an order']
    return Found(failed, order[1] if order else 'none', machine)


def again(seed: int, globs: str) -> str:
    """The command that repeats a seed."""
    return f"make turns SEED={seed} T='{globs}'"
