"""Attic in Bochs: a second emulator, with its own TLB and its own behaviour in details.

    with Bochs('bochs-p3', 'p3_katmai', cmdline='ktest=*') as run:
        run.finish()                     # pass fail panic triple-fault timeout error
        run.output, str(run)             # as those of a Machine

The serial port is a file, which is read as it grows. Bochs has no device to which the kernel can write the result of a run; it has a port
that ends it (machine_exit), which passed and failed runs both use. So the output of the tests distinguishes these two, a panic is found by
its line, and Bochs ends by itself at a triple fault.

Debian's Bochs has its debugger built in, so it gets the command to continue, and ends at the end of input. With the display `term` it
writes the screen to a separate terminal, which must be read, or Bochs stops when the terminal's buffer is full. Time in the machine is
counted in instructions, IPS of them per second, and waiting costs none: so no test depends on the host's speed.
"""
import glob
import os
import re
import shutil
import subprocess
import time

from attic import qemu
from attic.build import CannotBeHad, boot_image, log_dir, ran
from attic.machine import used

IPS = 50_000_000
AFTER_PANIC = 5       # seconds for the rest of its report
SECONDS, SILENCE = 600, 120   # of processor time
FOLDER = '/usr/share/bochs'


def bios(name):
    """The firmware files, with the names in Bochs and, with .bin, those in some of its versions."""
    return next((path for path in (f'{FOLDER}/{name}', f'{FOLDER}/{name}.bin') if os.path.exists(path)), None)


def is_there():
    """Raises CannotBeHad if Bochs cannot run."""
    if not shutil.which('bochs'):
        raise CannotBeHad('bochs is not installed (packages bochs bochsbios bochs-term vgabios)')
    if not bios('BIOS-bochs-latest') or not bios('VGABIOS-lgpl-latest'):
        raise CannotBeHad(f'{FOLDER} has no BIOS (packages bochsbios vgabios)')
    if not glob.glob('/usr/lib/*/bochs/plugins/libbx_term*.so'):
        raise CannotBeHad('bochs has no display `term` (package bochs-term)')


class Bochs:
    """`model` is that of the processor: bochs --help cpu."""

    def __init__(self, name, model, *, cmdline=''):
        self.name, self.output, self.status = name, '', 'running'
        self._used = self._last_sign = 0.0
        self._panic = self._screen = None
        base = log_dir() / name
        self.log_path, self._log, self._said = (base.with_suffix(end) for end in ('.log', '.bochs', '.said'))
        for file in (self.log_path, self._log, self._said):
            file.unlink(missing_ok=True)
        settings = base.with_suffix('.rc')
        settings.write_text(self._settings(model, boot_image(cmdline)))
        options = ['-q', '-f', settings]
        if re.search(r'^\s*-rc filename', ran('bochs', '--help').stdout, re.M):
            debugger = base.with_suffix('.debugger')
            debugger.write_text('continue\n')
            options += ['-rc', debugger]
        with open(self._said, 'wb') as said:
            self.process = qemu.start(['bochs', *map(str, options)], 'KILL', stdin=subprocess.DEVNULL, stdout=said,  # it ignores SIGTERM
                                      stderr=subprocess.STDOUT, env=os.environ | {'TERM': 'vt100'})

    def _settings(self, model, iso):
        return f'''display_library: term
romimage: file={bios('BIOS-bochs-latest')}
vgaromimage: file={bios('VGABIOS-lgpl-latest')}
megs: 128
cpu: model={model}, ips={IPS}, reset_on_triple_fault=0
clock: sync=none, time0=utc
sound: driver=dummy
ata0-master: type=cdrom, path="{iso}", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev="{self.log_path}"
log: "{self._log}"
panic: action=fatal
error: action=report
info: action=report
'''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """A test that is killed leaves no Bochs behind."""
        self._stop()
        if self._screen is not None:
            os.close(self._screen)

    def __str__(self):
        lines = [f'  | {line}' for line in self.output.splitlines()[-20:]]
        return '\n'.join([f'{self.name}: {self.status}; logs: {self.log_path}, {self._log}, {self._said}', *lines])

    def finish(self):
        """Wait for the end. Returns how it ended, as one word."""
        killed_for = None
        while self.process.poll() is None and not killed_for:
            time.sleep(0.1)
            self._used = used(self.process.pid)
            self._drain_screen()
            self._read_serial()
            killed_for = self._limit()
        self._stop()
        self._read_serial()
        self.status = self._verdict(killed_for)
        return self.status

    def _stop(self):
        self.process.kill()
        self.process.wait()

    def _limit(self):
        """Why it must be killed, or None."""
        if self._panic is not None:
            return 'panic' if time.monotonic() > self._panic + AFTER_PANIC else None
        return 'timeout' if self._used > min(SECONDS, self._last_sign + SILENCE) else None

    def _read_serial(self):
        if not self.log_path.exists():
            return
        output = self.log_path.read_text(errors='replace').replace('\r', '')
        if len(output) > len(self.output):
            self.output, self._last_sign = output, self._used
        if self._panic is None and re.search('^PANIC ', output, re.M):
            self._panic = time.monotonic()

    def _drain_screen(self):
        """Its name is in the output of Bochs."""
        if self._screen is None:
            found = re.search('connected to screen "(.*?)"', self._said.read_text(errors='replace'))
            if not found:
                return
            self._screen = os.open(found[1], os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            while os.read(self._screen, 65536):
                pass
        except OSError:
            pass

    def _verdict(self, killed_for):
        log = self._log.read_text(errors='replace') if self._log.exists() else ''
        if self._panic is not None:
            return 'panic'
        if killed_for:
            return killed_for
        if re.search(r'3rd \(\d+\) exception', log):
            return 'triple-fault'
        if not re.search('[Ss]hutdown port', log):
            return 'error'
        return 'fail' if re.search('^not ok ', self.output, re.M) else 'pass'
