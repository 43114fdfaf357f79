"""Tables in Markdown, and text in their cells."""

import re

_TAG = re.compile(r"<(?=[A-Za-z/!])")
"""A sign that would begin a tag of HTML."""


def cell(text: str) -> str:
    """Return a text that stays in one cell of a table and shows no markup but code in backticks."""
    parts = " ".join(text.split()).split("`")
    shown = [f"`{part}`" if n % 2 else plain(part) for n, part in enumerate(parts)]
    return "".join(shown).replace("|", r"\|")


def plain(text: str) -> str:
    """Return a text without code that Markdown shows as it is."""
    return _TAG.sub("&lt;", text.replace("*", r"\*"))


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
