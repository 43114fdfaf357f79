"""Table of methods in docs/api.md, made from the models of the messages.

``python -m service.api.wire.table docs/api.md`` updates it.
"""

import sys
from pathlib import Path

from service.api.wire.methods import METHODS

BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"


def table() -> str:
    """Return the methods as a Markdown table."""
    lines = ["| method | parameters | result | description |", "|---|---|---|---|"]
    for name, method in METHODS.items():
        params = ", ".join(f"`{field}`" for field in method.params.model_fields) or "none"
        result = ", ".join(f"`{field}`" for field in method.result.model_fields)
        lines.append(f"| `{name}` | {params} | {result} | {method.doc} |")
    return "\n".join(lines)


def put_into(text: str) -> str:
    """Return a text with a new table between its two marks.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    return put_between(text, BEGIN, END, table())


def put_between(text: str, begin: str, end: str, content: str) -> str:
    """Return a text with new content between two marks.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    before, _, rest = text.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise ValueError(f"the text has no {begin} ... {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(put_into(document.read_text(encoding="utf-8")), encoding="utf-8")
