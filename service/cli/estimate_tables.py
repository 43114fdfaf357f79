"""Tables of estimates: ways to image the cells, and what is left of a session."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from service.model.phases import FINAL, Phase
from service.words.quantities import duration, size
from service.words.ways import NAMES, RASTER_TAKEN

_HALTED = frozenset({Phase.PAUSED, Phase.FAULT, Phase.REVIEW})
"""Phases that wait for a person, as long as that takes."""


def print_ways(
    console: Console,
    ways: Sequence[Mapping[str, Any]],
    of: str,
    dose_per_nm2: float | None = None,
    *,
    timed: bool = True,
) -> None:
    """Print ways to image the same cells side by side.

    Parameters
    ----------
    console : Console
    ways : sequence of mapping
        As in the API's `estimate`: with `method`, `chosen`, `frames`, `beam_s`, `electron_s`, `data_bytes`,
        `mean_dose_per_nm2`, and `finish_at` for those of a session.
    of : str
        Heading of the column of times.
    dose_per_nm2 : float, optional
        Dose of a single scan, electrons/nm2.
    timed : bool
        The session goes on: show when each way would finish, if that is known.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("way (* chosen)", no_wrap=True)
    timed = timed and any("finish_at" in way for way in ways)
    for heading in ("frames", "beam", of, "data", "e/nm2", *(["finished"] if timed else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for way in ways:
        row = [
            NAMES[way["method"]] + (" *" if way["chosen"] else ""),
            str(way["frames"]),
            duration(way["beam_s"]),
            duration(way["electron_s"]),
            size(way["data_bytes"]),
            f"{way['mean_dose_per_nm2']:.0f}",
        ]
        table.add_row(*row, *([_clock(way["finish_at"])] if timed else []))
    console.print(table)
    for sentence in (compared(ways), chosen_part(ways)):
        if sentence is not None:
            console.print(sentence, soft_wrap=True)
    if dose_per_nm2 is not None:
        console.print(f"single-scan dose: {dose_per_nm2:.0f} e/nm2", soft_wrap=True)


def compared(ways: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a sentence that compares the chosen way with the full raster; None without a raster."""
    chosen = next((way for way in ways if way["chosen"]), None)
    raster = next((way for way in ways if way["method"] == "raster"), None)
    if chosen is None or raster is None or chosen is raster or not chosen["electron_s"]:
        return None
    if taken := chosen.get("raster_sections"):
        which = "1 section" if taken == 1 else f"{taken} sections"
        return f"a full raster of {which}, as {RASTER_TAKEN}"
    ratio = raster["electron_s"] / chosen["electron_s"]
    if ratio >= 1:
        saved = duration(raster["electron_s"] - chosen["electron_s"])
        digits = 1 if ratio >= 2 else 2
        return f"a full raster takes {ratio:.{digits}f} x as long, {saved} more"
    saved = duration(chosen["electron_s"] - raster["electron_s"])
    return (
        f"the cells are crowded: a full raster would be {saved} SHORTER; it exposes everything, and cells lie"
        " across its seams (planner.method: raster chooses it)"
    )


def chosen_part(ways: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a sentence that compares the chosen cells with all cells; None if no cell is left out."""
    chosen = next((way for way in ways if way["chosen"]), None)
    everything = next((way for way in ways if way["method"] == "all-cells"), None)
    if chosen is None or everything is None or not everything["electron_s"]:
        return None
    share = chosen["electron_s"] / everything["electron_s"]
    saved = duration(max(0.0, everything["electron_s"] - chosen["electron_s"]))
    return f"the chosen cells take {share:.0%} of the time of all cells, {saved} less"


def print_estimate(
    console: Console, found: Mapping[str, Any], phase: Phase | None = None, *, driven: bool = True
) -> None:
    """Print the result of the API's `estimate`.

    Parameters
    ----------
    console : Console
    found : mapping
    phase : Phase, optional
        Phase of the session, if it has begun.
    driven : bool
        A daemon drives the session, or will at once: the time of its end can be told.
    """
    timed = driven and phase not in FINAL
    print_ways(console, found["ways"], "electron images", found["dose_per_nm2"], timed=timed)
    extent = {
        "planned": "from the plans of all sections",
        "extrapolated": "from the plans of the sections seen so far",
        "full raster": "at most: no section is planned yet, so its full area counts",
    }[found["extent"]]
    parts = (
        ("fluorescence", "fluorescence_s"),
        ("change of vacuum", "pumping_s"),
        ("electron images", "electron_s"),
    )
    listed = ", ".join(f"{name} {duration(found[key])}" for name, key in parts if found[key] > 0)
    if found["focus_s"] > 0:
        listed += f"; {duration(found['focus_s'])} of it for focusing"
    if found["left_s"] > 0:
        console.print(
            f"left: {duration(found['left_s'])}" + (f" ({listed})" if listed else "") + f", {extent}",
            soft_wrap=True,
        )
        when = "if it goes on now" if phase in _HALTED else "if nothing stops it"
        ends = f"finished {_clock(found['finish_at'])} {when}" if timed else "no daemon drives it now"
        data = size(found["data_left_bytes"])
        console.print(
            f"{ends}; {found['frames_left']} SEM frames and {data} of images to come", soft_wrap=True
        )
    else:
        console.print("left: nothing" + (", as the session was aborted" if phase is Phase.ABORTED else ""))
    measured = ", ".join(step.replace("_", " ") for step in found["measured"])
    measured = measured or "none yet; the profile's are used"
    console.print(f"durations measured in this session: {measured}", soft_wrap=True)


def _clock(at: str) -> str:
    """Local time as Mon 14:05; with the date if it is six days away or more."""
    there = datetime.fromisoformat(at).astimezone()
    days = abs((there - datetime.now().astimezone()).days)
    return there.strftime("%a %H:%M" if days < 6 else "%a %d %b %Y %H:%M")
