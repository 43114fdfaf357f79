"""Confidence of sections found in simulated overviews: of the outlines given p, about a share p is right.

`python -m benchmarks.holder.section_confidence` fits it to development seeds and prints the numbers of
`detection.overview.judging.chance`; as a benchmark it is judged on seeds that were not used.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.holder.sections import ARRAY, GROUPS, PICTURE, SAME
from benchmarks.measuring.rows import Row, at_most
from detection.overview import quads
from detection.overview.find import DEFAULTS, search
from detection.overview.judging.chance import chances
from detection.overview.judging.evidence import NAMES, evidence_of
from detection.overview.judging.outlines import kept_of
from detection.overview.judging.rest import rest_of
from detection.overview.values import Corners, Nothing
from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, PictureSettings

TITLE = "confidence of sections in overviews (share of outlines that are right)"
ON_REQUEST = True
"""Some minutes."""
JUDGED_SEED, FITTED_SEEDS = 6_100, range(46, 48)
BINS = (0.0, 0.3, 0.7, 0.9, 0.97, 1.0)
RIDGE = 0.3
"""Weight of the squares of the coefficients, each of a measurement in its standard deviations: by hand."""

SCATTERED = replace(ARRAY, sections=25)
RIBBONS = replace(ARRAY, sections=40, arrangement="ribbons")
MUCH = replace(PICTURE, texture=0.9)
_TOO_LARGE = ("500 scattered", "500 in ribbons", "side of 300 px")
HARDER: dict[str, tuple[ArraySettings, PictureSettings]] = {
    "ribbons, faint and noisy": (RIBBONS, replace(PICTURE, contrast=-0.2, noise=0.04)),
    "ribbons, bent": (replace(RIBBONS, bend_deg=5.0), PICTURE),
    "ribbons, blurred": (RIBBONS, replace(PICTURE, blur_px=2.0)),
    "ribbons, plain": (RIBBONS, replace(PICTURE, texture=0.0)),
    "ribbons, much inside": (RIBBONS, replace(PICTURE, texture=0.7)),
    "ribbons, taper of .15": (replace(RIBBONS, taper=0.15), PICTURE),
    "small and noisy": (replace(SCATTERED, width_px=24, height_px=17), replace(PICTURE, noise=0.05)),
    "crowded": (
        replace(SCATTERED, touching_share=0.7, overlapping_share=0.3, fill=0.35, damaged_share=0.2),
        PICTURE,
    ),
    "faint and dirty": (
        replace(SCATTERED, damaged_share=0.15),
        replace(PICTURE, contrast=-0.15, dust=20, strips=5, noise=0.03),
    ),
    "much inside, uneven": (
        SCATTERED,
        replace(PICTURE, texture=0.7, contrast=-0.35, uneven=0.5, tile_vignetting=0.3),
    ),
    "blurred by 3.5 px": (SCATTERED, replace(PICTURE, blur_px=3.5)),
    "ribbons, square": (replace(RIBBONS, width_px=36, height_px=36), PICTURE),
    "ribbons, low, much inside": (replace(RIBBONS, width_px=64, height_px=24), MUCH),
    "ribbons, tall, much inside": (replace(RIBBONS, width_px=26, height_px=44), MUCH),
    "ribbons, aspect 4, much inside": (replace(RIBBONS, width_px=100, height_px=25), MUCH),
    "ribbons of 2 to 4, much inside": (replace(RIBBONS, ribbon_sections=(2, 4)), MUCH),
    "ribbons, taper of .1, much inside": (replace(RIBBONS, taper=0.1), MUCH),
    "ribbons, plain and faint": (RIBBONS, replace(PICTURE, texture=0.0, contrast=-0.2, noise=0.03)),
    "ribbons, plain and blurred": (RIBBONS, replace(PICTURE, texture=0.0, blur_px=2.0)),
    "aspect 4, much inside": (replace(SCATTERED, width_px=100, height_px=25), MUCH),
    "six, much inside": (replace(SCATTERED, sections=6), replace(MUCH, contrast=-0.3)),
}
"""Groups in which outlines are often wrong."""


@dataclass(frozen=True, slots=True)
class JudgedOutlines:
    """Outlines of one array beside the truth.

    Attributes
    ----------
    evidence : (N, len(NAMES)) array
    right : (N,) array of bool
        They share .8 of the union with a section, in any condition.
    others : tuple of bool
        The same of what has another shape.
    """

    evidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    others: tuple[bool, ...]


def run() -> list[Row]:
    """Judge the confidence on one array of each group that it was not fitted to."""
    found = [each for _, each in judged_arrays((JUDGED_SEED,))]
    right = np.concatenate([one.right for one in found])
    chance = np.concatenate([chances(one.evidence) for one in found])
    rows = []
    for low, high in pairwise(BINS):
        inside = (chance >= low) & ((chance < high) | (high == BINS[-1]))
        if inside.any():
            words = (
                f"{right[inside].mean():.3f} of {inside.sum()} right, {chance[inside].mean():.3f} expected"
            )
            rows.append(Row(f"confidence of {low:g} to {high:g}", words))
    others = [each for one in found for each in one.others]
    rows.append(Row("of another shape", f"{sum(others)} of {len(others)} right"))
    gap = abs(float(right.mean() - chance.mean()))
    return [*rows, at_most(f"gap of all {len(right)}", gap, 0.03)]


def main() -> None:
    """Fit the chance and print its numbers."""
    found = []
    for name, one in judged_arrays(FITTED_SEEDS):
        print(f"{name}: {one.right.sum()} of {len(one.right)} right", file=sys.stderr, flush=True)
        found.append(one)
    base, per = fitted(
        np.concatenate([one.evidence for one in found]), np.concatenate([one.right for one in found])
    )
    others = [each for one in found for each in one.others]
    print(f"BASE = {base:.2f}")
    print("PER = {" + ", ".join(f'"{name}": {one:.2f}' for name, one in zip(NAMES, per, strict=True)) + "}")
    print(f"OTHER_SHAPE = {sum(others) / max(len(others), 1):.2f}  # {sum(others)} of {len(others)}")


def judged_arrays(seeds: Sequence[int]) -> Iterator[tuple[str, JudgedOutlines]]:
    """Yield each group and seed with its outlines; nothing of those in which nothing is found."""
    groups = {name: one for name, one in GROUPS.items() if name not in _TOO_LARGE} | HARDER
    for seed in seeds:
        for name, (array, picture) in groups.items():
            most = 40 if array.arrangement == "ribbons" else 25
            small = replace(array, seed=seed, sections=min(array.sections, most))
            found = _judged(small, replace(picture, seed=seed))
            if found is not None:
                yield f"{name}, seed {seed}", found


def _judged(array: ArraySettings, picture: PictureSettings) -> JudgedOutlines | None:
    overview = draw_overview(place_array(array), picture)
    fits = search(overview.image, None)
    if isinstance(fits, Nothing):
        return None
    truth = [one.polygon_px for one in overview.shown]
    kept, _ = kept_of(fits, DEFAULTS)
    scale = fits.ground.scale
    model = np.array(fits.shape.corners_px) * scale
    rest = rest_of(fits.ground, [fits.corners[one] for one in kept], model, DEFAULTS.fit)
    return JudgedOutlines(
        evidence_of(fits, kept),
        np.array([_is_right(quads.in_overview(fits.corners[one], scale), truth) for one in kept], np.bool_),
        tuple(_is_right(quads.in_overview(one, scale), truth) for one in rest),
    )


def _is_right(corners: Corners, truth: Sequence[Corners]) -> bool:
    return any(quads.overlap(corners, one) >= SAME for one in truth)


def fitted(evidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """Return base and coefficients of the logistic model that makes the outcomes most likely."""
    middle, spread = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    known = (evidence - middle) / spread

    def off(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = numbers[0] + known @ numbers[1:]
        loss = np.logaddexp(0, np.where(right, -logit, logit)).sum() + RIDGE * (numbers[1:] ** 2).sum()
        miss = 1 / (1 + np.exp(-logit)) - right
        return float(loss), np.concatenate([[miss.sum()], known.T @ miss + 2 * RIDGE * numbers[1:]])

    numbers = minimize(off, np.zeros(len(NAMES) + 1), jac=True).x
    per = np.where(evidence.std(axis=0) > 0, numbers[1:] / spread, 0.0)
    return float(numbers[0] - per @ middle), np.asarray(per)


if __name__ == "__main__":
    main()
