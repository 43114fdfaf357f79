"""Sections in an optical overview."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.common_shape.doubts import shape_doubt
from detection.overview.common_shape.learning import learn_shape
from detection.overview.common_shape.parts import WHOLE, Division, usual_division
from detection.overview.common_shape.rows import with_rows
from detection.overview.common_shape.shape import learned_again, shape_of
from detection.overview.fit import edge_width_px, fit_pose, fit_sides, inner_share, placed_on, side_support
from detection.overview.ground import Ground, ground_of, reduced, with_sections
from detection.overview.neighbours import settled
from detection.overview.nothing import why_nothing
from detection.overview.rest import rest_of
from detection.overview.search import candidates
from detection.overview.selection import chosen
from detection.overview.settings import OverviewSettings
from detection.overview.values import Corners, Doubt, Found, Nothing, Outline, Pixels, Shape, ShapeDoubt

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
    nothing = why_nothing(pixels, settings)
    if nothing is not None:
        return Found(nothing=nothing)
    learned = learn_shape(pixels, settings) if shape is None else shape
    found = _Fitted.of(pixels, learned, settings) if learned is not None else None
    if found is None:
        return Found(nothing=why_nothing(pixels, settings, searched=True))
    division = WHOLE if shape is not None else found.division(settings)
    if division.parts > 1 and division.sure:
        parts = [in_overview(one, found.ground.scale) for one in division.corners]
        found = _Fitted.of(pixels, shape_of(parts, settings.shape), settings) or found
        division = found.division(settings)
    if _is_blurred(found, settings):
        return Found(nothing=Nothing.BLURRED)
    sections, doubtful = _outlines(found, settings)
    reason = None if sections else why_nothing(pixels, settings, searched=True)
    doubt = None if shape is not None else _shape_doubt(found, sections, doubtful, division, settings)
    return Found(tuple(sections), tuple(doubtful), found.shape, reason, doubt)


def in_overview(corners: Corners, scale: float) -> Corners:
    """Return working pixels, whole at the centres of pixels, as pixels of the overview, whole at corners."""
    return np.asarray((corners + 0.5) / scale)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Outlines that were fitted, working pixels, the best first."""

    ground: Ground
    shape: Shape
    corners: Corners
    support: NDArray[np.float64]
    filled: NDArray[np.float64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, pixels: Pixels, shape: Shape, settings: OverviewSettings) -> "_Fitted | None":
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
        places = fit_pose(
            ground, np.concatenate([(places + 0.5) * (fine / coarse) - 0.5, rows]), settings.fit
        )
        # Sides that may move on their own show if the size is right; a section keeps the common shape.
        free = fit_sides(ground, places, settings.fit, settings.fit.free_px)
        support = side_support(ground, free, settings.fit)
        sure = _sure(ground, shape, free, support, settings)
        if len(sure) >= settings.shape.least_examples:
            shape = learned_again(shape, in_overview(free[sure], fine), settings.shape)
            sure = _sure(ground, shape, free, support, settings)
        ground = with_sections(ground, free[sure], settings.ground)
        filled = inner_share(ground, free)
        scores = _scores(shape, in_overview(free, fine), support, filled, settings)
        kept = chosen(free, scores, settings.fit.most_overlap, settings.fit.doubtful)
        rigid = np.array(shape.corners_px) * fine
        places[kept] = fit_pose(ground, placed_on(rigid, free[kept]), settings.fit)
        places[kept], support[kept] = settled(ground, places[kept], support[kept], settings.fit)
        scores = _scores(shape, in_overview(free, fine), support, filled, settings)
        return cls(ground, shape, places, support, filled, scores)

    def division(self, settings: OverviewSettings) -> Division:
        """Return the parts of the sections."""
        good = chosen(self.corners, self.scores, settings.fit.most_overlap, settings.fit.least)
        return usual_division(self.ground, [self.corners[one] for one in good], settings.parts)


def _is_blurred(found: _Fitted, settings: OverviewSettings) -> bool:
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
    scores = _scores(shape, in_overview(places, ground.scale), support, inner_share(ground, places), settings)
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


def _outlines(found: _Fitted, settings: OverviewSettings) -> tuple[list[Outline], list[Outline]]:
    """Return the sections and what is doubtful, each from top to bottom."""
    fit, scale = settings.fit, found.ground.scale
    best = chosen(found.corners, found.scores, fit.most_overlap, fit.doubtful)
    sections: list[Outline] = []
    doubtful: list[Outline] = []
    taken: list[Corners] = []
    for one in best:
        doubt = _doubt(found, one, settings)
        outline = _outline(
            in_overview(found.corners[one], scale),
            found.scores[one],
            found.support[one],
            found.filled[one],
            doubt,
        )
        (doubtful if doubt else sections).append(outline)
        taken.append(found.corners[one])
    more = chosen(found.corners, found.scores, fit.doubtful_overlap, fit.sure, taken)
    for one in more:
        outline = _outline(
            in_overview(found.corners[one], scale),
            found.scores[one],
            found.support[one],
            found.filled[one],
            Doubt.OVERLAP,
        )
        doubtful.append(outline)
        taken.append(found.corners[one])
    rest = rest_of(found.ground, taken, np.array(found.shape.corners_px) * scale, settings.fit)
    doubtful += [_outline(in_overview(one, scale), 0.3, np.zeros(4), 1.0, Doubt.SHAPE) for one in rest]
    return _sorted(sections), _sorted(doubtful)


def _shape_doubt(
    found: _Fitted,
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


def _doubt(found: _Fitted, one: int, settings: OverviewSettings) -> Doubt | None:
    fit = settings.fit
    glass = inner_share(found.ground, found.corners[one][None], of_glass=True)[0]
    if glass < fit.least_on_glass:
        return Doubt.CUT
    if found.filled[one] < fit.least_filled:
        return Doubt.INCOMPLETE
    if found.scores[one] < fit.least or (found.support[one] < fit.hidden).sum() > 1:
        return Doubt.SIDES
    return None


def _outline(
    corners: Corners, score: float, support: NDArray[np.float64], filled: float, doubt: Doubt | None
) -> Outline:
    # From the lowest score that is listed to that of sharp edges all around.
    confidence = float(np.clip((score - 0.3) / 0.5, 0.01, 1.0))
    first, second, third, fourth = (round(float(side), 3) for side in support)
    return Outline(
        tuple((float(x), float(y)) for x, y in corners),
        quads.facing_deg(corners),
        confidence,
        (first, second, third, fourth),
        float(filled),
        doubt,
    )


def _sorted(outlines: list[Outline]) -> list[Outline]:
    return sorted(outlines, key=lambda one: (round(one.center_px[1]), one.center_px[0]))
