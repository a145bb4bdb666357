"""What a student hands in: the files of the lab, and nothing else. They are compiled as part of the teacher's tree, so they must not reach
for anything there that is not theirs, the reference first of all.
"""
import re
from pathlib import Path

from attic.lab.lab import Lab

LARGEST = 256 << 10
COMMENTS = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
# What an exercise in C does not need: refused where the file that the student was given has less of it.
FORBIDDEN = {
    r'\b(?:__)?asm(?:__)?\b': 'assembly',
    r'##|%:%:': 'pasted tokens',
    r'\bsection\b|\b__section\b': 'sections of its own',
    r'\bKTEST\w*': 'self-tests',
    r'^[ \t]*(?:#|%:)[ \t]*(?:embed|pragma|include_next|line|\d+)\b|\b_Pragma\b': 'directives other than those of C',
}
INCLUDE = re.compile(r'^[ \t]*(?:#|%:)[ \t]*include\b[ \t]*(.*)', re.M)
HEADER = re.compile(r'<[\w/-]+\.h>')


class Unacceptable(Exception):
    """Why a file is not compiled: a sentence for the student."""


def take(lab: Lab, folder: Path) -> dict[str, str]:
    """The texts of the lab's files in a student's folder."""
    texts = {file: text_of(folder, file) for file in lab.files}
    return texts if lab.is_hunt else {file: checked(file, text, lab.text(file)) for file, text in texts.items()}


def text_of(folder: Path, file: str) -> str:
    path = folder / file
    if not path.exists():  # uploaded without its folders
        path = folder / Path(file).name
    if any(parent.is_symlink() for parent in (path, *path.parents) if folder in (parent, *parent.parents)) or not path.is_file():
        raise Unacceptable(f'{file} is not there, or is no ordinary file')
    if path.stat().st_size > LARGEST:
        raise Unacceptable(f'{file} is larger than {LARGEST >> 10} KiB')
    try:
        return path.read_bytes().decode('ascii').replace('\r\n', '\n')
    except UnicodeDecodeError:
        raise Unacceptable(f'{file} has characters that are not ASCII') from None


def bare(text: str) -> str:
    """The code that the compiler sees: lines joined, without comments."""
    return COMMENTS.sub(' ', text.replace('??/\n', '').replace('\\\n', ''))


def checked(file: str, text: str, reference: str = '') -> str:
    code = bare(text)
    # <asm/errno.h> is no assembly; what is included is judged below.
    statements, given = (INCLUDE.sub('', one) for one in (code, bare(reference)))
    for pattern, what in FORBIDDEN.items():
        if len(re.findall(pattern, statements, re.M)) > len(re.findall(pattern, given, re.M)):
            raise Unacceptable(f'{file} has {what}, which this lab does not need')
    for included in INCLUDE.findall(code):
        if not HEADER.fullmatch(included.strip()):
            raise Unacceptable(f'{file} includes something else than a header of the kernel')
    return text
