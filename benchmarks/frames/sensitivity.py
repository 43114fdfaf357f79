"""Sensitivity of recall-first to each of its numbers, which the docstrings of its settings quote.

It takes half an hour, so it runs only if it is named, and on development seeds only.
"""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from benchmarks.frames.realistic_quality import contained
from benchmarks.frames.scenes import (
    FIRST_SEED,
    LARGE_CELLS_UM,
    NO_CELLS,
    PEER,
    SMALL_CELLS_UM,
    configured,
    dim_specimen,
    paper_scene,
    realistic_scene,
)
from benchmarks.measuring.rows import Row
from detection.detect import detect
from detection.detectors import RecallFirst
from detection.evaluation.scores import JudgedFrame, evaluate
from detection.recall_first.settings import RECALL_FIRST, RecallFirstSettings
from service.evaluation.synthetic import SyntheticFrame

TITLE = "Sensitivity of recall-first to its settings"
ON_REQUEST = True
FACTORS = (0.7, 1.4)

Scene = dict[str, list[SyntheticFrame]]


def run() -> list[Row]:
    """Multiply each number by the factors and measure; the first row has the defaults."""
    if FIRST_SEED:
        return [Row("settings are varied on development seeds only: ILEMTRACK_BENCH_SEEDS=development", "-")]
    scene = _scene()
    rows = [Row("defaults", _figures(scene, RECALL_FIRST))]
    return rows + [Row(name, _figures(scene, settings)) for name, settings in _varied(RECALL_FIRST)]


def _scene() -> Scene:
    debris = NO_CELLS | {"debris_per_field": 5.0, "lumps_percent": 10.0}
    folds = NO_CELLS | {"folds_per_section": 2.0}
    return {
        "paper": [*paper_scene(SMALL_CELLS_UM, 40.0, 4), *paper_scene(LARGE_CELLS_UM, 60.0, 4)],
        "bright": [
            *realistic_scene(5),
            *realistic_scene(3, "nuclear"),
            *realistic_scene(3, "punctate"),
        ],
        "dim": [
            *realistic_scene(4, specimen=dim_specimen("cytoplasmic")),
            *realistic_scene(2, "punctate", dim_specimen("punctate")),
        ],
        "empty": [*realistic_scene(3, specimen=debris), *realistic_scene(2, specimen=folds)],
    }


def _figures(scene: Scene, settings: RecallFirstSettings) -> str:
    judged = {name: [_judged(frame, settings) for frame in frames] for name, frames in scene.items()}
    paper, bright, dim, empty = (evaluate(frames) for frames in judged.values())
    return (
        f"recall {paper.recall:.3f}, precision {paper.precision:.3f},"
        f" paper area {paper.imaged_over_cells:.2f},"
        f" whole {contained(judged['bright'], 1, math.inf):.3f}, area {bright.imaged_over_cells:.2f},"
        f" dim whole {contained(judged['dim'], 0.5, math.inf):.2f}, dim area {dim.imaged_over_cells:.2f},"
        f" empty {empty.imaged_fraction:.3f}"
    )


def _judged(frame: SyntheticFrame, settings: RecallFirstSettings) -> JudgedFrame:
    found = detect(
        frame.pixels, frame.pixel_size_um, configured(PEER), frame.offset_adu, RecallFirst(settings)
    )
    shape = (frame.pixels.shape[0], frame.pixels.shape[1])
    return JudgedFrame("", shape, frame.pixel_size_um, found.cells, frame.cells)


def _varied(settings: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings with one number changed, and its name."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            for name, changed in _varied(value, f"{place}{field.name}."):
                yield name, replace(settings, **{field.name: changed})
        elif field.name == "scales":
            for part in ("sigma_um", "seed_sd", "extend_sd", "extend_share"):
                for factor in FACTORS:
                    changed = tuple(replace(one, **{part: factor * getattr(one, part)}) for one in value)
                    yield f"{place}scales.{part} x {factor:g}", replace(settings, scales=changed)
        else:
            for factor in FACTORS:
                changed = _scaled(field.name, value, factor)
                if changed != value:
                    yield f"{place}{field.name} x {factor:g}", replace(settings, **{field.name: changed})


def _scaled(name: str, value: Any, factor: float) -> Any:
    """Multiply a number or all of a tuple; shares stay below 1, percentiles below 100."""
    if isinstance(value, tuple):
        return tuple(_scaled(name, one, factor) for one in value)
    scaled = value * factor
    if "perc" in name:
        return min(scaled if isinstance(value, float) else round(scaled), 98)
    if isinstance(value, int):
        return max(round(scaled), 1)
    return min(scaled, 0.99) if ("share" in name or "convex" in name) and value < 1 else scaled
