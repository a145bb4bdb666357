"""What must hold of copy-on-write, seen from outside: the page tables of a parent and its child, struct page, and the bytes of frames in
physical memory, while user/steps.c does one thing at a time. gdb puts random bytes into its pages, which no kernel can know before."""
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from attic.debugger import commands
from attic.lab.bench import Process, processes, typed, view
from attic.tables import FRAME, P, PAGE_SHIFT, PAGE_SIZE, RW, US

PAGES, WRITTEN, AGAIN = 8, 4, 2          # of user/steps.c: mapped, written to before the fork, written to after it
TOUCH, FORK, WRITE, KILL, LAST = 2, 3, 4, 6, 8  # its steps
FOLLOWED = 8                             # calls that gdb follows: half of them forks
CALLS = 'process.fork_test'              # a self-test that runs a program
FREE = ('PAGE_FREE', 'PAGE_HOT')
MUCH = 64                                # free frames: more than a step needs


class Moment(NamedTuple):
    """The machine after a step."""
    processes: dict[int, Process]
    types: list[str]
    counts: list[int]
    bytes: dict[int, bytes]  # of the frames of the pages that `steps` has written to
    zeros: int               # the frame of zeros
    lowmem: int              # frames that lie in lowmem


def frame(entry):
    return entry >> PAGE_SHIFT


class Steps:
    """`steps`, somewhere among others, on a machine of a random size. `moments` are by step; None is before its start."""

    def __init__(self, bench, last):
        self.bench, self.random, self.moments = bench, bench.random, {}
        self.base = self.child = None
        self.name, self.initramfs = bench.under_a_drawn_name('steps')
        self.reason = self.run(last)

    def run(self, last):
        with self.bench.at_prompt('steps', mem=f'{self.random.choice([48, 64, 96, 160])}M', gdb=True,
                                  initramfs=self.initramfs) as machine:
            if not machine:
                return 'the kernel does not come to its prompt'
            self.machine = machine
            for before in range(self.random.randrange(3)):
                if not self.started():
                    return 'no prompt after `run steps &`'
                for _ in range(self.random.randrange(FORK)):
                    typed(machine, f'run {self.name} {self.pid}')
            self.moments[None] = self.look()
            if not self.started():
                return '`run steps &` starts no process'
            for step in range(1, last + 1):
                if not typed(machine, f'run {self.name} {self.pid}'):
                    return f'no prompt after step {step} of `steps`'
                self.moments[step] = self.look()
                if reason := self.after(step):
                    return reason
        return None

    def started(self):
        """One more process, which becomes the one that is looked at."""
        before = self.look().processes
        if not typed(self.machine, f'run {self.name} &'):
            return False
        new = self.machine.wait_until(lambda: set(self.look().processes) - set(before))
        self.pid = min(new, default=None)
        return bool(new)

    def after(self, step):
        now = self.moments[step]
        if step < LAST and self.pid not in now.processes:
            return f'`steps` has ended before step {step} was done'
        if step == TOUCH:
            new = sorted(set(now.processes[self.pid].entries) - set(self.moments[1].processes[self.pid].entries))
            self.base = next((at for at in new if set(self.pages(at, WRITTEN + 1)) <= set(new)), None)
            if self.base is None:
                return 'after writes to four pages of `steps` and a read of a fifth, not five adjacent entries are new'
            self.fill(now)
        if step == FORK:
            self.child = next((pid for pid, one in now.processes.items() if one.parent == self.pid), None)
            if self.child is None:
                return 'after fork() there is no child with a directory of its own'
        return None

    @staticmethod
    def pages(start, count):
        return range(start, start + count * PAGE_SIZE, PAGE_SIZE)

    def fill(self, now):
        """Random bytes into the pages that were written to; the moment has them, too."""
        lines = ['maintenance packet Qqemu.PhyMemMode:1']  # from here on, addresses are physical
        for at in self.pages(self.base, WRITTEN):
            physical = now.processes[self.pid].entries[at] & FRAME
            now.bytes[frame(physical)] = drawn = self.random.randbytes(PAGE_SIZE)
            lines.append(f'python gdb.selected_inferior().write_memory({physical:#x}, bytes.fromhex("{drawn.hex()}"))')
        self.bench.attach(self.machine, *commands(*lines, 'detach'))

    def look(self):
        machine = self.machine
        machine.monitor('stop')
        try:
            found = processes(self.bench, machine)
            zeros = (self.bench.word(machine, 'zero_page') - self.bench.word(machine, 'mem_map')) // 16
            frames = {frame(one.entries[at]) for one in found.values() for at in self.pages(self.base or 0, WRITTEN) if at in one.entries}
            bytes = {pfn: machine.physical(pfn << PAGE_SHIFT, PAGE_SIZE) for pfn in frames}
            seen, lowmem = view(self.bench, machine), self.bench.word(machine, 'lowmem_size') >> PAGE_SHIFT
        finally:
            machine.monitor('cont')
        return Moment(found, seen.types, seen.counts, bytes, zeros, lowmem)

    def both(self, step):
        """The entries of parent and child."""
        now = self.moments[step].processes
        return (now[self.pid].entries, now[self.child].entries) if self.child in now else (now[self.pid].entries, {})


# ---- the checks ----

def shared(bench):
    """After fork: what the parent had, the child has in the same frames. Nobody may write to a frame that has two owners."""
    steps = Steps(bench, FORK)
    if steps.reason:
        return steps.reason
    now, before, (parent, child) = steps.moments[FORK], steps.moments[TOUCH].processes[steps.pid].entries, steps.both(FORK)
    if lost := [at for at in before if at not in child or at not in parent]:
        return f'after fork() parent or child lack {len(lost)} of the {len(before)} pages that the parent had, that at {lost[0]:#x} first'
    for at in steps.pages(steps.base, WRITTEN + 1):
        if not frame(before[at]) == frame(parent[at]) == frame(child[at]):
            return f'after fork() the page at {at:#x} has another frame than before, in the parent or in the child'
        for who, entry in (('parent', parent[at]), ('child', child[at])):
            if entry & (P | US | RW) != P | US:
                return f"after fork() the {who}'s entry of {at:#x} is {entry:#x}: P and US must be set, RW must not"
        if at < steps.base + WRITTEN * PAGE_SIZE and now.counts[frame(parent[at])] != 2:
            return f'after fork() the frame of {at:#x} has {now.counts[frame(parent[at])]} references instead of 2'
    if more := [at for at in steps.pages(steps.base + (WRITTEN + 1) * PAGE_SIZE, PAGES - WRITTEN - 1) if at in child or at in parent]:
        return f'after fork() the page at {more[0]:#x} is mapped, which nobody has touched'
    return written_by_two(now)


def written_by_two(now):
    """The first page that is private, has two owners, and may be written to."""
    owners = Counter(frame(entry) for one in now.processes.values() for entry in one.entries.values())
    for pid, one in now.processes.items():
        for at, entry in one.entries.items():
            if entry & P and entry & RW and owners[frame(entry)] > 1 and now.types[frame(entry)] == 'PAGE_USER':
                return f'process {pid} may write to {at:#x}, and {owners[frame(entry)]} entries hold that frame'
    return None


def copied(bench):
    """After the parent's writes: new frames with the old bytes and what was written; everything else is as it was."""
    steps = Steps(bench, WRITE)
    if steps.reason:
        return steps.reason
    old, now, (before, same), (parent, child) = steps.moments[FORK], steps.moments[WRITE], steps.both(FORK), steps.both(WRITE)
    given = steps.moments[TOUCH].bytes
    for number, at in enumerate(steps.pages(steps.base, WRITTEN)):
        mine, theirs, was = frame(parent[at]), frame(child[at]), frame(same[at])
        if child[at] & (FRAME | P | RW | US) != same[at] & (FRAME | P | RW | US):
            return f"a write by the parent changes the child's entry of {at:#x} from {same[at]:#x} to {child[at]:#x}"
        if now.bytes[theirs] != given[was]:
            return f'the child sees other bytes at {at:#x} than those from before the fork'
        if number >= AGAIN:
            if parent[at] != before[at] or now.counts[mine] != 2:
                return f'the page at {at:#x}, to which nobody has written since the fork, is no longer shared by two'
            continue
        if mine == was or old.types[mine] not in FREE:
            return f'after a write to {at:#x} the parent has a frame that was in use before'
        if mine < now.lowmem and sum(old.types[now.lowmem:].count(kind) for kind in FREE) > MUCH:
            return f'after a write to {at:#x} the parent has a frame of lowmem, though highmem is free'
        if now.bytes[mine] != b'\2' + given[was][1:]:
            return f'after a write to {at:#x} the parent does not see the old bytes and the new one'
        if parent[at] & (P | RW | US) != P | RW | US:
            return f"after a write to {at:#x} the parent's entry is {parent[at]:#x}: P, RW and US must be set"
        if (now.counts[mine], now.counts[theirs]) != (1, 1):
            return f'after a write to {at:#x} the new and the old frame have {now.counts[mine]} and {now.counts[theirs]} references, not 1'
    return written_by_two(now)


def kept(bench):
    """Of each page to which both write after a fork, one has the old frame: the first writer copies, the second keeps it. And a page whose
    other owner has ended stays where it is."""
    steps = Steps(bench, KILL)
    if steps.reason:
        return steps.reason
    before, (parent, child), last = steps.moments[TOUCH].processes[steps.pid].entries, steps.both(WRITE), steps.both(KILL)[0]
    counts, keepers = steps.moments[WRITE].counts, 0
    for at, entry in before.items():
        if not entry & RW or frame(parent[at]) == frame(child[at]):
            continue
        if frame(entry) not in (frame(parent[at]), frame(child[at])):
            return f'parent and child both have copies of the page at {at:#x}: the last owner of the old frame has not kept it'
        if frame(entry) == frame(parent[at]) and parent[at] & RW:
            keepers += 1
            if counts[frame(entry)] != 1:
                return f'the frame at {at:#x}, which its last owner has kept, has {counts[frame(entry)]} references'
    if not keepers:
        return 'the parent has not kept a page that the child has copied before'
    for at in steps.pages(steps.base + AGAIN * PAGE_SIZE, WRITTEN - AGAIN):
        if frame(last[at]) != frame(before[at]) or steps.moments[KILL].counts[frame(last[at])] != 1:
            return f'after the end of the child the page at {at:#x} is not the same frame with one reference'
    return None


def counted(bench):
    """After each step: a frame has as many references as entries hold it; zeros and pages of files have one more."""
    steps = Steps(bench, LAST)
    if steps.reason:
        return steps.reason
    for step, now in steps.moments.items():
        when = f'after step {step} of `steps`' if step else 'before `steps` starts'
        held = Counter(frame(entry) for one in now.processes.values() for entry in one.entries.values())
        for pfn, kind in enumerate(now.types):
            if kind != 'PAGE_USER' and pfn not in held:
                continue
            wanted = held[pfn] + (kind == 'PAGE_FILE' or pfn == now.zeros)
            if now.counts[pfn] != wanted:
                return f'{when} the frame {pfn:#x} ({kind}) has {now.counts[pfn]} references; {held[pfn]} entries hold it'
    return None


def flushed(bench):
    """fork: each entry that loses RW is invalidated afterwards. A copy: bytes first, then the entry, its invalidation, and last the
    reference of the old page. gdb watches."""
    calls = bench.followed(Path(__file__).with_name('order_in_gdb.py'), FOLLOWED, 'order', f'ktest={CALLS}')
    seen = [call for call in calls if 'reason' in call]
    if reason := next((call['reason'] for call in seen if call['reason']), None):
        return reason
    return None if len(seen) == FOLLOWED else f'{CALLS} does not come to {FOLLOWED // 2} forks and {FOLLOWED // 2} copies'
