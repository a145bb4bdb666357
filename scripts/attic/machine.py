"""A machine: Attic in QEMU; it is given input, inspected from outside, and its end is judged.

    with Machine('monitor', mem='128M', cmdline='lowmem=8M') as machine:
        machine.expect(PROMPT)                    # output on the serial port, in order: pexpect's expect()
        machine.run('vmalloc 16K')                # type a line at the prompt; returns what it prints
        machine.wait_until(lambda: 'hello' not in machine.run('ps'))     # a state that no line reports
        machine.physical(0x100000, 4096)          # the view from outside
        machine.walk(0xC0100000).physical         # through the page tables, as raw memory has them
        machine.finish('poweroff')                # pass fail panic refuse triple-fault quit timeout error

Each machine has a time limit for the whole run, one for silence, and one for what it prints; a machine that exceeds one is killed, with the
status 'timeout'. The first two are seconds of its clock(), which stands still while other programs use the processors or the test does
something else: on a busy host a machine gets the time it needs, and one that hangs is still found quickly. The serial log stays in
build/test-logs/NAME.log.
"""
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pexpect import EOF, TIMEOUT
from pexpect.spawnbase import SpawnBase

from attic import coverage, debugger, qemu
from attic.build import ROOT, boot_image, log_dir
from attic.screen import Screen
from attic.tables import FRAME, Tables, Walk
from attic.watch import Watch

PROMPT = re.compile('^attic> ', re.M)
LONG = 60            # seconds that wait_until() waits
BESIDE_SECONDS = 120
MOST_OUTPUT = 4 << 20  # bytes; a run of all self-tests has some 40 KiB


class Machine(SpawnBase):
    """`name` is that of the log; `mem`, `cpu`, `machine`, `firmware`, `snapshots`, `serial`, `stopped`, `medium`, `exit_device`, `edu` and
    `extra` are those of qemu.command(), which starts from the fastest `medium` here. `build` is another build's folder, `initramfs`, `iso` and `kernel` (another than Attic) files.
    `input` is sent as fast as the machine accepts it. `gdb` makes gdb() work. `timeout` and `silence` are seconds; UEFI is silent for
    longer than a BIOS."""

    def __init__(self, name, *, cmdline='', build=None, initramfs=None, iso=None, kernel=None, input='', gdb=False, extra=(),
                 timeout=120, silence=None, **options):
        timeout *= coverage.slowdown()
        super().__init__(timeout=timeout, encoding='utf-8', codec_errors='surrogateescape')
        self.name = name
        self.silence = (silence or (20 if qemu.firmware_name(options.get('firmware')) == 'bios' else 60)) * coverage.slowdown()
        self.output = ''          # all output of the serial port so far, without carriage returns
        self._told = 0            # how much of it expect() has seen; the rest came while it did not wait
        self.status = 'running'   # how it ended, as one word
        self.text = 'still running'
        self.screen = Screen(self)
        self.tables = Tables(self.physical)
        self.delayafterread = None
        self._pending = input.encode()
        self._clock, self._last_sign, self._until = 0.0, 0.0, timeout
        self._away, self._left = 0.0, None  # seconds without pump(), and its last end
        self._waited, self._beside = {}, set()  # seconds by thread, of QEMU and the programs of beside(); their pids
        self._timed_out = None
        self._console = self._typist = None
        base = re.sub(r'[^\w.-]+', '_', name)
        self.log_path = log_dir() / f'{base}.log'
        self._resets = log_dir() / f'{base}.qemu'
        self._resets.unlink(missing_ok=True)
        self._logfile = open(self.log_path, 'wb', buffering=0)
        self._folder = tempfile.TemporaryDirectory(prefix='attic-', dir=qemu.socket_folder())
        self._gdb_socket = f'{self._folder.name}/gdb'
        if kernel:
            extra = [*extra, '-kernel', str(kernel), '-initrd', str(initramfs), '-append', cmdline]
        else:
            iso = iso or boot_image(cmdline, build, initramfs)
        if gdb:
            extra = [*extra, '-chardev', f'socket,path={self._gdb_socket},server=on,wait=off,id=gdb', '-gdb', 'chardev:gdb']
        self._start(iso, extra, options)

    def _start(self, iso, extra, options):
        self.watch = Watch(iso, idle=lambda: self.pump(0))
        self._ram = coverage.ram_file()
        options.setdefault('medium', qemu.fast_medium(options.get('machine'), options.get('firmware')))
        words = qemu.command(iso=iso, log=self._resets, extra=extra, watch=self.watch.qmp.options(), ram=self._ram, **options)
        self.started = time.monotonic()
        with open(self._resets, 'ab') as errors:
            self.process = qemu.start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
                                      pass_fds=[self.watch.qmp.theirs])
        self.watch.qmp.started()
        for stream in (self.process.stdin, self.process.stdout):
            os.set_blocking(stream.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._folder.cleanup()

    def __str__(self):
        """How it ended, as a sentence; where the machine was, if it did not report its end; and the last lines of output."""
        lines = [f'  | {line}' for line in last_lines(self.output)]
        return '\n'.join([f'{self.name}: {self.text}; log: {self.log_path}', *self.watch.lines, *lines])

    # ---- time ----

    def used(self) -> float:
        """Processor seconds that QEMU has used: they hardly depend on the other load of the host."""
        return used(self.process.pid)

    def clock(self) -> float:
        """Seconds since QEMU's start, without those in which QEMU or a program of beside() waited for a processor, or no pump() waited for
        the machine. It never goes back."""
        kept = 0.0
        for pid in (self.process.pid, *self._beside):
            kept = qemu.waited(pid, self._waited)
        elapsed = time.monotonic() - self.started - self._away
        self._clock = max(self._clock, elapsed - kept, elapsed / qemu.PATIENCE)
        return self._clock

    def wait_until(self, question: Callable[[], Any]) -> Any:
        """Repeat the question while the machine runs, until the answer is true, for LONG seconds at most. Returns the last answer."""
        until = self.clock() + LONG
        while not (answer := question()):
            if self.ended or self.clock() > until:
                break
            self._last_sign = self.clock()  # the question may look from outside only: silence is no fault meanwhile
            self.pump(0.05)
        return answer

    # ---- the serial port ----

    def send(self, text: str):
        self._pending += text.encode('utf-8', 'surrogateescape')
        self.pump(0)

    def expect(self, pattern, timeout: float | None = None, **options) -> int:
        """pexpect's, on the machine's clock: wait until the output after the last match matches, and step past it; `match`, `before` and
        `after` hold the output. In a text pattern ^ and $ match at each line, and a dot does not match the end of a line. Raises EOF when
        the machine has ended, TIMEOUT when it is silent for too long."""
        self._until = self.clock() + (self.timeout if timeout is None else timeout)
        return super().expect(pattern, timeout=None, **options)

    def compile_pattern_list(self, patterns):
        """Gives text patterns the meaning described in expect()."""
        if not isinstance(patterns, (list, tuple)):
            patterns = [patterns]
        return super().compile_pattern_list([re.compile(p, re.M) if isinstance(p, str) else p for p in patterns])

    def saw(self, pattern, timeout: float | None = None) -> bool:
        """Whether the expected output comes."""
        try:
            self.expect(pattern, timeout)
        except (EOF, TIMEOUT):
            return False
        return True

    def run(self, line: str, timeout: float | None = None) -> str:
        """Send a line to the monitor; returns what it prints up to the next prompt, without the echo of the line. Raises EOF or TIMEOUT
        when no prompt comes."""
        self.send(f'{line}\n')
        self.expect(PROMPT, timeout)
        # What a program in the background printed after the prompt is before the echo.
        before, echo, printed = self.before.partition(f'{line}\n')
        return printed if echo else before.partition('\n')[2]

    def read_nonblocking(self, size=1, timeout=None):
        """The new output, for pexpect; waits for it."""
        while len(self.output) == self._told:
            if self.ended:
                raise EOF(f'{self.name} has ended: {self.text}')
            if self.clock() > self._until:
                raise TIMEOUT(f'{self.name}: not within its time')
            self.pump(0.1)
        start, self._told = self._told, len(self.output)
        return self.output[start:]

    def pump(self, wait: float):
        """Move bytes in both directions, for at most `wait` seconds; check for the end of QEMU and both limits."""
        if self.ended:
            return
        if self._left:
            self._away += time.monotonic() - self._left
        out, into, qmp = self.process.stdout, self.process.stdin, self.watch.qmp.socket
        readable, writable, _ = select.select([stream for stream in (out, qmp) if stream], [into] if self._pending else [], [], wait)
        if writable:
            self._write()
        if out in readable:
            self._read()
        self.watch.serve()  # also events that came before an answer: nothing is to be read then
        if not self.ended:
            self._check_limits()
        self._left = time.monotonic()

    def _write(self):
        try:
            self._pending = self._pending[os.write(self.process.stdin.fileno(), self._pending[:4096]):]
        except BlockingIOError:
            pass
        except OSError:
            self._pending = b''

    def _read(self):
        try:
            data = os.read(self.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return
        if not data:
            self._reap()
            return
        self._last_sign = self.clock()
        self._logfile.write(data)
        self.output += self._decoder.decode(data.replace(b'\r', b''))

    # ---- its end ----

    @property
    def ended(self) -> bool:
        return self.status != 'running'

    def _check_limits(self):
        now = self.clock()
        if self._timed_out:  # this is called again while QEMU is asked where the machine is
            return
        if now > self.timeout:
            self._timed_out = f'longer than {self.timeout} s'
        elif now > self._last_sign + self.silence:
            self._timed_out = f'silent for {self.silence} s'
        elif len(self.output) > MOST_OUTPUT:
            self._timed_out = f'more than {MOST_OUTPUT >> 20} MiB of output'
        else:
            return
        self.watch.look()
        self.process.kill()
        self._reap()

    def _reap(self):
        code = self.process.wait()
        coverage.keep(self._ram)
        end = qemu.TIMEOUT if self._timed_out else qemu.verdict(code, self._resets)
        # QEMU 10 may crash when it ends, if sockets are open and the guest writes to the exit port. The guest's output is complete by then,
        # and it is not a failure.
        if code == -signal.SIGSEGV and ('\n' + self.output).endswith('\nPower off.\n'):
            end = qemu.Verdict('pass', 0, 'QEMU died of SIGSEGV after the power was off')
        self.status = end.name
        self.text = end.text + (f' ({self._timed_out})' if self._timed_out else '') + self._complaint()
        if self.status not in ('triple-fault', 'error'):
            self._resets.unlink(missing_ok=True)
        for stream in (self._logfile, self.process.stdin, self.process.stdout):
            stream.close()
        self.watch.qmp.close()

    def _complaint(self):
        """What QEMU says of its options, if it has not even started the machine."""
        said = self._resets.read_text(errors='replace') if self.status == 'error' and not self.output else ''
        return ''.join(f'\n{line}' for line in said.splitlines() if line.startswith('qemu'))

    def finish(self, line: str | None = None) -> str:
        """Type this line if one is given, and wait for the end. Returns how it ended, as one word."""
        if line:
            self.send(f'{line}\n')
        while not self.ended:
            self.pump(0.2)
        return self.status

    def kill(self):
        """End it immediately."""
        if not self.ended:
            self._timed_out = self._timed_out or 'ended by the test'
            self.process.kill()
            self._reap()

    # ---- the view from outside ----

    def monitor(self, line: str) -> str:
        """Run one command of QEMU's human monitor and return what it prints."""
        said = self.watch.qmp.ask('human-monitor-command', LONG, command_line=line)
        if said is None:
            raise EOFError(f"QEMU's monitor does not answer `{line}`\n{self}")
        return said.replace('\r', '')

    def physical(self, address: int, size: int) -> bytes:
        """`size` bytes of physical memory from `address`."""
        file = Path(self._folder.name) / 'memory'
        said = self.monitor(f'pmemsave {address} {size} "{file}"')
        if not file.exists():
            raise EOFError(f'pmemsave: {said}')
        data = file.read_bytes()
        file.unlink()
        return data

    def register(self, name: str) -> int:
        """The value of a register in `info registers`: CR0, CR3, EIP..."""
        return int(re.search(rf'\b{name}=([0-9a-f]+)', self.monitor('info registers'))[1], 16)

    def walk(self, address: int) -> Walk:
        """The entries that the processor reads for an address, in the loaded tables: a Walk of tables.py."""
        return self.tables.walk(self.register('CR3') & FRAME, address)

    # ---- programs beside it ----

    @property
    def gdb_target(self) -> str:
        """The address to which a gdb can connect, once QEMU has made it."""
        # The file is there before QEMU listens to it; when its monitor speaks, it does.
        while not self.ended and not (self.watch.qmp.speaks and os.path.exists(self._gdb_socket)):
            self.pump(0.05)
        return self._gdb_socket

    def said_by_qemu(self) -> str:
        """What QEMU itself has printed, behind its log of resets; nothing once a machine has ended as one may."""
        return self._resets.read_text(errors='replace') if self._resets.exists() else ''

    def gdb(self, elf: Path | str, *commands: str) -> str:
        """Attach gdb in batch mode, with Attic's own commands loaded, and run these. Returns what it prints. The machine continues when gdb
        has detached."""
        return self.beside(*debugger.gdb(elf, '-batch', *debugger.commands(f'target remote {self.gdb_target}', *commands)))

    def beside(self, *command: str, env: dict[str, str] | None = None) -> str:
        """Run a program in the root of the repository while the machine runs; returns what it prints, errors included. A program that does
        not end within BESIDE_SECONDS of the clock is killed, and beside_timed_out is true."""
        until, said = self.clock() + BESIDE_SECONDS, b''
        self.beside_timed_out = True  # until it ends
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            self._beside.add(process.pid)
            try:
                while self.beside_timed_out and self.clock() <= until:
                    self.pump(0.02)
                    self._take_typed()
                    self._last_sign = self.clock()  # stopped on purpose
                    if select.select([process.stdout], [], [], 0)[0]:
                        data = os.read(process.stdout.fileno(), 65536)
                        said += data
                        self.beside_timed_out = bool(data)
            finally:
                if self.beside_timed_out:
                    process.kill()
        return said.decode(errors='surrogateescape')

    def open_console(self) -> str:
        """A socket for a gdb of beside() that wants to type on Attic's console (ATTIC_CONSOLE). The console's output is not sent there: it
        would appear among gdb's lines at any moment."""
        self._console = socket.socket(socket.AF_UNIX)
        path = f'{self._folder.name}/console'
        self._console.bind(path)
        self._console.listen(1)
        return path

    def _take_typed(self):
        source = self._typist or self._console
        if not source or not select.select([source], [], [], 0)[0]:
            return
        if not self._typist:
            self._typist = self._console.accept()[0]
        elif data := self._typist.recv(4096):
            self.send(data.decode(errors='surrogateescape'))
        else:
            self._typist.close()
            self._console.close()
            self._console = self._typist = None


def last_lines(output: str, count: int = 20) -> list[str]:
    """The last lines of an output: so many, or all from the last panic on."""
    lines = output.splitlines()
    panic = max((at for at, line in enumerate(lines) if line.startswith('PANIC')), default=len(lines))
    return lines[min(panic, max(len(lines) - count, 0)):]


def used(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
