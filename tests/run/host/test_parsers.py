"""The kernel's parsers under libFuzzer, for a few seconds each: `make fuzz` goes on for longer. So that a target that checks nothing is
noticed, each is also given parsers that are broken on purpose: libFuzzer must find that."""
import random
import re

import pytest

from attic import fuzzing
from attic.build import ROOT, build_dir, made

needs_fuzzer = pytest.mark.skipif(bool(fuzzing.why_not()), reason=fuzzing.why_not() or '')

BROKEN = {
    'cpio-name': ('cpio', 'fs/cpio.c', "header[HEADER_SIZE + fields[C_NAMESIZE] - 1] != '\\0'", 'false'),
    'cpio-data': ('cpio', 'fs/cpio.c', 'if (end > left)', 'if (end > left + 4)'),
    'boot-string': ('boot_info', 'arch/x86/boot_info.c', 'return strnlen(text, room) < room ? text : NULL;', 'return room ? text : NULL;'),
    'boot-modules': ('boot_info', 'arch/x86/boot_info.c', 'info->module_count == BOOT_MODULES_MAX', 'info->module_count > BOOT_MODULES_MAX'),
    'option-room': ('cmdline', 'arch/x86/boot_info.c', 'min(word_length(found), size - 1)', 'min(word_length(found), size)'),
    'elf-segment': ('elf', 'kernel/process/elf.c', 'seg->p_vaddr >= TASK_SIZE || ', ''),
    'elf-entry': ('elf', 'kernel/process/elf.c', 'if (!why && !entry_found)', 'if (!why && entry_found && 0)'),
}


@pytest.fixture(scope='module')
def seed():
    return random.randrange(1, 10**9)


def fuzz(program, target, folder, seconds, seed):
    return fuzzing.fuzz(program, target, made(folder), f'-max_total_time={seconds}', f'-seed={seed}')


@needs_fuzzer
@pytest.mark.parametrize('target', fuzzing.TARGETS)
def test_parser(target, seed, check):
    folder = made(build_dir() / 'fuzz-tests')
    done = fuzz(fuzzing.build(target, folder), target, folder, 2, seed)
    check.equal(done.returncode, 0, f'{target}: nothing is found', f'seed {seed}; the input is in {folder}\n{done.stdout}')
    runs = re.search(r'^Done (\d+) runs', done.stdout, re.M)
    check.true(runs and int(runs[1]) > 1000, f'{target}: many inputs', done.stdout)


@needs_fuzzer
@pytest.mark.parametrize('name', BROKEN)
def test_broken_parser(name, seed, check):
    target, path, right, wrong = BROKEN[name]
    folder = made(build_dir() / 'fuzz-tests' / name)
    text = (ROOT / path).read_text()
    assert text.count(right) == 1, f'{path} has `{right}` once'
    (folder / 'broken.c').write_text(text.replace(right, wrong))
    sources = [str(folder / 'broken.c') if source == path else source for source in fuzzing.TARGETS[target]]
    done = fuzz(fuzzing.build(target, folder, sources), target, folder, 60, seed)
    check.true(done.returncode, f'{name}: found', f'seed {seed}\n{done.stdout[-2000:]}')
