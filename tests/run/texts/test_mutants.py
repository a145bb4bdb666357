"""Kernels broken on purpose: each fits the sources, which it does not change; one that does not fit is reported. The examples of
docs/mistakes.md boot them."""
import pytest

from attic.build import ROOT
from attic.mutants import FOLDER, Misfit, Mutant, names, prepare
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


@pytest.mark.parametrize('name', names())
def test_fits(name, check):
    mutant = Mutant.read(name)
    changed = mutant.apply()
    check.true(all(text != (ROOT / file).read_text() for file, text in changed.items()), f'{name}: changes what it names')
    check.true(mutant.sentence.endswith('.'), f'{name}: a sentence')


def test_reading(tree, check):
    (tree / 'good').write_text(GOOD)
    mutant = Mutant.read('good', tree)
    check.equal((mutant.sentence, mutant.breaks), ('It is wrong.', 'I1'), 'the sentence, and what breaks')
    check.equal(mutant.apply(tree), {'mm/a.c': SOURCE[:-len('    x = 1;\n    x = 1;\n}\n')] + '    x = 2;\n    x = 1;\n}\n'}, 'the change')
    check.equal((tree / 'mm/a.c').read_text(), SOURCE, 'the source stays')


@pytest.mark.parametrize('what', BAD)
def test_misfits(what, tree, check):
    text, answer = BAD[what]
    (tree / 'bad').write_text(text)
    with pytest.raises(Misfit) as why:
        Mutant.read('bad', tree).apply(tree)
    check.like(str(why.value), answer, f'{what}: refused')


def test_folder(tmp_path, check):
    """What was built from the correct sources is used again, except for what the broken ones change."""
    build, mutant = tmp_path / 'build', Mutant.read('vfree-no-flush')
    for name in ('flags', 'mm/kva/vmalloc.c.o', 'mm/kva/vmalloc.c.o.d', 'mm/kva/lowmem.c.o', 'mm/kva/lowmem.c.o.d'):
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_text(f'{build}/{name[:-2]}: {name[:-4]} include/x.h\n')
    folder, broken = prepare(mutant, build)
    check.equal(broken, ['mm/kva/vmalloc.c'], 'the files that are broken')
    check.true(not (folder / 'mm/kva/vmalloc.c.o').exists() and (folder / 'mm/kva/lowmem.c.o').exists(), 'one object is to be made again')
    check.equal((folder / 'broken/mm/kva/vmalloc.c').read_text(), mutant.apply()['mm/kva/vmalloc.c'], 'of the broken source')
    check.like((folder / 'mm/kva/lowmem.c.o.d').read_text(), f'^{folder}/mm', 'the others with their dependencies')


@pytest.mark.parametrize('name', ['nothing', '../README', FOLDER.name, 'kva'])
def test_unknown(name, check):
    said, status = run_make('run', f'BUG={name}')
    check.equal(status, 2, f'BUG={name}: make fails')
    check.like(said, r'^bug: (?:no kernel is broken in this way|.* is not a name of a mutant).*\n.*no kernel is broken by BUG=', f'BUG={name}: a line')
