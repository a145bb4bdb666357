"""What must hold of the verdicts and the lists, seen from outside: gdb stops the kernel before its prompt, calls functions with arguments
that are drawn, and compares the answers with page tables and struct pages in memory."""
from pathlib import Path


def asked(bench, what, count):
    """The first thing that is wrong with `count` answers."""
    random = bench.random
    lowmem = random.choice([24, 32, 48])  # MiB; the rest is highmem
    script, mem = Path(__file__).with_name(f'{what}_in_gdb.py'), random.choice([64, 72, 96])
    lines = bench.followed(script, count, what, f'lowmem={lowmem}M', mem=f'{mem}M')
    if reason := next((line['reason'] for line in lines if line['reason']), None):
        return reason
    return None if len(lines) == count else f'the kernel answers {len(lines)} of {count} questions'


def addresses(bench):
    """Verdicts on addresses of each region, and at its edges."""
    return asked(bench, 'addresses', 120)


def frames(bench):
    """Verdicts on frames, and which frame is to blame."""
    return asked(bench, 'frames', 160)


def pieces(bench):
    """The scatter list of a vmalloc range: what the page tables say."""
    return asked(bench, 'pieces', 40)


def ranges(bench):
    """What a device gets of a list, and what is recorded."""
    return asked(bench, 'ranges', 40)


def refusals(bench):
    """A list that cannot be given changes nothing, whichever of its pieces is the reason."""
    return asked(bench, 'refusals', 45)
