"""The text screen and the keyboard of a machine, as a user in front of it has them."""

COLUMNS, ROWS, MEMORY_ROWS = 80, 25, 204
VGA = 0xb8000
ORIGIN, CURSOR = 0x0c, 0x0e  # registers of the CRT controller: the upper half of each, the lower follows

KEYS = {' ': 'spc', '\n': 'ret', '\t': 'tab', '-': 'minus', '=': 'equal', '[': 'bracket_left', ']': 'bracket_right', ';': 'semicolon',
        "'": 'apostrophe', '`': 'grave_accent', '\\': 'backslash', ',': 'comma', '.': 'dot', '/': 'slash'}
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', '`1234567890-=[]\\;\',./'))


class Screen:
    def __init__(self, machine):
        self._machine = machine

    def text(self) -> str:
        """The 25 lines that are shown."""
        return self._lines(VGA + 2 * self._register(ORIGIN), ROWS)

    def memory(self) -> str:
        """All of the screen's memory, including lines that have been scrolled out."""
        return self._lines(VGA, MEMORY_ROWS)

    def colours(self) -> bytes:
        """A byte for each cell of the 25 lines."""
        return self._cells(VGA + 2 * self._register(ORIGIN), ROWS)[1::2]

    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        return divmod(self._register(CURSOR) - self._register(ORIGIN), COLUMNS)

    def _cells(self, address, rows):
        return self._machine.physical(address, 2 * COLUMNS * rows)

    def _lines(self, address, rows):
        cells = self._cells(address, rows)[::2].decode('latin-1')
        lines = (cells[at:at + COLUMNS].rstrip('\0 ') for at in range(0, len(cells), COLUMNS))
        return ''.join(line + '\n' for line in lines)

    def _register(self, index):
        """Two neighbouring registers as one number. The machine may write them in between; then read again."""
        number = 0
        for i in (index, index + 1):
            self._machine.monitor(f'o /b 0x3d4 {i:#04x}')
            number = number << 8 | int(self._machine.monitor('i /b 0x3d5').split('=')[1], 16)
        return number

    def press(self, *keys: str):
        """Press keys of the keyboard, by QEMU's names (`shift-a`, `ctrl-c`, `left`), one after the other. A key that ends the machine may
        get no answer."""
        for key in keys:
            try:
                said = self._machine.monitor(f'sendkey {key} 2')
            except EOFError:
                if self._machine.watch.qmp.connected:
                    raise
                return
            if said.strip():
                raise ValueError(f'sendkey {key}: {said}')
            self._machine.pump(0.02)

    def type(self, text: str):
        """Type a text on the keyboard, US layout."""
        self.press(*map(key_of, text))


def key_of(character: str) -> str:
    if character in SHIFTED:
        return 'shift-' + key_of(SHIFTED[character])
    if character.isupper():
        return 'shift-' + character.lower()
    return KEYS.get(character, character)
