"""Alignment of fields with their electron overviews: accuracy, false claims, share proven.

Fields of 3 to 40 labelled cells beside others without label; cells darker than the resin, lighter, or hardly
different; dirt, knife marks and charging; two errors of the stage of up to 3 um, a rotation of up to half a
degree, a scale off by up to a percent. The error is the largest at any corner of the boxes of the cells.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.alignment_scenes import LARGEST_OFFSET_UM, FieldScene, scene
from benchmarks.rows import Row, at_most
from detection.alignment.align import align
from detection.alignment.preparation import corners_um
from detection.alignment.values import Alignment

TITLE = "alignment of fields with electron overviews"
ON_REQUEST = True
"""It takes half an hour."""
FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 30_224
"""Fields 30000 to 30223 were looked at."""
FIELDS = 500
SWAPPED_EVERY = 4
"""Every so many fields are also compared with the overview of another field."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One field.

    Attributes
    ----------
    seed : int
    levels : mapping
        Of its recipe, and the number of cells found.
    error_um : float
        Infinite where no motion was found.
    found : Alignment
    """

    seed: int
    levels: dict[str, Any]
    error_um: float
    found: Alignment

    @property
    def claimed(self) -> bool:
        """True if an accuracy is claimed."""
        return self.found.proven_um is not None

    @property
    def false(self) -> bool:
        """True if the error is larger than claimed."""
        return self.found.proven_um is not None and self.error_um > self.found.proven_um


def run() -> list[Row]:
    """Measure every field, and some of them with the overview of another field."""
    fields: list[Judged] = []
    swapped: list[Alignment] = []
    before: FieldScene | None = None
    for seed in range(FIRST_SEED, FIRST_SEED + FIELDS):
        one = scene(seed)
        fields.append(judge(seed, one))
        if before is not None and seed % SWAPPED_EVERY == 0:
            swapped.append(align(one.fluorescence, one.cells, before.overview, LARGEST_OFFSET_UM))
        before = one
    return [*_of_claims(fields), _of_swapped(swapped), *_of_groups(fields)]


def _of_claims(fields: Sequence[Judged]) -> list[Row]:
    claimed = [one for one in fields if one.claimed]
    if not claimed:
        return [Row(f"{len(fields)} fields: proven", "none")]
    errors = np.array([one.error_um for one in claimed])
    proven = np.array([one.found.proven_um for one in claimed])
    return [
        Row(f"{len(fields)} fields: share proven", f"{len(claimed) / len(fields):.3f}"),
        at_most("proven: median error, um", float(np.median(errors)), 0.2),
        at_most("proven: 99 % of the errors, um", float(np.quantile(errors, 0.99)), 0.4),
        Row("proven: largest error, um", f"{errors.max():.3f}"),
        Row("proven: median of the claims, um", f"{np.median(proven):.3f}"),
        at_most("false claims", sum(one.false for one in claimed), 0, 0),
        *(
            Row(
                f"seed {one.seed}: false, {one.levels}", f"{one.error_um:.2f} of {one.found.proven_um:.2f} um"
            )
            for one in claimed
            if one.false
        ),
    ]


def _of_swapped(swapped: Sequence[Alignment]) -> Row:
    claims = sum(one.proven_um is not None for one in swapped)
    return at_most(f"{len(swapped)} fields with the overview of another: claims", claims, 0, 0)


def _of_groups(fields: Sequence[Judged]) -> list[Row]:
    rows = []
    for factor, group in _GROUPS.items():
        rows += [
            _of_group(f"{factor} {level}", [one for one in fields if group(one) == level])
            for level in sorted({group(one) for one in fields})
        ]
    reasons = [one.found.reason for one in fields if one.found.reason is not None]
    rows += [Row(f"not proven: {reason}", f"{reasons.count(reason)}") for reason in sorted(set(reasons))]
    return rows


def judge(seed: int, one: FieldScene) -> Judged:
    """Align one field."""
    found = align(one.fluorescence, one.cells, one.overview, LARGEST_OFFSET_UM)
    error_um = math.inf
    if found.motion is not None and one.cells:
        error_um = found.motion.distance_um(one.truth, corners_um(one.cells, one.fluorescence))
    return Judged(seed, dict(one.recipe) | {"found": len(one.cells)}, error_um, found)


def _crowding(one: Judged) -> str:
    low = max(n for n in (0, 5, 10, 20) if one.levels["found"] >= n)
    return {0: "below 05", 5: "05 to 09", 10: "10 to 19", 20: "20 and more"}[low]


_GROUPS: dict[str, Callable[[Judged], Any]] = {
    "cells found:": _crowding,
    "label:": lambda one: one.levels["pattern"],
    "contrast:": lambda one: one.levels["resin"],
    "unlabelled cells, percent:": lambda one: one.levels["unlabelled"],
    "brightness, photons:": lambda one: one.levels["photons"],
    "stage errors up to, um:": lambda one: one.levels["stage_um"],
    "particles in a field:": lambda one: one.levels["dirt"],
}


def _of_group(name: str, fields: Sequence[Judged]) -> Row:
    errors = [one.error_um for one in fields if one.claimed]
    worst = f", errors to {max(errors):.2f} um" if errors else ""
    median = f", median {np.median(errors):.2f}" if errors else ""
    return Row(name, f"{len(errors)} of {len(fields)} proven{median}{worst}")
