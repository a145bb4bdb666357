"""What must hold of lowmem, seen from outside: the master directory and its tables in physical memory, on machines of a size that is drawn."""
from attic.symbols import PAGE_OFFSET
from attic.tables import RW, US

PAGE, LARGE = 4096, 4 << 20
G = 1 << 8


def with_pages(bench, look):
    """All pages of lowmem, on two machines. `look` gets them, and the size of lowmem."""
    for mem, cmdline in ((bench.random.randint(9, 60), ''), (bench.random.randint(64, 300), f'lowmem={bench.random.randint(8, 60)}M')):
        with bench.at_prompt(f'lowmem{mem}', mem=f'{mem}M', cmdline=cmdline) as machine:
            if not machine:
                return f'with {mem} MiB of RAM and "{cmdline}" the kernel does not come to its prompt'
            size = bench.word(machine, 'lowmem_size')
            pages = list(machine.tables.pages(bench.names.physical('swapper_pg_dir'), PAGE_OFFSET, PAGE_OFFSET + size - 1))
            if reason := look(bench, pages, size):
                return f'with {mem} MiB of RAM and "{cmdline}": {reason}'
    return None


def linear(bench):
    """Virtual minus physical is PAGE_OFFSET, everywhere; nothing is left out."""
    def look(bench, pages, size):
        if wrong := [page for page in pages if page.start - page.physical != PAGE_OFFSET]:
            return f'{wrong[0].start:#x} leads to {wrong[0].physical:#x}'
        mapped = sum(page.size for page in pages)
        return None if mapped == size else f'{mapped >> 10} KiB of {size >> 10} KiB are mapped'
    return with_pages(bench, look)


def rights(bench):
    """Text, rodata and what is sealed cannot be written; all else can, but for the page tables; ring 3 may nothing; all entries are global."""
    def look(bench, pages, size):
        names = bench.names
        for page in pages:
            fixed = page.start < names['__data_start'] and page.start + page.size > names['__text_start']
            if fixed and page.rights & RW:
                return f'the page at {page.start:#x} of the image is writable'
            if page.rights & US:
                return f'ring 3 may use {page.start:#x}'
            if not page.rights & G:
                return f'the entry of {page.start:#x} is not global'
        locked = [page for page in pages if not page.rights & RW and page.start >= names['__data_start']]
        if not locked:
            return 'the page tables of lowmem are writable'
        return None if len(locked) < 64 else f'{len(locked)} pages behind the image cannot be written'
    return with_pages(bench, look)


def sizes(bench):
    """4 MiB pages in each span that has one right, 4 KiB pages in the others."""
    def look(bench, pages, size):
        spans = {}
        for page in pages:
            spans.setdefault(page.start // LARGE, []).append(page)
        for span, inside in spans.items():
            whole = (span + 1) * LARGE <= PAGE_OFFSET + size
            if len(inside) == 1 and inside[0].size == LARGE:
                continue
            if whole and len({page.rights & RW for page in inside}) == 1 and len(inside) == LARGE // PAGE:
                return f'the 4 MiB from {span * LARGE:#x} have one right, but 4 KiB pages'
        return None
    return with_pages(bench, look)
