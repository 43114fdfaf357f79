"""Sections in a row without gaps, of a known shape: a row as long as a number of sections is made of them."""

from itertools import pairwise

import numpy as np

from detection.overview import quads
from detection.overview.common_shape.joints import CLEAR_TEETH, joints_seen, saw_teeth
from detection.overview.common_shape.parts import corners_of, sections_in
from detection.overview.common_shape.strips import Strip, strips_in
from detection.overview.edges import with_lines
from detection.overview.fit import placed_on
from detection.overview.ground import Ground
from detection.overview.settings import OverviewSettings, PartsSettings
from detection.overview.values import Corners


def with_rows(
    ground: Ground, shape: Corners, lopsided: bool, settings: OverviewSettings, seen: bool = False
) -> tuple[Ground, Corners]:
    """Return the ground with edges between the sections of rows, and those sections.

    Parameters
    ----------
    ground : Ground
    shape : (4, 2) array
        About its centre, working pixels.
    lopsided : bool
        It differs after half a turn, so each section is returned both ways.
    settings : OverviewSettings
    seen : bool
        Only rows whose sections look alike, or have lines between them: for a shape that is not sure.

    Returns
    -------
    Ground
    (N, 4, 2) array
    """
    lines: list[Corners] = []
    places: list[Corners] = []
    for strips in strips_in(ground, 1.5 * quads.area(shape)):
        row = min((_row(one, shape, settings, seen) for one in strips), key=lambda one: one[0], default=None)
        if row is None or not row[1]:
            continue
        _, parts, turned = row
        lines += [one[:2] for one in parts[1:]]
        model = np.roll(shape, turned, axis=0)
        for turn in (0, 2) if lopsided else (0,):
            places += list(placed_on(np.roll(model, turn, axis=0), np.array(parts)))
    found = np.array(places).reshape(-1, 4, 2)
    return (with_lines(ground, np.array(lines)) if lines else ground), found


def _parts(strip: Strip, about: float, limits: PartsSettings) -> int:
    """Return the number of sections of a row, near the one that their height suggests.

    The height is known to some per cent: a long row may seem to have one more or less. Saw teeth decide.
    """
    few, many = round(about * (1 - limits.row_width)), round(about * (1 + limits.row_width))
    teeth = {parts: saw_teeth(strip, parts) for parts in range(max(few, 1), many + 1)}
    best = max(teeth, key=lambda parts: teeth[parts], default=0)
    return best if best and teeth[best] >= CLEAR_TEETH else round(about)


def _row(
    strip: Strip, shape: Corners, settings: OverviewSettings, seen: bool
) -> tuple[float, tuple[Corners, ...], int]:
    """Return how far a strip is from a row, 0 to 1, its sections, and the turn of the shape, quarters."""
    limits = settings.parts
    first, second, third, fourth = quads.sides(shape)
    best: tuple[float, tuple[Corners, ...], int] = (1.0, (), 0)
    for turned, (wide, tall) in enumerate(
        (((first + third) / 2, (second + fourth) / 2), ((second + fourth) / 2, (first + third) / 2))
    ):
        off_width = abs(strip.width / wide - 1)
        if off_width > limits.row_width:
            continue
        off_length, sections = _sections(strip, tall, limits)
        if len(sections) < 2 or off_length > limits.row_length:
            continue
        if seen and sections_in([strip], limits)[0] != len(sections):
            continue
        off = off_width / limits.row_width / 2 + off_length / limits.row_length / 2
        if off < best[0]:
            best = (off, sections, turned)
    return best


def _sections(strip: Strip, tall: float, limits: PartsSettings) -> tuple[float, tuple[Corners, ...]]:
    """Return how far a strip is from a whole number of sections, and its sections.

    Lines across it tell where sections join, also where one is half lost; without clear ones, its length.
    """
    about = strip.length / tall
    parts = _parts(strip, about, limits)
    if saw_teeth(strip, parts) < CLEAR_TEETH:
        joints = joints_seen(strip, tall)
        if joints is not None:
            places = [0.0, *joints, strip.length - 1.0]
            whole = [
                (first, last)
                for first, last in pairwise(places)
                if abs((last - first) / tall - 1) <= limits.row_length
            ]
            return 0.0, tuple(strip.part(first, last) for first, last in whole)
    off = abs(about - parts) if parts == round(about) else 0.0
    return off, corners_of(strip, parts) if parts > 1 else ()
