"""Alignment of fields with their electron overviews: accuracy, false claims, share proven.

Fields of 3 to 40 labelled cells beside others without label; cells darker than the resin, lighter, or hardly
different; dirt, knife marks and charging; two errors of the stage of up to 3 um, a rotation of up to half a
degree, a scale off by up to a percent. The error is the largest at any corner of the boxes of the cells.

``ILEMTRACK_BENCH_FIELDS`` names a file to which each field is written as soon as it is measured, as a line of
JSON. Fields that are in it are not measured again, so that a run that was cut off can be continued.
"""

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring.rows import Row, at_most
from benchmarks.targeting.alignment_scenes import LARGEST_OFFSET_UM, FieldScene, scene
from detection.alignment.align import align
from detection.alignment.preparation import corners_um

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
    proven_um : float or None
        Accuracy claimed.
    reason : str or None
        Why none is.
    swapped : bool or None
        True if an accuracy is claimed with the overview of the field before; None where that was not tried.
    """

    seed: int
    levels: dict[str, Any]
    error_um: float
    proven_um: float | None
    reason: str | None
    swapped: bool | None

    @property
    def false(self) -> bool:
        """True if the error is larger than claimed."""
        return self.proven_um is not None and self.error_um > self.proven_um


def run() -> list[Row]:
    """Measure every field, and some of them with the overview of another field."""
    written = os.environ.get("ILEMTRACK_BENCH_FIELDS")
    path = Path(written) if written else None
    done = {}
    if path and path.exists():
        done = {one["seed"]: Judged(**one) for one in map(json.loads, path.read_text().splitlines())}
    fields: list[Judged] = []
    before: FieldScene | None = None
    for seed in range(FIRST_SEED, FIRST_SEED + FIELDS):
        if seed in done:
            fields.append(done[seed])
            before = None
            continue
        one = scene(seed)
        if before is None and seed % SWAPPED_EVERY == 0:
            before = scene(seed - 1)
        fields.append(judge(seed, one, before if seed % SWAPPED_EVERY == 0 else None))
        before = one
        if path:
            with path.open("a") as file:
                file.write(json.dumps(asdict(fields[-1])) + "\n")
    return rows_of(fields)


def rows_of(fields: Sequence[Judged]) -> list[Row]:
    """Return the figures of some fields."""
    swapped = [one.swapped for one in fields if one.swapped is not None]
    others = at_most(f"{len(swapped)} fields with the overview of another: claims", sum(swapped), 0, 0)
    return [*_of_claims(fields), others, *_of_groups(fields)]


def _of_claims(fields: Sequence[Judged]) -> list[Row]:
    claimed = [one for one in fields if one.proven_um is not None]
    if not claimed:
        return [Row(f"{len(fields)} fields: proven", "none")]
    errors = np.array([one.error_um for one in claimed])
    proven = [one.proven_um for one in claimed if one.proven_um is not None]
    return [
        Row(f"{len(fields)} fields: share proven", f"{len(claimed) / len(fields):.3f}"),
        at_most("proven: median error, um", float(np.median(errors)), 0.2),
        at_most("proven: 99 % of the errors, um", float(np.quantile(errors, 0.99)), 0.4),
        Row("proven: largest error, um", f"{errors.max():.3f}"),
        Row("proven: median of the claims, um", f"{np.median(proven):.3f}"),
        at_most("false claims", sum(one.false for one in claimed), 0, 0),
        *(
            Row(f"seed {one.seed}: false, {one.levels}", f"{one.error_um:.2f} of {one.proven_um:.2f} um")
            for one in claimed
            if one.false
        ),
    ]


def _of_groups(fields: Sequence[Judged]) -> list[Row]:
    rows = []
    for factor, group in _GROUPS.items():
        rows += [
            _of_group(f"{factor} {level}", [one for one in fields if group(one) == level])
            for level in sorted({group(one) for one in fields})
        ]
    reasons = [one.reason for one in fields if one.reason is not None]
    rows += [Row(f"not proven: {reason}", f"{reasons.count(reason)}") for reason in sorted(set(reasons))]
    return rows


def judge(seed: int, one: FieldScene, other: FieldScene | None) -> Judged:
    """Align one field with its overview, and with that of another field if there is one."""
    found = align(one.fluorescence, one.cells, one.overview, LARGEST_OFFSET_UM)
    error_um = math.inf
    if found.motion is not None and one.cells:
        error_um = found.motion.distance_um(one.truth, corners_um(one.cells, one.fluorescence))
    swapped = None
    if other is not None:
        of_other = align(one.fluorescence, one.cells, other.overview, LARGEST_OFFSET_UM)
        swapped = of_other.proven_um is not None
    levels = dict(one.recipe) | {"found": len(one.cells)}
    return Judged(seed, levels, error_um, found.proven_um, found.reason, swapped)


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
    errors = [one.error_um for one in fields if one.proven_um is not None]
    worst = f", errors to {max(errors):.2f} um" if errors else ""
    median = f", median {np.median(errors):.2f}" if errors else ""
    return Row(name, f"{len(errors)} of {len(fields)} proven{median}{worst}")
