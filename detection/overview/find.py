"""Sections in an optical overview."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.common_shape.across import halved
from detection.overview.common_shape.doubts import parted_at, shape_doubt
from detection.overview.common_shape.learning import learn_shape
from detection.overview.common_shape.parts import WHOLE, Division, usual_division
from detection.overview.common_shape.rows import with_rows
from detection.overview.common_shape.shape import learned_again, shape_of
from detection.overview.fit import edge_width_px, fit_pose, fit_sides, inner_share, placed_on, side_support
from detection.overview.ground import Ground, ground_of, reduced, unclear, with_sections
from detection.overview.judging.fits import Fits
from detection.overview.judging.outlines import judged
from detection.overview.neighbours import settled
from detection.overview.nothing import why_nothing
from detection.overview.search import candidates
from detection.overview.selection import chosen
from detection.overview.settings import OverviewSettings
from detection.overview.values import Corners, Found, Nothing, Outline, Pixels, Shape, ShapeDoubt

DEFAULTS = OverviewSettings()


def find_sections(pixels: Pixels, shape: Shape | None = None, settings: OverviewSettings = DEFAULTS) -> Found:
    """Find the sections of an overview.

    All sections of an array have one shape. It is learned from regions that stand alone or can be parted, and
    then found everywhere by its four sides, also where sections touch or overlap.

    Parameters
    ----------
    pixels : (rows, columns) or (rows, columns, channels) array of uint8, uint16 or float32
        Brightfield, reflected light or fluorescence; sections may be darker or brighter than the substrate.
    shape : Shape, optional
        From outlines that a person gave; otherwise it is learned.
    settings : OverviewSettings, optional

    Returns
    -------
    Found
        Outlines in pixels of the overview, (0, 0) being the corner of the first pixel.
    """
    fits = search(pixels, shape, settings)
    if isinstance(fits, Nothing):
        return Found(nothing=fits)
    sections, doubtful = judged(fits, settings)
    reason = None if sections else why_nothing(pixels, settings, searched=True)
    doubt = fits.doubt
    if doubt is None and shape is None and _hardly_sure(sections, settings):
        doubt = ShapeDoubt.ANOTHER
    return Found(tuple(sections), tuple(doubtful), fits.shape, reason, doubt)


def _hardly_sure(sections: Sequence[Outline], settings: OverviewSettings) -> bool:
    """Return True if most outlines are unsure: it is what they have in common, their shape, that is wrong."""
    chances = [one.confidence for one in sections]
    return bool(chances) and float(np.median(chances)) < settings.shape.usual_chance


def search(pixels: Pixels, shape: Shape | None, settings: OverviewSettings = DEFAULTS) -> Fits | Nothing:
    """Return all outlines that fit, before they are judged, or the reason for which there are none.

    Parameters
    ----------
    pixels, shape, settings
        See `find_sections`.
    """
    nothing = why_nothing(pixels, settings)
    if nothing is not None:
        return nothing
    first = _searched(pixels, shape, settings)
    if not _is_poor(first, settings):
        return first
    # Sections as bright as the substrate show by their edges alone.
    second = _searched(pixels, shape, replace(settings, ground=replace(settings.ground, by_edges=True)))
    better = _expected(second, settings) > settings.shape.better * _expected(first, settings)
    return second if better else first


def _is_poor(found: Fits | Nothing, settings: OverviewSettings) -> bool:
    """Return True if little was found, and what lies there is mostly something else."""
    if isinstance(found, Nothing):
        return found is Nothing.NO_SECTIONS
    sections, _ = judged(found, settings)
    if found.doubt in (ShapeDoubt.FEW, ShapeDoubt.ANOTHER) or not sections:
        return True
    if len(sections) > settings.shape.many or unclear(found.ground) <= settings.ground.clear:
        return False
    left = found.ground.enclosed.astype(np.uint8)
    for one in sections:
        corners = quads.grown(np.array(one.corners_px) * found.ground.scale - 0.5, 1.08)
        cv2.fillConvexPoly(left, np.round(corners).astype(np.int32), 0)
    area = quads.area(np.array(found.shape.corners_px)) * found.ground.scale**2
    return float(left.sum()) > settings.shape.most_enclosed * area * len(sections)


def _expected(found: Fits | Nothing, settings: OverviewSettings) -> float:
    """Return the number of sections that are expected to be right."""
    if isinstance(found, Nothing):
        return 0.0
    return sum(one.confidence for one in judged(found, settings)[0])


def _searched(pixels: Pixels, shape: Shape | None, settings: OverviewSettings) -> Fits | Nothing:
    """Search, with the substrate as the settings have it."""
    learned = learn_shape(pixels, settings) if shape is None else shape
    found = _fitted(pixels, learned, settings) if learned is not None else None
    if found is None:
        return why_nothing(pixels, settings, searched=True) or Nothing.NO_SECTIONS
    division = WHOLE if shape is not None else _division(found, settings)
    if division.parts > 1 and division.sure:
        parts = [quads.in_overview(one, found.ground.scale) for one in division.corners]
        found = _fitted(pixels, shape_of(parts, settings.shape), settings) or found
        division = _division(found, settings)
    if _is_blurred(found, settings):
        return Nothing.BLURRED
    if shape is not None:
        return found
    halves = _of_halves(pixels, found, settings)
    if halves is not None:
        found, division = halves, replace(_division(halves, settings), sure=False)
    return replace(found, doubt=_shape_doubt(found, *judged(found, settings), division, settings))


def _fitted(pixels: Pixels, shape: Shape, settings: OverviewSettings) -> Fits | None:
    """Search and fit; None without a substrate."""
    short = float(quads.sides(np.array(shape.corners_px)).min())
    coarse = min(1.0, settings.search.short_side_px / short)
    fine = min(1.0, settings.fit.short_side_px / short)
    ground = ground_of(reduced(pixels, coarse), coarse, settings.ground)
    if ground is None:
        return None
    model = np.array(shape.corners_px)
    places = candidates(ground, model * coarse, shape.symmetry_deg > 180, settings.search)
    ground = ground_of(reduced(pixels, fine), fine, settings.ground)
    if ground is None:
        return None
    ground, rows = with_rows(ground, model * fine, shape.symmetry_deg > 180, settings)
    places = fit_pose(ground, np.concatenate([(places + 0.5) * (fine / coarse) - 0.5, rows]), settings.fit)
    # Sides that may move on their own show if the size is right; a section keeps the common shape.
    free = fit_sides(ground, places, settings.fit, settings.fit.free_px)
    support = side_support(ground, free, settings.fit)
    sure = _sure(ground, shape, free, support, settings)
    if len(sure) >= settings.shape.least_examples:
        shape = learned_again(shape, quads.in_overview(free[sure], fine), settings.shape)
        sure = _sure(ground, shape, free, support, settings)
    ground = with_sections(ground, free[sure], settings.ground)
    filled = inner_share(ground, free)
    scores = _scores(shape, quads.in_overview(free, fine), support, filled, settings)
    kept = chosen(free, scores, settings.fit.most_overlap, settings.fit.doubtful)
    rigid = np.array(shape.corners_px) * fine
    places[kept] = fit_pose(ground, placed_on(rigid, free[kept]), settings.fit)
    places[kept], support[kept] = settled(ground, places[kept], support[kept], settings.fit)
    scores = _scores(shape, quads.in_overview(free, fine), support, filled, settings)
    return Fits(ground, shape, places, free, support, filled, scores)


def _of_halves(pixels: Pixels, found: Fits, settings: OverviewSettings) -> Fits | None:
    """Return the sections of half the size, if most plain outlines have a line across the middle."""
    kept = [found.corners[one] for one in _good(found, settings)]
    axis = parted_at(found.ground, kept, settings)
    if axis is None:
        return None
    halves = [quads.in_overview(one, found.ground.scale) for one in halved(np.array(kept), axis)]
    again = _fitted(pixels, shape_of(halves, settings.shape), settings)
    # Half as large, they must be more: a mark in the middle of whole sections leaves them as they are.
    better = _expected(again or Nothing.NO_SECTIONS, settings) > 1.5 * _expected(found, settings)
    return again if better else None


def _good(found: Fits, settings: OverviewSettings) -> list[int]:
    """Return the outlines that are taken for sections before their chances are known."""
    return chosen(found.corners, found.scores, settings.fit.most_overlap, settings.fit.least)


def _division(found: Fits, settings: OverviewSettings) -> Division:
    """Return the parts of the sections."""
    good = _good(found, settings)
    return usual_division(found.ground, [found.corners[one] for one in good], settings.parts)


def _is_blurred(found: Fits, settings: OverviewSettings) -> bool:
    good = found.scores >= settings.fit.least
    if not good.any():
        return False
    short = float(quads.sides(np.array(found.shape.corners_px)).min()) * found.ground.scale
    width = float(np.median(edge_width_px(found.ground, found.corners[good])))
    return width > settings.fit.wide_edge * short


def _sure(
    ground: Ground, shape: Shape, places: Corners, support: NDArray[np.float64], settings: OverviewSettings
) -> list[int]:
    """Return the outlines that are sections without a doubt."""
    scores = _scores(
        shape, quads.in_overview(places, ground.scale), support, inner_share(ground, places), settings
    )
    kept = chosen(places, scores, settings.fit.most_overlap, settings.fit.sure)
    return [one for one in kept if support[one].min() > settings.shape.least_support]


def _scores(
    shape: Shape,
    corners: Corners,
    support: NDArray[np.float64],
    filled: NDArray[np.float64],
    settings: OverviewSettings,
) -> NDArray[np.float64]:
    """Return how well outlines, (N, 4, 2) in pixels of the overview, are supported: 0 to 1.

    One side may be hidden by another section.
    """
    expected = quads.sides(np.array(shape.corners_px))
    lengths = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    off = np.abs(np.log(np.maximum(lengths, 1e-3) / expected)).mean(axis=1)
    low, high = settings.fit.size_tolerance
    # A side is measured to about a pixel.
    usual = np.hypot(np.clip(1.5 * shape.scatter, low, high), 0.7 / expected.min())
    size = np.exp(-0.5 * (off / usual) ** 2)
    sides = 0.7 * support.mean(axis=1) + 0.3 * np.sort(support, axis=1)[:, 1]
    return np.asarray(sides * size * np.clip(filled / 0.9, 0, 1))


def _shape_doubt(
    found: Fits,
    sections: Sequence[Outline],
    doubtful: Sequence[Outline],
    division: Division,
    settings: OverviewSettings,
) -> ShapeDoubt | None:
    placed, others = (
        [np.array(one.corners_px) * found.ground.scale - 0.5 for one in outlines]
        for outlines in (sections, doubtful)
    )
    return shape_doubt(found.ground, found.shape, placed, others, division, settings)
