"""The examples in README.md and docs/*.md are correct: each console block is run and compared (docs/examples.md describes their form).
First tests of the comparison itself, with small documents defined here."""
import re

import pytest

from attic import examples
from attic.build import ROOT, kernels_of
from attic.document import Document


def console(inside, *marks):
    return ''.join(f'<!-- {mark} -->\n' for mark in marks) + f'```console\n{inside}```\n'


def errors(text):
    return ''.join(fault.removeprefix('fake.md:') for fault in examples.faults(Document('fake.md', text)))


def test_sound_documents(check):
    check.equal(errors('text\n\n' + console('$ true\n') + '\n```c\nint main(void);\n```\n'), '', 'a sound document')
    check.equal(errors('````text\n```console\n```\n````\n'), '', 'a fence within a longer one is text')
    check.equal(errors('- a list\n    that goes on\n'), '', 'a list is no indented block')


REFUSED = {
    'a\n\n    $ make\n    out\n': '^3: an indented block',
    '```\n$ make\n```\n': '^1: a fence without a language',
    '```sh\nmake\n```\n': '^1: ```sh: commands go into',
    '```text\nattic> ps\n```\n': '^2: a command in a block of ```text',
    '```c\n$ make\n```\n': '^2: a command in a block of ```c',
    '```text\nmake bench\n```\n': '^2: a command in a block of ```text',
    ' - x\n\n   ```console\n   $ true\n   ```\n': '^3: a fence begins in the first column',
    console('just text\n'): '^2: a console block begins with',
    '```console\n```\n': '^2: a console block begins with',
    '```console\n$ true\n': '^1: a fence that nothing closes',
    console('$ true\n1\n', 'varies: ('): r'^1: varies: `\(` is not a regular expression',
    console('$ true\n1\n', 'varies: .*'): r'^1: varies: `\.\*` matches anything',
    console('$ true\n1\n', r'varies: \w+'): r'^1: varies: `\\w\+` matches anything',
    console('$ true\n1\n', r'varies: \d*'): r'^1: varies: `\\d\*` matches anything',
    console('$ true\n1\n', r'varies: \d; x'): '^1: varies: `x` matches nothing in its block',
    console('$ true\n', 'not run:'): '^1: not run: says nothing',
    console('$ true\n', 'with: MEM=16M'): '^1: with: `MEM=16M` cannot be set',
    console('attic> ps\n', 'with: FOO=1'): '^1: with: `FOO=1` cannot be set',
    '<!-- varies: 1 -->\n\n' + console('$ true\n1\n'): '^1: a mark stands right before',
    '<!-- varies: 1 -->\n```c\n1\n```\n': '^1: a mark before a block that is not',
    console('$ true\n1\n', 'varies: [one]'): r'^1: varies: there is no line `<!-- \[one\] \.\.\. -->`',
    console('$ true\n1\n') + '\n<!-- [one] \\d -->\n': r'^6: \[one\]: no block says `varies: \[one\]`',
    console('$ true\n1\n', 'varies: [one]') + '<!-- [one] \\d; x -->\n': '^6: varies: `x` matches nothing in its block',
}


def test_what_is_refused(check):
    for text, why in sorted(REFUSED.items()):
        check.like(errors(text), why, f'refused: {text}'.replace('\n', '|'))


def test_blocks_and_marks(check):
    inside = 'attic> ps\n1 2\nattic> audit\n'
    [block] = Document('fake.md', '# Title\n' + console(inside, r'varies: \d; x?2', 'with: MEM=16M CMDLINE="a=1 b"')).blocks
    check.equal([command.text for command in block.commands], ['ps', 'audit'], 'two commands')
    check.equal(block.commands[0].output, ['1 2'], 'and an output')
    check.equal(block.settings, {'MEM': '16M', 'CMDLINE': 'a=1 b'}, 'with: variables, quoted as for a shell')
    check.equal(block.varies, [r'\d', 'x?2'], 'varies: two marks')
    text = console('attic> ps\n1 2 3\n', 'varies: [ps]') + '\n<!-- [ps] 1; 2 -->\n<!-- [ps] 3 -->\n'
    check.equal(Document('fake.md', text).blocks[0].varies, ['1', '2', '3'], 'varies: by label, from the end of the document')
    [block] = Document('fake.md', console('$ make\n(gdb) x\nattic> ps\n', 'not run: it is slow')).blocks
    check.equal(len(block.commands), 1, "another prompt's line is output")
    check.equal(block.not_run, 'it is slow', 'a block that is not run says why')
    generated = Document('fake.md', '<!-- generated: compared by tests/x.py -->\n    $ make\n')
    check.equal((generated.compared_by, generated.errors), ('tests/x.py', []), 'a generated document is left to its test')


def problems(inside, *marks):
    document = Document('fake.md', console(inside, *marks))
    if document.errors:
        return 'refused: ' + ''.join(examples.faults(document))
    return ''.join(problem for block in document.blocks for problem in examples.check(document, block))


THREE = r"$ printf 'a 1\nb 2\nc 3\n'" + '\n'


def test_the_same(check):
    for inside, name in (
            (f'{THREE}a 1\nb 2\nc 3\n', 'what comes is what is shown'),
            (f'{THREE}a 1\nb 2\nc 3\n$ echo x >&2\nx\n$ true\n', 'several commands, standard error, no output'),
            ("$ echo '  ISO build/attic.iso'; echo '  CC x.c (for gdb)'; echo '  no step'\n  no step\n",
             'the steps of a build do not count'),
            ("$ echo 'a  '\na\n", 'blanks at the end of a line do not'),
            (f'{THREE}a 1\n...\n', '`...` at the end'),
            (f'{THREE}...\nc 3\n', 'and at the beginning'),
            (f'{THREE}...\nb 2\n...\n', 'twice'),
            (f'{THREE}...\n', 'alone'),
            ("$ printf 'a\\nb\\na\\nb\\nc\\nb\\n'\na\n...\nb\nc\n...\n", 'the lines between two are looked for'),
            ("$ printf '\u00fc\\n'\n\u00fc\n", 'UTF-8')):
        check.equal(problems(inside), '', name)
    check.equal(problems(f'{THREE}a 9\nb 2\nc 3\n', r'varies: a \d'), '', 'a mark: this digit may differ')
    check.equal(problems(f"$ echo '{'x' * 70} 0x123456'; echo '  end'\n{'x' * 70}\n  0x12345678 end\n", r'varies: 0x\w+'), '',
                'a folded line: a number that may differ may move the fold')
    check.equal(problems(f'{THREE}a 7\nb 8\nc 9\n', r'varies: a \d; b \d', r'varies: (?<=c )\d'), '', 'several marks')


def test_which_kernels(check):
    """Blocks with different kernels run at the same time; those with the same one do not."""
    for commands, kernels in ((['printf x', 'true'], set()),
                              (['make run', 'make VARIANT=cow-eager run | grep x', "echo a | make BUG=wp-off CMDLINE='x' run"],
                               {'', 'cow-eager', 'wp-off'}),
                              (['scripts/memdiff 1 2'], {''}), (['ls build/'], {''})):
        check.equal(kernels_of(commands), kernels, f'kernels of {commands}')


def test_something_else(check):
    for inside, pattern, name in (
            (f'{THREE}a 1\nb 7\nc 3\n', r'\Afake\.md:4: `\$ printf .*\n  - b 7\n  - c 3\n  \+ b 2\n  \+ c 3\n\Z',
             'another digit: line and both'),
            (f'{THREE}a 1\nc 3\n', r'\Afake\.md:4:.*\n  - c 3\n  \+ b 2\n', 'a line too few in the middle'),
            (f'{THREE}a 1\nb 2\n', r'\Afake\.md:5:.*\n  - \(the output ends\)\n  \+ c 3\n\Z', 'and at the end'),
            (f'{THREE}a 1\nb 2\nc 3\nd\n', r'\Afake\.md:6:.*\n  - d\n  \+ \(the output ends\)\n\Z', 'a line too many'),
            (THREE, r'\Afake\.md:3:.*\n  - \(the output ends\)\n  \+ a 1\n', 'nothing shown'),
            (f'{THREE}a 1\nb 2\n\nc 3\n', r'\Afake\.md:5:', 'an empty line counts'),
            (f'{THREE}a 1\nb 2\nc 3\n...\n', r'\Afake\.md:7:', 'it stands for a line at least'),
            (f'{THREE}a 1\n...\nb 2\nc 3\n', r'\Afake\.md:5:', 'also in the middle'),
            (f'{THREE}a 1\n...\nb 3\n', r'\Afake\.md:5:.*\n  - b 3\n  \+ c 3\n\Z', 'what follows it is compared'),
            (f'{THREE}...\nb 3\n...\n', r'\Afake\.md:4:', 'and what is between two'),
            (f'{THREE}b 1\n...\n', r'\Afake\.md:3:', 'and what is before it'),
            ('$ true\n...\n', r'\Afake\.md:4:', 'no output has no lines to leave out')):
        check.like(problems(inside), pattern, name)
    for inside, marks, pattern, name in (
            (f'{THREE}a 9\nb 9\nc 3\n', r'varies: a \d', r'\Afake\.md:5:.*\n  - b 9\n', 'but not another one'),
            (f'{THREE}a 99\nb 2\nc 3\n', r'varies: a \d', r'\Afake\.md:4:', 'and its form may not'),
            (f'{THREE}a 1\nb 2\na 3\n', r'varies: [ab] \d', r'\Afake\.md:6:.*\n  - a 3\n  \+ c 3\n', 'a mark that is not in the output'),
            (f'{THREE}b 1\na 2\nc 3\n', r'varies: a \d; b \d', r'\Afake\.md:4:', 'each has its own sign')):
        check.like(problems(inside, marks), pattern, name)


def test_gdb_and_the_monitor(check):
    check.like(problems('(gdb) quit\n(gdb) echo x\n'), r'\Afake\.md:1: .*gdb does not come back',
               'a gdb that ends before the last command')
    check.like(problems('attic> poweroff\nPower off.\nattic> ps\n'), r'\Afake\.md:1: `ps`: Attic has ended before it', 'and a machine')
    check.like(problems('(gdb) attic type run hello\n(gdb) hbreak return_to_user\n(gdb) continue\n'),
               re.compile(r'\Afake\.md:4: .*`\(gdb\) continue` .*\n  \+ Breakpoint 2, return_to_user', re.S), 'gdb, typing at Attic')


def updated(inside, *marks):
    text, problems = examples.update(Document('fake.md', f'text\n{console(inside, *marks)}text\n'))
    found = re.fullmatch(r'text\n(?:<!--.*\n)*```console\n((?s:.*))```\ntext\n', text)
    return found[1] + ''.join(f'problem: {problem}\n' for problem in problems) if found else text


def test_updating(check):
    shown = f'{THREE}a 1\nb 2\nc 3\n'
    for inside, marks, wanted, name in (
            (THREE, [], shown, 'update: an output where there was none'),
            (f'$ true\nx\n{THREE}x\n$ echo y\n', [], f'$ true\n{shown}$ echo y\ny\n', 'of each command'),
            (f'{THREE}a 7\nb 2\nc 3\n', [r'varies: a \d'], f'{THREE}a 7\nb 2\nc 3\n', 'what differs only where it may stays as it is'),
            (f'{THREE}x\n...\n', [], f'{THREE}a 1\n...\n', '`...` stays'),
            (f'{THREE}...\nx\n', [], f'{THREE}...\nc 3\n', 'also at the beginning'),
            ('$ seq 9\n1\n...\n5\nx\n...\n9\n', [], '$ seq 9\n1\n...\n5\n6\n...\n9\n', 'and twice'),
            ('$ false; touch build/never\nx\n', ['not run: a reason'], '$ false; touch build/never\nx\n',
             'a block that is not run stays')):
        check.equal(updated(inside, *marks), wanted, name)
    check.like(updated('$ seq 9\n1\n...\nx\n...\n9\n'), r'^problem: fake\.md:3: the lines around', 'where it cannot stay, that is said')


@pytest.mark.parametrize('file', examples.documents())
def test_document(file, check):
    document = examples.document(file)
    if document.compared_by:
        test = ROOT / document.compared_by
        check.true(test.exists() and file in test.read_text(), f'{file}: compared by {document.compared_by}')
        return
    check.equal(''.join(examples.faults(document)), '', f'{file}: its blocks are in the form that can be run')


def blocks():
    """Each block is a test of its own: some boot a dozen kernels, and several tests run at once."""
    documents = [examples.document(file) for file in examples.documents()]
    return [pytest.param(document, block, id=f'{document.file}:{block.line}')
            for document in documents if not document.compared_by for block in document.blocks]


@pytest.mark.parametrize('document, block', blocks())
def test_block(document, block, check):
    name = f'{document.file}:{block.line}: ' + ', '.join(command.text for command in block.commands)
    if block.not_run is not None:
        check.skip(name, f'an example that is not run: {block.not_run}')
    else:
        problems = examples.check(document, block)
        check.true(not problems, name, '\n'.join(problems))
