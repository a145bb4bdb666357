"""`make coverage`: what a test executes is counted, what none executes is not."""
import json
import shutil

import pytest

from attic.build import build_dir, compiler
from programs import run_make


@pytest.fixture(scope='module')
def coverage():
    if any('clang' in word for word in compiler()):
        pytest.skip('the counters are those of gcc')
    if not shutil.which('gcovr'):
        pytest.skip('gcovr is missing: make setup-dev installs it')
    said, status = run_make('coverage', 'T=explain host')
    return said, status, build_dir() / 'coverage'


def test_table(coverage, check):
    said, status, folder = coverage
    check.equal(status, 0, 'make coverage', said)
    check.like(said, r'^mm/check +\d+ +\d+ +\d+\.\d% +\d+ +\d+ +\d+\.\d%$', 'a line for each folder')
    check.like(said, r'^\d+ machines; .*/html/index\.html shows each line$', 'and where each line is shown')
    check.like((folder / 'html/index.html').read_text(), 'mm/check/explain_walk.c', 'the pages')


def test_counters(coverage, check):
    files = {file['filename']: file for file in json.loads((coverage[2] / 'coverage.json').read_text())['files']}
    for file, least, most in (('kernel/main.c', 80, 100), ('mm/check/explain_walk.c', 70, 100), ('kernel/view/explain.c', 70, 100),
                              ('lib/rbtree.c', 95, 100),  # by a hosted test
                              ('kernel/monitor/monitor_dma.c', 0, 0), ('kernel/process/coredump.c', 0, 0)):
        check.true(least <= files[file]['line_percent'] <= most, f'{file}: {least} to {most} % of the lines', files[file])
