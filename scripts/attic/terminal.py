"""Long lines on a terminal."""
import shutil
import textwrap


def folded(line: str, stream) -> str:
    """The line, folded at blanks where the stream is a terminal that is narrower. In a file or a pipe it stays whole, for grep."""
    if not stream.isatty():
        return line
    return textwrap.fill(line, shutil.get_terminal_size().columns, subsequent_indent='  ', break_long_words=False, break_on_hyphens=False)
