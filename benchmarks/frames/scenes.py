"""Frames with truth to measure detection on, by seed: 0 to 99 are for development, 104000 and more held out.

Scenes of `benchmarks.frames.crowding` take 0 to 179. Seeds from 1000 to 6999, from 20000 to 99999 and from
103000 to 103999 were looked at before and are no longer held out; others below 20000, and other ones from
100000, are for models to be trained on: those of the simulated microscope end at 102399 in the first
training.

``ILEMTRACK_BENCH_DETECTOR`` names the detector that is judged, as ``--detector`` does; otherwise it is the
default of the configuration.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector
from detection.evaluation.scores import JudgedFrame
from detection.image.hits import Detection
from service.analysis.detectors import open_detector
from service.evaluation.synthetic import SyntheticFrame, paper_frames, realistic_config, realistic_frames
from simulators.specimen.fluorophores import Pattern
from simulators.specimen.paper.specimen import PaperSpecimen

FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 104_000
DETECTOR = os.environ.get("ILEMTRACK_BENCH_DETECTOR") or DetectionConfig().detector
"""The detector that is judged."""
PEER = "recall-first"
DETECTORS = (DETECTOR, PEER) if DETECTOR != PEER else (DETECTOR,)
"""The detector that is judged, and its peer if it is another."""
APART_NM = 5000.0
"""Realistic sections of one block this far apart are nearly independent."""
SMALL_CELLS_UM = (5.5, 0.8)
LARGE_CELLS_UM = (8.75, 1.25)


def paper_scene(
    radius_um: tuple[float, float], noise: float, frames: int, pattern: Pattern = "cytoplasmic"
) -> Iterator[SyntheticFrame]:
    """One slice of each of many volumes after the paper."""
    specimen = PaperSpecimen(radius_um[0], radius_um[1], noise=noise, pattern=pattern)
    for seed in range(FIRST_SEED, FIRST_SEED + frames):
        yield from paper_frames(seed, 1, specimen)


def realistic_scene(
    frames: int, pattern: Pattern = "cytoplasmic", specimen: Mapping[str, float] | None = None
) -> Iterator[SyntheticFrame]:
    """Sections of the simulated specimen, of blocks of ten sections each."""
    for block in range(0, frames, 10):
        config = _apart(FIRST_SEED + block // 10, min(10, frames - block), pattern, specimen or {})
        yield from realistic_frames(config)


NO_CELLS = {"cells_per_field": 0.0, "debris_per_field": 0.0, "folds_per_section": 0.0, "lumps_percent": 0.0}
"""A specimen of even resin and nothing else."""


CROWDED: dict[int, dict[str, float]] = {
    60: {"cells_per_field": 60.0},
    100: {"cells_per_field": 100.0, "cell_radius_um": 6.0},
}
"""Specimens by cells in a field; 100 of the usual 7 um do not fit."""


def dim_specimen(pattern: Pattern) -> dict[str, float]:
    """Cells that are hardly there are rare in a specimen: one with nothing brighter."""
    photons = 5.0 if pattern != "punctate" else 2.0
    return {"brightness_photons": photons, "brightness_sd_percent": 30.0}


def every_kind(frames: int) -> Iterator[tuple[str, Iterator[SyntheticFrame]]]:
    """As many frames of every kind that there is, with names; confidence was fitted on such."""
    for radius in (SMALL_CELLS_UM, LARGE_CELLS_UM):
        for noise in (20.0, 40.0, 60.0):
            yield f"paper, radius {radius[0]:g} um, noise {noise:g}", paper_scene(radius, noise, frames)
    patterns: tuple[Pattern, ...] = ("cytoplasmic", "nuclear", "punctate")
    for pattern in patterns:
        yield pattern, realistic_scene(frames, pattern)
        yield f"{pattern}, dim", realistic_scene(frames, pattern, dim_specimen(pattern))
    uneven = {"brightness_photons": 8.0, "lumps_percent": 10.0}
    yield "cytoplasmic, dim, 10 % lumpy", realistic_scene(frames, specimen=uneven)
    for pattern in patterns[::2]:
        yield f"{pattern}, few cells", realistic_scene(frames, pattern, {"cells_per_field": 1.5})
    for debris in (0.0, 5.0):
        for lumps in (0.0, 10.0):
            specimen = NO_CELLS | {"debris_per_field": debris, "lumps_percent": lumps}
            name = f"no cells, {debris:g} specks, {lumps:g} % lumpy"
            yield name, realistic_scene(frames, specimen=specimen)


def judged(
    frames: Iterable[SyntheticFrame], detector: str = DETECTOR, **settings: float
) -> list[JudgedFrame]:
    """Detect in every frame, with the policy's defaults but for `settings`."""
    return [judge(frame, detector, str(number), **settings) for number, frame in enumerate(frames)]


def judge(frame: SyntheticFrame, detector: str = DETECTOR, name: str = "", **settings: float) -> JudgedFrame:
    """Detect in one frame."""
    found = found_in(frame.pixels, frame.pixel_size_um, frame.offset_adu, detector, **settings)
    shape = (frame.pixels.shape[0], frame.pixels.shape[1])
    return JudgedFrame(name, shape, frame.pixel_size_um, found.cells, frame.cells)


def found_in(
    pixels: NDArray[np.generic],
    pixel_size_um: float,
    offset_adu: float | None,
    detector: str = DETECTOR,
    **settings: float,
) -> Detection:
    """Detect in pixels, with the policy's defaults but for `settings`."""
    config = configured(detector, **settings)
    return detect(pixels, pixel_size_um, config, offset_adu, opened(detector))


def configured(detector: str = DETECTOR, **settings: float) -> DetectionConfig:
    """Return the configuration of a detector, with the policy's defaults but for `settings`."""
    return DetectionConfig.model_validate({"detector": detector, **settings})


@cache
def opened(detector: str = DETECTOR) -> Detector:
    """Return the detector of a name; a model or a plug-in is read once."""
    return open_detector(configured(detector))


def _apart(seed: int, sections: int, pattern: Pattern, specimen: Mapping[str, float]) -> Config:
    return realistic_config(seed, sections, pattern, **{"section_thickness_nm": APART_NM, **specimen})
