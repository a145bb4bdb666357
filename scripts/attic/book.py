"""The book: its chapters, and what each of them has."""
from pathlib import Path

from attic.build import ROOT

FOLDER = ROOT / 'docs/book'


def chapters() -> list[Path]:
    """In their order."""
    return sorted(FOLDER.glob('[0-9][0-9]-*.md'))
