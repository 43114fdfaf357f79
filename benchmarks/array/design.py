"""Design of the big dry run: the array, the share of faults, the moments of the kills."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from config.loading import load
from config.model import Config
from service.session.layout import with_layout

WHOLE = 300
SECTIONS = int(os.environ.get("ILEMTRACK_ARRAY_SECTIONS", WHOLE))
FIELDS = 4
CELLS = 14
"""Mean number of cells that are visible in a field."""
FAULTS = 1 / 200
"""Share of the scans, and of the exposures of the camera, that go wrong."""
KILLS = 10
SEED = 19

FEW_CELLS = 3
"""The same in the small sections of `benchmarks.array.sizes`."""

Step = Literal["fluorescence", "electron"]


@dataclass(frozen=True, slots=True)
class Kill:
    """A SIGKILL once a share of the fields, or of the jobs, is done, and a moment later, s."""

    step: Step
    share: float
    later_s: float


def config(sections: int, cells: float = CELLS, *, small: bool = False) -> Config:
    """Return the simulator's profile with `sections` of 2 x 2 fields, or of a small one of coarse pixels."""
    base = load("simulator")
    layout = base.layout.model_copy(update={"fields": (1, 1) if small else (2, 2)})
    if small:
        fluorescence = base.fluorescence.model_copy(update={"frame_px": (256, 256)})
        sem = base.sem.model_copy(update={"pixel_size_nm": 66.0})
        # In a square, inside the safe area of the stage.
        square = {"columns": max(10, math.isqrt(sections)), "pitch_um": 400.0, "first_um": (-6000.0, 6000.0)}
        layout = layout.model_copy(update=square)
        base = base.model_copy(update={"fluorescence": fluorescence, "sem": sem})
    specimen = base.simulator.specimen.model_copy(update={"cells_per_field": cells})
    simulator = base.simulator.model_copy(update={"specimen": specimen})
    return with_layout(
        base.model_copy(update={"layout": layout, "simulator": simulator}), sections, fields=None
    )


def kills(count: int = KILLS, seed: int = SEED) -> Sequence[Kill]:
    """Return the kills in their order: four in ten during the fluorescence, the others in its wake.

    None comes after half of the electron images: the process that takes the other half runs undisturbed, so
    that what it may leak shows.
    """
    rng = np.random.default_rng(seed)
    early = round(0.4 * count)
    shares = [np.sort(rng.uniform(0.02, most, size=n)) for n, most in ((early, 0.98), (count - early, 0.5))]
    steps: tuple[Step, Step] = ("fluorescence", "electron")
    return [
        Kill(step, float(share), float(rng.uniform(0, 0.5)))
        for step, each in zip(steps, shares, strict=True)
        for share in each
    ]
