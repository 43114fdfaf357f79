"""Reading and writing of section lists, by the ending of the file's name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from config.documents.yaml_documents import parse_yaml
from config.errors import ConfigError
from service.errors import InputError
from service.input_files import read_json, read_text
from service.mapping.lists.checks import FieldError
from service.mapping.lists.csv_table import read_csv, write_csv
from service.mapping.lists.document import document_of_sections, sections_of_document
from service.mapping.lists.magc import LineError, read_magc, write_magc
from service.mapping.lists.mass_json import mass_of_sections, sections_of_mass
from service.mapping.values import SectionList, Unit
from service.store.durable import write_text

ENDINGS = (".yaml", ".yml", ".json", ".csv", ".tsv", ".magc", ".mass.json")
MOST_BYTES = 100_000_000
"""Largest list: 100,000 sections of a .mass.json have 80 MB."""
_MOST_YAML_BYTES = 20_000_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def read_list(path: Path) -> SectionList:
    """Read a section list.

    Raises
    ------
    InputError
        Raised when it cannot be read or breaks a rule; one sentence that names line and field.
    """
    ending = _ending(path)
    if ending in (".magc", ".csv", ".tsv"):
        text = read_text(path, MOST_BYTES)
        try:
            return read_magc(text) if ending == ".magc" else read_csv(text)
        except LineError as error:
            raise InputError(f"{path}: line {error.line}: {error}") from None
    data = _data(path, ending)
    try:
        if not isinstance(data, dict):
            raise FieldError("is no section list; it has a list of sections, each with id and polygon_px")
        return sections_of_mass(data) if ending == ".mass.json" else sections_of_document(data)
    except FieldError as error:
        line = _line(read_text(path, MOST_BYTES), error.path)
        raise InputError(f"{path}: {line}{_named(error.path)}{error}") from None


def write_list(path: Path, found: SectionList) -> None:
    """Write a section list; a file that is there is replaced.

    Raises
    ------
    InputError
        Raised when the format cannot hold the list.
    """
    text = _text(path, _ending(path), found)
    write_text(path, text)


def _text(path: Path, ending: str, found: SectionList) -> str:
    if ending in (".magc", ".mass.json"):
        if found.unit is not Unit.PX:
            raise InputError(
                f"{path}: a {ending} file holds pixels of the overview, and this list has stage positions"
            )
        for one in found.sections:
            if one.outline is None:
                raise InputError(f"{path}: a {ending} file needs outlines, and section {one.id} has none")
        return write_magc(found) if ending == ".magc" else mass_of_sections(found)
    if ending in (".csv", ".tsv"):
        return write_csv(found)
    document = document_of_sections(found)
    if ending == ".json":
        return json.dumps(document, indent=1) + "\n"
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110)
    return text


def _ending(path: Path) -> str:
    name = path.name.lower()
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.endswith(ending):
            return ending
    raise InputError(f"{path}: is no section list by its name, which ends with {', '.join(ENDINGS)}")


def _data(path: Path, ending: str) -> Any:
    if ending in (".json", ".mass.json"):
        return read_json(path, MOST_BYTES)
    try:
        return parse_yaml(read_text(path, _MOST_YAML_BYTES))
    except ConfigError as error:
        raise InputError(f"{path}: {error}") from None


def _line(text: str, path: Sequence[str | int]) -> str:
    """Return the line of a field, for a message; empty if it is not found. JSON is YAML, too."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return ""
    if node is None:
        return ""
    for key in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            below = [value for name, value in node.value if name.value == str(key)]
            if not below:
                break
            node = below[0]
    return f"line {node.start_mark.line + 1}: "


def _named(path: Sequence[str | int]) -> str:
    """Return the field's name, such as ``section 3 of the list, polygon_px: ``."""
    words = [f"{key + 1}" if isinstance(key, int) else str(key) for key in path]
    if len(path) > 1 and path[0] == "sections":
        first = f"section {path[1] + 1} of the list" if isinstance(path[1], int) else f"section {path[1]}"
        words = [first, *words[2:]]
    return ", ".join(words) + ": " if words else ""
