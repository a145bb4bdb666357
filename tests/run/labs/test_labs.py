"""The labs (labs/README.md): a student's tree, what is taken of it, and the grader. `make labs` grades the holes, the reference and all wrong
solutions of each lab; here two labs grade holes and reference, one of each kind."""
import json
import os
import re
from contextlib import contextmanager

import pytest

from attic import excerpts, ktap
from attic.build import ROOT, build_dir, for_make, make, ran
from attic.changes import BUGS, Change
from attic.lab import bench, grade, hunt, lab, prove, submission, tree
from attic.lab.bench import Bench
from attic.lab.holes import emptied, parameters

NAMES, GRADED = lab.names(), ('walk', 'hunt')

SOURCE = '''#include <lib/types.h>

/* What two() needs. */
static int helper(int x)
{
    return x + 1;
}

static LIST_HEAD(all); /* a variable */

/* It stays. */
static int shared(int x)
{
    return x;
}

static inline int given(int x)
{
    return 2 * x;
}

/* Returns twice x. */
int two(int x)
{
    return helper(x) + shared(given(x));
}

int three(void)
{
    return shared(3);
}
'''


def test_holes(check):
    text = emptied('x.c', SOURCE, ['two'], [], 'demo')
    check.like(text, r'/\* Returns twice x\. \*/\nint two\(int x\)\n\{\n    \(void\)x;\n    panic\("lab demo: two\(\) in x\.c is yours to write"\);\n',
               'the body is gone, the comment stays')
    check.like(text, r'^#include <lib/types\.h>\n#include <lib/panic\.h>$', 'what the panic needs is included')
    check.unlike(text, r'helper|What two|given', 'and with it the functions that only it uses')
    check.like(text, r'static LIST_HEAD\(all\).*\n\n.*It stays.*\nstatic int shared', 'others stay, and variables that macros make')
    check.equal([parameters(head) for head in ('int f(void)', 'int f(u32 a, const char *b)', 'int f(int (*g)(int, int), char c[4])')],
                [[], ['a', 'b'], ['g', 'c']], 'parameters are found, so that nothing warns of them')
    kept = emptied('x.c', SOURCE, ['two'], ['helper'], 'demo')
    check.like(kept, r'What two\(\) needs\. \*/\nstatic __maybe_unused int helper', 'a helper that is given stays, and nothing warns')
    for functions, why in ((['four'], 'has no function four'), (['shared('], 'has no function')):
        with pytest.raises(lab.Refused) as refused:
            emptied('x.c', SOURCE, functions, [], 'demo')
        check.like(str(refused.value), why, f'{functions[0]}: a sentence')


def small_lab(tmp_path):
    return lab.Lab(tmp_path, 'demo', {FILE: ['f']}, {FILE: []}, [])


FILE = 'mm/kva/vmalloc.c'  # one without assembly and the like

BAD = {
    'asm("nop");': 'assembly',
    '__a\\\nsm__ volatile ("nop");': 'assembly',
    '#define JOIN(a, b) a##b': 'pasted tokens',
    '#include "mm/kva/vmalloc.c"': 'includes something else',
    '#include </etc/passwd>': 'includes something else',
    '#include <mm/../../answer.h>': 'includes something else',
    '#define H <mm/kva/vmalloc.c>\n#include H': 'includes something else',
    'int x __attribute__((section(".ktest")));': 'sections of its own',
    'KTEST(vmalloc, mine) { }': 'self-tests',
    '# pragma weak panic': 'directives other',
    '#line 1 "::notice title=Autograding report::100"': 'directives other',
    '# 1 "::notice"': 'directives other',
    '#import "mm/kva/vmalloc.c"': 'directives other',
    '// ??/\n#include "mm/kva/vmalloc.c"': 'includes something else',
    '#inc\\ \nlude "mm/kva/vmalloc.c"': 'includes something else',
    'char a[] = "/*";\n#include "mm/kva/vmalloc.c"\nchar b[] = "*/";': 'includes something else',
    "int a = '\"'; /* \" */ asm(\"nop\"); // \"": 'assembly',
    'char a[] = R"(" /* )";\n#include "mm/kva/vmalloc.c"\n// */': 'raw string',
    '#if __has_include(<a/*b>)\n#endif\n#include "mm/kva/vmalloc.c"\n/* */': 'questions about headers',
    '#if 0\ndon\'t /*\n#endif\n__asm__("nop");\n/* */': 'does not end',
    '#define A it\'s /*\n__asm__("nop");\n/* */': 'does not end',
    '#define A "it is /*\n__asm__("nop");\n/* */': 'does not end',
    'int a; /* to the end': 'does not end',
    '#if 0\ndon\'t /*\n#endif\n__asm__("nop");\n#if 0\n*/ \'\n#endif': 'does not end',
    '\f#include "mm/kva/vmalloc.c"': 'control character',
    '#\0include "mm/kva/vmalloc.c"': 'control character',
}


def test_what_is_taken(tmp_path, check):
    one, folder = small_lab(tmp_path), tmp_path / 'student'
    (folder / FILE).parent.mkdir(parents=True)

    def refusal():
        try:
            return f'taken: {submission.take(one, folder)}'
        except submission.Unacceptable as why:
            return str(why)

    check.like(refusal(), rf'^{FILE} is not there', 'no file')
    for text, what in BAD.items():
        (folder / FILE).write_text(f'{text}\n')
        check.like(refusal(), what, f'refused: {text!r}')
    good = '#include <mm/frame/page.h>\n#include <asm/errno.h>\n/* asm, ##, #include "x" */\nint f(void) { return 1; } // KTEST\n'
    (folder / FILE).write_text(good)
    (folder / 'Makefile').write_text('all:\n\tfalse\n')
    check.equal(submission.take(one, folder), {FILE: good}, 'the file of the lab is taken, and nothing else')
    (folder / FILE).write_bytes(b'// \xc3\xa4\n')
    check.like(refusal(), 'line 1: a character is not ASCII', 'not ASCII')
    (folder / FILE).write_text(' ' * (submission.LARGEST + 1))
    check.like(refusal(), 'larger than', 'too large')
    (folder / FILE).unlink()
    (folder / FILE).symlink_to('/etc/passwd')
    check.like(refusal(), 'no ordinary file', 'a link')
    (folder / FILE).unlink()
    (folder / FILE).write_text('asm("nop");\n')
    (tmp_path / submission.GIVEN).write_text(json.dumps({FILE: {'assembly': 1}}))
    check.like(refusal(), '^taken', "a student's tree knows what the complete file has")
    (folder / FILE).write_text('asm("nop"); asm("nop");\n')
    check.like(refusal(), 'assembly', 'and forbids more')


def test_what_is_compiled(tmp_path, check, monkeypatch):
    """What reaches for all that the machine has, or for what is not its own."""
    one = lab.read('vmalloc')

    def compiled(more):
        (tmp_path / FILE).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / FILE).write_text(one.text(FILE) + more)
        grading = grade.Grading(one, tmp_path, name='refused')
        return grading, grading.built()
    check.like(compiled('char mine[256 << 20] = {1};\n')[1], '(?i)file.* too (?:large|big)|File size limit', 'it fills the disk')
    with monkeypatch.context() as open_door:
        open_door.setattr(submission, 'checked', lambda file, text, allowed: text)
        check.like(compiled('#include "tests/mm/chain.h"\n')[1], 'includes tests/mm/chain.h, which is no header', 'it includes what is no header')
    grading, reason = compiled('static u16 all_tasks __used, zones __used;\n')
    check.equal(reason, None, 'it has variables with names that the kernel has')
    found, own = Bench(grading.build, 'refused'), Bench(build_dir(), 'own')
    check.equal(found.names.sizes['zones'], own.names.sizes['zones'], "the kernel's are found")
    listed = ran('nm', '-S', grading.build / 'attic.debug').stdout
    check.like(listed, rf'^{found.static("kernel/pid.c", "all_tasks"):08x} 0{{7}}8 \w all_tasks', 'static ones, too', listed)


def taken_away(one, folder):
    """Lines that only the functions to be written have."""
    def lines(root):
        return {line.strip() for path in root.rglob('*.[ch]') for line in path.read_text().splitlines() if len(line.strip()) > 24}
    mine = {line.strip() for file in one.holes for line in (ROOT / file).read_text().splitlines() if len(line.strip()) > 24}
    return mine - lines(folder)


def test_tree(tmp_path, check):
    """What a student gets."""
    one, folder = lab.read('vmalloc'), tmp_path / 'my lab'
    tree.make_tree(one, folder)
    for file, functions in one.holes.items():
        text = (folder / file).read_text()
        check.equal([name for name in functions if f'{name}() in {file} is yours to write' not in text], [], f'{file}: all holes are there')
    files = {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file() and '.git/' not in str(path)}
    check.equal([file for file in files if re.search(r'/wrong/|/answer/|^tests/(?:mutants|variants)/.*/', file)], [], 'no answers')
    shown = {(one.file, one.name): '\n'.join(one.shown) for path in (folder / 'docs/book').glob('*.md')
             for one in excerpts.excerpts(path.read_text())}
    holes = [text for (file, name), text in shown.items() if name in one.holes.get(file, ())]
    check.true(holes and all('is yours to write' in text for text in holes), 'the book shows the holes, too', holes)
    leaks = [(path.name, line) for path in (folder / 'docs').rglob('*.md') for line in taken_away(one, folder) if line in path.read_text()]
    check.equal(leaks, [], 'no document shows what is to be written')
    wanted, there = ({path.name for path in (top / 'labs' / one.folder.name).glob('*.py')} for top in (ROOT, folder))
    check.equal(there, wanted, 'all that the checks need')
    public = lab.read_tests(folder / (one.folder / 'tests').relative_to(ROOT))
    check.equal([part.name for part in public], [part.name for part in one.parts if not part.hidden], 'no hidden part')
    check.true(len(public) < len(one.parts), 'of which there is one')
    steps = re.findall(r'command: (.*)\n.*\n +max-score: (\d+)$', (folder / '.github/workflows/classroom.yml').read_text(), re.M)
    check.equal(steps, [(f'scripts/lab part {one.name} . {number}', str(part.points)) for number, part in enumerate(public, 1)],
                'a workflow with a step for each part')
    check.equal({file.split('/')[1] for file in files if file.startswith('labs/')} - {'README.md'}, {one.folder.name}, 'no other labs')
    if tree.has_git():
        said = ran('git', '-C', folder, 'log', '--oneline').stdout
        check.like(said, rf'^\w+ Lab {one.name}\n\Z', 'a history of one commit', said)
        check.equal(ran('git', '-C', folder, 'status', '--short').stdout, '', 'with all files')
    else:
        check.skip('a history of one commit', 'git is missing')
    again = ran(ROOT / 'scripts/lab', 'make', one.name, folder)
    check.like(again.stdout, r'^lab: .* exists already', 'a second time nothing happens', again.stdout)
    for where, why in ((ROOT / 'build/lab', 'lies in this repository'), ('', 'DIR= is')):
        check.like(ran(ROOT / 'scripts/lab', 'make', one.name, where).stdout, why, f'{where or "no folder"}: a sentence')
    check.like(ran(ROOT / 'scripts/lab', 'make', 'nolab', tmp_path / 'x').stdout, '^lab: LAB= is the name of a lab: ', 'no such lab')
    check.like(ran(ROOT / 'scripts/lab', 'prove', '', '', env=os.environ | {'PART': '4/3'}).stdout, '^lab: PART= takes K/N', 'no such part')


def test_what_a_tree_does_not_show(tmp_path, check):
    """Of a lab with a kernel of its own, a hidden self-test, and of one with a hidden check."""
    one, folder = lab.read('one-half'), tmp_path / 'half'
    tree.make_tree(one, folder)
    hidden, public = ([test for part in one.parts if part.hidden == it for test in part.tests] for it in (True, False))
    there = set(ktap.names_in(folder / 'tests'))
    check.equal((set(hidden) & there, set(public) - there), (set(), set()), 'self-tests of the public parts, and none of a hidden one')
    chapter = (folder / 'docs/book/06-one-kernel-half.md').read_text()
    check.like(chapter, r'kpde_boot\(\);\n\}\n```\n\n' + re.escape(tree.OTHER), "the book says where this lab's kernel is another one")
    check.equal(chapter.count(tree.OTHER), 3, 'and only there')
    check.like(ran(folder / 'scripts/bug').stdout, '^bug: there is none in this tree', 'no mutants are listed')
    other = lab.read('copy-on-write')
    checks = tree.public_checks((other.folder / 'checks.py').read_text(), other.parts)
    [kept] = {name for part in other.parts if part.hidden for name in part.checks}
    dma = lab.read('dma')
    shown = tree.scripts_of(dma, tree.public_checks((dma.folder / 'checks.py').read_text(), dma.parts))
    check.equal({path.name for path in dma.folder.glob('*_in_gdb.py')} - {path.name for path in shown}, {'refusals_in_gdb.py'},
                'no script that only a hidden check runs')
    check.true(f'def {kept}(' not in checks and all(f'def {name}(' in checks for part in other.parts if not part.hidden for name in part.checks),
               'no check of a hidden part', checks)


def test_hunt(tmp_path, check):
    """What a student of a hunt gets, and what is read of the answers."""
    one, folder = lab.read('hunt'), tmp_path / 'hunt'
    refused = ran(ROOT / 'scripts/lab', 'make', 'hunt', folder)
    check.like(refused.stdout, "^lab: NUMBER= is the student's number", 'without a number: a sentence')
    check.true(not folder.exists(), 'and no tree')
    draws = [tuple(hunt.drawn(one, number)) for number in ('anna@example.org', ' Anna@Example.org', 'ben', '3')]
    check.equal((draws[0], {len(set(draw)) for draw in draws}), (draws[1], {hunt.COUNT}), 'the same number draws the same mutants')
    check.equal(len(set(draws)), 3, 'others draw others', draws)
    tree.make_tree(one, folder, 'ben')
    kernels = [(folder / one.folder.relative_to(ROOT) / f'kernels/{bug}.elf').read_bytes() for bug in range(1, hunt.COUNT + 1)]
    check.equal(len(set(kernels)), hunt.COUNT, 'the tree has the kernels')
    pool = [Change.read(name, BUGS) for name in one.pool]
    check.equal([mutant.name for mutant in pool if mutant.options or len(mutant.tests) != 1 or not re.fullmatch(r'\w+\.\w+', mutant.tests[0])], [],
                'each mutant of the pool names the self-test that shows it, on an ordinary machine')
    named = [name for name in one.pool if any(name.encode() in kernel for kernel in kernels)]
    check.equal(named, [], 'which do not say what is wrong with them')
    iso = for_make(build_dir() / 'attic.iso')
    said = make('--dry-run', f'KERNEL={folder}/1.elf', '--assume-old', f'{folder}/1.elf', iso).stdout
    check.like(said, rf"mkiso \S*attic\.iso '{folder}/1\.elf' ", 'make run KERNEL= boots one')
    there = {path.name for path in (folder / one.folder.relative_to(ROOT)).iterdir()}
    check.equal(there & {'pool', 'solutions.py', 'answer'}, set(), 'no answers')
    for text, why in {'bug 1\nwhere: x\n': 'line 2', 'invariant: I3\n': 'line 1', 'bug 1\nbug 1\n': 'twice', 'bug 1\nline: a\nline: b\n': 'twice'}.items():
        with pytest.raises(ValueError) as wrong:
            hunt.read_answers(text)
        check.like(str(wrong.value), why, f'{text!r}: a sentence')


def test_kernel_of_its_own(tmp_path, check):
    """A lab may start from another kernel: `base` changes files, files/ has new ones, and holes may be in these."""
    one, folder = lab.read('one-half'), tmp_path / 'my lab'
    own = {file: text for file, text in one.own().items() if not file.endswith(tree.HIDDEN)}
    new = sorted(file for file in own if not (ROOT / file).exists())
    check.equal([file for file in one.holes if file not in new], [], 'what the student writes is in a file that this repository does not have')
    tree.make_tree(one, folder)
    check.equal([file for file, text in own.items() if file not in one.holes and (folder / file).read_text() != text], [],
                'the tree has the changed files and the new ones')
    check.true(all('yours to write' in (folder / file).read_text() for file in one.holes), 'and the holes')
    check.equal([name for name in ('base', 'files') if (folder / 'labs' / one.folder.name / name).exists()], [], 'and not what they are made of')
    check.like((folder / 'docs/files.md').read_text(), 'kpde_choice', 'its list of files has them')
    check.equal(small_lab(tmp_path).own(), {}, 'most labs have no such files')
    comments = {file: text for file, text in own.items() if file not in grade.compiled(own)}
    check.true(all(file.endswith('.h') and file not in new for file in comments), 'a header with other comments only is not compiled', list(comments))


def test_machines_of_a_part(tmp_path, check, monkeypatch):
    """Command lines and memory of a part: all that it holds is looked at once with each line."""
    (tmp_path / 'tests').write_text('60 One\n    cmdline kpde=lazy vmalloc=64M\n    cmdline lowmem=24M\n    mem 512M\n    check c\n40 Other\n    check c\n')
    parts = lab.read_tests(tmp_path / 'tests')
    given = []

    @contextmanager
    def recorded(name, cmdline='', mem='', **options):
        given.append((cmdline, mem))
        raise RuntimeError
        yield

    def looked(grading, name):
        for options in ({'cmdline': 'ktest=a.b'}, {'mem': '64M'}):
            with pytest.raises(RuntimeError), grading.bench.machine('x', **options):
                pass
        return 'wrong' if grading.bench.cmdline == fails else None

    monkeypatch.setattr(bench, 'Machine', recorded)
    monkeypatch.setattr(grade.Grading, 'check', looked)
    grading = grade.Grading(small_lab(tmp_path), tmp_path, name='demo')
    grading.bench, fails = Bench(build_dir(), 'demo'), None
    results = [grading.judged(part).points for part in parts]
    check.equal(given, [('kpde=lazy vmalloc=64M ktest=a.b', '512M'), ('kpde=lazy vmalloc=64M', '64M'), ('lowmem=24M ktest=a.b', '512M'),
                        ('lowmem=24M', '64M'), ('ktest=a.b', ''), ('', '64M')], 'are those of its machines, before their own')
    check.equal(results, [60, 40], 'and what holds with each gives the points')
    fails = 'lowmem=24M'
    check.equal(grading.judged(parts[0]).points, 0, 'what does not hold with the second line gives none')


def test_what_a_result_says(tmp_path, check, monkeypatch):
    """What a student's kernel or the compiler says is quoted, and obeyed by nobody; a grading ends."""
    parts = [lab.Part(50, 'One'), lab.Part(50, 'Other')]
    quoted = grade.Result(parts[0], 'it says:\n::warning::100\x1b[2J\r##[add-mask]x').reason
    check.equal(quoted, 'it says:\n: :warning: :100?[2J?# #[add-mask]x', 'no control characters, no commands for GitHub')
    monkeypatch.setattr(grade.Grading, 'judged', lambda grading, part: grade.Result(part, None))
    monkeypatch.setattr(grade, 'Bench', lambda *_: None)
    one = small_lab(tmp_path)
    one.parts = parts

    def results(built, limit):
        monkeypatch.setattr(grade.Grading, 'built', lambda grading: setattr(grading, 'texts', {}) or built)
        monkeypatch.setattr(grade, 'LONGEST_GRADING', limit)
        return [result.reason for result in grade.Grading(one, tmp_path, name='demo', results=tmp_path / 'results.json').run()]
    check.equal(results(None, 60), [None, None], 'all parts are judged')
    check.equal(results(None, 0)[0], None, 'the first part is judged')
    check.like(results(None, 0)[1], '^not graded: the parts before it', 'but not for ever')
    check.equal(results('it does not compile:\nx.c:1: error', 60), ['it does not compile:\nx.c:1: error', 'it does not compile: see the first part'],
                'the compiler is quoted once')


# Read words twice; the second time QEMU stands still for longer than gdb by itself waits before it asks again.
READ_TWICE = '''
import gdb, json, os, subprocess
start = int(gdb.parse_and_eval('kernel_main').address)
words = range(start, start + 64, 4)
def read():
    return [gdb.selected_inferior().read_memory(at, 4).tobytes().hex() for at in words]
gdb.execute('hbreak kernel_main')
gdb.execute('continue')
first = read()
pid = open(os.environ['JUDGED'] + '.pid').read()
os.kill(int(pid), 19)
subprocess.Popen(f'sleep 5; kill -CONT {pid}', shell=True)
try:
    second = read()
except gdb.error as error:
    second = str(error)
with open(os.environ['JUDGED'], 'w') as file:
    file.write(json.dumps([first, second]))
'''


class Standing(Bench):
    """Its scripts for gdb find QEMU's process id in a file."""
    @contextmanager
    def machine(self, what, **options):
        with super().machine(what, **options) as machine:
            machine.log_path.with_suffix('.judged.pid').write_text(str(machine.process.pid))
            yield machine


def test_qemu_stands_still(tmp_path, check):
    """On a busy host QEMU may not answer for seconds: the grader's gdb waits."""
    script = tmp_path / 'read_twice.py'
    script.write_text(READ_TWICE)
    [(first, second)] = Standing(build_dir(), 'standing').followed(script, 1, 'still') or [(None, None)]
    check.true(first and len(set(first)) > 1, 'gdb reads the kernel', first)
    check.equal(second, first, 'and the same from a QEMU that answers late')


def test_stops_elsewhere(tmp_path, check):
    """A stop that is none of the grader's breakpoints is not taken for a result."""
    test, script = 'kpde.every_table_exists_from_boot', tmp_path / 'more_stops.py'
    script.write_text(f"import gdb\ngdb.Breakpoint('check_children')\nexec(open({str(grade.FOLLOW)!r}).read())\n")
    told = Bench(build_dir(), 'elsewhere').followed(script, 1, 'tests', f'ktest={test}')
    check.equal([result.get('name') for result in told], [test, None], 'the result of the one test, and of the look at the code', told)


# The first `continue` after a result leaves the machine where it is, as gdb does now and then: the same call is stopped at again.
STOPS_TWICE = '''
import gdb
continued, left = gdb.execute, [1]
def stays_once(command, **options):
    if command == 'continue' and gdb.selected_frame().name() == 'report_result' and left:
        left.pop()
    else:
        continued(command, **options)
gdb.execute = stays_once
'''


def test_stops_twice(tmp_path, check):
    """A call at which the machine stops twice is one result."""
    tests, script = ['kpde.every_table_exists_from_boot', 'kpde.next_table_seen_by_older_process'], tmp_path / 'twice.py'
    script.write_text(f'{STOPS_TWICE}exec(open({str(grade.FOLLOW)!r}).read())\n')
    told = Bench(build_dir(), 'twice').followed(script, 2, 'tests', f'ktest={",".join(tests)}')
    check.equal(sorted(result['name'] for result in told if 'name' in result), sorted(tests), 'each test has its result, once', told)


def test_how_it_ended(check):
    """What a reason says of a machine that has not reported a test."""
    one = Bench(build_dir(), 'ended')
    for wanted, seconds, end in (1, 60, 'gdb has left the machine: .'), (2, 60, '^passed or powered off$'), (1, 0.01, 'time-out.*longer than 0.01 s'):
        one.followed(grade.FOLLOW, wanted, 'tests', 'ktest=kpde.every_table_exists_from_boot', timeout=seconds)
        check.like(one.end, end, f'{wanted} wanted, within {seconds} s')


def test_a_lab_of_ones_own(tmp_path, check, monkeypatch):
    """What a teacher is told who writes one."""
    monkeypatch.setattr(lab, 'FOLDER', tmp_path)
    mine = tmp_path / '10-mine'
    mine.mkdir()

    def read():
        try:
            return lab.read('mine')
        except lab.Refused as why:
            return str(why)
    check.equal(read(), 'labs/10-mine/holes is missing: labs/README.md says what belongs there', 'an empty folder')
    (mine / 'holes').write_text('fs/pipe.c: consume\n')
    check.like(read(), '^labs/10-mine/tests is missing', 'holes alone')
    (mine / 'tests').write_text('100 All of it\n    test pipe.b* rbtree.no_such\n')
    check.like(read(), r'10-mine/tests: there is no self-test rbtree\.no_such;', 'a test that does not exist')
    (mine / 'tests').write_text('100 All of it\n    test pipe.b* pipe.full\n')
    check.equal(read().parts[0].tests, ['pipe.broken', 'pipe.bad_buffers', 'pipe.full'], 'globs stand for the self-tests that match')
    (mine / 'tests').write_text('101 All of it\n    test pipe.full\n')
    with pytest.raises(lab.Refused) as refused:
        tree.make_tree(read(), tmp_path / 'tree')
    check.like(str(refused.value), '10-mine/tests: the points are 101 together', 'too many points')
    (mine / 'holes').write_text('fs/pip.c: consume\n')
    (mine / 'tests').write_text('100 All of it\n    test pipe.full\n')
    with pytest.raises(lab.Refused) as refused:
        tree.make_tree(read(), tmp_path / 'tree')
    check.like(str(refused.value), r'10-mine/holes: there is no file fs/pip\.c', 'a file that does not exist')
    check.true(not (tmp_path / 'tree').exists(), 'and no tree')
    (mine / 'holes').write_text('fs/pipe.c: consume\n')
    (mine / 'tests').write_text('100 All of it\n    check emptied\n')
    check.like(read(), '10-mine/tests: checks.py has no function emptied', 'a check that does not exist')
    (mine / 'tests').write_text('100 All of it\n    test pipe.full\n')
    (mine / 'pool').write_text('wp-off\npde-late\nwp-off\n')
    check.like(read(), '10-mine/pool: wp-off is there twice', 'a mutant that could be drawn twice')
    (mine / 'pool').unlink()
    (mine / 'wrong').mkdir()
    (mine / 'wrong/stays').write_text('It stays.\nPoints: 0\n\nfs/pipe.c: pipe_take\n-        consume(pip);\n')
    said = ran('python3', '-c', f"""import sys; sys.path.insert(0, 'scripts'); from pathlib import Path
from attic.lab import lab; lab.FOLDER = Path({str(tmp_path)!r})
sys.argv = ['scripts/lab', 'prove', 'mine', 'stays']; exec(open('scripts/lab').read())""").stdout
    check.like(said, r'\Alab: stays: fs/pipe\.c: pipe_take has these lines 0 times:', 'a mistake that does not fit: a sentence', said)


@pytest.mark.parametrize('name', NAMES)
def test_description(name, check):
    one = lab.read(name)
    check.equal(one.points, 100, f'{name}: 100 points')
    check.true((one.folder / 'README.md').read_text().startswith('# '), f'{name}: a README')
    wrong = [solution for solution in prove.solutions(one) if solution not in (prove.HOLES, prove.REFERENCE)]
    check.true(len(wrong) >= 6, f'{name}: at least six wrong solutions', wrong)
    for solution in wrong:
        check.true(0 <= prove.expected(one, solution) < 100 and prove.texts(one, solution), f'{name}: {solution} fits the sources')


@pytest.mark.parametrize('solution', [prove.HOLES, prove.REFERENCE])
@pytest.mark.parametrize('name', GRADED)
def test_grader(name, solution, check):
    one = lab.read(name)
    grading = prove.graded(one, solution)
    check.equal(grading.points, prove.expected(one, solution), f'{name}: the points of the {solution}',
                '\n'.join(f'{result.part.name}: {result.reason}' for result in grading.results))
    written = json.loads((grading.build / 'results.json').read_text())
    check.equal(([test['score'] for test in written['tests']], [test['max_score'] for test in written['tests']]),
                ([result.points for result in grading.results], [part.points for part in one.parts]), f'{name}: results.json of the {solution}')
