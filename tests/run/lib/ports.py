"""I/O ports of a machine, as QEMU's monitor reads them."""


def read_port(machine, port):
    """The byte there."""
    return int(machine.monitor(f'i /b {port:#x}').split('=')[1], 16)
