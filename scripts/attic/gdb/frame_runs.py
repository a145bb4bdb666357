"""The frames behind an area of the kernel, as runs of neighbours: the counterpart of kernel/view/frame_runs.c, with the same words."""
from attic.gdb import kernel, memory, objects, paging
from attic.gdb.explain.explain_words import text


def runs(start, last):
    """[first, last] bytes of each run of frames that are mapped at a part of the vmalloc area."""
    found, following = [], None
    region = next(region for region in kernel.regions() if region.id == "REGION_VMALLOC")
    for page in paging.pages(kernel.master_directory(), max(start, region.first), min(last, region.last)):
        if (page.start, page.physical) == following:
            found[-1][1] += memory.PAGE_SIZE
        else:
            found.append([page.physical, page.physical + memory.PAGE_SIZE - 1])
        following = page.start + memory.PAGE_SIZE, page.physical + memory.PAGE_SIZE
    return found


def lines(start, last):
    """The number of frames and runs, and their addresses, in lines of RUN_COLUMNS."""
    counts, found = objects.enumerators("frame_run_counts"), runs(start, last)
    frames = sum(run[1] - run[0] + 1 for run in found) // memory.PAGE_SIZE
    said = ["%d %s %d %s" % (frames, text("TEXT_IN"), len(found), text("TEXT_RUN" if len(found) == 1 else "TEXT_RUNS"))]
    words = ["0x%08x" % first + ("" if end - first < memory.PAGE_SIZE else "..0x%08x" % end)
             for first, end in found[:counts["RUNS_SHOWN"]]]
    if len(found) > counts["RUNS_SHOWN"]:
        words.append("%s %d %s" % (text("TEXT_AND_MORE"), len(found) - counts["RUNS_SHOWN"], text("TEXT_MORE")))
    for word in words:
        if len(said[-1]) + 1 + len(word) > counts["RUN_COLUMNS"]:
            said.append(word)
        else:
            said[-1] += " " + word
    return said
