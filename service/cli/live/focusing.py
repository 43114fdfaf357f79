"""Sentences about focusing: heights found, outliers, and the exposure it cost."""

from collections.abc import Mapping
from typing import Any

from service.wording import some
from service.words.quantities import duration


def focus_text(found: Mapping[str, Any]) -> str:
    """Return one line on the focus of a beam.

    Parameters
    ----------
    found : mapping
        As in the summary; or in the API's `status`, which gives numbers instead of names.
    """
    parts = [f"{found['used']} sections"]
    for key, words in (("outliers", "off the plane"), ("not_found", "without a focus")):
        sections = found[key]
        if isinstance(sections, int):
            parts += [f"{sections} {words}"] * bool(sections)
        elif sections:
            parts.append(f"{len(sections)} {words} ({some(sections)})")
    cost = duration(found["exposed_s"]) + (" under the beam" if found["beam"] == "electron" else " of light")
    return f"{', '.join(parts)}; {cost}"


def height_text(row: Mapping[str, Any]) -> str:
    """Return one line on one focus of the API's `focus.list`."""
    parts = [row["state"].replace("_", " ")]
    parts += [
        f"{word} {row[key] * 1e3:.5f} mm"
        for word, key in (("started at", "start_m"), ("found", "found_m"), ("used", "used_m"))
        if row[key] is not None
    ]
    text = ", ".join(parts) + f"; {duration(row['exposed_s'])} under the beam"
    return text + (f": {row['reason']}" if row["reason"] else "")
