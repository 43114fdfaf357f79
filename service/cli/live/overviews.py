"""Lines about overviews, as the API has them."""

from collections.abc import Mapping
from typing import Any


def overviews_text(counts: Mapping[str, int]) -> str:
    """Return one line on the overviews of the API's `status`."""
    return ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in counts.items())


def place_text(row: Mapping[str, Any]) -> str:
    """Return one line on one overview of the API's `overviews.list`."""
    text = str(row["says"])
    if row["offset_um"] is None:
        return text
    x_um, y_um = row["offset_um"]
    return f"{text}; field off by {x_um:+.2f}, {y_um:+.2f} um"
