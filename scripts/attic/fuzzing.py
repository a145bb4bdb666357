"""libFuzzer on the kernel's parsers (tests/fuzz/): programs for i386 of this host, or of qemu-i386.

    why_not()                       # why this machine cannot, or None
    program = build('elf', folder)
    done = fuzz(program, 'elf', folder, '-max_total_time=60')   # a CompletedProcess; status 0: nothing was found

An input that was found lies in the folder as crash-..., timeout-... or leak-...; `fuzz(program, 'elf', folder, file)` repeats it.
"""
import base64
import os
import shutil
from pathlib import Path
from subprocess import CompletedProcess, run

from attic.build import ROOT, build_dir, made, ran, runs_i386

TARGETS = {
    'boot_info': ['arch/x86/boot_info.c', 'mm/layout.c'],
    'cmdline': ['kernel/cmdline.c', 'arch/x86/boot_info.c', 'mm/layout.c'],
    'cpio': ['fs/cpio.c'],
    'elf': ['kernel/process/elf.c', 'kernel/process/elf_symbols.c'],
}
LIBRARY = ['tests/fuzz/fuzz.c', *(f'lib/{name}.c' for name in ('kstrtox', 'panic', 'printf', 'printk', 'resched', 'string'))]
CROSS = Path('/usr/i686-linux-gnu')
FLAGS = ['--target=i686-linux-gnu', *'-march=i686 -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-builtin -fno-strict-aliasing'.split(),
         *'-Wall -Wextra -Werror -Wno-initializer-overrides -Wno-builtin-requires-header'.split(),
         '-isystem', f'{CROSS}/include', '-Iinclude', '-iquote', '.']
LONGEST = 8192  # bytes of an input


def compiler() -> str:
    given = os.environ.get('CC', '')
    return given if 'clang' in given else 'clang'


def runtime() -> Path:
    """The library for i386; compiler-rt has it next to that of the host."""
    return Path(ran(compiler(), FLAGS[0], '-print-resource-dir').stdout.strip()) / 'lib/linux/libclang_rt.fuzzer-i386.a'


def why_not() -> str | None:
    if not shutil.which(compiler()) or not runtime().exists():
        return 'libFuzzer for i386 is not installed (make setup-dev)'
    if not (CROSS / 'lib/libstdc++.so.6').exists():
        return 'libFuzzer needs libraries for i386 (make setup)'
    return None


def build(target: str, folder: Path, sources: list[str] | None = None) -> Path:
    """With `sources` in place of the parser's own, for a broken one. AddressSanitizer does not run under qemu-i386."""
    program = made(folder) / target
    sanitizers = 'undefined,address' if runs_i386() else 'undefined'
    run([compiler(), *FLAGS, f'-fsanitize=fuzzer-no-link,{sanitizers}', '-fno-sanitize=alignment,function', '-fno-sanitize-recover=all',
         f'tests/fuzz/{target}_fuzz.c', *(sources or TARGETS[target]), *LIBRARY, '-o', program, runtime(), '-l:libstdc++.so.6', '-lm',
         f'-L{CROSS}/lib', f'-Wl,-rpath,{CROSS}/lib', f'-Wl,--dynamic-linker={CROSS}/lib/ld-linux.so.2'], cwd=ROOT, check=True)
    return program


def seeds(target: str, folder: Path) -> list[Path]:
    """The inputs to begin with, as files: those of tests/fuzz/corpus, and what the kernel itself is given."""
    inputs = made(folder / f'{target}-seeds')
    for line in (ROOT / 'tests/fuzz/corpus').read_text().splitlines()[1:]:  # the first is a comment
        of, name, data = line.split()
        if of == target:
            (inputs / name).write_bytes(base64.b64decode(data))
    if target == 'elf':
        for name in ('hello', 'steps'):
            shutil.copy(build_dir() / 'user' / name, inputs / name)
    return sorted(inputs.iterdir())


def fuzz(program: Path, target: str, folder: Path, *options: str | Path) -> CompletedProcess:
    """The options are those of libFuzzer: among them folders with inputs, of which the first gets new ones, or a file to repeat. qemu-i386
    cannot list folders with large inode numbers, so the seeds are named one by one."""
    return ran(*([] if runs_i386() else ['qemu-i386']), program, f'-artifact_prefix={folder}/', f'-max_len={LONGEST}', '-timeout=20',
               f'-seed_inputs={",".join(map(str, seeds(target, folder)))}', *options)
