"""Calibration of confidences: of the hits given p, about a share p is real."""

from typing import Any

from benchmarks.rows import Row
from benchmarks.scenes import FIRST_SEED, every_kind, judge
from benchmarks.serial import CROWDED, MIXED, MODERATE
from benchmarks.stacks import simulated_stack
from config.work import DetectionConfig
from detection.evaluation.curves import dropped_by_floor, reliability
from detection.evaluation.scores import JudgedFrame, is_real
from detection.evaluation.truth import TrueCell
from detection.image.hits import CellSource
from detection.serial.detector import SerialDetector

FRAMES = 20
"""Frames of every kind; more would be sections of the same blocks."""
DETECTORS = ("recall-first", "paper")
SECTIONS = 10
STACKS: dict[str, dict[str, Any]] = {
    "mixed": MIXED,
    "crowded": CROWDED,
    "sections of 80 nm": {**MIXED, "section_thickness_nm": 80},
    "sections of 500 nm": {**MIXED, "section_thickness_nm": 500},
    "debris and folds": {
        **MIXED,
        "cells_per_field": 10,
        "debris_per_field": 8.0,
        "folds_per_section": 0.5,
    },
    "lumpy": {**MIXED, "cells_per_field": 12, "lumps_percent": 10.0},
    "no cells, lumpy": {**MODERATE, "cells_per_field": 0, "debris_per_field": 5.0, "lumps_percent": 10.0},
}
TITLE = "Calibration of confidence (share of hits that are real, 95 % interval)"


def run() -> list[Row]:
    """Measure over as many frames of every kind, and for each kind by itself."""
    of_kind: dict[str, dict[str, list[JudgedFrame]]] = {detector: {} for detector in DETECTORS}
    for kind, frames in every_kind(FRAMES):
        for number, frame in enumerate(frames):
            for detector in DETECTORS:
                found = judge(frame, DetectionConfig(detector=detector), str(number))
                of_kind[detector].setdefault(kind, []).append(found)
    single = [row for detector in DETECTORS for row in _rows(detector, of_kind[detector])]
    return single + serial_rows()


def serial_rows(stacks: int = 2) -> list[Row]:
    """Measure hits that neighbouring sections show: in an average only, or carried from them."""
    carried: dict[str, list[JudgedFrame]] = {}
    averaged: dict[str, list[JudgedFrame]] = {}
    for number, (kind, specimen) in enumerate(STACKS.items()):
        for n in range(stacks):
            for_kind = _serially_judged(FIRST_SEED + 60 + stacks * number + n, specimen)
            for frames, of_frames in zip((carried, averaged), for_kind, strict=True):
                frames.setdefault(kind, []).extend(of_frames)
    return _rows("carried", carried) + _rows("in the average alone", averaged)


def _serially_judged(seed: int, specimen: dict[str, Any]) -> tuple[list[JudgedFrame], list[JudgedFrame]]:
    """Return the carried hits of every section of a stack, and those that only its average shows."""
    stack = simulated_stack(seed, SECTIONS, **specimen)
    detector = SerialDetector(DetectionConfig())
    found = [section for one in stack for section in detector.add(one.frame)] + detector.finish()
    carried: list[JudgedFrame] = []
    averaged: list[JudgedFrame] = []
    for true, section in zip(stack, found, strict=True):
        truth = tuple(TrueCell(cell.id, cell.box) for cell in (*true.cells, *true.beyond))
        own = [one for one in section.cells if one.tracks]
        for frames, cells in (
            (carried, [one.cell for one in own if not one.seen]),
            (
                averaged,
                [one.cell for one in own if one.seen and one.cell.source is CellSource.AVERAGED],
            ),
        ):
            frames.append(
                JudgedFrame(
                    section.section,
                    true.frame.shape,
                    true.frame.pixel_size_um,
                    tuple(cells),
                    truth,
                    serial=True,
                )
            )
    return carried, averaged


def _rows(detector: str, of_kind: dict[str, list[JudgedFrame]]) -> list[Row]:
    frames = [frame for judged in of_kind.values() for frame in judged]
    bins = reliability(frames)
    hits = sum(b.hits for b in bins)
    error = sum(b.hits * abs(b.mean_confidence - b.real_share) for b in bins) / hits if hits else 0.0
    floor = DetectionConfig().min_confidence
    (expected,), (real,) = dropped_by_floor(frames, [floor])
    dropped = sum(cell.confidence < floor for frame in frames for cell in frame.cells)
    return [
        *(
            Row(
                f"{detector}: confidence {b.low:g} to {b.high:g}, {b.hits} hits",
                f"says {b.mean_confidence:.2f}, is {b.real_share:.2f}"
                f" ({b.real_low:.2f} to {b.real_high:.2f})",
            )
            for b in bins
        ),
        Row(f"{detector}: mean gap between said and real", f"{error:.3f}"),
        Row(f"{detector}: {dropped} hits below the floor of {floor:g}", f"{expected:.1f} said, {real} real"),
        *(Row(f"{detector}: {kind}", _over_all(judged)) for kind, judged in of_kind.items()),
    ]


def _over_all(frames: list[JudgedFrame]) -> str:
    hits = [(cell.confidence, is_real(cell.box_px, frame.truth)) for frame in frames for cell in frame.cells]
    if not hits:
        return "no hits"
    said, real = (sum(column) / len(hits) for column in zip(*hits, strict=True))
    return f"says {said:.2f}, is {real:.2f} of {len(hits)}"
