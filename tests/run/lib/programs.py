"""Programs of the host that tests run: their output and their status."""
import fcntl
import os
import pty
import struct
import subprocess
import termios

from attic.build import ROOT, build_dir, checked_build, compiler, for_make, with_make


def run(*command, input='', stderr=subprocess.STDOUT, **options):
    """Run a program with this on standard input. Returns its output, errors included, without carriage returns, and its exit status; with
    stderr=PIPE the errors are returned between the two. Options are those of subprocess.run()."""
    done = subprocess.run(command, input=input.encode(), stdout=subprocess.PIPE, stderr=stderr, **options)
    said = [text.decode(errors='replace').replace('\r', '') for text in (done.stdout, done.stderr) if text is not None]
    return *said, done.returncode


def on_terminal(*command, rows=24, columns=80, input=''):
    """Run a program whose output goes to a terminal of this size. Returns the output and the exit status."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack('4H', rows, columns, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=its, stderr=subprocess.STDOUT) as process:
        os.close(its)
        process.stdin.write(input.encode())
        process.stdin.close()
        said = b''
        try:
            while data := os.read(ours, 65536):
                said += data
        except OSError:  # Linux's end of a terminal
            pass
        os.close(ours)
    return said.decode(errors='replace').replace('\r', ''), process.returncode


def run_make(*arguments, **options):
    """Run make in this build, as a user does, with the compiler under test, while no other test runs make; otherwise like run()."""
    with with_make(commands=[' '.join(['make', *arguments])]) as environment:
        return run('make', '--no-print-directory', '-C', ROOT, f'BUILD={for_make(build_dir())}', *compiler(), *arguments, env=environment,
                   **options)


def debug_build(*variables, **options):
    """The folder of a kernel built with DEBUG=1 and these variables."""
    folder, made = checked_build(*variables, **options)
    assert made.returncode == 0, made.stdout
    return folder
