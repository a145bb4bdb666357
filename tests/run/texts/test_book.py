"""The book, docs/book/: each chapter has its parts, its excerpts are the sources of today, and what it links to is there. Its commands are run
with those of all documents (test_examples.py). First tests of the excerpts themselves."""
import re
import shutil
from xml.etree import ElementTree

import pytest

from attic import book, excerpts
from attic.build import ROOT, build_dir, for_make, ran
from programs import run_make

PARTS = ['The question', 'The idea', 'The code', 'Do this', 'What others do', 'What goes wrong', 'Questions', 'Answers', 'The lab']
CHAPTERS = book.chapters()

C = '''/* one() is first. */
static int one(void)
{
    return 1;
}

struct two {
    int a;
};
'''
ASM = '''first:
    nop
    ret

; Second.
global second
second:
    ret
'''


@pytest.fixture
def sources(tmp_path):
    (tmp_path / 'a.c').write_text(C)
    (tmp_path / 'b.asm').write_text(ASM)
    return tmp_path


def block(mark, language='c', inside=''):
    return f'text\n\n<!-- code: {mark} -->\n```{language}\n{inside}```\nmore\n'


def inside(text):
    return re.search(r'```\w+\n(.*?)```', text, re.S)[1]


def test_excerpts(sources, check):
    for mark, language, wanted in (
            ('a.c one', 'c', 'static int one(void)\n{\n    return 1;\n}\n'),
            ('a.c struct two', 'c', 'struct two {\n    int a;\n};\n'),
            ('a.c one, from "return" to "return"', 'c', '    return 1;\n'),
            ('b.asm first', 'nasm', 'first:\n    nop\n    ret\n'),
            ('b.asm second', 'nasm', 'second:\n    ret\n')):
        text = excerpts.update(block(mark, language), sources)
        check.equal(inside(text), wanted, f'{mark}: what the source has')
        check.equal(excerpts.problems(text, sources), [], f'{mark}: and nothing is wrong then')
        check.equal(excerpts.update(text, sources), text, f'{mark}: a second time nothing changes')
    [said] = excerpts.problems(block('a.c one', inside='static int one(void);\n'), sources)
    check.like(said, '^line 3: one of a.c is another one today', 'an excerpt of yesterday')


@pytest.mark.parametrize('text, why', [
    (block('a.c three'), 'a.c has no three'),
    (block('c.c one'), 'there is no file c.c'),
    (block('a.c struct one'), 'a.c has no struct one'),
    (block('a.c one, from "x" to "y"'), 'no lines there from "x" to "y"'),
    (block('a.c'), 'line 3: a mark is'),
    (block('a.c one', 'nasm'), 'line 3: a fence follows, ```c'),
    ('<!-- code: a.c one -->\n', 'line 1: a fence follows'),
    ('<!-- code: a.c one -->\n\n```c\n```\n', 'line 1: a fence follows'),
])
def test_what_is_wrong(sources, text, why, check):
    check.true(excerpts.problems(text, sources)[0].startswith(why), f'{why}: a sentence', excerpts.problems(text, sources))


def prose(text):
    """Without code, outputs and marks."""
    return re.sub(r'^```.*?^```$|<!--.*?-->', '', text, flags=re.S | re.M)


def words(text):
    """How many, without the addresses of links."""
    return sum(1 for word in re.sub(r'\]\([^)]*\)', '', prose(text)).split() if re.search(r'\w', word))


def section(text, name):
    return re.search(rf'^## {name}\n(.*?)(?=^## |\Z)', text, re.S | re.M)[1]


@pytest.mark.parametrize('path', CHAPTERS, ids=lambda path: path.stem)
def test_chapter(path, check):
    text, name = path.read_text(), path.stem
    check.like(text, rf'\A# {int(name[:2])}\. \S', f'{name}: its number and title')
    check.equal(re.findall(r'^## (.*)$', text, re.M), PARTS, f'{name}: its parts')
    check.equal(excerpts.problems(text), [], f'{name}: its excerpts are those of today; scripts/book update writes them')
    check.true(1500 <= words(text) <= 3000, f'{name}: 1500 to 3000 words', words(text))
    for part in ('Questions', 'Answers'):
        check.equal(re.findall(r'^(\d)\. ', section(text, part), re.M), list('12345'), f'{name}: five {part.lower()}')
    check.like(section(text, 'The idea'), r'^!\[[^]]{20,}\]\(figures/[\w-]+\.svg\)$', f'{name}: a figure with a text for it')
    links = [link.partition('#')[0] for link in re.findall(r'\]\((?!https?:)([^)]+)\)', prose(text))]
    check.equal([link for link in links if link and not (path.parent / link).exists()], [], f'{name}: what it links to is there')
    check.equal([line for line in text.splitlines() if len(line) > 140], [], f'{name}: lines of 140 characters at most')


def test_figures(tmp_path, check):
    """They are drawn again, from the kernel under test: whose addresses may differ from those in the book."""
    done = ran(ROOT / 'scripts/figures', plain_iso(), tmp_path, timeout=300)
    check.equal(done.stdout, '', 'scripts/figures is silent')
    names = {path.name for path in tmp_path.iterdir()}
    check.equal(names, {path.name for path in (ROOT / 'docs/book/figures').iterdir()}, 'the figures of the book')
    for name in names:
        root = ElementTree.parse(tmp_path / name).getroot()
        check.true(len(list(root.iter())) > 20 and root.find('{http://www.w3.org/2000/svg}title') is not None, f'{name}: a picture with a title')


def plain_iso():
    iso = build_dir() / 'plain/attic.iso'
    said, status = run_make(for_make(iso))
    assert status == 0, said
    return iso


def test_site(tmp_path, check):
    """Every page can be opened as a file: what it refers to lies beside it."""
    if not shutil.which('mkdocs'):
        pytest.skip('mkdocs is missing: make setup-web installs it')
    book.site(tmp_path / 'work', tmp_path / 'site')
    pages = sorted((tmp_path / 'site').rglob('*.html'))
    check.true(len(pages) > len(CHAPTERS), 'a page for each chapter', pages)
    for page in pages:
        wanted = re.findall(r'(?:<(?:link|script|img)[^>]*? (?:href|src)|<a [^>]*?href)="([^"#]+)', page.read_text())
        bad = [one for one in wanted if not re.match('https?:|mailto:|data:', one) and not (page.parent / one).exists()]
        check.equal(bad, [], f'{page.name}: what it refers to is there')
        outside = re.findall(r'<(?:link|script|img)[^>]*? (?:href|src)="(https?:[^"]+)"', page.read_text())
        check.equal(outside, [], f'{page.name}: it loads nothing from elsewhere')


def test_all(check):
    check.equal([path.stem[:2] for path in CHAPTERS], [f'{number:02}' for number in range(1, len(CHAPTERS) + 1)], 'no chapter is missing')
    used = {figure for path in CHAPTERS for figure in re.findall(r'\(figures/([\w-]+\.svg)\)', path.read_text())}
    check.equal({path.name for path in (ROOT / 'docs/book/figures').glob('*')}, used, 'the figures are those of the chapters')
