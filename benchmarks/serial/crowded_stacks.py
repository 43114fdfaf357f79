"""Serial sections where cells fill the frame: five at a time, beside each section by itself."""

from typing import Any

import numpy as np

from benchmarks.frames.scenes import CROWDED, FIRST_SEED, configured
from benchmarks.measuring.rows import Row, at_least
from benchmarks.serial.serial import MODERATE, imaged_boxes, run_serial, score, singles
from benchmarks.serial.stacks import simulated_stack

TITLE = "Crowded serial sections"
STACKS = 2
SECTIONS = 5
SPECIMEN: dict[str, Any] = {
    "brightness_photons": 30.0,
    "brightness_sd_percent": 100.0,
    "debris_per_field": 2.0,
    "lumps_percent": 3.0,
    **MODERATE,
}
"""That of `benchmarks.frames.scenes.realistic_scene`, moved and turned from section to section."""


def run() -> list[Row]:
    """Measure contained recall with 60 and 100 cells in a field."""
    rows = []
    for number, (cells, crowd) in enumerate(CROWDED.items()):
        scores = []
        for seed in range(FIRST_SEED + 90 + STACKS * number, FIRST_SEED + 90 + STACKS * (number + 1)):
            stack = simulated_stack(seed, SECTIONS, **SPECIMEN, **crowd)
            found, _ = run_serial(stack)
            together = score(stack, [imaged_boxes(one) for one in found])
            scores.append((together, score(stack, singles(stack, configured().dilate_um))))
        (area, whole, dim, clear), (area_alone, alone, *_) = np.nanmean(scores, axis=0).tolist()
        what = f"{cells} cells a field, {SECTIONS} sections"
        rows += [
            at_least(f"{what}: contained", whole, 0.99),
            Row(f"{what}: contrast-to-noise .5 to 1; 2 and more", f"{dim:.3f}; {clear:.3f}"),
            Row(f"{what}: imaged", f"{area:.0%}"),
            Row(f"{what}, each by itself: contained", f"{alone:.3f} of {area_alone:.0%} imaged"),
        ]
    return rows
