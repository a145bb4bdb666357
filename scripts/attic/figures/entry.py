"""entry.svg: the way of `int 0x80` from a program to the kernel's stub, each structure at its address.

The machine stands still at the first instruction of the stub: the addresses are those of IDTR, GDTR, the gate, the TSS and the five words
on the kernel stack, and each is walked through the directory that is loaded, the program's.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.tables import RW, US

LEFT, WIDTH, HEIGHT = 250, 400, 46
BORDER = 0xC0000000
PUSHED = ('EIP', 'CS', 'EFLAGS', 'ESP', 'SS')


def draw(seen):
    entry = seen.entry
    owners = [task['pgd'] for task in seen.snapshots['written']['tasks']]
    if hexadecimal(entry.directory) not in owners:
        raise ValueError(f'the directory at {entry.directory:#x} is not that of a process: has the entry loaded CR3?')
    places = sorted(structures(entry, seen.symbols), key=lambda place: -place[0])
    height = 96 + 72 * len(places) + 30
    picture = Drawing(900, height + 140, 'The way into the kernel: int 0x80',
                      'What the processor reads at int 0x80, by address: the page of the program, the gate in the IDT, the GDT, the '
                      'stack pointer in the TSS, the kernel stack, the stub. All but the program lie above 0xc0000000, and are found '
                      'through the directory of the program.')
    picture.text(30, 24, f'int 0x80 in a program: the directory at {hexadecimal(entry.directory)} stays loaded', 'head')
    picture.text(30, 44, 'By address, highest above; the numbers are the order in which the processor uses them.', 'soft')
    picture.text(LEFT + WIDTH + 20, 76, 'rights, and physical address', 'soft')
    boxes = draw_places(picture, entry, places)
    arrows(picture, boxes)
    words(picture, entry, height)
    return picture


def structures(entry, symbols):
    """(address, key, order, words in the box, colour)."""
    target = entry.gate & 0xFFFF | entry.gate >> 32 & 0xFFFF0000
    selector, level = entry.gate >> 16 & 0xFFFF, entry.gate >> 45 & 3
    stub = entry.walks['stub'].address
    if target != stub:
        raise ValueError(f'gate 0x80 leads to {target:#x}, and the machine has stopped at {stub:#x}')
    return [
        (entry.walks['program'].address, 'program', '', 'the program: int 0x80', 'orange'),
        (entry.walks['idt'].address, 'idt', '1',
         f'IDT, gate 0x80, for ring {level} too:\nsegment {selector:#x}, address {hexadecimal(target)}', 'green'),
        (entry.walks['gdt'].address, 'gdt', '2', f'GDT, descriptor {selector:#x}: code of ring 0', 'purple'),
        (entry.task_register, 'tss', '2', f'TSS: ESP0 is {hexadecimal(entry.esp0)}', 'purple'),
        (entry.esp, 'stack', '3', f'kernel stack: {len(PUSHED)} words pushed\nESP is {hexadecimal(entry.esp)}', 'blue'),
        (stub, 'stub', '4', f'{symbols.function_at(stub).partition("+")[0]}: the first instruction', 'red'),
    ]


def draw_places(picture, entry, places):
    """The structures from the highest address to the lowest, with the border of the kernel between. Returns their boxes."""
    y, boxes, above = 96, {}, True
    for address, key, order, label, colour in places:
        if above and address < BORDER:
            above = False
            picture.line((10, y + 4), (890, y + 4), 'ink', 'dashed')
            picture.text(30, y - 2, hexadecimal(BORDER))
            y += 26
        box = boxes[key] = Box(LEFT, y, WIDTH, HEIGHT)
        picture.box(box, colour, label)
        picture.text(LEFT - 10, y + 28, hexadecimal(address), anchor='end')
        if order:
            picture.text(LEFT + 8, y + 18, f'{order}.')
        walk = entry.walks[key]
        rights = f'ring 0: {"rw" if walk.rights & RW else "r-"}, ring 3: {"yes" if walk.rights & US else "no"}'
        picture.text(LEFT + WIDTH + 20, y + 20, rights)
        picture.text(LEFT + WIDTH + 20, y + 36, f'PDE {walk.pde.index}, {hexadecimal(walk.physical)}', 'soft')
        y += 72
    return boxes


def arrows(picture, boxes):
    """The order of the processor's steps, on the left of the boxes: each arrow in a lane of its own."""
    way = ('program', 'idt', 'gdt', 'tss', 'stack', 'stub')
    for number, (start, end) in enumerate(zip(way, way[1:])):
        lane = 140 - 22 * number
        y1, y2 = boxes[start].y + HEIGHT - 6, boxes[end].y + 6
        picture.line((LEFT, y1), (lane, y1), 'ink', 'thin')
        picture.line((lane, y1), (lane, y2), 'ink', 'thin')
        picture.arrow((lane, y2), (LEFT, y2), 'ink', 'thin')


def words(picture, entry, top):
    """The five words on the kernel stack, and the guard below it."""
    picture.text(30, top + 20, 'What the processor has pushed, at ascending addresses from ESP on:')
    for index, (name, value) in enumerate(zip(PUSHED, entry.pushed)):
        picture.box(Box(30 + 168 * index, top + 32, 160, 28), 'blue', f'{name} {hexadecimal(value)}')
    guard = entry.walks['guard']
    mapped = 'mapped' if guard.mapped else 'not mapped'
    picture.text(30, top + 86, f'The stack is {hexadecimal(entry.esp0 - 0x2000)}..{hexadecimal(entry.esp0 - 1)}, in the vmalloc area; '
                 f'the page below, {hexadecimal(guard.address & ~0xFFF)}, is {mapped}.')
    picture.text(30, top + 106, 'EIP in the first word is behind the two bytes of int 0x80. CR3 has not changed.', 'soft')
