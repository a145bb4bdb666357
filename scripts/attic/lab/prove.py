"""Prove a lab's grader: the holes get no points, the reference gets all, and each wrong solution exactly those that it states."""
import shutil
import tempfile
from pathlib import Path

from attic.build import ROOT
from attic.changes import Change, names
from attic.lab.grade import Grading
from attic.lab.holes import emptied
from attic.lab.lab import Lab

HOLES, REFERENCE = 'holes', 'reference'


def solutions(lab: Lab) -> list[str]:
    return [HOLES, REFERENCE, *(lab.module('solutions').WRONG if lab.is_hunt else names(lab.wrong))]


def expected(lab: Lab, name: str) -> int:
    if name in (HOLES, REFERENCE):
        return lab.points if name == REFERENCE else 0
    return lab.module('solutions').WRONG[name][0] if lab.is_hunt else lab.wrong_points(name)


def texts(lab: Lab, name: str) -> dict[str, str]:
    """The files of a solution."""
    if lab.is_hunt:
        return {lab.files[0]: answers(lab, name)}
    reference = {file: lab.text(file) for file in lab.holes}
    if name == HOLES:
        return {file: emptied(file, text, lab.holes[file], lab.helpers[file], lab.name) for file, text in reference.items()}
    return reference if name == REFERENCE else reference | Change.read(name, lab.wrong).apply(given=reference)


def answers(lab: Lab, name: str) -> str:
    """The file of a hunt."""
    if name == HOLES:
        return (ROOT / lab.files[0]).read_text()
    module = lab.module('solutions')
    return module.REFERENCE if name == REFERENCE else module.WRONG[name][1]()


def graded(lab: Lab, name: str) -> Grading:
    folder = Path(tempfile.mkdtemp(prefix=f'attic-{lab.name}-{name}-'))
    try:
        for file, text in texts(lab, name).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        number = lab.module('solutions').NUMBER if lab.is_hunt else ''
        grading = Grading(lab, folder, name=f'{lab.name}-{name}', number=number)
        grading.run()
        return grading
    finally:
        shutil.rmtree(folder)
