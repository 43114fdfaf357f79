"""The picture of rooms and floors in docs/architecture.md, drawn from the contracts and the imports.

``python -m tests.architecture.picture docs/architecture.md`` draws it anew.
"""

import sys
import tomllib
from pathlib import Path

import grimp

from service.api.wire.table import put_between
from tests.places import ROOT

BEGIN, END = "<!-- picture: begin -->", "<!-- picture: end -->"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
ROOMS: tuple[str, ...] = tuple(SETTINGS["root_packages"])


def floors(package: str) -> list[list[str]]:
    """Return the floors of a package, highest first; folders end with a slash, planned ones are left out."""
    contracts = [c for c in SETTINGS["contracts"] if c.get("containers") == [package]]
    if not contracts:
        return []
    (contract,) = contracts
    whole = [
        [_named(package, part.strip(" ()")) for part in floor.split("|")] for floor in contract["layers"]
    ]
    return [floor for names in whole if (floor := [name for name in names if name])]


def _named(package: str, name: str) -> str:
    place = ROOT.joinpath(*package.split("."), name)
    if place.is_dir():
        return f"{name}/"
    return name if place.with_suffix(".py").is_file() else ""


def arrows() -> list[tuple[str, str]]:
    """Return which room imports which, from the imports themselves."""
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            found.add((module.split(".")[0], imported.split(".")[0]))
    return sorted((a, b) for a, b in found if a != b)


def picture() -> str:
    """Return the picture as a Mermaid flow chart: rooms with their floors, arrows for imports."""
    lines = ["```mermaid", "flowchart TB"]
    for room in ROOMS:
        names = [f'{room}_{n}["{" · ".join(floor)}"]' for n, floor in enumerate(floors(room))]
        if names:
            lines += [f"    subgraph {room}", f"        {' --> '.join(names)}", "    end"]
        else:
            lines.append(f"    {room}")
    lines += [f"    {above} --> {below}" for above, below in arrows()]
    return "\n".join([*lines, "```"])


def put_into(text: str) -> str:
    """Return a text with the picture between its two marks redrawn.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    return put_between(text, BEGIN, END, picture())


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(put_into(document.read_text(encoding="utf-8")), encoding="utf-8")
