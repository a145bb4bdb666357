"""Programs of the host that tests run: their output and their status."""
import subprocess

from attic.build import ROOT, build_dir, checked_build, compiler, for_make, with_make


def run(*command, input='', stderr=subprocess.STDOUT, **options):
    """Run a program with this on standard input. Returns its output, errors included, without carriage returns, and its exit status; with
    stderr=PIPE the errors are returned between the two. Options are those of subprocess.run()."""
    done = subprocess.run(command, input=input.encode(), stdout=subprocess.PIPE, stderr=stderr, **options)
    said = [text.decode(errors='replace').replace('\r', '') for text in (done.stdout, done.stderr) if text is not None]
    return *said, done.returncode


def run_make(*arguments, **options):
    """Run make in this build, as a user does, with the compiler under test, while no other test runs make; otherwise like run()."""
    with with_make() as environment:
        return run('make', '--no-print-directory', '-C', ROOT, f'BUILD={for_make(build_dir())}', *compiler(), *arguments, env=environment,
                   **options)


def debug_build():
    """The folder of a kernel built with DEBUG=1."""
    folder, made = checked_build()
    assert made.returncode == 0, made.stdout
    return folder
