"""An autograder for Gradescope (https://gradescope-autograders.readthedocs.io): a zip with setup.sh, which builds its machine once, and
run_autograder, which grades one submission. The teacher's tree lies in it, without its build.

The grader runs as an ordinary user, to whom the tree and the results belong; of the student's code it only runs what QEMU runs. Results are
there from the first moment on, with no points, and grow part by part: whatever breaks the grader off, points that were earned stay.
"""
import os
import zipfile
from pathlib import Path

from attic.build import ROOT, build_dir, source_files
from attic.lab.lab import Lab

SETUP = """#!/bin/sh
# Run once, as root, when the autograder's machine is made: the tools, a user who grades, and the kernel, of which later only the student's
# files are compiled.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq make
cd /autograder/source/attic
make setup
useradd --create-home grader
chown -R grader: .
su grader -c 'make -j2 booted build/attic.debug'
"""

RUN = """#!/bin/sh
# Grade /autograder/submission. What the grader prints goes to a file: Gradescope would show it.
set -eu
mkdir -p /autograder/results /autograder/graded
cp -r /autograder/submission/. /autograder/graded/
chown -R grader: /autograder/graded /autograder/results
cd /autograder/source/attic
{number}su grader -c 'RESULTS=/autograder/results/results.json scripts/lab grade {lab} /autograder/graded' > /autograder/grader.log 2>&1 || {{
    tail -n 20 /autograder/grader.log
    exit 1
}}
"""

# A hunt's kernels are those of the student's address.
NUMBER = """NUMBER=$(python3 -c 'import json; print(json.load(open("/autograder/submission_metadata.json"))["users"][0]["email"])')
export NUMBER
"""


def make_zip(lab: Lab) -> Path:
    """build/LAB.zip."""
    target = build_dir() / f'{lab.name}.zip'
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, 'w') as archive:
        write(archive, 'setup.sh', SETUP)
        write(archive, 'run_autograder', RUN.format(lab=lab.name, number=NUMBER if lab.is_hunt else ''))
        for path in (ROOT / file for file in source_files()):
            if path.is_file() and not path.is_symlink():
                write(archive, f'attic/{path.relative_to(ROOT)}', path.read_bytes(), os.access(path, os.X_OK))
    return target


def write(archive: zipfile.ZipFile, name: str, content: str | bytes, executable: bool = True):
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o755 if executable else 0o644) << 16
    archive.writestr(entry, content)
