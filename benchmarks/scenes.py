"""Frames with truth to measure detection on, by seed: 0 to 99 are for development, 4000 and more held out.

Those from 1000 on were looked at too often to be called held out.
"""

import os
from collections.abc import Iterable, Iterator, Mapping

from config.model import Config
from config.work import DetectionConfig
from detection.detect import detect
from detection.evaluation import JudgedFrame
from service.synth import SyntheticFrame, paper_frames, realistic_config, realistic_frames
from simulators.fluorophores import Pattern
from simulators.paper_synthetic import PaperSpecimen

FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 4000
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


def judged(
    frames: Iterable[SyntheticFrame], detector: str = "recall-first", **settings: float
) -> list[JudgedFrame]:
    """Detect in every frame, with the policy's defaults but for `settings`."""
    config = DetectionConfig.model_validate({"detector": detector, **settings})
    return [judge(frame, config, str(number)) for number, frame in enumerate(frames)]


def judge(frame: SyntheticFrame, config: DetectionConfig, name: str = "") -> JudgedFrame:
    """Detect in one frame."""
    found = detect(frame.pixels, frame.pixel_size_um, config, frame.offset_adu)
    shape = (frame.pixels.shape[0], frame.pixels.shape[1])
    return JudgedFrame(name, shape, frame.pixel_size_um, found.cells, frame.cells)


def _apart(seed: int, sections: int, pattern: Pattern, specimen: Mapping[str, float]) -> Config:
    return realistic_config(seed, sections, pattern, **{"section_thickness_nm": APART_NM, **specimen})
