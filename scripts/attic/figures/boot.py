"""boot.svg: the boot page directory while the image is mapped twice, and when the identity mapping is gone.

Both are the 1024 words that lie in physical memory when gdb stops the machine there, before there is any C code that could report them.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.tables import LARGE_FRAME, P, PDE_SHIFT, Entry

TOP, ROW = 96, 34
HALF = 450
DIRECTORY, MEMORY = Box(20, TOP, 200, ROW), Box(320, TOP, 100, ROW)  # a row of each, in the left half
STAGES = (('boot_paging_on', 'paging is on, EIP is still low'), ('boot_identity_gone', 'EIP is high, entry 0 is cleared'))


def draw(seen):
    first = runs(seen.boot[STAGES[0][0]])
    picture = Drawing(900, TOP + ROW * len(first) + 76, 'The boot page directory, at two stages',
                      'At boot_paging_on entry 0 and entry 768 of the boot page directory lead to the same 4 MiB of physical memory, '
                      'and 769 to 1018 to what follows. At boot_identity_gone entry 0 is 0, and the others are as before.')
    for index, (stage, meaning) in enumerate(STAGES):
        left = index * HALF
        picture.text(left + DIRECTORY.x, 24, f'at {stage}', 'head')
        picture.text(left + DIRECTORY.x, 44, meaning, 'soft')
        half(picture, left, first, seen.boot[stage])
    foot = picture.height - 44
    image = seen.symbols['__boot_start'], seen.symbols.physical('__kernel_end')
    picture.text(20, foot, f'The directory lies at physical {hexadecimal(seen.symbols["boot_page_directory"])}; the image, '
                 f'{hexadecimal(image[0])}..{hexadecimal(image[1] - 1)}, is in the first 4 MiB.')
    picture.text(20, foot + 20,
                 'An entry maps 4 MiB (PS), also where a machine has no RAM. The processor sets A and D, 0x60, when it uses an entry.',
                 'soft')
    return picture


def runs(words):
    """(first, last) entries that are drawn as one row: those that map nothing, and those that map what follows the first 4 MiB."""
    kinds = [1 if not word else 2 if word & LARGE_FRAME else 3 for word in words]
    found = []
    for index, kind in enumerate(kinds):
        if index and kind == kinds[index - 1] and kind != 3:
            found[-1][1] = index
        else:
            found.append([index, index])
    return [tuple(run) for run in found]


def half(picture, left, rows, words):
    """A directory with the rows of the first stage, and the physical memory that it maps."""
    picture.text(left + DIRECTORY.x, TOP - 12, 'entry       value')
    picture.text(left + MEMORY.x, TOP - 12, 'physical')
    frames = sorted({words[first] & LARGE_FRAME for first, _ in rows if words[first]})
    for number, (first, last) in enumerate(rows):
        entry = Entry('PDE', first, 0, words[first])
        box = Box(left + DIRECTORY.x, TOP + number * ROW, DIRECTORY.w, ROW)
        low = first << PDE_SHIFT < 0xC0000000
        colour = ('orange' if low else 'blue') if entry.present else 'none'
        picture.box(box, colour, style='pale', hint=f'virtual {hexadecimal(first << PDE_SHIFT)}: {entry.bits()}')
        picture.text(box.x + 8, box.y + 21, f'{first}' if first == last else f'{first}..{last}')
        value = hexadecimal(entry.value) + (',...' if first != last and entry.present else '')
        picture.text(box.x + 92, box.y + 21, value, '' if entry.present else 'soft')
        if entry.present:
            target = TOP + memory_row(frames, entry.frame) * ROW
            shift = -5 if low else 5
            picture.arrow((box.x + box.w, box.y + ROW / 2), (left + MEMORY.x, target + ROW / 2 + shift), colour)
    for number, frame in enumerate(frames[:2]):  # the first 4 MiB, and all that follows in one box
        box = Box(left + MEMORY.x, TOP + memory_row(frames, frame) * ROW, MEMORY.w, ROW * (number + 1))
        label = f'{hexadecimal(frame)}\n..{hexadecimal(end_of_map(words) - 1)}' if number else f'{hexadecimal(frame)}\nimage'
        picture.box(box, 'grey' if number else 'green', label)


def end_of_map(words):
    """The end of the physical memory that the directory maps."""
    return max(word & LARGE_FRAME for word in words if word & P) + (1 << PDE_SHIFT)


def memory_row(frames, frame):
    """Which row of the physical column a frame has: the first 4 MiB are in row 1, what follows is below."""
    return 1 + frames.index(frame)
