"""A student's tree: the repository with holes, without answers, and with a history of one commit where there is git."""
import re
import shutil
import subprocess
from pathlib import Path

from attic import excerpts
from attic.build import ROOT, ran, source_files
from attic.lab import hunt
from attic.lab.classroom import workflow
from attic.lab.holes import emptied
from attic.lab.lab import Lab, Refused, public_tests

# What would give answers away, and what is the repository's own. Defects and variants fit the complete sources only.
LEFT_OUT = re.compile(r'labs/[^/]+/(?:wrong|answer)/|labs/(?!README)|tests/(?:mutants|variants)/.*(?<!README\.md)$|docs/variants\.md$|\.ci/|\.github/')

# It shows functions that are to be written.
TOUR = '# A tour of the memory\n\n`make tour` shows it, with the sources of this tree.\n'
SPECIFICATION = '*This function is yours to write: what the text says of it is what it must do.*'


def make_tree(lab: Lab, folder: Path, number: str = ''):
    """Make the tree in a folder that does not exist yet, or is empty; otherwise nothing is changed. `number` is the student's, for a hunt."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f'{folder} exists already: a lab begins in a new folder')
    if ROOT in (folder, *folder.parents):
        raise Refused(f'{folder} lies in this repository: a lab begins outside of it')
    texts = lab.own() | {file: emptied(file, lab.text(file), functions, lab.helpers[file], lab.name) for file, functions in lab.holes.items()}
    if lab.is_hunt:  # first, as it may refuse
        hunt.give(lab, number, folder)
    files = [file for file in source_files() if not LEFT_OUT.match(file)]
    own = [*(lab.folder / name for name in ('README.md', 'holes', 'tests', 'answers')),
           *(path for path in sorted(lab.folder.glob('*.py')) if path.name != 'solutions.py')]
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
    tests = folder / (lab.folder / 'tests').relative_to(ROOT)
    tests.write_text(public_tests(tests.read_text()))
    actions = folder / '.github/workflows/classroom.yml'
    actions.parent.mkdir(parents=True)
    actions.write_text(workflow(lab, [part for part in lab.parts if not part.hidden]))
    (folder / 'docs/tour.md').write_text(TOUR)
    for path in sorted((folder / 'docs/book').glob('*.md')):
        path.write_text(without_answers(path.read_text(), folder))
    if has_git():
        commit(folder, f'Lab {lab.name}')


def has_git() -> bool:
    return shutil.which('git') is not None


def without_answers(text: str, folder: Path) -> str:
    """A chapter of the book whose excerpts are those of the student's tree: of a function to write it shows the hole."""
    lines = text.split('\n')
    for one in reversed(excerpts.excerpts(text)):
        try:
            source = one.source(folder)
            lines[one.first + 2:one.last] = source
            if any('is yours to write' in line for line in source):
                lines[one.first + 3 + len(source):one.first + 3 + len(source)] = ['', SPECIFICATION]
        except excerpts.Wrong:  # a helper that is part of the answer
            lines[one.first:one.last + 1] = [f'(`{one.name}()` is part of what you write.)']
    return '\n'.join(lines)


def commit(folder: Path, message: str):
    for command in (['init', '-q', '-b', 'main'], ['add', '-A'],
                    ['-c', 'user.name=Attic', '-c', 'user.email=attic@localhost', '-c', 'commit.gpgsign=false', 'commit', '-qm', message]):
        done = subprocess.run(['git', '-C', folder, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Refused(f'git {command[0]}: {done.stdout.strip()}')
