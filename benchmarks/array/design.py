"""Design of the big dry run: the array, the share of faults, the moments of the kills."""

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

Step = Literal["fluorescence", "electron"]


@dataclass(frozen=True, slots=True)
class Kill:
    """A SIGKILL once a share of the fields, or of the jobs, is done, and a moment later, s."""

    step: Step
    share: float
    later_s: float


def config(sections: int, cells: float = CELLS) -> Config:
    """Return the simulator's profile with `sections` of 2 x 2 fields."""
    base = load("simulator")
    layout = base.layout.model_copy(update={"fields": (2, 2)})
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
