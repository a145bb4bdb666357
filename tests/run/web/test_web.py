"""The kernel in a browser tab: what `make web` builds, its machine under Node, and the page itself in Chromium: web/tests/ has both."""
import os
import re
import shutil

import pytest

from attic.build import ROOT, CannotBeHad, build_dir, ran
from programs import run_make

MIB = 1 << 20
NAMES = set('index.html comparison.html main.js style.css offline.js v86.wasm bios.bin vgabios.bin attic.iso kernel.json '
            'attic.state.zst attic.txt lowmem.state.zst lowmem.txt '
            'kpde-lazy.state.zst kpde-lazy.txt kpde-lazy.json book'.split())


def build():
    """The folder of the page, and what make says."""
    said, status = run_make('web')
    offline = re.search('^web: npm cannot fetch.*', said, re.M)
    if offline:
        raise CannotBeHad(offline[0])
    return build_dir() / 'web', said, status


@pytest.fixture(scope='module')
def page(can_be_had):
    missing = ran(ROOT / 'scripts/make/check-tools', 'web')
    if missing.returncode:
        pytest.skip(f'{missing.stdout.splitlines()[0].removeprefix("attic: ")}; make setup-web installs it')
    folder, said, status = can_be_had(build)
    assert status == 0, said
    return folder, said


def test_modules(check):
    lock = (ROOT / 'web/package-lock.json').read_text()
    check.unlike(lock, '"resolved"', 'the lock file names no registry')
    versions = re.findall(r'"[@\w/-]+": "(.*\d.*)"', (ROOT / 'web/package.json').read_text())
    check.true(versions, 'web/package.json names modules')
    check.equal([version for version in versions if not re.fullmatch(r'\d+\.\d+\.\d+', version)], [], 'each in one version')


def test_folder(page, check):
    folder, said = page
    check.like(said, r'^\S+/web: \d+\.\d MiB$', 'make web prints the size', said)
    check.equal({file.name for file in folder.iterdir()}, NAMES, 'the files of the page')
    check.true((folder / 'book/docs/book/01-the-address-map.html').exists(), 'with the book')
    size = sum(file.stat().st_size for file in folder.rglob('*') if file.is_file())
    check.true(size < 12 * MIB, 'less than 12 MiB', f'{size / MIB:.1f} MiB')
    html = (folder / 'index.html').read_text()
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    check.true(addresses, 'the page names its files', html)
    check.equal([address for address in addresses if not (folder / address).exists() and address != 'data:,'], [], 'all beside it')
    check.unlike((folder / 'style.css').read_text(), r'url\((?!data:)|@import', 'the style sheet names no file')
    again, status = run_make('web')
    check.equal((len(again.splitlines()), status), (1, 0), 'a second make web only prints the size', again)


def test_tells_what_is_missing(tmp_path, check):
    """With a PATH that has what check-tools itself uses, but no Node."""
    for tool in ('sh', 'head', 'grep', 'sort', 'zstd'):
        if shutil.which(tool):
            (tmp_path / tool).symlink_to(shutil.which(tool))
    said = ran(ROOT / 'scripts/make/check-tools', 'web', env=os.environ | {'PATH': str(tmp_path)}).stdout
    check.like(said, '^attic: node is missing: it is in the package nodejs$', 'no Node: its package')
    check.like(said, "^attic: 'make setup-web' installs", 'setup-web has it')


def run_program(name, arguments, check):
    """Build a program of web/tests/ and run it under Node: its points are those of the test."""
    said, status = run_make(f'build/npm/{name}.mjs')
    assert status == 0, said
    done = ran('node', '--test-reporter=tap', ROOT / f'build/npm/{name}.mjs', *arguments, timeout=900)
    results = re.findall(r'^(not )?ok \d+ - (.*?)(?: # SKIP (.*))?$', done.stdout, re.M)
    assert results, done.stdout
    for bad, point, why in results:
        if why:
            check.skip(point, why)
        else:
            check.true(not bad, point, done.stdout)
    assert done.returncode == 0 and f'1..{len(results)}' in done.stdout.splitlines(), done.stdout


@pytest.mark.parametrize('name', ['changes', 'history', 'mappings', 'palette', 'views', 'machine', 'reader', 'ktests'])
def test_under_node(page, check, name):
    run_program(name, [page[0]], check)


@pytest.mark.parametrize('name', ['page', 'scenes', 'buttons', 'comparison'])
def test_in_a_browser(page, check, tmp_path, name):
    chromium = shutil.which('chromium')
    if not chromium:
        pytest.skip('chromium is missing: make setup-web installs it')
    run_program(name, [chromium, page[0], tmp_path], check)
