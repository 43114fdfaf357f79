"""Numbers of each section as it is done, and an event for each change that they show."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import dropwhile
from statistics import median

import numpy as np
from numpy.typing import NDArray

from detection.image_quality.levels import frame_levels
from service.logs import get_logger
from service.model.event import Event
from service.model.images.trends import ELECTRON_LEVELS, LIGHT_LEVELS, TREND, Quantity, Trend
from service.model.specimen import FieldCells
from service.store.store import Store
from service.trends.change import change_of

log = get_logger(__name__)

_FEWEST_CELLS = 3
"""Cells of a section below which their brightness tells nothing. Chosen by hand."""
_LIKELY = 0.5
"""Confidence of cells whose brightness counts."""
_LEAST: Mapping[Quantity, float] = {
    Quantity.LIGHT: 1.25,
    # Other cells come in sight with the depth: .58 to 1.5 in two simulated arrays of 60 sections.
    Quantity.CELLS: 2.0,
    Quantity.LIGHT_DETAIL: 1.5,
    Quantity.ELECTRON_NOISE: 1.25,
    Quantity.ELECTRON_DETAIL: 1.5,
}
"""Smallest factor that is reported. Chosen by hand, well outside of what sections differ by: the scatter of
each is judged beside it."""
_ONLY_DOWN = (Quantity.CELLS, Quantity.LIGHT_DETAIL, Quantity.ELECTRON_DETAIL)
"""Of these an increase harms nothing."""

Frame = tuple[NDArray[np.uint8] | NDArray[np.uint16], float | None]
"""Pixels and grey level of no light."""


def note_fluorescence(
    store: Store, section: str, frames: Iterable[Frame], found: Iterable[FieldCells]
) -> None:
    """Note light, detail and brightness of the cells of a section, and changes since the first sections.

    Parameters
    ----------
    store : Store
    section : str
    frames : iterable of Frame
        Of its fields.
    found : iterable of FieldCells
        Their cells, with their brightness.
    """
    levels = [frame_levels(pixels, offset_adu or 0.0) for pixels, offset_adu in frames if pixels.ndim == 2]
    details = [one.detail for one in levels if one.detail is not None]
    cells = [
        cell.brightness_adu
        for one in found
        for cell in one.cells
        if cell.brightness_adu is not None and cell.confidence >= _LIKELY
    ]
    values = {
        Quantity.LIGHT: median(one.light_adu for one in levels) if levels else None,
        Quantity.LIGHT_DETAIL: median(details) if details else None,
        Quantity.CELLS: median(cells) if len(cells) >= _FEWEST_CELLS else None,
    }
    _note(store, LIGHT_LEVELS, section, values)


def note_electron(store: Store, section: str, pixel_size_m: float, dwell_s: float) -> None:
    """Note noise and sharpness of the electron images of a section, and changes since the first sections.

    Images with other scan settings than those given, in m and s, are not compared.
    """
    images = store.images.of_section(section, pixel_size_m, dwell_s)
    noises = [one.noise for one in images if one.noise is not None and not one.bad]
    sharpnesses = [one.sharpness for one in images if one.sharpness is not None and not one.bad]
    values = {
        Quantity.ELECTRON_NOISE: median(noises) if noises else None,
        Quantity.ELECTRON_DETAIL: median(sharpnesses) if sharpnesses else None,
    }
    _note(store, ELECTRON_LEVELS, section, values)


def trends_of(store: Store) -> tuple[Trend, ...]:
    """Return the last change of each quantity, in the order in which they were found."""
    last = {event.subject: Trend.of(event.subject, event.data) for event in store.events.few(TREND)}
    return tuple(last.values())


def _note(store: Store, kind: str, section: str, values: Mapping[Quantity, float | None]) -> None:
    known = {
        quantity.value: value
        for quantity, value in values.items()
        if value is not None and math.isfinite(value)
    }
    if not known or any(one.subject == section for one in store.events.few(kind)):
        # Of a section that comes again, the frames that come later are few.
        return
    store.events.note(kind, section, {name: float(f"{value:.4g}") for name, value in known.items()})
    noted = store.events.few(kind)
    before = {trend.quantity: trend for trend in trends_of(store)}
    for quantity in values:
        found = _trend(quantity, noted, before.get(quantity))
        if found is not None:
            log.warning("trend", quantity=quantity.value, ratio=found.ratio, section=section)
            store.events.note(
                TREND,
                quantity.value,
                {
                    "ratio": round(found.ratio, 3),
                    "first": found.first,
                    "latest": found.latest,
                    "since": found.since,
                },
            )


def _trend(quantity: Quantity, noted: Sequence[Event], before: Trend | None) -> Trend | None:
    """Return a change that is not reported yet."""
    series = [(one.subject, float(one.data[quantity])) for one in noted if quantity in one.data]
    if before is not None:
        series = list(dropwhile(lambda one: one[0] != before.since, series))
    found = change_of([value for _, value in series], _LEAST[quantity])
    if found is None or (quantity in _ONLY_DOWN and found.ratio > 1):
        return None
    return Trend(quantity, found.ratio, series[0][0], series[-1][0], series[found.since][0])
