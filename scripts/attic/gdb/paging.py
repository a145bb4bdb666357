"""The page tables of the machine under gdb, and the registers that control paging.

Neighbours: attic/tables.py walks tables; memory.py reads; walks.py, maps.py and pgdiff.py show.
"""
from attic.gdb import memory
from attic.tables import FRAME, Tables

CR0_WP, CR0_PG, CR4_SMEP, CR4_SMAP, EFLAGS_AC = 1 << 16, 1 << 31, 1 << 20, 1 << 21, 1 << 18

_tables = Tables(memory.physical)
walk, pages, addresses, runs = _tables.walk, _tables.pages, _tables.addresses, _tables.runs
directory_entries, table_entries = _tables.directory_entries, _tables.table_entries


def paging_is_on():
    return bool(memory.register("cr0") & CR0_PG)


def loaded_directory():
    """Physical address of the directory in CR3. Meaningful while paging is on."""
    return memory.register("cr3") & FRAME


def smap_holds():
    """Whether SMAP keeps ring 0 from user pages now: not between stac and clac. In ring 3 EFLAGS.AC means something else, and every entry
    into ring 0 clears it."""
    inside = memory.register("cs") & 3 == 0 and memory.register("eflags") & EFLAGS_AC
    return bool(memory.register("cr4") & CR4_SMAP) and not inside
