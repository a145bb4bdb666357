"""`map` as it looks at the prompt: on machines of three sizes as letters without colours, where rows, letters and legend are compared with
`frames`; then in colours on a terminal that answers, or does not, or sends something else meanwhile; and `map -w` with a program in the
background, and each way to end it."""
import re
from collections import Counter

import pytest

from attic.build import ROOT, build_dir
from attic.machine import PROMPT, Machine
from programs import run_make

PLAIN = '[ .A-Za-z|-]'
SGR = re.compile(r'\x1b\[0(?:;(?:30;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]))?m')
ASKED = r'\x1b7\x1b\[999;999H\x1b\[6n\x1b8'
HOME = r'\x1b\[H'  # a picture begins
HZ = 100
REGIONS = re.compile('0xfffff000 last page 0xffc00000 fixmap 0xffbff000 fixmap guard 0xf7c00000 vmalloc 0x\\w+ hole 0xc0000000 lowmem '
                     '0x00010000 user 0x00000000 null')

# Names that `frames` and the legend share.
OWNERS = ('slab', 'vmalloc', 'user pages', 'file pages', 'process tables', 'other', 'kernel image', 'struct pages', 'page tables', 'module')


@pytest.fixture(scope='module')
def machine():
    with Machine('map-colour') as machine:
        machine.expect(PROMPT, 20)
        yield machine


def plain(text):
    return SGR.sub('', text)


def ticks(machine):
    """The guest's time: the ticks that all tasks together have used."""
    return sum(map(int, re.findall(r'^ *\d+ +\d+ \w+ +(\d+) ', machine.run('ps'), re.M)))


class Picture:
    """The parts of a picture of so many cells per row. rows: (address, cells, or None for rows that are left out); virtual: lines; legend:
    (frames, kB, letter) by name."""

    def __init__(self, text, per_row):
        self.per_row, self.lines, self.rows, self.virtual = per_row, text.splitlines(), [], []
        head = re.search(r'^RAM: (\d+) frames, (\d+) kB; a cell: (\d+) of them', text, re.M)
        assert head, f'no picture: {text}'
        self.frames, self.kb, self.per_cell = map(int, head.groups())
        for line in self.lines:
            left, right = line[:11 + per_row], line[13 + per_row:]
            if found := re.fullmatch(rf'0x([0-9a-f]{{8}}) ({PLAIN}+)', left):
                self.rows.append((int(found[1], 16), found[2]))
            if found := re.fullmatch(r'0x([0-9a-f]{8}) \* \d+ [KMG]iB (?:free|no RAM) *', left):
                self.rows.append((int(found[1], 16), None))
            if right and re.match(r'0x|\s{11}', line):
                self.virtual.append(right)
        self.legend = {name: (int(frames), int(kb), letter)
                       for letter, name, frames, kb in re.findall(r'(\S) ([a-z ]*[a-z]) +(\d+) +(\d+) kB', text)}
        self.width, self.cells = max(map(len, self.lines)), ''.join(cells or '' for _, cells in self.rows)

    def check_rows(self, label, check):
        """Each row starts where the one before it ends, at a multiple of its size."""
        size, following, wrong = self.per_row * self.per_cell * 4096, 0, []
        for at, cells in self.rows:
            if at % size or following not in (at, None):
                wrong.append(f'{at:#010x}')
            following = at + size if cells else None  # after rows that are left out a row may start anywhere
        check.equal(wrong, [], f'{label}: every row says where it starts')


def counted(text):
    """The owners' sums printed by `frames`, under the legend's names."""
    frames = Counter()
    for kind, name, count in re.findall(r'^(free|used|reserved) +(.*?) +(\d+) +\d+ kB', text, re.M):
        frames['free' if kind == 'free' else name if name in OWNERS else 'reserved'] += int(count)
    return frames


# ---- letters, three sizes ----

def check_picture(mem, picture, check):
    check.true(len(picture.lines) <= 23, f'{mem}: fits 24 lines with the prompt', '\n'.join(picture.lines))
    check.true(picture.width <= 80, f'{mem}: fits 80 columns', picture.width)
    picture.check_rows(mem, check)
    letters = {letter: frames for frames, _, letter in picture.legend.values()}
    check.equal([cell for cell in picture.cells if cell != ' ' and not letters.get(cell.upper())], [],
                f'{mem}: every letter is one of an owner with frames')
    check.equal([letter for letter, frames in letters.items()
                 if re.match(r'\w', letter) and frames > 5 and letter.lower() not in picture.cells.lower()], [],
                f'{mem}: and every owner is to be seen')
    check.true(picture.per_cell <= (16 if mem == '4G' else 4), f'{mem}: a cell is not larger than need be', picture.per_cell)


def check_legend(mem, picture, frames, check):
    legend = {name: count for name, (count, *_) in picture.legend.items()}
    check.equal(sum(legend.values()), picture.frames, f'{mem}: the legend adds up to all of RAM')
    check.equal(picture.frames, frames.total(), f'{mem}: which is that of `frames`')
    check.equal(legend, frames, f"{mem}: and so is each owner's")
    check.equal([entry for entry in picture.legend.values() if entry[1] != 4 * entry[0]], [], f'{mem}: kB are four a frame')


def check_virtual(mem, virtual, check):
    regions = [found.expand(r'\1 \2') for found in (re.match(r'(0x\w{8}) (\w[\w ]*?) +\d+ [KMG]iB', line) for line in virtual) if found]
    check.true(REGIONS.fullmatch(' '.join(regions)), f'{mem}: the regions, from top to bottom', regions)
    at = next(n for n, line in enumerate(virtual) if 'vmalloc' in line)
    check.like(virtual[at + 1], r'^ (?:[VI]+\|)+$', f'{mem}: areas with a guard behind each')
    check.like(virtual[at + 2], f'^ {virtual[at + 1].count("|")} areas, a cell: 1 page,', f'{mem}: and their number')


@pytest.mark.parametrize('mem', ['8M', '128M', '4G'])
def test_letters(mem, boot, check):
    machine = boot(f'map-plain-{mem}', mem=mem, cmdline='color=off')
    machine.expect(PROMPT, 20)
    picture, frames = Picture(machine.run('map'), 32), counted(machine.run('frames'))
    check.unlike(machine.output, '\x1b', f'{mem}: color=off sends no escape sequence')
    check_picture(mem, picture, check)
    check_legend(mem, picture, frames, check)
    check_virtual(mem, picture.virtual, check)
    check.equal(machine.finish('poweroff'), 'pass', f'{mem}: power off', machine)


def test_letters_again_and_again(boot, check):
    machine = boot('map-plain-w', mem='128M', cmdline='color=off')
    machine.expect(PROMPT, 20)
    check.equal(machine.run('map x'), 'usage: map [-w]\n', 'a wrong argument')
    check.like(machine.run('map -w -w'), '^usage: map', 'too many')
    machine.send('map -w\n')
    check.true(machine.saw(re.compile('^RAM: .*^RAM: .*^RAM: ', re.M | re.S), 20), 'map -w with color=off: one picture below the other')
    machine.send(' ')
    check.true(machine.saw(PROMPT, 5), 'until a key')
    check.unlike(machine.output, '\x1b', 'and still no escape sequence')


# ---- colours, and a terminal that answers ----

def answered(machine, answer):
    """The output when the question for the size is answered."""
    machine.send('map\n')
    if not machine.saw(ASKED, 5):
        return ''
    machine.send(answer)
    return machine.before if machine.saw(PROMPT, 10) else ''


def test_no_answer(machine, check):
    start = ticks(machine)
    text = machine.run('map')
    check.true(ticks(machine) - start < 2 * HZ, 'a terminal that does not answer costs little time')
    check.like(text, rf'\A{ASKED}', 'it was asked')
    text = re.sub(ASKED, '', text, count=1)
    check.unlike(plain(text), '\x1b', 'only well-formed SGR sequences')
    picture = Picture(plain(text), 32)
    picture.check_rows('80 x 24', check)
    check.true(len(picture.lines) <= 23, 'and it is taken for one of 80 x 24', plain(text))
    last = [SGR.findall(line)[-1:] for line in text.splitlines()]
    check.equal([found for found in last if found not in ([], ['\x1b[0m'])], [], 'each line ends without a colour')
    check.like(text, r'\x1b\[0;30;\d+mK', 'a block where one owner has all of a cell')
    check.like(text, r'\x1b\[0;9[0-7]mk', 'a coloured letter where not')
    colours = {letter: colour for colour, letter in re.findall(r'\x1b\[0;30;(\d+)m(\w)\x1b\[0m [a-z]', text)}
    check.equal(len(set(colours.values())), 11, 'eleven owners of frames in use, each in a colour of its own', colours)
    on_screen = re.search('^0x0{8} .*', machine.screen.memory(), re.M | re.S)
    check.unlike(on_screen and on_screen[0], r'\[\d|;\d+m|78', 'the VGA screen shows none of that')
    check.like(on_screen and on_screen[0], f'^0x0{{8}} {PLAIN}{{32}}  0xfffff000 last page +4 KiB$', 'but the text')


def test_large_terminal(machine, check):
    text = plain(answered(machine, '\x1b[40;120R'))
    picture = Picture(text, 64)
    picture.check_rows('a terminal of 120 x 40', check)
    check.like(text, f'^0x0{{8}} {PLAIN}{{64}}  0xf', '64 cells a row')
    check.true(len(picture.lines) <= 39, 'which fit', text)
    check.true(picture.width <= 120, 'the width too', picture.width)
    check.unlike(text, ';120R', 'the answer is not typed at the prompt')
    check.equal(machine.run(''), '', 'where nothing is left of it')


def test_odd_answers(machine, check):
    text = plain(answered(machine, 'au\x1b[30;60Rdit\n'))
    check.like(text, f'^0x0{{8}} {PLAIN}{{32}}$', 'a terminal of 60 columns: the virtual side is below')
    check.like(text, '^0x0{8} null', 'down to 0')
    check.true(machine.saw(r'\A(?:audit\n)?audit: .*\naudit: all invariants hold', 5), 'what is typed around the answer is not lost', machine)
    machine.expect(PROMPT, 5)
    check.like(plain(answered(machine, '\x1b[;R')), f'^0x0{{8}} {PLAIN}{{32}}  0xf', 'an answer that is none: 80 x 24')
    machine.send('\x03')
    machine.expect(PROMPT, 5)
    check.like(answered(machine, '\x1b[1;1R'), '^0x', 'a terminal of one cell')
    check.like(plain(answered(machine, '\x1b[9999;9999R')), f'^0x0{{8}} {PLAIN}{{128}}  0xf', 'an absurdly large one')


def pictures(machine, count):
    """Wait until so many pictures have begun. Returns the output until then, or nothing if they do not begin."""
    return machine.after if machine.saw(re.compile(rf'(?:.*?{HOME}){{{count}}}', re.S), 20) else ''


def test_watch(machine, check):
    """With programs of which one writes, one sleeps for a second of the guest's time, and one never ends."""
    machine.send('run counter & nap 100000 10 & forever &\nmap -w\n')
    text = pictures(machine, 3)
    check.like(text, r'counter\[\d+\] \d of 5: counted to', 'a program in the background goes on meanwhile')
    check.like(plain(text), r'^.* \d+ nap +\d+ [A-Zt-]', 'and the areas of one are shown')
    still_runs, has_ended = r' \d+ forever +\d+ ', r' \d+ (?:counter|nap) +\d+ '
    for _ in range(100):
        if re.search(still_runs, text) and not re.search(has_ended, text):
            break
        text = plain(pictures(machine, 1))
    text = pictures(machine, 3)
    check.true(text, 'three more pictures', machine)
    check.like(text, rf'\x1b\[J\x1b\[\?25h\n(?:\w.*\n)*\x1b\[\?25l{HOME}', 'the cursor is hidden while one is drawn')
    check.like(plain(text), still_runs, 'with the program that still runs')
    check.unlike(plain(text), has_ended, 'and not with those that have ended')
    check.unlike(text, r'\x1b\[2J', 'without clearing the screen in between')
    check.unlike(text, ASKED, 'or asking again, as it has not answered')
    machine.send('x')
    check.true(machine.saw(PROMPT, 5), 'a key ends it, the prompt comes')
    check.equal(machine.run(''), '', 'and the key is not typed there')


def test_resize(machine, check):
    """A terminal that answers is asked again at each picture, and the picture adapts to its size."""
    wide, narrow = f'^0x\\w{{8}} {PLAIN}{{64}}  0xf', f'^0x\\w{{8}} {PLAIN}{{32}}(?:\x1b\\[K)?$'
    machine.send('map -w\n')
    machine.expect(ASKED, 5)
    for answer, rows, name in (('40;120', wide, 'its size at the start'), ('40;60', narrow, 'a smaller one'), ('40;120', wide, 'a larger one')):
        machine.send(f'\x1b[{answer}R')
        check.like(plain(pictures(machine, 2)), rows, f'{name}: the picture fits')
        check.true(machine.saw(ASKED, 20), f'{name}: it is asked again', machine)
    check.true(pictures(machine, 2), 'no answer: it goes on', machine)
    check.unlike(machine.after, r'\x1b\[2J', 'as it was')
    machine.expect(ASKED, 20)
    machine.send('\x1b[40;120R')
    check.true(pictures(machine, 2), 'the size that it has: no clearing', machine)
    check.unlike(machine.after, r'\x1b\[2J', 'of the screen')
    machine.send('x')
    check.true(machine.saw(PROMPT, 5), 'a key ends it')
    check.equal(machine.run(''), '', 'and nothing of the answers is typed', machine)


def test_how_often(machine, check):
    start = ticks(machine)
    machine.send('map -w\n')
    pictures(machine, 6)
    machine.send('x')
    machine.expect(PROMPT, 5)
    drawn = 6 + len(re.findall(HOME, machine.before))
    took = ticks(machine) - start
    check.true(took >= (drawn - 1) * HZ / 2, f'{drawn} pictures took {took} ticks: not more than two a second')
    check.true(took < drawn * HZ * 3 / 4, 'and nearly that', f'{drawn} pictures took {took} ticks')
    check.like(machine.output, rf'\x1b\[2J(?:counter.*\n)*\x1b\[\?25l{HOME}', 'the screen was cleared at its beginning')


def test_keys(machine, check):
    for name, key in (('Ctrl-C', '\x03'), ('an arrow', '\x1b[A'), ('escape', '\x1b'), ('F1', '\x1bOP')):
        machine.send('map -w\n')
        pictures(machine, 1)
        machine.send(key)
        check.true(machine.saw(PROMPT, 5), f'{name} ends it')
        check.equal(machine.run(''), '', 'as a whole', machine)
    machine.send('map -w\n')
    pictures(machine, 1)
    machine.send('\x1b[40;120R')
    check.true(pictures(machine, 3), 'an answer that comes late is no key', machine)
    machine.send('x')
    machine.expect(PROMPT, 5)


def test_typed_ahead_and_end(machine, check):
    """A key is typed while a program sleeps for two seconds of the guest's time: so it is there when the next picture is drawn."""
    machine.send('run nap 1000000 2\n')
    machine.expect(r'\Arun nap .*\n', 5)
    machine.send('map -w\nq')
    check.true(machine.saw(re.compile(rf'^attic> map -w\n(?!{ASKED}).*?RAM:.*?^attic> ', re.M | re.S), 20), 'who types ahead is not asked')
    check.equal(machine.run(''), '', 'and has typed a key')
    check.like(machine.run('run tty_test'), 'exit status 0', 'a program sets the size')
    check.unlike(machine.run('map'), ASKED, 'which then counts')
    check.like(machine.run('audit'), 'all invariants hold', 'audit')
    check.equal(machine.finish('poweroff'), 'pass', 'power off', machine)


def test_piped(boot, check):
    """All input has arrived when the program that sleeps has ended."""
    machine = boot('map-piped', cmdline='color=blue color=offx',
                   input='run nap 1000000 1\nmap\nmap -w\nxaudit\nmap\nps\npoweroff\n')
    check.equal(machine.finish(), 'pass', 'all input at once: to its end', machine)
    said = machine.output
    check.unlike(said, r'\x1b\[6n', 'nobody is asked for the size')
    check.equal(len(re.findall(rf'^(?:\x1b\[2J\x1b\[\?25l{HOME})?RAM: ', said, re.M)), 3, 'three pictures')
    check.like(said, re.compile(r'^attic> audit\naudit: .*\naudit: all.*^attic> map\n.*^attic> ps\n', re.M | re.S), 'and nothing eaten')
    for value in ('blue', 'offx'):
        check.like(said, f'^Kernel option "color={value}" has no such value: it is color=on or off$', f'color={value}: a line')
    check.like(said, r'\x1b\[0;30;\d+mK', 'and colours')


def words(picture):
    """The words of a picture, without its numbers, which depend on the build."""
    texts = (re.sub(r'0x\w+|[\d.]+|\s+', ' ', text) for text in re.findall(r'<text[^>]*>([^<]+)</text>', picture))
    return [text for text in texts if re.search('[a-z]{3}', text)]


def test_picture(check):
    """The one in README.md."""
    said, status = run_make('picture')
    check.equal(status, 0, 'make picture draws', said)
    picture = (build_dir() / 'picture/map.svg').read_text()
    check.like(picture, re.compile(r'\A<svg .*^</svg>\n\Z', re.M | re.S), 'an SVG')
    check.like('\n'.join(words(picture)), re.compile('kernel image.*struct pages.*page tables', re.S), 'of the map')
    check.equal(words((ROOT / 'docs/map.svg').read_text()), words(picture), 'docs/map.svg says the same (make docs)')
