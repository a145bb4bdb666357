"""The book: its chapters, and the site that is made of them."""
import json
import re
import shutil
import subprocess
from pathlib import Path

from attic.build import ROOT

FOLDER = ROOT / 'docs/book'
LINK = re.compile(r'(?<=\]\()(?!https?:|#)[^)#\s]+')


def chapters() -> list[Path]:
    """In their order."""
    return sorted(FOLDER.glob('[0-9][0-9]-*.md'))


class Failed(Exception):
    """Why there is no site: what the generator says."""


def site(work: Path, target: Path):
    """Make the site by mkdocs: pages that can be opened as files, without a network. `work` gets what it is made from: the chapters, and
    all documents that they link to, directly or not."""
    source = work / 'source'  # only what mkdocs is to see
    shutil.rmtree(work, ignore_errors=True)
    for path in linked([FOLDER / 'README.md', *chapters()]):
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    pages = [FOLDER / 'README.md', *chapters()]
    config = {
        'site_name': 'Attic', 'docs_dir': str(source), 'site_dir': str(target), 'use_directory_urls': False, 'plugins': [],
        'theme': {'name': None, 'custom_dir': str(FOLDER / 'theme')}, 'strict': True,
        'nav': [str(page.relative_to(ROOT)) for page in pages],
    }
    shutil.copy(FOLDER / 'book.css', source / 'book.css')
    (source / 'index.md').write_text('# Attic\n\n[The book](docs/book/README.md)\n')
    (work / 'mkdocs.yml').write_text(json.dumps(config))
    done = subprocess.run(['mkdocs', 'build', '--quiet', '--clean', '--config-file', work / 'mkdocs.yml'], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failed(done.stdout)


def linked(paths: list[Path]) -> list[Path]:
    """These documents, and the files of the repository that they link to."""
    found, new = [], list(paths)
    while new:
        path = new.pop()
        if path in found:
            continue
        found.append(path)
        if path.suffix == '.md':
            new += [other for link in LINK.findall(path.read_text()) if (other := (path.parent / link).resolve()).is_file()]
    return found
