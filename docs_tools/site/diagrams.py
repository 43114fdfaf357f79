"""Diagrams as HTML: the one kind that the documents have, boxes of floors with arrows for imports."""

import html
import re

_BLOCK = re.compile(r"^```mermaid\nflowchart TB\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROOM = re.compile(r"^    subgraph (\w+)$")
_FLOOR = re.compile(r'\w+\["([^"]+)"\]')
_ARROW = re.compile(r"^    (\w+) --> (\w+)$")


def with_diagrams(text: str) -> str:
    """Return a page with its diagrams as HTML.

    Raises
    ------
    ValueError
        A diagram is of another kind.
    """
    drawn = _BLOCK.sub(lambda found: _drawn(found[1]), text)
    if "```mermaid" in drawn:
        raise ValueError("a diagram is no flow chart from top to bottom: docs_tools.site.diagrams")
    return drawn


def _drawn(diagram: str) -> str:
    rooms: dict[str, list[str]] = {}
    imports: dict[str, list[str]] = {}
    for line in diagram.splitlines():
        if room := _ROOM.match(line):
            rooms[room[1]] = []
        elif floors := _FLOOR.findall(line):
            rooms[next(reversed(rooms))] += floors
        elif arrow := _ARROW.match(line):
            imports.setdefault(arrow[1], []).append(arrow[2])
        elif line.strip() != "end":
            rooms[line.strip()] = []
    return "\n".join(['<div class="rooms">', *(_room(*room, imports) for room in rooms.items()), "</div>"])


def _room(name: str, floors: list[str], imports: dict[str, list[str]]) -> str:
    lines = [f'<div class="room"><strong>{name}</strong>']
    if name in imports:
        lines.append(f"<p>imports {', '.join(imports[name])}</p>")
    if floors:
        lines += ["<ol>", *(f"<li>{html.escape(floor)}</li>" for floor in floors), "</ol>"]
    return "\n".join([*lines, "</div>"])
