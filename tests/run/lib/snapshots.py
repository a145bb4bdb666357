"""Snapshots in tests: the documents of a file, and whether they fit the schema, of which jsonschema is the judge.

Neighbours: test_snapshot.py holds documents against the machine, test_memdiff.py compares them.
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
    """What a validator of JSON Schema has against the documents of a file."""
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)
    return ''.join(f'{"/".join(map(str, error.absolute_path))} {error.message}\n'
                   for line in file.read_text().splitlines() for error in validator.iter_errors(json.loads(line)))
