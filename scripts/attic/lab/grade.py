"""Grade a student's files: build a kernel that has them and nothing else of the student's, and look at it from outside.

Each part gets machines of its own, so that a panic costs that part. A part's points are given if all that its lines in `tests` say holds; a
check that looks at several things of the same kind gives a share of them.
The verdict on a self-test is read from memory at the moment when the test core reports it (in_gdb.py); what the kernel prints goes to a log
file and is no evidence. Results are written after each part.
"""
import hashlib
import json
import re
import resource
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from attic.build import ROOT, build_dir, for_make, make
from attic.changes import fill
from attic.lab.bench import Bench
from attic.lab.lab import Lab, Part
from attic.lab.submission import Unacceptable, bare, take

FOLLOW = Path(__file__).with_name('in_gdb.py')
COMPILER_SAYS, COMPILER_LINES, LONGEST = 1 << 20, 10, 300  # characters that are read, lines that are shown, characters of a line
LONGEST_GRADING = 1200  # seconds
# For a build, seconds; for each of its programs, seconds of the processor, bytes of memory and of a file. A text of a few lines can make a
# compiler take all that there is.
SECONDS, LIMITS = 300, {'cpu': 60, 'as': 1 << 30, 'fsize': 128 << 20, 'core': 0}


@dataclass
class Result:
    part: Part
    reason: str | None   # why there are no points; it may quote what a student's kernel says
    again: str = ''      # the command that shows it
    share: float = 0     # of the points, which is given in spite of the reason

    def __post_init__(self):
        self.reason = self.reason and harmless(self.reason)

    @property
    def points(self) -> int:
        return int(self.part.points * self.share) if self.reason else self.part.points


class Grading:
    """`folder` is the student's tree; `told` is called with each Result. `name` is that of the folder in
    build/solutions/, `results` the file for the results, `number` the student's, for a hunt."""

    def __init__(self, lab: Lab, folder: Path, told=lambda result: None, name: str = '', results: Path | None = None, number: str = ''):
        self.lab, self.student, self.told, self.number = lab, folder, told, number
        self.name = name or f'{lab.name}-' + hashlib.sha1(str(folder.resolve()).encode()).hexdigest()[:8]
        self.build = build_dir() / 'solutions' / self.name
        self.file = results or self.build / 'results.json'
        self.results: list[Result] = []
        self.started = time.monotonic()

    @property
    def points(self) -> int:
        return sum(result.points for result in self.results)

    def run(self, only: Part | None = None) -> list[Result]:
        """All parts, or only one."""
        self.write()
        reason = self.built()
        self.bench = None if reason else Bench(build_dir() if self.lab.is_hunt else self.build, self.name, self.texts, self.number)
        for part in [only] if only else self.lab.parts:
            result = Result(part, reason) if reason else self.judged(part)
            self.results.append(result)
            self.write()
            self.told(result)
            reason = reason and reason.replace(':\n', ': see the first part\n').partition('\n')[0]  # once is enough
            if time.monotonic() > self.started + LONGEST_GRADING:
                reason = f'not graded: the parts before it have taken {LONGEST_GRADING // 60} minutes'
        return self.results

    # ---- the kernel ----

    def built(self) -> str | None:
        """Why there is no kernel to look at."""
        try:
            self.texts = take(self.lab, self.student)
        except Unacceptable as why:
            return str(why)
        if self.lab.is_hunt:  # no kernel is handed in
            return None
        for name in ('attic.elf', 'attic.debug'):
            (self.build / name).unlink(missing_ok=True)
        fill(self.build, compiled(self.lab.own()) | self.texts, build_dir())
        wanted = [for_make(self.build / name) for name in ('attic.elf', 'attic.debug', 'initramfs.cpio')]
        with open(self.build / 'make.log', 'w+', errors='replace') as log:
            status = make(f'SOLUTION={self.name}', *wanted, below=limits(), stdout=log).returncode
            log.seek(0)
            said = log.read(COMPILER_SAYS).replace(for_make(self.build / 'changed') + '/', '').splitlines()
        if status == 0:
            return self.foreign()
        lines = [line for line in said if re.search(r'error:|undefined|multiple definition', line)][:COMPILER_LINES] or said[-COMPILER_LINES:]
        return '\n'.join(['it does not compile:', *(line[:LONGEST] for line in lines)])

    def foreign(self) -> str | None:
        """What the compiler has read, apart from headers: whatever a submission may hide from submission.py, it has not included the answer."""
        changed = for_make(self.build / 'changed')
        for file in self.texts:
            read = re.findall(r'[^\s\\]+', (self.build / f'{file}.o.d').read_text().partition(':')[2].partition('\n\n')[0])
            if other := [name for name in read if name != f'{changed}/{file}' and not re.match(rf'(?:{changed}/)?include/', name)]:
                return f'{file} includes {other[0]}, which is no header of the kernel'
        return None

    # ---- a part ----

    def judged(self, part: Part) -> Result:
        self.bench.mem = part.mem
        for cmdline in part.cmdlines or ['']:
            self.bench.cmdline = cmdline
            if (result := self.judged_once(part)).reason:
                return result
        return result

    def judged_once(self, part: Part) -> Result:
        if part.tests and (found := self.failing_test(part)):
            return Result(part, *found)
        for check in part.checks:
            found = self.check(check)
            reasons = found if isinstance(found, list) else [found]
            if any(reasons):
                return Result(part, '\n'.join(filter(None, reasons)), share=reasons.count(None) / len(reasons))
        return Result(part, None)

    def failing_test(self, part: Part) -> tuple[str, str] | None:
        """The first self-test that does not pass, as a reason, and the command that runs it alone."""
        told = self.bench.followed(FOLLOW, len(part.tests), f'part{self.lab.parts.index(part) + 1}', 'ktest=' + ','.join(part.globs))
        seen = {}
        for result in told:
            seen.setdefault(result.get('name'), []).append(result)
        for test in part.tests:
            [result, *more] = seen.get(test) or [None]
            if result is None:
                reason = f'{test} does not come to its end: {self.missing() or self.bench.end}'
            elif more or not result['honest']:
                reason = f'{test} is reported by something else than the test core'
            elif result['skipped']:
                reason = f'{test} is skipped: {result["skipped"]}'
            elif result['failed']:
                reason = f'{test} fails'
            else:
                continue
            machine = (f" MEM={part.mem}" if part.mem else '') + (f" CMDLINE='{self.bench.cmdline}'" if self.bench.cmdline else '')
            return reason, f"make check T='{test}'{machine}"
        if not any(result.get('code') for result in told):
            changed = any('code' in result for result in told)
            return 'the code of the kernel has changed while it ran' if changed else f'its code cannot be read: {self.bench.end}', ''
        return None

    def missing(self) -> str:
        """Which functions are still holes."""
        found = [name for text in self.texts.values() for name in re.findall(r'panic\("lab [\w-]+: (\w+)\(\) in ', text)]
        return f'still to be written: {", ".join(f"{name}()" for name in found)}' if found else ''

    def check(self, name: str) -> str | list[str | None] | None:
        try:
            return getattr(self.lab.module('checks'), name)(self.bench)
        except Exception as why:  # a student's kernel may hold anything: what a check trips over costs its part, not the others
            if not isinstance(why, EOFError):
                traceback.print_exc()
            return 'the machine has ended, or its memory is not what a check can read'

    # ---- what is written ----

    def write(self):
        """results.json, in Gradescope's form."""
        done = [described(result.part, result.points, '\n'.join(filter(None, (result.reason, result.again)))) for result in self.results]
        # Should the grader be ended, what has not been graded has no points.
        graded = [result.part for result in self.results]
        rest = [described(part, 0, 'not graded') for part in self.lab.parts if part not in graded]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({'execution_time': round(time.monotonic() - self.started), 'tests': done + rest}, indent=1) + '\n')


def harmless(text: str) -> str:
    """Without what a terminal obeys, or GitHub: it takes lines with two colons, and `##[`, for commands."""
    return re.sub(r'[^\n -~]', '?', text.expandtabs()).replace('::', ': :').replace('##[', '# #[')


def limits() -> list[str]:
    """The command that sets the limits; this machine's own may be lower."""
    own = {name: resource.getrlimit(getattr(resource, f'RLIMIT_{name.upper()}'))[1] for name in LIMITS}
    lower = {name: min(limit, own[name]) if own[name] != resource.RLIM_INFINITY else limit for name, limit in LIMITS.items()}
    return ['timeout', str(SECONDS), 'prlimit', *(f'--{name}={limit}' for name, limit in lower.items())]


def compiled(texts: dict[str, str]) -> dict[str, str]:
    """Without headers in which only comments differ: nothing that includes them is to be compiled again."""
    def same(file, text):
        return file.endswith('.h') and (ROOT / file).exists() and bare((ROOT / file).read_text()).split() == bare(text).split()
    return {file: text for file, text in texts.items() if not same(file, text)}


def described(part: Part, points: int, output: str) -> dict:
    return {'name': part.name, 'score': points, 'max_score': part.points, 'status': 'passed' if points == part.points else 'failed',
            'output': output, 'output_format': 'text', 'visibility': 'after_due_date' if part.hidden else 'visible'}
