"""What a machine's `meminfo` tells."""
import re


def free_kb(machine):
    """The free memory; -1 when there is no such line."""
    found = re.search(r'^MemFree: +(\d+) kB', machine.run('meminfo'), re.M)
    return int(found[1]) if found else -1
