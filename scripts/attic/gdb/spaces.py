"""Address spaces as a reader names them: the word for PID in a command.

    7         the directory of process 7; a kernel thread has none, and uses the master
    master    swapper_pg_dir, from which every directory copies its kernel half
    boot      the directory with which paging is turned on, until it is freed at the end of boot
    loaded    the one in CR3, which is also the default

Until the end of boot there is only one directory at a time, and the one that a word names may not exist yet, or no longer: named() then
raises an error with a sentence.

Neighbours: cli.py has the other arguments; every command that walks tables uses this.
"""
from collections import namedtuple

from attic.gdb import Sorry, kernel, memory, paging

WORDS = ("master", "boot", "loaded")

# Physical address of a directory, what to call it, and its struct mm or None.
Space = namedtuple("Space", "directory text mm")


def named(word=None):
    """The address space that a word names. kernel.NotYet if there is none yet, Sorry if the word has no meaning."""
    if word in (None, "loaded"):
        return loaded()
    if word == "master":
        return master()
    if word == "boot":
        return boot()
    if not word.isdecimal():
        raise Sorry("`%s` is neither a pid nor one of %s" % (word, ", ".join(WORDS)))
    task = find_task(word)
    mm = task.deref("mm")
    if mm is not None:
        return of_mm(mm)
    if task.state == "TASK_ZOMBIE":
        raise Sorry("%s has ended and has no address space any more" % kernel.task_text(task))
    return master()._replace(text="the master directory (%s is a kernel thread)" % kernel.task_text(task))


def find_task(word):
    """The task of a pid. Sorry if not found."""
    if not word.isdecimal():
        raise Sorry("`%s` is not a pid" % word)
    if not kernel.has_tasks():
        raise kernel.NotYet("there are no tasks yet: the scheduler has not started")
    for task in kernel.tasks():
        if task.pid == int(word):
            return task
    raise Sorry("there is no process %s: `attic ps` lists them" % word)


def of_mm(mm):
    return Space(mm.pgd_phys, "the directory of %s" % kernel.mm_text(mm), mm)


def master():
    directory = kernel.master_directory()
    if not any(memory.physical_words(directory, 1024)):
        raise kernel.NotYet("the master directory is empty: lowmem_map_init() fills it")
    return Space(directory, "the master directory", None)


def boot():
    if kernel.is_sealed():
        raise kernel.NotYet("the boot directory is gone: mm_seal() has given its page back")
    if not paging.paging_is_on():
        raise kernel.NotYet("paging is off, and the boot directory is not finished")
    return Space(kernel.boot_directory(), "the boot directory", None)


def loaded():
    if not paging.paging_is_on():
        raise kernel.NotYet("paging is off: addresses are physical, and no directory is in use")
    directory = paging.loaded_directory()
    return Space(directory, "the loaded directory, %s" % _owner(directory), _mm_at(directory))


def _mm_at(directory):
    return next((mm for mm in kernel.mms() if mm.pgd_phys == directory), None) if kernel.is_sealed() else None


def _owner(directory):
    mm = _mm_at(directory)
    if mm is not None:
        return "that of " + kernel.mm_text(mm)
    if directory == kernel.master_directory():
        return "the master"
    if not kernel.is_sealed() and directory == kernel.boot_directory():
        return "the boot directory"
    return "which no process has"


def everyone():
    """Every address space that has a directory, the master first. There is only one until the end of boot."""
    yield master()
    if kernel.is_sealed():
        for mm in kernel.mms():
            yield of_mm(mm)


def words():
    """For completion: the words that are valid now."""
    memory.forget()
    return [str(task.pid) for task in kernel.tasks()] + list(WORDS) if kernel.has_tasks() else list(WORDS)
