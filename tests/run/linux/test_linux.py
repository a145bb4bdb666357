"""The test programs of user/ on Linux, the very binaries that run on Attic: what they expect is Linux's behaviour, and not our opinion of it.
Every program whose head says that it passes on Linux is run."""
import re

from attic.build import ROOT, build_dir
from linux import programs_on_linux

# The exit status of a program that cannot test what it is for on this processor; what it prints is why.
NOTHING_TO_TEST = 77

# Arguments, for those that do not do without.
ARGUMENTS = {'start_test': ['one', 'two']}


def says_that_it_passes(source):
    return re.search('passes? on Linux', source.read_text().replace('\n *', ''))


def test_programs(check, can_be_had):
    user = build_dir() / 'user'
    folders = (ROOT / 'user', ROOT / 'user/tests', ROOT / 'user/tests/helpers')
    names = [source.stem for folder in folders for source in sorted(folder.glob('*.c')) if says_that_it_passes(source)]
    check.true(len(names) > 5, 'there are programs that say they pass on Linux', names)
    commands = {'without_arguments': [user / 'start_test']} | {name: [user / name, *ARGUMENTS.get(name, [])] for name in names}
    linux = can_be_had(programs_on_linux, 'linux', commands)
    for name in names:
        output, status = linux.get(name, ('Linux did not end it', None))
        if status == NOTHING_TO_TEST:
            check.skip(name, output.strip())
        else:
            check.equal(status, 0, f'{name} passes on Linux', output)
    _, status = linux.get('without_arguments', ('', 0))
    check.true(status > 0, 'and one that does not pass is seen to fail')
