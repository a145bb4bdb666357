"""Mutants and variants: each fits the sources, which it does not change; one that does not fit is reported. The examples of
docs/mistakes.md and docs/variants.md boot them, tests/run/builds/test_variants.py runs the self-tests on the variants."""
from dataclasses import replace

import pytest

from attic.build import ROOT
from attic.changes import BUGS, VARIANTS, Change, Misfit, names, prepare
from programs import run_make

GOOD = 'It is wrong.\nBreaks: I1\n\nmm/a.c: two\n     int x;\n-    x = 1;\n+    x = 2;\n'
SOURCE = 'int one(void)\n{\n    int x;\n    x = 1;\n}\n\nint two(void);\nint two(void)\n{\n    int x;\n    x = 1;\n    x = 1;\n}\n'

BAD = {
    'no place': ('It is wrong.\nBreaks: I1\n', 'at least one place'),
    'no invariant': (GOOD.replace('Breaks: I1', ''), 'a sentence, `Breaks:`'),
    'no file': (GOOD.replace('a.c', 'b.c'), 'there is no file mm/b.c'),
    'no function': (GOOD.replace('two', 'three'), 'there is no function or label three'),
    'a line that is not there': (GOOD.replace('x = 1', 'x = 3'), 'has these lines 0 times'),
    'a line that is there twice': (GOOD.replace('     int x;\n', ''), 'has these lines 2 times'),
    'nothing that is there': (GOOD.replace('     int x;\n-    x = 1;\n', ''), 'at least one line that is there'),
    'an option that is none': (GOOD.replace('I1', 'I1\nWith: RAM=1G'), 'With: takes DEBUG, CPU, MEM, not RAM'),
    'no mark': (GOOD.replace('-    x', '*    x'), 'begins with a blank, - or +'),
}


@pytest.fixture
def tree(tmp_path):
    (tmp_path / 'mm').mkdir()
    (tmp_path / 'mm/a.c').write_text(SOURCE)
    return tmp_path


@pytest.mark.parametrize('name, kind', [pytest.param(name, kind, id=name) for kind in (BUGS, VARIANTS) for name in names(kind)])
def test_fits(name, kind, check):
    change = Change.read(name, kind)
    changed = change.apply()
    check.true(all(text != (ROOT / file).read_text() for file, text in changed.items()), f'{name}: changes what it names')
    check.true(change.sentence.endswith('.'), f'{name}: a sentence')


def read(name, tree):
    return Change.read(name, replace(BUGS, source=tree))


def test_reading(tree, check):
    (tree / 'good').write_text(GOOD)
    mutant = read('good', tree)
    check.equal((mutant.sentence, mutant.what), ('It is wrong.', 'I1'), 'the sentence, and what breaks')
    check.equal(mutant.apply(tree), {'mm/a.c': SOURCE[:-len('    x = 1;\n    x = 1;\n}\n')] + '    x = 2;\n    x = 1;\n}\n'}, 'the change')
    check.equal((tree / 'mm/a.c').read_text(), SOURCE, 'the source stays')


@pytest.mark.parametrize('what', BAD)
def test_misfits(what, tree, check):
    text, answer = BAD[what]
    (tree / 'bad').write_text(text)
    with pytest.raises(Misfit) as why:
        read('bad', tree).apply(tree)
    check.like(str(why.value), answer, f'{what}: refused')


def test_folder(tmp_path, check):
    """What was built from the correct sources is used again, except for what the changed ones are part of."""
    build, mutant = tmp_path / 'build', Change.read('vfree-no-flush', BUGS)
    for name in ('flags', 'mm/kva/vmalloc.c.o', 'mm/kva/vmalloc.c.o.d', 'mm/kva/lowmem.c.o', 'mm/kva/lowmem.c.o.d'):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(f'{build}/{name[:-2]}: {name[:-4]} include/x.h\n')
    folder, changed = prepare(mutant, build)
    check.equal(changed, ['mm/kva/vmalloc.c'], 'the files that are changed')
    check.true(not (folder / 'mm/kva/vmalloc.c.o').exists() and (folder / 'mm/kva/lowmem.c.o').exists(), 'one object is to be made again')
    check.equal((folder / 'changed/mm/kva/vmalloc.c').read_text(), mutant.apply()['mm/kva/vmalloc.c'], 'of the changed source')
    check.like((folder / 'mm/kva/lowmem.c.o.d').read_text(), f'^{folder}/mm', 'the others with their dependencies')


@pytest.mark.parametrize('variable, name, answer', [
    *(('BUG', name, 'bug: no kernel is broken in this way: ') for name in ('nothing', '../README', 'mutants', 'kva', 'cow-eager')),
    ('VARIANT', 'pde-late', 'variant: there is no such variant: pde-late; scripts/variant lists them'),
    ('BUG', 'pde-late user-bit', r'.* BUG= or VARIANT= takes one name'),
    ('VARIANT', "it's", r'.* BUG= or VARIANT= takes one name'),
])
def test_unknown(variable, name, answer, check):
    said, status = run_make('run', f'{variable}={name}')
    check.equal(status, 2, f'{variable}={name}: make fails')
    check.like(said, f'^{answer}', f'{variable}={name}: a line')
