"""Which of the tour's processes runs: the witness, its child the parent, or the child of that (user/tour.c).

All three have the program's name, so the ancestors of a task show which it is. The witness waits while the others do what the tour shows,
so its directory does not change. Other tasks pass a breakpoint, too, so each place asks here which task has reached it.
"""
from attic.gdb import kernel, program
from attic.gdb.tour import tour_program
from attic.gdb.tour.tour_text import source

WITNESS, PARENT, CHILD = range(3)


def process():
    """The running task, if it is one of the tour's."""
    task = kernel.current()
    return task if task and task.mm and task.comm == tour_program.NAME else None


def generation(task):
    """How many ancestors a process of the tour has that are the tour's, too; None for any other task."""
    if not task:
        return None
    count, ancestor = 0, task.deref("parent")
    while ancestor and ancestor.comm == tour_program.NAME:
        count, ancestor = count + 1, ancestor.deref("parent")
    return count


def child_runs():
    return generation(process()) == CHILD


def parent_runs():
    return generation(process()) == PARENT


def family():
    """The process that runs, its parent and so on, as (what to call it, physical address of its directory)."""
    task, found = process(), []
    for which in range(generation(task), -1, -1):
        found.append((("witness", "parent", "child")[which], task.deref("mm").pgd_phys))
        task = task.deref("parent")
    return found


def user_source(addr, before=1, after=1):
    """Lines of the program around an instruction."""
    file, line = tour_program.line(addr)
    return source(program.relative(file), line - before, before + 1 + after, line)
