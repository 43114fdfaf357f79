"""Detection where cells fill the frame, by cover, size, contrast and kind.

`benchmarks.frames.crowding` makes the scenes. The detector is that of `benchmarks.frames.scenes`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.frames.crowding.design import FACTORS, LEVELS, SCENES, Recipe, recipes
from benchmarks.frames.crowding.scenes import Scene, scene
from benchmarks.frames.realistic_quality import contained
from benchmarks.frames.scenes import CROWDED, DETECTORS, FIRST_SEED, found_in, judged, realistic_scene
from benchmarks.measuring.rows import Row, at_least, at_most
from detection.evaluation.dice import WHOLE_SHARE
from detection.evaluation.scores import evaluate
from detection.image.boxes import union_mask
from detection.image.frames import check_frame

TITLE = "Crowded frames"
FIELDS = 20
"""Frames of the simulated specimen for each number of cells."""
LOST_BELOW = 0.9
"""Contained share below which a scene needs a warning."""


@dataclass(frozen=True, slots=True)
class JudgedScene:
    """Result of one scene.

    Attributes
    ----------
    recipe : Recipe
    inside : tuple of bool
        True for each counted cell that is imaged wholly.
    imaged_px, cells_px : int
        Area that is imaged, and that of the boxes of the counted cells.
    warned : bool
        True if the detector warned and yet imaged something. Warnings about the frame as a file, saturated or
        processed, do not count: they say nothing about cells.
    """

    recipe: Recipe
    inside: tuple[bool, ...]
    imaged_px: int
    cells_px: int
    warned: bool

    @property
    def contained(self) -> float:
        """Share of the counted cells that are imaged wholly."""
        return float(np.mean(self.inside))


def run() -> list[Row]:
    """Measure the detector, and recall-first beside it."""
    results: dict[str, list[JudgedScene]] = {detector: [] for detector in DETECTORS}
    for recipe in recipes(FIRST_SEED):
        one = scene(recipe)
        if any(cell.counted for cell in one.cells):
            for detector in DETECTORS:
                results[detector].append(judged_scene(one, detector))
    own, *peers = DETECTORS
    rows = _with_goals(results[own]) + _by_cover(results[own], own)
    for peer in peers:
        rows += _of_peer(results[peer], peer)
    for cells in CROWDED:
        rows += _simulated(cells)
    return rows


def judged_scene(one: Scene, detector: str) -> JudgedScene:
    """Detect in one scene."""
    found = found_in(one.pixels, one.pixel_size_um, one.offset_adu, detector)
    of_file = check_frame(one.pixels, one.pixel_size_um, one.offset_adu).warnings
    counted = [cell for cell in one.cells if cell.counted]
    boxes = (cell.image_box_px for cell in found.cells)
    imaged = union_mask((box for box in boxes if box is not None), one.shape)
    return JudgedScene(
        one.recipe,
        tuple(cell.share_inside(imaged) >= WHOLE_SHARE for cell in counted),
        int(imaged.sum()),
        int(union_mask((cell.box for cell in counted), one.shape).sum()),
        # That nothing stands out is a finding, and here a wrong one.
        warned=len(found.warnings) > len(of_file) and bool(imaged.any()),
    )


def _simulated(cells: int) -> list[Row]:
    frames = list(realistic_scene(FIELDS, specimen=CROWDED[cells]))
    own, *others = (judged(frames, detector) for detector in DETECTORS)
    what = f"simulator, {cells} cells a field, single sections"
    return [
        at_least(f"{what}: contained", evaluate(own).contained_recall, 0.985),
        Row(f"{what}: of contrast-to-noise .5 and more", f"{contained(own, 0.5, math.inf):.3f}"),
        Row(f"{what}: imaged over cell area", f"{evaluate(own).imaged_over_cells:.2f}"),
        *(
            Row(
                f"{what}: {peer}",
                f"contained {evaluate(one).contained_recall:.3f} at {evaluate(one).imaged_over_cells:.2f}",
            )
            for peer, one in zip(DETECTORS[1:], others, strict=True)
        ),
    ]


def _with_goals(results: Sequence[JudgedScene]) -> list[Row]:
    rows = [
        at_least(f"{SCENES} scenes: contained, mean of scenes", _mean(results), 0.99),
        at_least(f"{SCENES} scenes: contained, of all cells", _of_cells(results), 0.99),
    ]
    for factor in FACTORS:
        shares = {level: _mean(_at(results, factor, level)) for level in LEVELS[factor]}
        worst = min(shares, key=shares.__getitem__)
        rows.append(at_least(f"worst of {factor}, {worst}: contained", shares[worst], 0.97))
    silent = _silent(results)
    rows.append(at_most(f"scenes below {LOST_BELOW:g} without a warning", len(silent), 0, 0))
    rows += [
        Row(f"scene {one.recipe.seed}: {_described(one.recipe)}", f"{one.contained:.3f}")
        for one in sorted(silent, key=lambda one: one.contained)[:8]
    ]
    return rows


def _of_peer(results: Sequence[JudgedScene], peer: str) -> list[Row]:
    text = f"{_mean(results):.3f}, of all cells {_of_cells(results):.3f}"
    return [
        Row(f"{peer}: contained, mean of scenes", text),
        Row(f"{peer}: scenes below {LOST_BELOW:g} without a warning", f"{len(_silent(results))}"),
        *_by_cover(results, peer),
    ]


def _by_cover(results: Sequence[JudgedScene], detector: str) -> list[Row]:
    rows = []
    for cover in LEVELS["cover"]:
        here = _at(results, "cover", cover)
        over = sum(one.imaged_px for one in here) / sum(one.cells_px for one in here)
        below = sum(one.contained < LOST_BELOW for one in here)
        text = f"contained {_mean(here):.3f} at {over:.2f}, {below} of {len(here)} below {LOST_BELOW:g}"
        rows.append(Row(f"{detector}, cover {cover:.2f}", text))
    return rows


def _at(results: Sequence[JudgedScene], factor: str, level: object) -> list[JudgedScene]:
    return [one for one in results if getattr(one.recipe, factor) == level]


def _silent(results: Sequence[JudgedScene]) -> list[JudgedScene]:
    return [one for one in results if one.contained < LOST_BELOW and not one.warned]


def _mean(results: Sequence[JudgedScene]) -> float:
    return float(np.mean([one.contained for one in results]))


def _of_cells(results: Sequence[JudgedScene]) -> float:
    return float(np.mean([inside for one in results for inside in one.inside]))


def _described(recipe: Recipe) -> str:
    return (
        f"cover {recipe.cover:g}, {recipe.radius_um:g} um, contrast {recipe.contrast:g}, {recipe.kind},"
        f" {recipe.background}, {recipe.pixel_nm} nm, {recipe.bits} bit"
        + (", processed" if recipe.processed else "")
    )
