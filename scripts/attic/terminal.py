"""Long lines on a terminal."""
import os
import re
import textwrap

KERNEL_COLUMNS = 79  # of printk_folded()


def folded(line: str, stream) -> str:
    """The line, folded at blanks where the stream is a terminal that is narrower. In a file or a pipe it stays whole, for grep."""
    if not stream.isatty():
        return line
    columns = os.get_terminal_size(stream.fileno()).columns or 80
    return textwrap.fill(line, columns, subsequent_indent='  ', break_long_words=False, break_on_hyphens=False)


def unfolded(lines: list[str]) -> list[str]:
    """The lines, each whole that the kernel has folded: what follows is indented by two more, and its first word would not have fitted."""
    whole: list[str] = []
    room = indent = 0
    for line in lines:
        blanks, word = re.match('( *)([^ ]*)', line).groups()
        if whole and len(blanks) == indent + 2 and room < 1 + len(word):
            whole[-1] += ' ' + line.lstrip()
        else:
            indent = len(blanks)
            whole.append(line)
        room = KERNEL_COLUMNS - len(line)
    return whole
