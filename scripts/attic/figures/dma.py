"""dma.svg: a vmalloc area, its scattered frames, what a device hits that adds 4096 to the first one, and the scatter list.

The frames are those of the page tables. The list has an entry for each page with the frame of its page-table entry, as dma_map_sg() has it.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.snapshot import Snapshot

PAGE_SHIFT, PAGE_SIZE = 12, 4096
TOP, ROW = 76, 74
PAGES, FRAMES, LIST = Box(30, TOP, 150, 40), Box(330, TOP, 200, 34), Box(640, TOP, 230, 40)


def draw(seen):
    snapshot = Snapshot(seen.snapshots['areas'])
    area = snapshot.areas[-2]
    pages = [(first, frame) for first, _, (frame, _) in area.pages]
    wrong = pages[0][1] + 1
    order = sorted({frame for _, frame in pages} | {wrong})
    picture = Drawing(900, TOP + ROW * len(order) + 80, 'A vmalloc buffer and a device',
                      'On the left four pages of a vmalloc area side by side, in the middle their scattered frames and the frame behind '
                      'the first one, which is not of the area, on the right the scatter list: a frame, an offset and a length for each '
                      'page, in the order of the pages.')
    for x, head, words in ((PAGES.x, 'virtual', f'{len(pages)} pages side by side'), (FRAMES.x, 'physical', 'the frames, by address'),
                           (LIST.x, 'scatter list', 'what the device gets')):
        picture.text(x, 24, head, 'head')
        picture.text(x, 44, words, 'soft')
    places = {frame: TOP + ROW * number for number, frame in enumerate(order)}
    for number, (page, frame) in enumerate(pages):
        y = TOP + 10 + ROW * number
        picture.box(PAGES._replace(y=y), 'blue', hexadecimal(page << PAGE_SHIFT))
        picture.arrow((PAGES.x + PAGES.w, y + 20), (FRAMES.x, places[frame] + 17), 'blue')
        picture.box(FRAMES._replace(y=places[frame]), 'blue', f'{hexadecimal(frame << PAGE_SHIFT)}: page {number}')
        picture.arrow((FRAMES.x + FRAMES.w, places[frame] + 17), (LIST.x, y + 20), 'green')
        picture.box(LIST._replace(y=y), 'green', f'{number}: {hexadecimal(frame << PAGE_SHIFT)} + 0, {PAGE_SIZE}')
    mistake(picture, snapshot, pages[0][1], wrong, places)
    picture.text(30, picture.height - 40, 'The list has the order of the pages, and no virtual address.')
    picture.text(30, picture.height - 20, 'Frames between those that are shown are left out.', 'soft')
    return picture


def mistake(picture, snapshot, first, wrong, places):
    """The frame behind the first one: where arithmetic on the address leads."""
    owner = snapshot.frame(wrong)[0]
    box = FRAMES._replace(y=places[wrong])
    picture.box(box, 'red', f'{hexadecimal(wrong << PAGE_SHIFT)}: {owner}')
    x = FRAMES.x + FRAMES.w + 6
    picture.line((x - 6, places[first] + 26), (x + 4, places[first] + 26), 'red')
    picture.line((x + 4, places[first] + 26), (x + 4, box.y + 24), 'red')
    picture.arrow((x + 4, box.y + 24), (x - 6, box.y + 24), 'red')
    picture.text(FRAMES.x, box.y + 50, 'page 0 + 4096: not of the area, and')
    picture.text(FRAMES.x, box.y + 66, 'the device would overwrite it')
