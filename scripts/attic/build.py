"""The kernel under test: where it was built, what make and the scripts make from it, and what else a test needs.

Environment, as set by `make test`: BUILD, the folder of the kernel (build); FETCHED, where `make busybox` and similar targets put what they
fetch (build); CC, the compiler; NO_I386=1, as if this machine could not run i386 programs.
"""
import fcntl
import functools
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attic.symbols import Symbols

ROOT = Path(__file__).resolve().parent.parent.parent


def build_dir() -> Path:
    return ROOT / (os.environ.get('BUILD') or 'build')


def fetched_dir() -> Path:
    return ROOT / (os.environ.get('FETCHED') or 'build')


def log_dir() -> Path:
    """The folder for the logs of tests, created if necessary."""
    return made(build_dir() / 'test-logs')


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def for_make(path: Path | str) -> str:
    """A path for make, which does not allow blanks in it: the root of the repository may have some."""
    return os.path.relpath(path, ROOT)


def source_files() -> list[str]:
    """The files of the repository, from its root: all but what is built. git is not used, because a checkout may belong to another user, or
    be a folder unpacked from an archive."""
    found, built = [], for_make(build_dir()).split('/')[0]
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not (folder == str(ROOT) and name in ('build', built, '.git')) and name != '__pycache__']
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(name for name in found if name not in ('compile_commands.json', '.git'))


def symbols(elf: Path | None = None) -> Symbols:
    """The symbols of the kernel under test, or of another file; attic.elf has no names of data."""
    names = Symbols(elf or build_dir() / 'attic.debug')
    if not names:
        raise FileNotFoundError(f'{elf or build_dir() / "attic.debug"}: no symbols')
    return names


def ran(*command: str | Path, **options) -> subprocess.CompletedProcess:
    """Run a program that ends by itself, without input unless some is given. The CompletedProcess: stdout has errors, too."""
    return subprocess.run(command, **{'input': '', 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True,
                                      'errors': 'replace'} | options)


# ---- make ----

@contextmanager
def locked(path: Path):
    """Several tests run at a time: only one of them runs this part."""
    made(path.parent)
    with open(path, 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(*arguments: str, env: dict[str, str] | None = None, below: Iterable[str] = (), **options) -> subprocess.CompletedProcess:
    """Run make with these arguments, and what `env` adds to the environment, for this build by default; `below` is a command that runs it.
    Returns what ran() returns."""
    environment = {name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')}
    environment |= {'BUILD': for_make(build_dir()), 'FETCHED': for_make(fetched_dir())} | (env or {})
    return ran(*below, 'make', '--no-print-directory', '-C', ROOT, *arguments, env=environment, **options)


def compiler() -> list[str]:
    """The compiler of this build, as an argument of make."""
    return [f'CC={os.environ["CC"]}'] if os.environ.get('CC') else []


@contextmanager
def with_make(build: Path | None = None, commands: Iterable[str] = ('make',)):
    """Locks out other tests that run make for the same kernels, and gives make the environment that it needs below `make test`: its
    variables, but not its -j. With `build`, in another build than this."""
    environment = {name: value for name, value in os.environ.items() if name not in ('MAKELEVEL', 'MFLAGS')}
    given = re.search('-- .*', os.environ.get('MAKEFLAGS', ''), re.S)
    environment['MAKEFLAGS'] = given[0] if given else ''
    if build:
        environment |= {'BUILD': for_make(build), 'FETCHED': for_make(fetched_dir())}
    with ExitStack() as locks:
        for name in sorted(kernels_of(commands)):
            locks.enter_context(locked((build or build_dir()) / '.'.join(filter(None, ('make', name, 'lock')))))
        yield environment


def kernels_of(commands: Iterable[str]) -> set[str]:
    """What these commands build and use: for each, the name after BUG= or VARIANT=, which has a folder of its own, else an empty one. None
    for those that use no kernel."""
    names = (re.search(r'(?<!\S)(?:BUG|VARIANT)=([\w-]+)', command) for command in commands if re.search(r'\bmake\b|\bscripts/|build/', command))
    return {name[1] if name else '' for name in names}


def checked_build(*variables: str, name: str = 'checks') -> tuple[Path, subprocess.CompletedProcess]:
    """The folder of a kernel built with DEBUG=1 and these variables, built now if necessary, and the output of make."""
    folder = build_dir() / name
    with locked(folder / 'make.lock'):
        return folder, make('DEBUG=1', *variables, f'BUILD={for_make(folder)}', *compiler(), 'all')


class CannotBeHad(Exception):
    """What is missing on this machine, and why."""


def fetched(target: str, path: str) -> Path:
    """The path of what `make TARGET` fetches; fetched now if necessary. Raises CannotBeHad."""
    file = fetched_dir() / path
    if file.exists():
        return file
    done = make(target)
    if done.returncode == 0 and file.exists():
        return file
    why = re.findall(rf'^{re.escape(target)}: .*', done.stdout, re.M)
    raise CannotBeHad(why[-1] if why else f'make {target} fails')


# ---- programs of i386 ----

@functools.cache
def runs_i386() -> bool:
    """Whether this host's kernel itself runs i386 programs. An emulator (binfmt_misc) does not count: it is not Linux, and AddressSanitizer
    does not work in it. With NO_I386=1 the answer is no. Every test that runs such a program asks here first."""
    return not os.environ.get('NO_I386') and runs_itself((build_dir() / 'user/forever').resolve())


def runs_itself(program: Path) -> bool:
    try:
        process = subprocess.Popen([program, 'sleep'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    with process:
        process.stdout.readline()  # it reports that it runs
        try:
            return os.readlink(f'/proc/{process.pid}/exe') == str(program)
        except OSError:
            return False
        finally:
            process.kill()


def user_sources() -> list[Path]:
    """The sources of the programs of user/, except those that are linked with an ordinary C library."""
    return [source for folder in ('user', 'user/tests', 'user/tests/helpers') for source in sorted((ROOT / folder).glob('*.c'))]


def user_programs(build: Path | None = None) -> dict[str, Path]:
    """The programs of user/ by name, where the linker of a build puts them: make empties the folder of its own initramfs when a test has
    fetched busybox."""
    build = build or build_dir()
    programs = {source.stem: build / 'user' / source.stem for source in user_sources()}
    glibc = build / 'user/glibc/hello'
    return programs | ({'glibc_hello': glibc} if glibc.exists() else {})


# ---- images ----

def is_older(file: Path, *than: Path) -> bool:
    """Whether the file has to be made (again), because one of those that it is made from is newer."""
    return not file.exists() or file.stat().st_mtime <= max((path.stat().st_mtime for path in than if path.exists()), default=0)


def make_initramfs(name, *, build=None, busybox=None, programs=None, files=None):
    """An initramfs in a folder of this name: the archive, and the folder that it was made from. `programs` maps names in the root folder to
    paths; `files` maps paths to texts, which are executable when they start with #!."""
    build = build or build_dir()
    folder = made(build / 'test-images' / name)
    archive, tree = folder / 'initramfs.cpio', folder / 'tree'
    script, texts = ROOT / 'scripts/make/mkinitramfs', build / 'program-texts'
    environment = os.environ | {'BUSYBOX': str(busybox or ''), 'PROGRAM_TEXTS': str(texts) if texts.exists() else ''}
    pairs = [f'{key}={path}' for key, path in sorted((programs or {}).items())]
    subprocess.run([script, archive, tree, *pairs], check=True, env=environment)
    for path, text in sorted((files or {}).items()):
        file = tree / path
        data = text if isinstance(text, bytes) else text.encode()
        made(file.parent)
        file.write_bytes(data)
        file.chmod(0o755 if data.startswith(b'#!') else 0o644)
    subprocess.run([script, '--pack', archive, tree], check=True, env=environment)
    return archive, tree


def own_initramfs(build: Path | None = None) -> Path:
    """A build's own programs, without busybox: all tests have the same, also after one of them has fetched busybox, and GRUB loads them in
    a third of the time."""
    build = build or build_dir()
    programs = user_programs(build)
    archive = build / 'test-images/own/initramfs.cpio'
    with locked(build / 'test-images/own.lock'):
        if is_older(archive, *programs.values(), build / 'programs', build / 'program-texts', ROOT / 'scripts/make/mkinitramfs'):
            make_initramfs('own', build=build, programs=programs)
    return archive


def boot_image(cmdline: str = '', build: Path | None = None, initramfs: Path | None = None) -> Path:
    """The ISO that boots a build's kernel with this command line and initramfs (the build's own programs by default); made once, and again
    when one of them is newer."""
    build = build or build_dir()
    kernel, initramfs = build / 'attic.elf', initramfs or own_initramfs(build)
    key = f'{cmdline}\0{initramfs}'
    iso = made(build / 'test-images') / (hashlib.sha1(key.encode()).hexdigest()[:12] + '.iso')
    if not kernel.exists():
        raise FileNotFoundError(f'{kernel} is not there: run make first')
    with locked(iso.with_suffix('.iso.lock')):
        if is_older(iso, kernel, initramfs):
            subprocess.run([ROOT / 'scripts/make/mkiso', iso, kernel, initramfs, cmdline], check=True)
    return iso


def image_with_grub_cfg(iso: Path, pattern: str, instead: str, *, build: Path | None = None, initramfs: Path | None = None, cmdline: str = ''):
    """Make an ISO in whose grub.cfg the first match of the pattern is replaced. GRUB then has its commands for the memory map, too."""
    build, config = build or build_dir(), iso.with_suffix('.cfg')
    text, changes = re.subn(pattern, instead, (ROOT / 'grub.cfg').read_text(), count=1, flags=re.M)
    assert changes, f'grub.cfg has no {pattern}'
    config.write_text(text)
    subprocess.run([ROOT / 'scripts/make/mkiso', iso, build / 'attic.elf', initramfs or own_initramfs(build), cmdline], check=True,
                   env=os.environ | {'GRUB_CFG': str(config), 'GRUB_COMMANDS': 'mmap'})
