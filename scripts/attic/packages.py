"""Debian packages of another architecture, fetched and unpacked into a folder: the system is not changed.

    packages = Packages('busybox', f'{build}/busybox')
    packages.update()                              # look for packages
    packages.update('bookworm')                    # also in Debian 12, if these are the sources of another Debian
    packages.field('linux-image-686:i386', 'Depends')
    packages.unpack('busybox-static:i386')         # under folder/root/, once

The package sources are those that this machine has already, asked also for i386. apt-get runs with its own lists, cache, status and
configuration in folder/apt, so that neither the list of installed packages nor the system's cache is touched, and no root is needed;
packages are only unpacked, none of their scripts runs. What was fetched is kept; after `rm -r folder` it is fetched again. The output of
the programs goes to folder/log. fail() ends the run with one line, which begins with the script's name, and status 1: every failure ends
that way.

Used by scripts/fetch and scripts/bench-linux, which also run their own programs through run() and ask().
"""
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_line(name: str):
    """An error of the system inside, for a file or a program, ends the run as fail() does; Ctrl-C ends it at once and silently."""
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.reconfigure(line_buffering=True, errors='surrogateescape')
    try:
        yield
    except OSError as error:
        sys.exit(f'{name}: ' + (f'{error.filename}: {error.strerror}' if error.filename else str(error)))


def read_file(path: str | Path) -> str:
    """The text of a file; bytes that are not text survive if it is written again."""
    return os.fsdecode(Path(path).read_bytes())


def write_file(path: str | Path, text: str):
    Path(path).write_bytes(os.fsencode(text))


def remove(*folders: Path):
    """Remove those of the folders that exist, with their contents."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


class Packages:
    def __init__(self, name: str, folder: str | Path):
        """`name` is that of the script, for its messages; `folder` an absolute path, created if necessary."""
        self.name, self.folder, self.log = name, Path(folder), Path(folder, 'log')
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.log, '')
        self.need('apt-get', 'apt')
        self.need('dpkg-deb', 'dpkg')

    def fail(self, why: str):
        sys.exit(f'{self.name}: {why}')

    def say(self, what: str):
        print(f'{self.name}: {what}')

    def need(self, tool: str, package: str):
        if not shutil.which(tool):
            self.fail(f'{tool} is missing: it is in the package {package}')

    def run(self, *command: str | Path, cwd: Path | None = None) -> bool:
        """Run a program with its output in the log; true on success."""
        return self._finished(command, cwd=cwd) is not None

    def ask(self, *command: str | Path) -> str:
        """Returns what a program prints, '' when it fails; its errors go to the log."""
        return os.fsdecode(self._finished(command, stdout=subprocess.PIPE) or b'')

    def _finished(self, command, **options):
        """What the program printed, b'' if that is in the log; None when it fails, or does not exist."""
        with open(self.log, 'a', errors='surrogateescape') as log:
            print('+', *command, file=log, flush=True)
            try:
                done = subprocess.run(command, **{'stdin': subprocess.DEVNULL, 'stdout': log, 'stderr': log} | options)
            except OSError:
                return None
        return None if done.returncode else done.stdout or b''

    def update(self, suite: str | None = None) -> str:
        """Make apt's configuration and fetch the lists of packages, also those of another suite of the same sources if one is named.
        Returns the native architecture."""
        native = self._set_up_apt(suite)
        self.say('looking for packages')
        self.run('apt-get', 'update')  # a source that fails may not be needed
        return native

    def _set_up_apt(self, suite):
        """A separate configuration of apt: this machine's sources, also for i386; other lists, cache and status. Of the system's options
        only those for transport are copied, because others may be hooks that touch the system's cache."""
        apt = self.folder / 'apt'
        remove(apt / 'sources')
        for name in ('lists/partial', 'archives/partial', 'sources', 'parts'):
            (apt / name).mkdir(parents=True, exist_ok=True)
        more = Path('/etc/apt/sources.list.d')
        for file in (Path('/etc/apt/sources.list'), *more.glob('*.list'), *more.glob('*.sources')):
            if file.exists():
                text = for_all_architectures(read_file(file))
                write_file(apt / 'sources' / file.name, text)
                also = of_suite(text, suite) if suite else text
                if also != text:
                    write_file(apt / 'sources' / f'{suite}-{file.name}', also)
        transport = ''.join(re.findall(r'^Acquire::https?::.*\n', self.ask('apt-config', 'dump'), re.M))
        native = self.ask('dpkg', '--print-architecture').strip()
        write_file(apt / 'status', '')
        write_file(apt / 'apt.conf', transport + f'''\
Dir::State::lists "{apt}/lists";
Dir::State::status "{apt}/status";
Dir::Cache "{apt}";
Dir::Cache::archives "{apt}/archives";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{apt}/parts";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{apt}/sources";
APT::Architecture "i386";
APT::Architectures {{ "i386"; "{native}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
''')
        os.environ['APT_CONFIG'] = f'{apt}/apt.conf'
        return native

    def field(self, package: str, field: str) -> str:
        """The value of a field of the newest version of a package, '' when the sources do not have it."""
        value = re.search(rf'^{re.escape(field)}: (.*)$', self.ask('apt-cache', 'show', '--no-all-versions', package), re.M)
        return value[1] if value else ''

    def unpack(self, package: str):
        """Fetch a package, as name:architecture, and unpack it under folder/root/, if that has not been done."""
        name = package.split(':')[0]
        root, debs = self.folder / 'root', self.folder / 'debs' / name
        if (root / f'.{name}').exists():
            return
        self.say(f'fetching {package}')
        remove(debs)
        for folder in (debs, root):
            folder.mkdir(parents=True, exist_ok=True)
        get = package.removesuffix(':all')
        if not self.run('apt-get', 'download', get, cwd=debs):
            self.fail(f"apt-get cannot fetch {get} from this machine's package sources (is there a network?); see {self.log}")
        found = list(debs.glob('*.deb'))
        if len(found) != 1 or not self.run('dpkg-deb', '-x', found[0], root):
            self.fail(f'cannot unpack {package}; see {self.log}')
        write_file(root / f'.{name}', f'{found[0].name}\n')
        remove(debs)


def for_all_architectures(text: str) -> str:
    """Package sources without what limits them to an architecture, in both of apt's formats."""
    text = re.sub(r'^Architectures:.*\n', '', text, flags=re.M)
    text = re.sub(r'\[([^]]*?)\barch=\S*?(\s[^]]*)?\]', r'[\1\2]', text)
    return re.sub(r'\[\s*\]', '', text)


def of_suite(text: str, suite: str) -> str:
    """The same sources for another suite, in both of apt's formats: trixie-security becomes bookworm-security."""
    try:
        own = platform.freedesktop_os_release().get('VERSION_CODENAME') or 'stable'
    except OSError:
        own = 'stable'
    names = rf'\b(?:{re.escape(own)}|stable|testing|unstable|sid)\b'
    return re.sub(r'^(Suites:|deb(?:-src)?[ \t]+(?:\[[^]\n]*\][ \t]+)?\S+[ \t])(.*)',
                  lambda line: line[1] + re.sub(names, suite, line[2]), text, flags=re.M)
