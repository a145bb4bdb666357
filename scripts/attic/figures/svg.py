"""A small builder of SVG for the figures: rectangles, lines, arrows and text, in colours for light pages and dark ones.

    picture = Drawing(400, 120, 'Two frames',
                      'The first has two mappings, the second one.')
    picture.box(Box(10, 40, 120, 24), 'blue', '0x07e1d000')
    picture.arrow((130, 52), (200, 52), 'blue')
    picture.text(10, 20, 'frames', 'head')
    picture.svg()

All text is monospace and so has a known width: svg() fails if a text leaves the picture or covers another one, because the numbers come
from a kernel that changes, and nobody looks at each figure after each build. Colours are those of Okabe and Ito, which the colour-blind can
distinguish; `pale` areas carry text, `strong` ones are for cells too small for it. No figure says anything by colour alone: it has a name
or a legend as well.
"""
from collections import namedtuple
from html import escape
from math import hypot

MAX_WIDTH = 900
FONT, CHARACTER, HEAD_CHARACTER = 12, 7.25, 8.45  # pixels; the widths are those of DejaVu Sans Mono, the widest of the fonts named below
PAGES = {'light': '#ffffff', 'dark': '#0d1117'}
INKS = {'light': '#24292f', 'dark': '#e6edf3'}
SOFT = {'light': '#57606a', 'dark': '#9da7b3'}
# The colour of lines and of small cells, on a light page and on a dark one.
HUES = {
    'blue': ('#0072b2', '#4aa3df'), 'orange': ('#d98300', '#e69f00'), 'green': ('#00805d', '#1fb890'), 'purple': ('#b0548a', '#d48fb8'),
    'red': ('#c44d00', '#f0742b'), 'sky': ('#3c9fd6', '#8cccf2'), 'yellow': ('#c2b100', '#f0e442'), 'grey': ('#7d858e', '#7d858e'),
}
PALE = {'light': 0.22, 'dark': 0.34}  # how much of the colour a pale area has

Box = namedtuple('Box', 'x y w h')


class Drawing:
    def __init__(self, width, height, title, description):
        if width > MAX_WIDTH:
            raise ValueError(f'{title}: {width} pixels are too wide')
        self.width, self.height, self.title, self.description = width, height, title, description
        self.parts = []
        self.texts = []  # (left, top, right, bottom, text) of each

    # ---- what it is drawn with ----

    def box(self, box, colour, label='', style='pale', hint=''):
        """A rectangle with its label in the middle, over several lines if it has several. `colour` is one of HUES or 'none'. style: pale,
        strong, free (a free frame), hatch (never mapped), open (only its border). `hint` is what a browser shows under the mouse."""
        inside = f'<title>{escape(hint)}</title>' if hint else ''
        at = f'x="{number(box.x)}" y="{number(box.y)}" width="{number(box.w)}" height="{number(box.h)}"'
        self.parts.append(f'<rect class="{style} {colour}" {at}>{inside}</rect>' if inside else f'<rect class="{style} {colour}" {at}/>')
        lines = label.split('\n') if label else []
        for index, line in enumerate(lines):
            y = box.y + box.h / 2 + 4 + (index - (len(lines) - 1) / 2) * 15
            if len(line) * CHARACTER > box.w:
                raise ValueError(f'{self.title}: "{line}" is wider than its box')
            self.text(box.x + box.w / 2, y, line, anchor='middle')

    def line(self, start, end, colour='ink', style=''):
        """style: '' or 'dashed' or 'thin'."""
        (x1, y1), (x2, y2) = start, end
        self.parts.append(f'<line class="{f"line {colour} {style}".strip()}" x1="{number(x1)}" y1="{number(y1)}" '
                          f'x2="{number(x2)}" y2="{number(y2)}"/>')

    def arrow(self, start, end, colour='ink', style=''):
        (x1, y1), (x2, y2) = start, end
        length = hypot(x2 - x1, y2 - y1)
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        back = x2 - 8 * dx, y2 - 8 * dy
        self.line(start, back, colour, style)
        head = (end, (back[0] - 3.5 * dy, back[1] + 3.5 * dx), (back[0] + 3.5 * dy, back[1] - 3.5 * dx))
        self.parts.append(f'<polygon class="head {colour}" points="{" ".join(f"{number(x)},{number(y)}" for x, y in head)}"/>')

    def text(self, x, y, words, style='', anchor='start'):
        """Words on one line whose base is at y. style: '', 'head' (a heading), 'soft' (less important)."""
        width = len(words) * (HEAD_CHARACTER if style == 'head' else CHARACTER)
        left = x - {'start': 0, 'middle': width / 2, 'end': width}[anchor]
        self.texts.append((left, y - 9, left + width, y + 2, words))
        place = '' if anchor == 'start' else f' text-anchor="{anchor}"'
        kind = f' class="{style}"' if style else ''
        self.parts.append(f'<text{kind} x="{number(x)}" y="{number(y)}"{place}>{escape(words)}</text>')

    def lines(self, x, y, words, style=''):
        """Several lines of text, each 16 pixels below the last."""
        for index, line in enumerate(words.split('\n')):
            self.text(x, y + 16 * index, line, style)

    def legend(self, x, y, entries, style='pale'):
        """Colours and what they mean, (colour, words) or (colour, words, style), side by side."""
        for colour, words, *own in entries:
            self.box(Box(x, y - 10, 14, 12), colour, style=own[0] if own else style)
            self.text(x + 20, y, words)
            x += 20 + len(words) * CHARACTER + 20

    # ---- the file ----

    def check(self):
        """Fails if a text leaves the picture or covers another one."""
        for index, (left, top, right, bottom, words) in enumerate(self.texts):
            if left < 0 or top < 0 or right > self.width or bottom > self.height:
                raise ValueError(f'{self.title}: "{words}" leaves the picture')
            for left2, top2, right2, bottom2, other in self.texts[:index]:
                if left < right2 and left2 < right and top < bottom2 and top2 < bottom:
                    raise ValueError(f'{self.title}: "{words}" covers "{other}"')

    def svg(self):
        self.check()
        return '\n'.join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" '
            'role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(self.title)}</title>', f'<desc id="description">{escape(self.description)}</desc>',
            '<style>', *rules('light'), '@media (prefers-color-scheme: dark) {', *rules('dark'), '}', '</style>', *hatches(),
            '<rect class="page" width="100%" height="100%"/>', *self.parts, '</svg>']) + '\n'


def rules(page):
    """The CSS for one kind of page. That for dark pages repeats the colours only."""
    dark = page == 'dark'
    if not dark:
        yield f"text {{ font: {FONT}px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre }}"
        yield '.head { font-size: 14px; font-weight: bold } rect { stroke-width: 1 } .line { stroke-width: 1.5; fill: none }'
        yield '.thin { stroke-width: 1 } .dashed { stroke-dasharray: 4 3 } .strong { stroke: none }'
    yield f'.page {{ fill: {PAGES[page]} }} text {{ fill: {INKS[page]} }} .soft {{ fill: {SOFT[page]} }} .stripe {{ stroke: {SOFT[page]} }}'
    yield (f'.pale.none, .open {{ fill: {PAGES[page]} }} rect.none, .line.soft {{ stroke: {SOFT[page]} }} '
           f'.line.ink {{ stroke: {INKS[page]} }} polygon.ink {{ fill: {INKS[page]} }} '
           f'rect.hatch {{ fill: url(#hatch); stroke: {SOFT[page]} }}')
    yield f'rect.free {{ fill: {mixed(HUES["sky"][dark], PAGES[page], PALE[page])}; stroke: none }}'
    for name, pair in HUES.items():
        hue = pair[dark]
        yield (f'.pale.{name} {{ fill: {mixed(hue, PAGES[page], PALE[page])} }} rect.{name}, .line.{name} {{ stroke: {hue} }} '
               f'.strong.{name} {{ fill: {hue}; stroke: none }} polygon.{name} {{ fill: {hue} }}')


def hatches():
    yield '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    yield '<rect class="page" width="8" height="8" stroke="none"/><line class="stripe" x1="0" y1="0" x2="0" y2="8" stroke-width="1.2"/>'
    yield '</pattern></defs>'


def mixed(colour, page, share):
    """A colour that is `share` of the first one, the rest of the page."""
    def parts(text):
        return [int(text[at:at + 2], 16) for at in (1, 3, 5)]
    return '#' + ''.join(f'{round(share * a + (1 - share) * b):02x}' for a, b in zip(parts(colour), parts(page)))


def number(value):
    """A coordinate, short."""
    return f'{round(value, 1):g}'


def hexadecimal(address):
    return f'0x{address:08x}'


def size(count):
    """Bytes in the largest unit that divides them."""
    for shift, unit in ((30, 'GiB'), (20, 'MiB'), (10, 'KiB')):
        if count and count % (1 << shift) == 0:
            return f'{count >> shift} {unit}'
    return f'{count} bytes'
