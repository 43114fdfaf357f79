"""Sections found in optical overviews: simulated arrays, and a real wafer where its picture is given.

``ILEMTRACK_BENCH_OVERVIEWS`` names a folder with ``NAME.jpg`` and ``NAME.json`` (``sections`` with
``polygon_px``, and ``cut`` with sections that the picture cuts); without it only simulated arrays are judged.
The peer is what most macros do: Otsu's threshold, and the smallest rectangle around each region.
"""

import json
import os
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.rows import Row, at_least, at_most
from detection.overview import quads
from detection.overview.find import find_sections
from detection.overview.values import Corners
from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, Condition, PictureSettings, PlacedSection

TITLE = "sections in overviews"
FIRST_SEED = 40 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 8_000
FOLDER = os.environ.get("ILEMTRACK_BENCH_OVERVIEWS")
SAME = 0.8
"""Intersection over union from which an outline counts as found."""
ANYTHING = 0.3
"""The same for a section in any condition: what lies on none is false."""
MOST_HIDDEN = 0.3
"""Share of an intact section that others may cover."""

ARRAY = ArraySettings(sections=100, width_px=44, height_px=32)
PICTURE = PictureSettings()
GROUPS: dict[str, tuple[ArraySettings, PictureSettings]] = {
    "50 scattered": (replace(ARRAY, sections=50), PICTURE),
    "100 in ribbons": (replace(ARRAY, arrangement="ribbons"), PICTURE),
    "500 scattered": (replace(ARRAY, sections=500), PICTURE),
    "500 in ribbons": (replace(ARRAY, sections=500, arrangement="ribbons"), PICTURE),
    "trapezoids": (replace(ARRAY, taper=0.25), PICTURE),
    "trapezoids in ribbons": (replace(ARRAY, taper=0.25, arrangement="ribbons"), PICTURE),
    "plain trapezoids in ribbons": (
        replace(ARRAY, taper=0.25, arrangement="ribbons"),
        replace(PICTURE, texture=0.0),
    ),
    "touching and overlapping": (
        replace(ARRAY, touching_share=0.5, overlapping_share=0.2, fill=0.25),
        PICTURE,
    ),
    "ribbons that overlap": (replace(ARRAY, arrangement="ribbons", gap_share=-0.08), PICTURE),
    "aspect 4": (replace(ARRAY, width_px=100, height_px=25), PICTURE),
    "square": (replace(ARRAY, width_px=36, height_px=36), PICTURE),
    "side of 20 px": (replace(ARRAY, width_px=26, height_px=20), PICTURE),
    "side of 300 px": (replace(ARRAY, sections=20, width_px=400, height_px=300), PICTURE),
    "one section": (replace(ARRAY, sections=1, damaged_share=0, missing_share=0, fill=0.03), PICTURE),
    "bright sections": (ARRAY, replace(PICTURE, background=0.15, contrast=1.0)),
    "faint sections": (ARRAY, replace(PICTURE, contrast=-0.15)),
    "blurred by 2.5 px": (ARRAY, replace(PICTURE, blur_px=2.5)),
    "noisy": (ARRAY, replace(PICTURE, noise=0.06)),
    "uneven light": (ARRAY, replace(PICTURE, uneven=0.5, tile_px=0)),
    "strong seams": (ARRAY, replace(PICTURE, tile_px=350, tile_vignetting=0.3, tile_gain=0.12)),
    "dirty": (ARRAY, replace(PICTURE, dust=25, strips=6, scratches=2)),
    "coverslip": (ARRAY, replace(PICTURE, substrate="coverslip", tile_px=0)),
    "sparse coverslip": (
        replace(ARRAY, sections=6, fill=0.01, damaged_share=0.2),
        replace(PICTURE, substrate="coverslip"),
    ),
}
"""Every simulated group."""


@dataclass(frozen=True, slots=True)
class Score:
    """Agreement of outlines with the truth.

    Attributes
    ----------
    expected, found : int
        Sections that should be found, and those that were.
    outlines, false : int
        Outlines, and those that lie on no section at all.
    angles_deg : tuple of float
        Error of each that was found, modulo the symmetry of the shape.
    """

    expected: int
    found: int
    outlines: int
    false: int
    angles_deg: tuple[float, ...]


def run() -> list[Row]:
    """Judge every group, and the real overviews."""
    rows, ours, theirs = [], [], []
    for name, (array, picture) in GROUPS.items():
        overview = draw_overview(
            place_array(replace(array, seed=FIRST_SEED)), replace(picture, seed=FIRST_SEED)
        )
        expected, others = truth_of(overview.shown)
        symmetry = 360.0 if array.taper else 90.0 if array.width_px == array.height_px else 180.0
        outlines = [np.array(one.corners_px) for one in find_sections(overview.image).sections]
        ours.append(score(outlines, expected, others, symmetry))
        theirs.append(score(by_threshold(overview.image), expected, others, symmetry))
        rows.append(Row(name, _words(ours[-1]) + f"; threshold: found {_share(theirs[-1]):.3f}"))
    expected_sum, found = sum(one.expected for one in ours), sum(one.found for one in ours)
    rows.append(at_least(f"simulated: found, of {expected_sum}", found / expected_sum, 0.98))
    worst = min(zip(map(_share, ours), GROUPS, strict=True))
    rows.append(Row("simulated: worst group", f"{worst[0]:.3f} ({worst[1]})"))
    rows.append(
        at_most("simulated: false", sum(one.false for one in ours) / sum(one.outlines for one in ours), 0.01)
    )
    rows.append(at_most("simulated: median error of angle, deg", _median(ours), 1.0))
    rows.append(
        Row("simulated: found by a threshold", f"{sum(one.found for one in theirs) / expected_sum:.3f}")
    )
    return rows + [row for path in _real() for row in _judged(path)]


def truth_of(sections: Sequence[PlacedSection]) -> tuple[list[Corners], list[Corners]]:
    """Return the outlines that should be found, and the others: damaged, or largely hidden."""
    good = [one.condition is Condition.INTACT and one.hidden_share <= MOST_HIDDEN for one in sections]
    expected, others = (
        [one.polygon_px for one, is_good in zip(sections, good, strict=True) if is_good is wanted]
        for wanted in (True, False)
    )
    return expected, others


def score(
    outlines: Sequence[Corners], expected: Sequence[Corners], others: Sequence[Corners], symmetry_deg: float
) -> Score:
    """Compare outlines with the truth, all clockwise."""
    found, angles = 0, []
    for truth in expected:
        best = max(outlines, key=lambda one: quads.overlap(one, truth), default=None)
        if best is not None and quads.overlap(best, truth) >= SAME:
            found += 1
            angles.append(quads.facing_deg(best) - quads.facing_deg(truth))
    # The picture does not tell which side is the first; all sections must have the same.
    turns = [0.0, 90.0, 180.0, 270.0]
    errors = [
        [abs((one - turn + symmetry_deg / 2) % symmetry_deg - symmetry_deg / 2) for one in angles]
        for turn in turns
    ]
    least = min(errors, key=sum)
    everything = [*expected, *others]
    false = sum(all(quads.overlap(one, truth) < ANYTHING for truth in everything) for one in outlines)
    return Score(len(expected), found, len(outlines), false, tuple(least))


def by_threshold(image: NDArray[np.uint8]) -> list[Corners]:
    """Return the outlines of regions by Otsu's threshold, of which the usual size is that of a section."""
    _, mask = cv2.threshold(cv2.GaussianBlur(image, (0, 0), 1.5), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if (mask > 0).mean() > 0.5:
        mask = 255 - mask
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [np.asarray(cv2.boxPoints(cv2.minAreaRect(one)), np.float64) for one in contours]
    boxes = [one for one in boxes if quads.area(one) > 100]
    if not boxes:
        return []
    usual = np.median([quads.area(one) for one in boxes])
    return [quads.clockwise(one) for one in boxes if 0.6 * usual < quads.area(one) < 1.6 * usual]


def _real() -> Iterator[Path]:
    if FOLDER:
        yield from sorted(Path(FOLDER).glob("*.json"))


def _judged(path: Path) -> list[Row]:
    document = json.loads(path.read_text())
    image = cv2.imread(str(path.with_suffix(".jpg")), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    expected, cut = (
        [quads.clockwise(np.array(one["polygon_px"])) for one in document.get(key, ())]
        for key in ("sections", "cut")
    )
    begun = time.process_time()
    outlines = [np.array(one.corners_px) for one in find_sections(np.asarray(image, np.uint8)).sections]
    cpu_s = time.process_time() - begun
    ours = score(outlines, expected, cut, 180.0)
    theirs = score(by_threshold(np.asarray(image, np.uint8)), expected, cut, 180.0)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    name = path.stem
    return [
        at_least(f"{name}: found, of {ours.expected}", _share(ours), 0.95),
        Row(f"{name}: found by a threshold", f"{_share(theirs):.3f}"),
        at_most(
            f"{name}: on no annotated section (look at them), share", ours.false / max(ours.outlines, 1), 0.05
        ),
        at_most(f"{name}: median error of angle, deg", _median([ours]), 1.0),
        Row(f"{name}: CPU time, peak memory of this process", f"{cpu_s:.0f} s, {peak_gb:.1f} GB"),
    ]


def _share(one: Score) -> float:
    return one.found / max(one.expected, 1)


def _median(scores: Sequence[Score]) -> float:
    angles = [angle for one in scores for angle in one.angles_deg]
    return float(np.median(angles)) if angles else float("nan")


def _words(one: Score) -> str:
    return f"found {one.found} of {one.expected}, {one.false} false, {_median([one]):.2f} deg"
