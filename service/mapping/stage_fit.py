"""The map from the overview to the stage, fitted to landmarks of which some may be wrong.

Wrong pairs are left out by the least median of squares (Rousseeuw, J. Am. Stat. Assoc. 79 (1984) 871), over
pairs and triples of landmarks that are the same each time, so that the result is, too.
"""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from service.errors import InputError
from service.mapping.stage_map import Caution, Model, Points, StageFit, StageMap

MOST_PAIRS = 200
_FEWEST: dict[Model, int] = {"similarity": 2, "affine": 3}
"""Landmarks that determine a map."""
_INLIER_SIGMAS = 2.5
"""Distance of a wrong pair, in robust standard deviations; Rousseeuw's choice."""
_LEAST_TOLERANCE_PX = 8.0
"""Error of a landmark that a person points at in an overview. Chosen by hand; not measured."""
_MOST_SUBSETS = 1000
"""Pairs or triples that are tried; of more, this number at even steps. Chosen by hand."""
_LINE = 0.02
"""Narrow over long side of points that count as a line. Chosen by hand; not measured."""
_AFFINE_FEWEST = 5
"""Agreeing pairs from which an affine map is tried: three determine it, and two are left to judge it by."""
_AFFINE_GAIN = 0.7
"""An affine map is taken if its leave-one-out error is below this share of that of the similarity. Chosen by
hand; not measured."""
_MIRROR_GAIN = 0.2
"""A mirrored map is taken if its residuals are below this share of the others. Chosen by hand; not
measured."""


def fit_stage_map(
    overview_px: Points, stage_um: Points, names: tuple[str, ...], model: Model | None = None
) -> StageFit:
    """Fit the map from overview to stage.

    Parameters
    ----------
    overview_px, stage_um : (N, 2) array
        Positions of the same landmarks; N from 2 to 200.
    names : tuple of str
        Names of the landmarks, for errors.
    model : {'similarity', 'affine'}, optional
        By default an affine map where five or more landmarks agree and it predicts them better.

    Raises
    ------
    InputError
        Raised when the landmarks determine no map: too few, two in one place, or not agreeing.
    """
    px, um = np.asarray(overview_px, dtype=np.float64), np.asarray(stage_um, dtype=np.float64)
    _check(px, um, names, model)
    if model == "affine":
        agreeing, mirrored = _agreeing_affine(px, um), False
    else:
        agreeing, mirrored = _agreeing(px, um)
        if model is None and len(px) >= _AFFINE_FEWEST and not _on_a_line(px):
            by_affine = _agreeing_affine(px, um)
            agreeing = by_affine if by_affine.sum() > agreeing.sum() else agreeing
    enough = max(3, len(px) // 2 + 1)
    if len(px) > 2 and agreeing.sum() < enough:
        raise InputError(
            f"the {len(px)} landmarks do not agree on any map: no {enough} of them fit within a few pixels;"
            " check their positions and units, or add more"
        )
    chosen = model or _better_model(px[agreeing], um[agreeing], mirrored)
    found = _fit(px[agreeing], um[agreeing], chosen, mirrored)
    residuals = um - found.to_stage(px)
    wrong = tuple(np.flatnonzero(~agreeing).tolist())
    cautions = [
        caution
        for caution, holds in (
            (Caution.TWO_PAIRS, len(px) == 2),
            (Caution.ON_A_LINE, len(px) > 2 and _on_a_line(px[agreeing])),
            (Caution.WRONG_PAIRS, bool(wrong)),
            (Caution.MIRRORED, found.mirrored),
        )
        if holds
    ]
    rms = float(np.sqrt((residuals[agreeing] ** 2).sum(axis=1).mean()))
    left_out = _left_out(px, um, agreeing, chosen, mirrored)
    return StageFit(found, chosen, residuals, wrong, rms, left_out, tuple(cautions))


def _check(px: Points, um: Points, names: tuple[str, ...], model: Model | None) -> None:
    if len(px) < 2:
        has = "there is one landmark" if len(px) == 1 else "there are no landmarks"
        raise InputError(f"{has}; two determine position, rotation and scale, three or more are checked")
    if len(px) > MOST_PAIRS:
        raise InputError(f"there are {len(px)} landmarks; at most {MOST_PAIRS} are used")
    for points, where in ((px, "in the overview"), (um, "on the stage")):
        for i, j in itertools.combinations(range(len(points)), 2):
            if (points[i] == points[j]).all():
                raise InputError(f"landmarks {names[i]} and {names[j]} have the same position {where}")
    if model == "affine" and len(px) < 3:
        raise InputError("two landmarks determine no affine map; add one, or leave out --model")
    if model == "affine" and _on_a_line(px):
        raise InputError(
            "the landmarks lie on one line, which determines no affine map; add one beside the line,"
            " or leave out --model"
        )


def _on_a_line(points: Points) -> bool:
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return len(points) < 3 or bool(spread[1] < _LINE * spread[0])


def _agreeing(px: Points, um: Points) -> tuple[NDArray[np.bool_], bool]:
    """Return which landmarks agree on a similarity, and if the overview is mirrored."""
    everything = np.ones(len(px), dtype=np.bool_)
    if len(px) == 2:
        return everything, False
    upright, mirror = (_least_median(px, um, "similarity", mirrored) for mirrored in (False, True))
    # Points on a line fit both; only a clearly better fit is taken for a mirror image.
    mirrored = (
        not _on_a_line(px)
        and upright[1] > _LEAST_TOLERANCE_PX * upright[0].um_per_px
        and mirror[1] < _MIRROR_GAIN * upright[1]
    )
    best, median_um = mirror if mirrored else upright
    scale = 1.4826 * (1 + 5 / max(len(px) - 2, 1)) * median_um
    tolerance = max(_INLIER_SIGMAS * scale, _LEAST_TOLERANCE_PX * best.um_per_px)
    if len(px) == 3:
        # Of three that do not agree nobody knows which is wrong.
        tolerance = _LEAST_TOLERANCE_PX * best.um_per_px
        best = _fit(px, um, "similarity", mirrored)
    return _settled(_distances(best, px, um) < tolerance, px, um, "similarity", mirrored, tolerance), mirrored


def _agreeing_affine(px: Points, um: Points) -> NDArray[np.bool_]:
    if len(px) == 3:
        return np.ones(3, dtype=np.bool_)
    best, median_um = _least_median(px, um, "affine", False)
    scale = 1.4826 * (1 + 5 / max(len(px) - 3, 1)) * median_um
    tolerance = max(_INLIER_SIGMAS * scale, _LEAST_TOLERANCE_PX * best.um_per_px)
    return _settled(_distances(best, px, um) < tolerance, px, um, "affine", False, tolerance)


def _settled(
    inliers: NDArray[np.bool_], px: Points, um: Points, model: Model, mirrored: bool, tolerance_um: float
) -> NDArray[np.bool_]:
    """Return the landmarks near the map fitted to them."""
    for _ in range(5):
        if inliers.sum() < _FEWEST[model] or (model == "affine" and _on_a_line(px[inliers])):
            break
        again = _distances(_fit(px[inliers], um[inliers], model, mirrored), px, um) < tolerance_um
        if (again == inliers).all():
            break
        inliers = again
    return inliers


def _least_median(px: Points, um: Points, model: Model, mirrored: bool) -> tuple[StageMap, float]:
    """Return the map through two or three landmarks with the least median distance of all, and that, um."""
    height = len(px) // 2  # of the distances in ascending order: the (N // 2 + 1)th
    best: tuple[StageMap, float] | None = None
    subsets = list(itertools.combinations(range(len(px)), _FEWEST[model]))
    for subset in subsets[:: math.ceil(len(subsets) / _MOST_SUBSETS)]:
        few = list(subset)
        if model == "affine" and _on_a_line(px[few]):
            continue
        one = _fit(px[few], um[few], model, mirrored)
        median = float(np.sort(_distances(one, px, um))[height])
        if best is None or median < best[1]:
            best = one, median
    assert best is not None
    return best


def _distances(found: StageMap, px: Points, um: Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(*(um - found.to_stage(px)).T))


def _fit(px: Points, um: Points, model: Model, mirrored: bool) -> StageMap:
    """Fit by least squares; a similarity in closed form (Umeyama, IEEE PAMI 13 (1991) 376)."""
    middle_px, middle_um = px.mean(axis=0), um.mean(axis=0)
    here, there = px - middle_px, um - middle_um
    if model == "affine":
        linear = np.linalg.lstsq(here, there, rcond=None)[0].T
    else:
        # As complex numbers x + iy with Y up; a mirror image has Y down.
        a = here[:, 0] + (1j if mirrored else -1j) * here[:, 1]
        factor = complex(np.vdot(a, there @ (1, 1j)) / np.vdot(a, a).real)
        c, s = factor.real, factor.imag
        linear = np.array([[c, -s], [s, c]]) @ np.diag([1.0, 1.0 if mirrored else -1.0])
    return StageMap(linear, middle_um - linear @ middle_px)


def _left_out(
    px: Points, um: Points, agreeing: NDArray[np.bool_], model: Model, mirrored: bool
) -> NDArray[np.float64]:
    found = np.full(len(px), np.nan)
    for n in range(len(px)):
        others = agreeing.copy()
        others[n] = False
        if others.sum() < _FEWEST[model] or (model == "affine" and _on_a_line(px[others])):
            continue
        one = _fit(px[others], um[others], model, mirrored)
        found[n] = float(_distances(one, px[n : n + 1], um[n : n + 1])[0])
    return found


def _better_model(px: Points, um: Points, mirrored: bool) -> Model:
    if len(px) < _AFFINE_FEWEST or _on_a_line(px):
        return "similarity"
    everything = np.ones(len(px), dtype=np.bool_)
    similarity, affine = (
        _left_out(px, um, everything, model, mirrored) for model in ("similarity", "affine")
    )
    if not np.isfinite(affine).all():
        return "similarity"
    better = (affine**2).mean() < _AFFINE_GAIN**2 * (similarity**2).mean()
    return "affine" if better else "similarity"
