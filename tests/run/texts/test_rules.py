"""Rules that can be checked by reading the sources. An object that others find through a pointer is removed from there before its reference
is dropped, because destroying it may yield (include/lib/detach.h): so references are dropped through such a pointer only by detach() or
exchange(), and the fields of a task for its objects are cleared in no other way. And no text uses certain words for which there are plainer
ones."""
import re

import pytest

from attic.build import ROOT, source_files

GIVES_BACK = re.compile(r'\b(?:\w+_(?:put|close|end_program)|files_free|signals_free)\(\w+(?:->|\.)[^(),;]*\)')
EMPTIES = re.compile(r'\w+->(?:mm|files|signals|cwd|exe) = NULL')
RARE = re.compile(r'\b(?:shall|whoever|anew|mend(?:s|ed)?|takes along|told wrong|goes on drawing|dies of it|in plain letters|gives? turns|'
                  r'given turns|(?:and|or) (?:its|their) like)\b', re.I)


def broken(text):
    """The places in a text that break the rule; comments are ignored."""
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    return GIVES_BACK.findall(text) + EMPTIES.findall(text)


@pytest.mark.parametrize('code, wanted', [
    ('inode_put(task->cwd);', ['inode_put(task->cwd)']),
    ('inode_end_program(task->exe);', ['inode_end_program(task->exe)']),
    ('file_close(files->file[fd]);', ['file_close(files->file[fd])']),
    ('old = task->mm; task->mm = NULL; mm_put(old);', ['task->mm = NULL']),
    ('inode_put(detach(&task->cwd));', []),
    ('inode_put(exchange(&walk->dir, dir));', []),
    ('user_name_put(&names->old);', []),
    ('/* inode_put(task->cwd) */ inode_put(inode);', []),
    ('files_free(current->files);', ['files_free(current->files)']),
])
def test_told_apart(code, wanted, check):
    check.equal(broken(code), wanted, f'told apart: {code}')


def test_what_others_find_is_not_given_back(check):
    files = [file for file in source_files() if re.match(r'(?:arch|drivers|fs|kernel|lib|mm|include)/.*\.[ch]$', file)]
    check.true(len(files) > 100, 'the sources are there', files)
    found = [f'{file}: {place}' for file in files for place in broken((ROOT / file).read_text())]
    check.equal(found, [], 'no object is given back while others find it')


def test_plain_words(check):
    """LICENSE is not ours, and this file has to name them."""
    files = [file for file in source_files() if file not in ('LICENSE', 'tests/run/texts/test_rules.py')]
    check.equal([f'{file}: {word}' for file in files for word in RARE.findall((ROOT / file).read_text(errors='replace'))], [],
                'plain words')
