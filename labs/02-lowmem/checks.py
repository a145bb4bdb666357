"""What must hold of lowmem, seen from outside: the master directory and its tables in physical memory, on machines of a size that is drawn."""
from attic.build import image_with_grub_cfg
from attic.machine import PROMPT
from attic.symbols import PAGE_OFFSET
from attic.tables import A, D, G, P, PS, RW, US

PAGE, LARGE = 4096, 4 << 20


def with_pages(bench, look):
    """All pages of lowmem, on three machines. `look` gets them, and the size of lowmem."""
    for mem, cmdline in ((bench.random.randint(9, 60), ''), (bench.random.randint(64, 300), f'lowmem={bench.random.randint(8, 60)}M'),
                         (bench.random.randint(300, 900), '')):
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
    return with_pages(bench, look) or with_a_hole(bench)


def with_a_hole(bench):
    """RAM that ends and begins again, as on machines with UEFI: all but the hole is mapped. The boot loader takes it out of its memory map."""
    start = bench.random.randrange(20 << 20, 40 << 20)
    end = start + bench.random.randrange(2 * PAGE, 20 << 20)
    iso = bench.build / 'hole.iso'
    image_with_grub_cfg(iso, r'^set timeout.*\n', rf'\g<0>cutmem {start:#x} {end:#x}\n', build=bench.build, cmdline=bench.cmdline)
    with bench.machine('hole', mem='80M', iso=iso) as machine:
        if not machine.saw(PROMPT):
            return 'on a machine whose RAM has a hole the kernel does not come to its prompt'
        size, where = bench.word(machine, 'lowmem_size'), f'with a hole in RAM, from {start:#x} to {end:#x},'
        first, last = PAGE_OFFSET + start // PAGE * PAGE, PAGE_OFFSET + -(-end // PAGE) * PAGE
        pages = list(machine.tables.pages(bench.names.physical('swapper_pg_dir'), PAGE_OFFSET, PAGE_OFFSET + size - 1))
    if inside := [page for page in pages if page.start < last and page.start + page.size > first]:
        return f'{where} {inside[0].start:#x} is mapped'
    mapped, wanted = sum(page.size for page in pages), size - (last - first)
    return None if mapped == wanted else f'{where} {mapped >> 10} KiB are mapped, and must be {wanted >> 10} KiB'


def rights(bench):
    """Text, rodata and what is sealed cannot be written; all else can, but for the page tables; all other bits are those of
    PAGE_KERNEL."""
    def look(bench, pages, size):
        names = bench.names
        for page in pages:
            fixed = page.start < names['__data_start'] and page.start + page.size > names['__text_start']
            if fixed and page.rights & RW:
                return f'the page at {page.start:#x} of the image is writable'
            if page.rights & US:
                return f'ring 3 may use {page.start:#x}'
            if page.rights & 0xFFF & ~(RW | PS) != P | A | D | G:
                return f'the entry of {page.start:#x} has the bits {page.rights & 0xFFF:#x}: not those of PAGE_KERNEL or PAGE_KERNEL_RO'
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
