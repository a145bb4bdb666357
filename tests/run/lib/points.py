"""Points: the single checks of a test of Attic, each with a name. A pytest plugin.

    def test_help(machine, check):
        help = machine.run('help')
        check.like(help, '^audit', 'help lists audit')
        check.equal(machine.run('help audit').count('\\n'), 2, 'help COMMAND: what it does, and an example')

A point that fails is recorded, with the expected and the found value, and the test continues: a machine that took seconds to boot is used
for all checks. A test without points is one point itself, and so is one that ends in an exception. `assert` is for conditions without which
the rest of a test cannot run.

All points of a run are written to the file that ATTIC_POINTS names, a line of JSON each: file, test, point, outcome, why.
"""
import json
import os
import re
import sys
from collections import Counter

import pytest
from _pytest.reports import TestReport


class Check:
    def __init__(self, item):
        self._item = item
        self.count = 0
        self.again = None  # what repeats the next points, if it is not the whole test

    def true(self, value, name, why=''):
        """The value is true. `why` gives more details if it is not: anything that can be printed, for example a machine."""
        return self._note(bool(value), name, why if why != '' else f'found: {value!r}')

    def equal(self, found, wanted, name, why=''):
        return self._note(found == wanted, name, f'expected: {shown(wanted)}\nfound:    {shown(found)}', why)

    def like(self, text, pattern, name, why=''):
        """The text has a match of the pattern; if the pattern is a string, ^ and $ match at each line."""
        pattern = compiled(pattern)
        return self._note(pattern.search(text or ''), name, f'no match of: {pattern.pattern}\nin: {shown(text)}', why)

    def unlike(self, text, pattern, name, why=''):
        pattern = compiled(pattern)
        return self._note(not pattern.search(text or ''), name, f'a match of: {pattern.pattern}\nin: {shown(text)}', why)

    def skip(self, name, why):
        """The point cannot be tested on this machine; reported at the end of the run."""
        self._report(name, 'skipped', (str(self._item.path), 0, f'Skipped: {why}'))

    def _note(self, good, name, *why):
        assert isinstance(name, str), f'the name of a point is a text, not {name!r}'
        self._report(name, 'passed' if good else 'failed', None if good else '\n'.join(text for text in map(str, why) if text))
        return bool(good)

    def _report(self, name, outcome, longrepr):
        self.count += 1
        file, line, test = self._item.location
        if outcome == 'failed':
            longrepr = f'{name}\n{longrepr}\n{caller()}\n{repeat(self.again or name_of(self._item.nodeid))}'
        report = TestReport(self._item.nodeid, (file, line, f'{test}: {name}'), {}, outcome, longrepr, 'call', point=name)
        self._item.ihook.pytest_runtest_logreport(report=report)


def caller():
    """The source line of the point."""
    frame = sys._getframe()
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f'at: {os.path.relpath(frame.f_code.co_filename)}:{frame.f_lineno}'


def compiled(pattern):
    return re.compile(pattern, re.M) if isinstance(pattern, str) else pattern


def shown(value):
    """Text as it is, starting on a new line if it has several lines; other values as Python prints them."""
    if isinstance(value, str) and value.count('\n') > 1:
        return '\n' + ''.join(f'  | {line}\n' for line in value.splitlines())
    return repr(value)


def name_of(nodeid):
    """monitor::test_help for tests/run/monitor/test_monitor.py::test_help, as `make test T=` takes it."""
    file, _, test = nodeid.partition('::')
    return f'{file_name(file)}::{test}'


def file_name(path):
    return path.rpartition('/')[2].removeprefix('test_').removesuffix('.py')


def repeat(pattern):
    return f"again: make test T='{pattern}'"


@pytest.fixture
def check(request):
    """The points of this test."""
    checks = Check(request.node)
    request.node.points = checks
    return checks


# ---- the plugin ----

def pytest_configure(config):
    if not hasattr(config, 'workerinput'):
        config.pluginmanager.register(Collector(config), 'points-collector')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that has points, and ran to its end, is not a point itself."""
    outcome = yield
    report = outcome.get_result()
    points = getattr(item, 'points', None)
    report.only_points = bool(call.when == 'call' and report.passed and points and points.count)
    if report.failed:
        report.sections.append(('again', repeat(name_of(item.nodeid))))


class Collector:
    """Runs in the process that gets all reports, its own or those of pytest-xdist's workers."""

    def __init__(self, config):
        self.config = config
        self.counts, self.seconds = {}, Counter()
        path = os.environ.pop('ATTIC_POINTS', None)  # not for a pytest that a test starts
        self.file = open(path, 'w') if path else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        nodeid = report.nodeid
        self.seconds[nodeid] += report.duration
        counts = self.counts.setdefault(nodeid, Counter())
        point = getattr(report, 'point', None)
        if point or self.counts_by_itself(report):
            counts[report.outcome] += 1
            self.write(report, point)
        if point:
            report.nodeid += f'[{point}]'  # a separate test case in JUnit's XML
        elif report.when == 'teardown':
            self.tell(nodeid, counts)

    @staticmethod
    def counts_by_itself(report):
        return report.when == 'call' and not report.only_points or not report.passed

    def write(self, report, point):
        if self.file:
            why = report.longrepr[2].removeprefix('Skipped: ') if isinstance(report.longrepr, tuple) else str(report.longrepr or '')
            file, _, test = report.nodeid.partition('::')
            json.dump({'file': file_name(file), 'test': test, 'point': point or '', 'outcome': report.outcome, 'why': why}, self.file)
            self.file.write('\n')
            self.file.flush()

    def tell(self, nodeid, counts):
        reporter = self.config.pluginmanager.get_plugin('terminalreporter')
        if reporter:
            said = ', '.join(f'{counts[outcome]} {outcome}' for outcome in ('passed', 'failed', 'skipped') if counts[outcome])
            reporter.ensure_newline()
            reporter.write_line(f'{name_of(nodeid):60} {said}, {self.seconds[nodeid]:.1f} s', red=bool(counts['failed']))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        """No letters: each test has a line."""
        if getattr(report, 'point', None) or self.counts_by_itself(report):
            return report.outcome if report.when == 'call' or report.outcome != 'failed' else 'error', '', report.outcome.upper()
        return '', '', ''
