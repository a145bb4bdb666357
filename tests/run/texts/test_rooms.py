"""The rooms of docs/rooms.md: no include and no symbol breaks the table, and the picture there and docs/files.md are up to date; and
scripts/rooms detects errors, tested with a small house made here."""
import shutil
import subprocess

import pytest

from attic.build import ROOT, build_dir, made
from programs import run


def test_the_house_as_it_is(check):
    said, status = run(ROOT / 'scripts/rooms', 'check', build_dir())
    check.equal(status, 0, 'every arrow is in the table', said)
    check.equal(said, '', 'and nothing is said')
    for document, command in (('docs/rooms.md', ('draw', build_dir())), ('docs/files.md', ('files',))):
        now, then = run(ROOT / 'scripts/rooms', *command)[0].splitlines(), (ROOT / document).read_text().splitlines()
        parted = [f'- {line}' for line in then if line not in now] + [f'+ {line}' for line in now if line not in then]
        check.true(now == then, f'{document} is that of today', '\n'.join(['scripts/rooms update, or make docs, writes it down:', *parted]))


def table(top, low):
    return f'| `kernel/` | the top | {top} |\n| `lib/` | the bottom | {low} |\n'


class House:
    def __init__(self, folder):
        self.folder = folder
        shutil.copy(ROOT / 'scripts/rooms', made(folder / 'scripts'))
        self.put('docs/rooms.md', table('`lib/`', 'nothing'))
        self.put('kernel/top.c', '/* Looks down. */\n#include <lib/low.h>\nint top(void)\n{\n    return low();\n}\n')
        self.put('lib/low.c', '/* Stays below. */\nint low(void)\n{\n    return 0;\n}\n')
        self.put('include/lib/low.h', '/* Stays below. */\nint low(void);\n')
        self.put('include/kernel/top.h', '/* Looks down. */\nint top(void);\n')

    def put(self, path, text):
        made((self.folder / path).parent)
        (self.folder / path).write_text(text)

    def ask(self, *arguments):
        return run(self.folder / 'scripts/rooms', *arguments)

    def check(self):
        """Compile the house and check it."""
        for file in self.folder.glob('*/*.c'):
            objects = made(self.folder / 'build' / file.parent.name)
            subprocess.run(['gcc', '-w', '-I', self.folder / 'include', '-c', file, '-o', objects / f'{file.name}.o'], check=True)
        return self.ask('check', self.folder / 'build')


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_arrows(house, check):
    check.equal(house.check(), ('', 0), 'calls that go down')
    house.put('docs/rooms.md', table('nothing', 'nothing'))
    said, status = house.check()
    check.equal(status, 1, 'a row that allows nothing')
    check.equal(said, 'kernel may not use lib:\n    kernel/top.c uses lib/low.h\n    kernel/top.c uses low of lib/low.c\n',
                'names includes and symbols')


def test_what_goes_up(house, check):
    house.put('lib/low.c', '/* Climbs. */\nint top(void);\nint low(void)\n{\n    return top();\n}\n')
    check.equal(house.check(), ('lib may not use kernel:\n    lib/low.c uses top of kernel/top.c\n', 1),
                'a symbol that goes up without an include')
    wanted = 'lib may not use kernel:\n    lib/low.c uses kernel/top.h\n'
    house.put('lib/low.c', '/* Climbs. */\n#include <kernel/top.h>\nint low(void)\n{\n    return 0;\n}\n')
    check.equal(house.check(), (wanted, 1), 'an include that goes up')
    house.put('lib/low.c', '/* Climbs. */\n#if 1\n#  include <kernel/top.h>\n#endif\nint low(void)\n{\n    return 0;\n}\n')
    check.equal(house.check(), (wanted, 1), 'however it is set')
    check.equal(house.ask('draw', house.folder / 'build')[0], wanted, 'and there is no picture, but the same words')
    check.equal(house.ask('check', house.folder / 'none')[0],
                f'rooms: there is no {house.folder}/none/kernel/top.c.o: `make` first, or name the folder of the build\n',
                'a house that is not built')


def test_circles(house, check):
    house.put('docs/rooms.md', table('`lib/`', '`kernel/`'))
    said, status = house.check()
    check.equal(status, 1, 'a table that goes round in a circle')
    check.like(said, '^kernel uses lib, and lib uses kernel: no order of floors holds both$', 'is named')
    house.put('docs/rooms.md', table('`lib/`', 'nothing') + '| `mm/` | memory | nothing |\n')
    house.put('mm/one.c', '/* Uses two. */\nint two(void);\nint one(void)\n{\n    return two();\n}\n')
    house.put('mm/two.c', '/* Uses one. */\nint one(void);\nint two(void)\n{\n    return one();\n}\n')
    check.equal(house.check(), ('files that use each other: mm/one.c, mm/two.c\n', 1), 'files of mm/ that use each other')


def test_rooms_and_files_that_are_not(house, check):
    house.put('docs/rooms.md', table('`lib/`', '`attic/`'))
    check.like(house.check()[0], 'lets `lib` use `attic`, which has no row$', 'a room that there is not')
    house.put('docs/rooms.md', table('`lib/`', 'nothing'))
    house.put('fs/stray.c', '/* Is nowhere. */\n')
    check.like(house.check()[0], r'fs/stray\.c is in no room', 'a file in no room')
    house.put('lib/mute.c', 'int mute;\n')
    check.like(house.ask('files')[0], r'lib/mute\.c does not begin with a comment', 'a file that does not say what it is for')
