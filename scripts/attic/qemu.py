"""QEMU's command line, and what its end means: `make run`, the tests, gdb and the benches all use it.

    process = start(command(iso='build/attic.iso', mem='8M'), stdin=DEVNULL)
    timed_out = wait_for(process, 60)
    verdict(process.returncode, log).name      # pass fail panic refuse triple-fault quit timeout error

Environment, for what a caller leaves open: MEM (128M), CPU (max: SMEP and SMAP are on), ACCEL (tcg; never kvm by itself), QEMU
(qemu-system-i386), QEMU_EXTRA (more options, split at blanks), MACHINE, FIRMWARE (bios), QEMU_DISPLAY (none).
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import time
from collections import namedtuple
from pathlib import Path

Verdict = namedtuple('Verdict', 'name status text')

# How a run ended, by QEMU's exit status: isa-debug-exit turns the value that the kernel writes (enum machine_exit in
# include/arch/x86/cpu.h) into value * 2 + 1.
VERDICTS = {
    33: Verdict('pass', 0, 'passed or powered off'),
    35: Verdict('fail', 1, 'the self-tests did not pass: one failed, or none has that name'),
    37: Verdict('panic', 2, 'the kernel panicked'),
    39: Verdict('refuse', 3, 'Attic refused to run on this machine'),
}
RESET = Verdict('triple-fault', 4, 'triple fault, or another reset of the machine')
TIMEOUT = Verdict('timeout', 5, 'time-out: QEMU was ended')
QUIT = Verdict('quit', 0, 'QEMU was ordered to quit')

# Firmware by name. Debian builds the 32-bit firmware for Secure Boot only, which needs a machine with system-management mode; with no keys
# in its variables it boots any system. The 64-bit firmware needs a 64-bit processor, and so another QEMU.
OVMF = '/usr/share/OVMF'
Firmware = namedtuple('Firmware', 'qemu machine flash options', defaults=((), ()))
FIRMWARE = {
    'bios': Firmware('qemu-system-i386', 'pc'),
    'uefi32': Firmware('qemu-system-i386', 'q35,smm=on', (f'{OVMF}/OVMF32_CODE_4M.secboot.fd', f'{OVMF}/OVMF32_VARS_4M.fd'),
                       ('-global', 'driver=cfi.pflash01,property=secure,value=on')),
    'uefi64': Firmware('qemu-system-x86_64', 'q35', (f'{OVMF}/OVMF_CODE_4M.fd', f'{OVMF}/OVMF_VARS_4M.fd')),
}

# What an image can be on, by name: a CD, as for `make run`; a disk; or a disk of virtio, which needs PCI: from there GRUB loads kernel and
# initramfs in half the time, because the BIOS reads the others word by word.
MEDIA = {
    'cd': lambda iso: ['-cdrom', iso, '-boot', 'd'],
    'disk': lambda iso: ['-drive', f'format=raw,snapshot=on,file={in_option(iso)}'],
    'virtio': lambda iso: ['-drive', f'if=virtio,format=raw,readonly=on,file={in_option(iso)}'],
}

# Even on a busy host a time-out comes after so many times its seconds.
PATIENCE = 20


def firmware_name(name: str | None = None) -> str:
    return name or os.environ.get('FIRMWARE') or 'bios'


def missing_firmware(name: str) -> str | None:
    """Which file of this firmware is missing; None if none is."""
    return next((file for file in FIRMWARE[name].flash if not os.path.exists(file)), None)


def firmware_fault(name: str) -> str | None:
    """Why no machine can have this firmware; None if one can."""
    if name not in FIRMWARE:
        return f"the firmware is one of {' '.join(sorted(FIRMWARE))}, not '{name}'"
    missing = missing_firmware(name)
    return f'{missing} is not there: `make setup` installs it (packages ovmf and ovmf-ia32)' if missing else None


def program(firmware: str | None = None) -> str:
    """The QEMU that a firmware needs."""
    return os.environ.get('QEMU') or FIRMWARE[firmware_name(firmware)].qemu


def cpu_of(cpu: str | None = None) -> str:
    return cpu or os.environ.get('CPU') or 'max'


def lacks_apic(cpu: str | None = None) -> bool:
    """Whether the processor has no APIC. The edu card sends its interrupts as messages, which only an APIC receives, so QEMU does not start
    without one."""
    return bool(re.search(r'^486\b|,(?:-apic|apic=(?:off|no|false))\b', cpu_of(cpu)))


def in_option(path: str) -> str:
    return path.replace(',', ',,')


def fast_medium(machine: str | None = None, firmware: str | None = None) -> str:
    """What a machine boots from soonest."""
    kind = FIRMWARE[firmware_name(firmware)]
    return 'cd' if kind.flash or (machine or os.environ.get('MACHINE') or kind.machine).startswith('isapc') else 'virtio'


def flash_options(firmware: Firmware) -> list[str]:
    """The code is read-only, and changes of the variables are lost with the machine."""
    if not firmware.flash:
        return []
    code, variables = firmware.flash
    return ['-drive', f'if=pflash,unit=0,format=raw,readonly=on,file={code}',
            '-drive', f'if=pflash,unit=1,format=raw,snapshot=on,file={variables}', *firmware.options]


def command(*, iso=None, mem=None, cpu=None, accel=None, machine=None, firmware=None, display=None, serial=None, snapshots=None,
            monitor=None, gdb=None, stopped=False, log=None, watch=None, medium='cd', exit_device=True, edu=True, ram=None, extra=()):
    """The whole command line. `snapshots` and `log` are files, `watch` the options of a Watch, `medium` is what the image is on:
    a key of MEDIA; without `exit_device` the kernel cannot end the machine, without `edu` there is no device that does DMA;
    `ram` is a file that holds the machine's memory, also when it has ended.
    -nodefaults leaves out the network card, whose boot ROM alone costs a quarter of the start-up time."""
    kind = FIRMWARE[firmware_name(firmware)]
    machine = machine or os.environ.get('MACHINE') or kind.machine
    words = [program(firmware),
             '-accel', accel or os.environ.get('ACCEL') or 'tcg',
             '-machine', machine, '-nodefaults', '-no-user-config', '-no-reboot',
             '-m', mem or os.environ.get('MEM') or '128M',
             '-cpu', cpu_of(cpu),
             '-vga', 'std', '-display', display or os.environ.get('QEMU_DISPLAY') or 'none',
             '-serial', serial or 'stdio',
             *flash_options(kind)]
    if ram:
        words[words.index('-machine') + 1] += ',memory-backend=ram'
        words += ['-object', f"memory-backend-file,id=ram,share=on,mem-path={ram},size={words[words.index('-m') + 1]}"]
    if snapshots:
        words += ['-serial', f'file:{snapshots}']
    if edu and not re.match(r'isapc\b', machine) and not lacks_apic(cpu):
        words += ['-device', 'edu']
    if exit_device:
        words += ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
    if iso:
        words += MEDIA[medium](str(iso))
    for option, value in (('-monitor', monitor), ('-gdb', gdb)):
        if value:
            words += [option, value]
    if stopped:
        words.append('-S')
    if log:
        words += ['-d', 'cpu_reset', '-D', str(log)]
    return [*words, *(watch or ()), *os.environ.get('QEMU_EXTRA', '').split(), *extra]


def start(words: list[str], death: str = 'TERM', **options) -> subprocess.Popen:
    """Start QEMU, or another program that must not outlive this one: it gets the signal `death` when this one ends. Options are those of
    Popen."""
    setpriv = next((path for path in ('/usr/bin/setpriv', '/bin/setpriv') if os.access(path, os.X_OK)), None)
    if not shutil.which(words[0]):
        raise FileNotFoundError(f'cannot run {words[0]}: there is no such program')
    return subprocess.Popen([setpriv, '--pdeathsig', death, *words] if setpriv else words, **options)


def by_signal(number: int) -> Verdict:
    """A run that was ended from outside, not by the machine."""
    return Verdict('error', 128 + number, f'ended by {signal.Signals(number).name}')


def verdict(returncode: int, log: Path | str | None = None, can_quit: bool = False) -> Verdict:
    """How a QEMU that was started with `log` has ended. With -no-reboot a triple fault ends QEMU with status 0, as does Ctrl-A x or a
    gdb that leaves; if a user may do that (`can_quit`), the log of processor resets distinguishes them."""
    if returncode < 0:
        return Verdict('error', 6, f'QEMU was killed by signal {-returncode}')
    if returncode in VERDICTS:
        return VERDICTS[returncode]
    if returncode:
        return Verdict('error', 6, f'QEMU failed with status {returncode}')
    return QUIT if can_quit and not log_has_triple_fault(log) else RESET


def log_has_triple_fault(log: Path | str | None) -> bool:
    try:
        return bool(re.search('^Triple fault', Path(log).read_text(errors='replace'), re.M))
    except OSError:
        return False


def socket_folder() -> str:
    """A folder for sockets: their paths are at most 108 bytes long, and gdb accepts no blank in one."""
    folder = os.environ.get('TMPDIR', '')
    return folder if re.fullmatch(r'/\S{1,60}', folder) else '/tmp'


def waited(pid: int, seen: dict[str, float]) -> float:
    """For how many seconds the threads of a process were ready to run while others had the processors: the second figure of Linux's
    schedstat. All threads count, because one that waits may hold a lock that another one needs. 0 if the host does not provide it. A
    time-out without these seconds still ends a machine that hangs, but not one that only waits for a processor. `seen` keeps the figure of
    each thread, by its file, because it is gone when the thread has ended."""
    for file in glob.glob(f'/proc/{pid}/task/*/schedstat'):
        try:
            seen[file] = int(Path(file).read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            pass
    return sum(seen.values())


def wait_for(process: subprocess.Popen, timeout: float = 0, watch=None) -> bool:
    """Wait for the process, at most `timeout` seconds if that is not 0; the seconds in which it waited for a processor do not count. A
    watch is served meanwhile, and records where the machine is before it is ended. Returns whether it had to be ended."""
    started, seen = time.monotonic(), {}
    while process.poll() is None:
        left = 1.0
        if timeout:
            kept = min(waited(process.pid, seen), (PATIENCE - 1) * timeout)
            left = min(left, started + timeout + kept - time.monotonic())
        if left <= 0:
            if watch:
                watch.look()
            process.kill()
            process.wait()
            return True
        if watch and watch.qmp.connected:
            watch.serve(left)
        else:
            try:
                process.wait(left)
            except subprocess.TimeoutExpired:
                pass
    return False
