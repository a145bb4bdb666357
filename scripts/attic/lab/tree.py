"""A student's tree: the repository with holes, without answers, and with a history of one commit where there is git."""
import ast
import json
import re
import shutil
import subprocess
from pathlib import Path

from attic import excerpts
from attic.build import ROOT, ran, source_files
from attic.lab import hunt
from attic.lab.classroom import workflow
from attic.lab.holes import emptied
from attic.lab.lab import Lab, Part, Refused, public_tests
from attic.lab.submission import GIVEN, counts

# What would give answers away, and what is the repository's own. Defects and variants fit the complete sources only.
LEFT_OUT = re.compile(r'labs/(?!README)|tests/(?:mutants|variants)/.*(?<!README\.md)$|\.ci/|\.github/')

# Self-tests of a hidden part, in a file of their own.
HIDDEN = '_hidden_test.c'

# It shows functions that are to be written.
TOUR = '# A tour of the memory\n\n`make tour` shows it, with the sources of this tree.\n'
SPECIFICATION = '*This function is yours to write: what the text says of it is what it must do.*'
OTHER = "*The text describes the book's kernel; that of this lab has this function in another way.*"


def make_tree(lab: Lab, folder: Path, number: str = ''):
    """Make the tree in a folder that does not exist yet, or is empty; otherwise nothing is changed. `number` is the student's, for a hunt."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f'{folder} exists already: a lab begins in a new folder')
    if ROOT in (folder, *folder.parents):
        raise Refused(f'{folder} lies in this repository: a lab begins outside of it')
    if lab.points != 100:
        raise Refused(f'labs/{lab.folder.name}/tests: the points are {lab.points} together, and must be 100')
    own_texts = {file: text for file, text in lab.own().items() if not file.endswith(HIDDEN)}
    texts = own_texts | {file: emptied(file, lab.text(file), functions, lab.helpers[file], lab.name) for file, functions in lab.holes.items()}
    if lab.is_hunt:  # first, as it may refuse
        hunt.give(lab, number, folder)
    files = [file for file in source_files() if not LEFT_OUT.match(file)]
    checks = public_checks((lab.folder / 'checks.py').read_text(), lab.parts) if (lab.folder / 'checks.py').exists() else ''
    own = [*(lab.folder / name for name in ('README.md', 'holes', 'tests', 'answers', 'checks.py')), *scripts_of(lab, checks)]
    files += [str(path.relative_to(ROOT)) for path in own if path.exists()]
    for file in files:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target, follow_symlinks=False)
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    if texts.keys() - set(files):
        (folder / 'docs/files.md').write_text(ran(folder / 'scripts/rooms', 'files').stdout)
    own_folder = folder / lab.folder.relative_to(ROOT)
    (own_folder / 'tests').write_text(public_tests((lab.folder / 'tests').read_text()))
    if checks:
        (own_folder / 'checks.py').write_text(checks)
    if not lab.is_hunt:
        (own_folder / GIVEN).write_text(json.dumps({file: counts(lab.text(file)) for file in lab.holes}, indent=1) + '\n')
    actions = folder / '.github/workflows/classroom.yml'
    actions.parent.mkdir(parents=True)
    actions.write_text(workflow(lab, [part for part in lab.parts if not part.hidden]))
    (folder / 'docs/tour.md').write_text(TOUR)
    for path in sorted((folder / 'docs/book').glob('*.md')):
        path.write_text(without_answers(path.read_text(), folder))
    if has_git():
        commit(folder, f'Lab {lab.name}')


def scripts_of(lab: Lab, checks: str) -> list[Path]:
    """The scripts for gdb that these checks, or others of these scripts, name."""
    texts = {path: path.read_text() for path in sorted(lab.folder.glob('*_in_gdb.py'))}

    def is_named(path):
        named = re.compile(rf"\b{path.stem}\b|'{path.stem.removesuffix('_in_gdb')}'")
        return any(named.search(text) for text in (checks, *(texts[other] for other in texts if other != path)))
    return [path for path in texts if is_named(path)]


def public_checks(text: str, parts: list[Part]) -> str:
    """The text of checks.py without the checks of hidden parts, and without what only they need."""
    public = {check for part in parts if not part.hidden for check in part.checks}
    unwanted = {check for part in parts for check in part.checks} - public
    while unwanted:
        lines = text.split('\n')
        for one in reversed(ast.parse(text).body):
            if isinstance(one, ast.FunctionDef) and one.name in unwanted:
                del lines[one.lineno - 1:one.end_lineno + 2]  # with the blank lines after it
        text = '\n'.join(lines).rstrip() + '\n'
        tree = ast.parse(text)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        unwanted = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)} - used - public
    return text


def has_git() -> bool:
    return shutil.which('git') is not None


def without_answers(text: str, folder: Path) -> str:
    """A chapter of the book whose excerpts are those of the student's tree: of a function to write it shows the hole."""
    lines = text.split('\n')
    for one in reversed(excerpts.excerpts(text)):
        try:
            source = one.source(folder)
            is_hole, differs = any('is yours to write' in line for line in source), source != one.shown
            lines[one.first + 2:one.last] = source
            if is_hole or differs:
                lines[one.first + 3 + len(source):one.first + 3 + len(source)] = ['', SPECIFICATION if is_hole else OTHER]
        except excerpts.Wrong:  # a helper that is part of the answer
            lines[one.first:one.last + 1] = [f'(`{one.name}()` is part of what you write.)']
    return '\n'.join(lines)


def commit(folder: Path, message: str):
    for command in (['init', '-q', '-b', 'main'], ['add', '-A'],
                    ['-c', 'user.name=Attic', '-c', 'user.email=attic@localhost', '-c', 'commit.gpgsign=false', 'commit', '-qm', message]):
        done = subprocess.run(['git', '-C', folder, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Refused(f'git {command[0]}: {done.stdout.strip()}')
