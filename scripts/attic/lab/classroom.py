"""A workflow for GitHub Actions in a student's tree: a step for each part of the lab, with the actions of GitHub Classroom, which outlived it
and whose report other graders of classrooms read (https://github.com/classroom-resources). A step is all or nothing.

It runs in the student's repository, where the student may change anything: it is for the student, and `make grade` in the teacher's tree
decides, which also has the parts that are hidden here.
"""
from attic.lab.lab import Lab, Part

MINUTES = 10

HEAD = """# The points of this lab after each push: labs/{folder}/tests has its parts. `make grade` does the same here.
name: Grade
on: [push, workflow_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  grade:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: make setup
      - run: make -j2 booted build/attic.debug
"""

PART = """      - id: part{number}
        uses: classroom-resources/autograding-command-grader@v1
        with:
          test-name: "{name}"
          command: scripts/lab part {lab} . {number}
          timeout: {minutes}
          max-score: {points}
"""

REPORT = """      - uses: classroom-resources/autograding-grading-reporter@v1
        env:
{results}
        with:
          runners: {runners}
"""


def workflow(lab: Lab, parts: list[Part]) -> str:
    """The text of .github/workflows/classroom.yml."""
    numbers = range(1, len(parts) + 1)
    steps = [PART.format(number=number, name=part.name, lab=lab.name, minutes=MINUTES, points=part.points) for number, part in zip(numbers, parts)]
    results = '\n'.join(f'          PART{number}_RESULTS: ${{{{ steps.part{number}.outputs.result }}}}' for number in numbers)
    report = REPORT.format(results=results, runners=','.join(f'part{number}' for number in numbers))
    return HEAD.format(folder=lab.folder.name) + ''.join(steps) + report
