"""Load the package scripts/attic/gdb: the command `attic` and the pretty-printers. scripts/gdb/attic.gdb sources it."""
import os
import sys

sys.dont_write_bytecode = True  # nothing is written outside build/
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import attic.gdb.commands  # noqa: E402 (only now can it be found)

attic.gdb.commands.register()
