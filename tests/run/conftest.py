"""What all tests share: their order and the fixtures. See docs/tests.md for how to write a test."""
import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

import points
from attic.build import CannotBeHad
from attic.machine import Machine

# The tests choose their machine themselves, and tools use the C locale: no test depends on a locale that a bare machine lacks.
for variable in ('MEM', 'CPU', 'MACHINE', 'FIRMWARE', 'QEMU_DISPLAY', 'CMDLINE', 'SNAPSHOTS'):
    os.environ.pop(variable, None)
os.environ['LC_ALL'] = 'C'

# The slowest first, so that all processes end at about the same time.
SLOW_FIRST = ('sanitizers', 'bochs', 'build', 'coverage', 'machines', 'boot', 'busybox', 'libc', 'variants', 'examples', 'crash', 'hog',
              'bench', 'labs', 'tools', 'monitor', 'host', 'parsers', 'map', 'turns')

# The tests of a file share its machines and run in one process, one after the other; those of these files are scheduled separately.
EACH_FOR_ITSELF = ('machines', 'bochs', 'host', 'examples', 'variants', 'refuse', 'boot', 'turns', 'fuzz', 'parsers', 'labs')


class LongestFirst(LoadScopeScheduling):
    """pytest-xdist's scheduler with another order; a test that crashes its worker is not run again."""

    def _split_scope(self, nodeid):
        file = nodeid.partition('::')[0]
        return nodeid if short(file) in EACH_FOR_ITSELF else file

    def _assign_work_unit(self, node):
        first = min(self.workqueue, key=rank)  # min() takes the first of equals
        self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)

    def remove_node(self, node):
        units = self.assigned_work.pop(node)
        left = [(unit, nodeid) for unit in units.values() for nodeid, done in unit.items() if not done]
        if not left:
            return None
        unit, died_of = left[0]
        unit[died_of] = True
        self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return died_of


def short(nodeid):
    return Path(nodeid.partition('::')[0]).stem.removeprefix('test_')


def rank(scope):
    name = short(scope)
    return SLOW_FIRST.index(name) if name in SLOW_FIRST else len(SLOW_FIRST)


def pytest_configure(config):
    config.pluginmanager.register(points, 'points')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return LongestFirst(config, log)


@pytest.fixture
def boot():
    """Boot a machine, which is ended when the test ends: boot('name', mem='8M')."""
    with ExitStack() as machines:
        yield lambda name, **options: machines.enter_context(Machine(name, **options))


@pytest.fixture(scope='session')
def can_be_had():
    """Call a function that fetches something. If that fails, the test is skipped, with the reason; in CI, where the package sources can be
    reached, it fails."""
    def have(function, *arguments, **options):
        try:
            return function(*arguments, **options)
        except CannotBeHad as why:
            if os.environ.get('CI') == 'true':
                pytest.fail(f'cannot be had: {why}')
            pytest.skip(str(why))
    return have
