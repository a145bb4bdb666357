"""What the kernel's operations and processes may cost, relative to Linux, and what a boot may cost: a change that makes one more expensive
fails here. Under -icount the figures hardly differ from run to run, so they are compared with their limits directly."""
import os
import re

import pytest

from attic.build import ROOT, build_dir, ran
from linux import NOT_ENDED, programs_on_linux

# The maximum cost of a row, relative to Linux. The limits are for the default compiler: clang's code costs up to a sixth more in some rows.
RATIO = {
    'vmalloc_4k': 0.20, 'vmalloc_64k': 0.15, 'vmalloc_1m': 0.12, 'vmalloc_random': 0.15, 'vmalloc_4k_busy5000': 0.20,
    'vmalloc_4k_holes2500': 0.20, 'vmalloc_16k_holes2500': 0.20, 'vmalloc_random_replace': 0.21, 'vmap_16': 0.285,
    'page_order0': 0.10, 'page_order3': 0.10, 'page_order9': 0.01, 'page_batch5000': 0.08,
    'kmalloc_64': 0.285, 'kmalloc_64_batch5000': 0.138,

    # of processes: the rows of user/tests/helpers/bench_process.c
    'getpid': 0.25, 'fork_exit_wait': 0.15, 'fork_exit_wait_8m': 0.20, 'anon_fault': 0.40, 'cow_fault': 0.40, 'munmap_page': 0.08,
    'mmap_touch_munmap_64k': 0.20, 'brk_64k': 0.115, 'pipe_roundtrip': 0.20,
}

# The maximum of our own figure; growth is vmalloc_4k with so many live areas, relative to none.
OURS = {'growth_5000': 1.2, 'growth_14000': 1.35, 'boot_512M': 10_000_000, 'boot_4G': 40_000_000}

DEFAULT_COMPILER = 'clang' not in os.environ.get('CC', '')


def bench(pattern):
    """The lines of its output, without comments, and its exit status."""
    done = ran(ROOT / 'scripts/bench', '--tree', pattern, env=os.environ | {'BUILD': str(build_dir())})
    return [line for line in done.stdout.splitlines() if not line.startswith('#')], done.returncode


FIGURES = dict(re.findall(r'^(\w+) (\d+)$', (ROOT / 'tests/peers/linux/figures').read_text(), re.M))
PROCESS = re.findall(r'^    \{"(\w+)", \w+_row\},$', (ROOT / 'user/tests/helpers/bench_process.c').read_text(), re.M)


def test_whole_table(check):
    """Against the figures in the tree."""
    lines, status = bench('')
    check.equal(status, 0, 'scripts/bench runs', '\n'.join(lines))
    check.equal([line for line in lines if not re.fullmatch(r'\w+ +[\d.]+ +(?:[\d.]+ +[\d.]+|- +-)', line)], [],
                'each line is: name ours linux ratio')
    rows = {name: rest for name, *rest in map(str.split, lines)}
    check.equal(len(rows), len(lines), 'no name is there twice')
    check.equal(sorted(name for name, row in rows.items() if re.fullmatch('[0-9]+', row[1]) and row[1] != '0'), sorted(FIGURES),
                "the kernel or the program has a row for each of Linux's figures, and only those")
    check.equal(sorted(set(RATIO) - set(FIGURES)), [], "Linux's figures have each row that has a limit")
    check.equal([name for name in PROCESS if name not in RATIO], [], 'each row of processes has a limit')
    doc = (ROOT / 'docs/bench.md').read_text()
    check.equal([name for name in sorted(rows) if not re.search(rf'^\|.*`{name}`', doc, re.M)], [], 'docs/bench.md says what each row does')
    check_rows(check, rows)


def check_rows(check, rows):
    for name, figure in sorted(FIGURES.items()):
        ours, linux, ratio = rows.get(name, ('0', '', ''))
        check.equal(linux, figure, f"{name}: Linux's figure is that of the tree")
        check.equal(ratio, f'{int(ours) / int(figure):.3f}', f'{name}: the ratio is right')
    for name, limit in sorted(RATIO.items()):
        ours, linux, _ = rows.get(name, ('no', '0', ''))
        point = f"{name}: at most {limit:.2f} of Linux's"
        if DEFAULT_COMPILER:
            check.true(linux.isdigit() and int(linux) and int(ours) / int(linux) <= limit, point, f'{ours} instructions, {linux} on Linux')
        else:
            check.skip(point, 'the limits are for gcc')
    for name, limit in sorted(OURS.items()):
        ours = float(rows[name][0]) if name in rows else 0
        check.true(0 < ours <= limit, f'{name}: at most {limit}', ours)
    for name in ('kernel_bytes_512M', 'kernel_bytes_per_mib'):
        check.true(name in rows and float(rows[name][0]) > 0, f'{name} is told')


def test_some_of_the_rows(check):
    """Rows of one side or of both."""
    of_both = [name for name in FIGURES if re.search('_64.$', name)]
    for pattern, rows, point in (('pipe*', ['pipe_roundtrip'], 'a row of processes alone'),
                                 ('kmalloc_64', ['kmalloc_64'], 'a row of the kernel alone'),
                                 ('*_64?', of_both, 'rows of both, in the order of the figures')):
        check.equal([line.split()[0] for line in bench(pattern)[0]], rows, point)
    lines, status = bench('nothing')
    check.equal(lines, ['bench: no row matches "nothing"'], 'no row: one line says so')
    check.true(status != 0, 'no row: the status says so')


def test_program_on_linux(check, can_be_had):
    linux = can_be_had(programs_on_linux, 'bench', {'program': [build_dir() / 'user/bench_process']})
    output, status = linux.get('program', NOT_ENDED)
    check.equal(re.findall(r'^bench: (\w+) \d+$', output, re.M), PROCESS, 'bench_process measures the same rows on Linux')
    check.equal(status, 0, 'and says so', output)


# ---- bench= on the command line, and rows that cannot run ----

# By pattern: the machine, its memory, how it ends, and what it prints, by point.
COMMAND_LINES = {
    'page_*': ('bench-cmdline', '128M', 'pass', {}),
    'nothing': ('bench-none', '16M', 'fail', {'bench=nothing: one line says why': '^bench: no row matches "nothing"$'}),
    '*': ('bench-small', '8M', 'fail', {  # because rows are skipped
        '8 MiB: a row that has no room says so': r'^bench: vmalloc_4k_busy5000 skipped: \d+ pages are needed, \d+ are free$',
        '8 MiB: a row that has room runs': r'^bench: vmalloc_4k +\d+$'}),
}


@pytest.mark.parametrize('pattern', COMMAND_LINES)
def test_command_line(pattern, boot, check):
    name, mem, wanted, says = COMMAND_LINES[pattern]
    machine = boot(name, mem=mem, cmdline=f'bench={pattern}')
    check.equal(machine.finish(), wanted, f'bench={pattern} at {mem}: ends in {wanted}', machine)
    for point, line in says.items():
        check.like(machine.output, line, point)
    if pattern == 'page_*':
        rows = re.findall(r'^bench: (\w+) +\d+$', machine.output, re.M)
        check.equal(sorted(rows), sorted(row for row in FIGURES if row.startswith('page_')),
                    'bench=page_*: these rows of the kernel, and only these')
