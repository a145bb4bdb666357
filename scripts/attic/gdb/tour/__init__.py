"""The tour of the memory: `make tour`."""
