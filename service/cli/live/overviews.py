"""Sentences about overviews: where fields lie, how well that is proven, or why it is not."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from service.report.summary import Measured
from service.wording import overview_says, some


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


def measured_text(overviews: Sequence[Measured]) -> str:
    """Return one line on the overviews of a session, and the fields of which nothing is proven."""
    proven = [one.proven_um for one in overviews if one.proven_um is not None and one.state != "not_used"]
    parts = [f"{len(proven)} of {len(overviews)} positions measured"]
    if proven:
        parts[0] += f", to {statistics.median(proven):.2f} um in the median"
    others: dict[str, list[str]] = {}
    for one in overviews:
        if one.state in ("not_proven", "not_used"):
            said = overview_says(one.state, one.reason, None)
            others.setdefault(said, []).append(one.field or one.section)
    parts += [f"{len(names)} ({some(names)}) {said}" for said, names in others.items()]
    return "; ".join(parts)
