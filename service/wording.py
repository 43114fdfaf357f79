"""Names of many things in a sentence for people."""

from collections.abc import Sequence

MOST_NAMED = 5


def some(names: Sequence[str]) -> str:
    """Return the first few names, and whether there are more."""
    return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
