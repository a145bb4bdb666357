"""What a student hands in: the files of the lab, and nothing else. They are compiled as part of the teacher's tree, so they must not reach
for anything there that is not theirs, the reference first of all.
"""
import json
import re
from pathlib import Path

from attic.lab.lab import Lab

LARGEST = 256 << 10
GIVEN = 'given.json'  # in a student's tree: for each file, how often it may have what is forbidden
# Strings are found so that nothing in them is taken for a comment, or the other way round; where compilers differ in what they do, the text is
# refused.
TOKENS = re.compile(r'''(?P<raw>\b(?:u8|[uUL])?R")|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<open>["']|/\*)''',
                    re.S)
DIRECTIVES = 'include|define|undef|if|ifdef|ifndef|elif|else|endif|error'
# What an exercise in C does not need.
FORBIDDEN = {
    r'\b(?:__)?asm(?:__)?\b': 'assembly',
    r'##|%:%:': 'pasted tokens',
    r'\bsection\b|\b__section\b': 'sections of its own',
    r'\bKTEST\w*': 'self-tests',
    r'\b__builtin_(?:frame_address|return_address|setjmp|longjmp|apply)': 'a look at the stack',
    r'\b__has_\w+': 'questions about headers and the compiler',
    rf'^[ \t]*(?:#|%:)[ \t]*(?!(?:{DIRECTIVES})\b)\w+|\b_Pragma\b': 'directives other than those of C',
}
INCLUDE = re.compile(r'^[ \t]*(?:#|%:)[ \t]*include\b[ \t]*(.*)', re.M)
HEADER = re.compile(r'<[\w/-]+\.h>')


class Unacceptable(Exception):
    """Why a file is not compiled: a sentence for the student."""


def take(lab: Lab, folder: Path) -> dict[str, str]:
    """The texts of the lab's files in a student's folder."""
    texts = {file: text_of(folder, file) for file in lab.files}
    return texts if lab.is_hunt else {file: checked(file, text, allowed(lab, file)) for file, text in texts.items()}


def allowed(lab: Lab, file: str) -> dict[str, int]:
    """How often a file may have what is forbidden: as often as the complete one. A student's tree has this number instead of that file."""
    given = lab.folder / GIVEN
    return json.loads(given.read_text())[file] if given.exists() else counts(lab.text(file))


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
    except UnicodeDecodeError as why:
        line = why.object[:why.start].count(b'\n') + 1
        raise Unacceptable(f'{file}, line {line}: a character is not ASCII, which comments must be, too') from None
    except OSError as why:
        raise Unacceptable(f'{file} cannot be read: {why.strerror}') from None


def joined(text: str) -> str:
    """Without ends of lines behind a backslash, as gcc joins them: also with blanks between."""
    return re.sub(r'\\[ \t]*\n', '', text)


def bare(text: str) -> str:
    """The code that the compiler sees: lines joined, and without comments."""
    return TOKENS.sub(lambda token: ' ' if token['comment'] else token[0], joined(text))


def counts(text: str) -> dict[str, int]:
    """How often a text has what is forbidden."""
    # <asm/errno.h> is no assembly; what is included is judged elsewhere.
    statements = INCLUDE.sub('', bare(text))
    return {what: found for pattern, what in FORBIDDEN.items() if (found := len(re.findall(pattern, statements, re.M)))}


def checked(file: str, text: str, allowed: dict[str, int]) -> str:
    if strange := re.search(r'[^\n\t -~]', text):
        raise Unacceptable(f'{file} has the control character {strange[0]!r}')
    for kind, what in {'raw': 'a raw string', 'open': 'a string, a character or a comment that does not end'}.items():
        if any(token[kind] for token in TOKENS.finditer(joined(text))):
            raise Unacceptable(f'{file} has {what}, which this lab does not need')
    for what, found in counts(text).items():
        if found > allowed.get(what, 0):
            raise Unacceptable(f'{file} has {what}, which this lab does not need')
    for included in INCLUDE.findall(bare(text)):
        if not HEADER.fullmatch(included.strip()):
            raise Unacceptable(f'{file} includes something else than a header of the kernel')
    return text
