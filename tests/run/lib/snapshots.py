"""Snapshots in tests: the documents of a file, and whether they match the schema, which jsonschema checks.

Neighbours: test_snapshot.py compares documents with the machine, test_memdiff.py with each other.
"""
import json
from pathlib import Path

from jsonschema import Draft7Validator

from attic.build import ROOT

SCHEMA = ROOT / 'docs/snapshot.schema.json'


def documents(file: Path) -> dict:
    """Each line of the file as a document, by name; the last of a name counts."""
    return {document['name']: document for document in map(json.loads, file.read_text().splitlines())}


def invalid(file: Path) -> str:
    """The errors that a validator of JSON Schema finds in the documents of a file."""
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)
    return ''.join(f'{"/".join(map(str, error.absolute_path))} {error.message}\n'
                   for line in file.read_text().splitlines() for error in validator.iter_errors(json.loads(line)))
