"""The documents name what exists: the files and make's targets that they mention exist, and so do the tests in docs/invariants.md and the
rows of docs/bench.md. The examples are compared in test_examples.py."""
import re

import pytest

from attic.build import ROOT, source_files

STAGES = '_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal'.split()
FOLDERS = 'boot arch lib mm drivers fs kernel user tests scripts docs include web'.split()
DOCUMENTS = sorted(file for file in source_files()
                   if re.fullmatch(r'CONTRIBUTING\.md|(?:[^/]+/){0,3}README\.md|docs/[^/]+\.md|scripts/help\.txt', file))


def text_of(file):
    return (ROOT / file).read_text()


def test_readme_and_help(check):
    check.true(len(text_of('README.md').splitlines()) <= 180, 'README fits on a page')
    long = [line for line in text_of('scripts/help.txt').splitlines() if len(line) > 80]
    check.equal(long, [], 'make help fits a terminal of 80 columns')
    for stage in STAGES:
        check.like(text_of('docs/gdb.md'), rf'`{stage}`', f'docs/gdb.md names the stage {stage}')


@pytest.mark.parametrize('document', DOCUMENTS)
def test_what_is_named_exists(document, check):
    """Names in code spans; not built files (build/...), nor patterns and placeholders (docs/*.md, user/NAME.c)."""
    text = text_of(document)
    code = re.findall('`([^`\n]+)`', text) if document.endswith('.md') else []
    code += re.findall(r'^(?:\$ )?(make .*)$', text, re.M)
    paths = [path for path in code if re.fullmatch(rf'(?:{"|".join(FOLDERS)})/[\w./-]+', path) and not re.search('[A-Z]{3}', path)]
    own = (ROOT / document).parent / 'files'  # of a lab
    check.equal([path for path in paths if not ((ROOT / path).exists() or (own / path).exists())], [], f'{document}: the files that it names exist')
    asked = [found[1] for text in code if (found := re.search(r'\bmake ((?:[a-z][\w.-]*\b(?!=) ?)+)', text))]
    targets = re.findall(r'^([a-z][\w.\- ]*):(?!=)', text_of('Makefile') + text_of('web/web.mk'), re.M)
    missing = set(' '.join(asked).split()) - set(' '.join(targets).split())
    check.equal(sorted(missing), [], f'{document}: the targets of make that it names exist')


def test_reading_path(check):
    files = [file for row in re.findall(r'^\| (`.*?) \|', text_of('docs/reading.md'), re.M) for file in re.findall('`([^`]+)`', row)]
    lines = sum(text_of(file).count('\n') for file in files)
    check.true(lines > 4000, 'docs/reading.md leads through the kernel', f'{lines} lines')
    check.true(lines <= 8000, 'in a weekend', f'{lines} lines')


def test_rows_of_the_bench(check):
    """The rows of Linux's figures, the computed ones, and no others."""
    explained = {name for row in re.findall(r'^\| (`.*?) \|', text_of('docs/bench.md'), re.M) for name in re.findall(r'`(\w+)`', row)}
    computed = set(re.findall(r"\bshow\('(\w+)'", text_of('scripts/bench'))) | {'growth_5000', 'growth_14000'}
    figures = set(re.findall(r'^(\w+) \d+$', text_of('tests/peers/linux/figures'), re.M))
    check.equal(sorted(explained), sorted(computed | figures), 'docs/bench.md explains each row, and only rows that are there')


def test_invariants(check):
    """Names of tests, as suite.name or suite.*; of files; of functions."""
    sources = ''.join(text_of(file) for file in source_files() if re.match(r'(?:tests|mm|arch)/.*\.c$', file))
    tests = [f'{suite}.{name}' for suite, name in re.findall(r'KTEST(?:_SLOW)?\((\w+), (\w+)\)', sources)]
    invariants = text_of('docs/invariants.md')
    for name in re.findall(r'`([a-z0-9_]+\.[a-z0-9_*]+)`', invariants):
        if name.endswith(('.py', '.c')):
            check.true(any((ROOT / 'tests').rglob(name)), f'docs/invariants.md: {name} exists')
        else:
            pattern = re.compile(name.replace('.', r'\.').replace('*', r'\w*'))
            check.true(any(map(pattern.fullmatch, tests)), f'docs/invariants.md: a test {name} exists')
    for name in re.findall(r'`(\w+_\w+)`', invariants):
        check.like(sources, rf'\b{name}\(', f'docs/invariants.md: {name}() exists')
