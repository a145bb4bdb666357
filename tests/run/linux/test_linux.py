"""The test programs of user/ on Linux, the same binaries that run on Attic: they must expect Linux's real behaviour, not our idea of it.
Every program whose head says that it passes on Linux is run."""
import re

from attic.build import build_dir, user_sources
from linux import NOT_ENDED, programs_on_linux

# The exit status of a program that cannot run its test on this processor; its output gives the reason.
NOTHING_TO_TEST = 77

# Arguments, for programs that need some.
ARGUMENTS = {'start_test': ['one', 'two']}


def test_programs(check, can_be_had):
    user = build_dir() / 'user'
    names = [source.stem for source in user_sources() if re.search('passes? on Linux', source.read_text().replace('\n *', ''))]
    check.true(len(names) > 5, 'there are programs that say they pass on Linux', names)
    commands = {'without_arguments': [user / 'start_test']} | {name: [user / name, *ARGUMENTS.get(name, [])] for name in names}
    linux = can_be_had(programs_on_linux, 'linux', commands)
    for name in names:
        output, status = linux.get(name, NOT_ENDED)
        if status == NOTHING_TO_TEST:
            check.skip(name, output.strip())
        else:
            check.equal(status, 0, f'{name} passes on Linux', output)
    check.true(linux.get('without_arguments', NOT_ENDED).status, 'and one that does not pass is seen to fail')
