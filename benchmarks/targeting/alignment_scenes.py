"""Fields of the simulated microscope with an electron overview, and the true position in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.frames.scenes import found_in
from config.model import Config
from detection.alignment.values import Picture, Similarity
from detection.image.boxes import BoxPx
from drivers.chamber import VacuumState
from drivers.fluorescence import FmSettings
from drivers.sem import ScanRequest
from service.evaluation.synthetic import realistic_config
from service.session.layout import sections_and_fields
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.fluorophores import Pattern

OVERVIEW_NM, DWELL_S = 100.0, 1e-6
MARGIN_UM = 1.5
"""The overview stays this far within its field, as all electron images do."""
LARGEST_OFFSET_UM = 6.0
"""Two moves of the stage, each up to 3 um off."""
ROTATION_DEG, SCALE_PERCENT = 0.5, 1.0
CELLS = (3.0, 40.0)
PATTERNS: tuple[Pattern, ...] = ("cytoplasmic", "nuclear", "punctate")
RESINS = {"cells darker": 0.13, "cells faint": 0.34, "cells lighter": 0.75}
"""Grey of the resin on the scale of stain; that of cells is about .4."""
_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class FieldScene:
    """A field with its overview.

    Attributes
    ----------
    recipe : mapping
        Its levels, by factor.
    fluorescence, overview : Picture
    cells : tuple of BoxPx
        As found in the fluorescence.
    truth : Similarity
        From the plane of the fluorescence to that of the overview.
    """

    recipe: Mapping[str, Any]
    fluorescence: Picture
    overview: Picture
    cells: tuple[BoxPx, ...]
    truth: Similarity


def recipe(seed: int) -> dict[str, Any]:
    """Draw the levels of a field."""
    rng = np.random.default_rng([seed, 1])
    cells = float(np.exp(rng.uniform(*np.log(CELLS))))
    return {
        "cells": cells,
        "pattern": PATTERNS[rng.integers(3)],
        "resin": list(RESINS)[rng.integers(3)],
        "unlabelled": float(rng.choice([0.0, 30.0, 70.0])),
        "dirt": float(rng.choice([0.0, 10.0, 40.0])),
        "knife_marks": float(rng.choice([0.0, 3.0, 10.0])),
        "charging": float(rng.choice([0.0, 5.0, 15.0])),
        "photons": float(rng.choice([10.0, 30.0, 60.0])),
        "stage_um": float(rng.choice([0.3, 1.0, 3.0])),
    }


def scene(seed: int) -> FieldScene:
    """Make the field of a seed; the same seed always gives the same field."""
    levels = recipe(seed)
    rng = np.random.default_rng([seed, 2])
    # Anywhere within a disc: the largest errors are as likely as the small ones, and more than in a machine.
    errors = [_in_disc(rng, levels["stage_um"]) for _ in range(2)]
    truth = Similarity(
        (float(errors[0][0] - errors[1][0]), float(errors[0][1] - errors[1][1])),
        math.radians(rng.uniform(-ROTATION_DEG, ROTATION_DEG)),
        1 + rng.uniform(-SCALE_PERCENT, SCALE_PERCENT) / 100,
    )
    config = _configured(seed, levels, truth)
    fluorescence, overview = _taken(config)
    offset = config.fluorescence.offset_adu
    found = found_in(fluorescence.pixels, fluorescence.pixel_size_um, offset)
    cells = tuple(cell.box_px for cell in found.cells if cell.image_box_px is not None)
    return FieldScene(levels, fluorescence, overview, cells, truth)


def _configured(seed: int, levels: Mapping[str, Any], truth: Similarity) -> Config:
    config = realistic_config(
        seed,
        1,
        levels["pattern"],
        # As many labelled cells as the factor says; the others come on top, as far as they fit.
        cells_per_field=min(levels["cells"] / (1 - levels["unlabelled"] / 100), 60.0),
        unlabelled_percent=levels["unlabelled"],
        brightness_photons=levels["photons"],
        resin_stain=RESINS[levels["resin"]],
        resin_texture_percent=3.0,
        dirt_per_field=levels["dirt"],
        knife_marks_per_field=levels["knife_marks"],
    )
    sections, _ = sections_and_fields(config)
    center_um = np.array(sections[0].center_m) * 1e6
    turned = Similarity((0.0, 0.0), truth.rotation_rad, truth.scale)
    # The calibration turns about stage 0, the truth about the middle of the field.
    shift_um = center_um + truth.shift_um - turned.apply(center_um[None])[0]
    calibration = {
        "shift_um": shift_um.tolist(),
        "rotation_mrad": truth.rotation_rad * 1e3,
        "scale": truth.scale,
    }
    simulator = config.simulator.model_copy(update={"charging_percent": levels["charging"]})
    values = config.model_dump() | {"calibration": calibration, "simulator": simulator.model_dump()}
    return Config.model_validate(values)


def _taken(config: Config) -> tuple[Picture, Picture]:
    """Take the frame, and then the overview at the same position of the stage."""
    microscope = SimulatedMicroscope(config, FastClock())
    devices, fm = microscope.devices, config.fluorescence
    sections, _ = sections_and_fields(config)
    devices.stage.move_to(*sections[0].center_m, _TIMEOUT_S)
    devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, _TIMEOUT_S)
    settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
    frame = devices.camera.expose(settings, _TIMEOUT_S)
    devices.light.off()
    devices.chamber.go_to(VacuumState.HIGH, _TIMEOUT_S)
    side_px = int((min(fm.field_size_m) * 1e6 - 2 * MARGIN_UM) / OVERVIEW_NM * 1e3)
    image = devices.sem.scan(
        ScanRequest((side_px, side_px), OVERVIEW_NM * 1e-9, DWELL_S, "overview"), _TIMEOUT_S
    )
    return Picture(frame.pixels, fm.pixel_size_m * 1e6), Picture(image.pixels, OVERVIEW_NM / 1e3)


def _in_disc(rng: np.random.Generator, radius: float) -> NDArray[np.float64]:
    while True:
        point = rng.uniform(-1, 1, 2)
        if np.hypot(*point) <= 1:
            return np.asarray(point * radius)
