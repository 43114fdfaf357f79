"""Calibration of confidences: of the hits given p, about a share p is real."""

from typing import Any

from benchmarks.frames.scenes import DETECTOR, DETECTORS, FIRST_SEED, configured, every_kind, judge, opened
from benchmarks.measuring.rows import Row, at_most
from benchmarks.serial.serial import CROWDED, MIXED, MODERATE
from benchmarks.serial.stacks import simulated_stack
from config.work import DetectionConfig
from detection.evaluation.curves import dropped_by_floor, reliability
from detection.evaluation.scores import JudgedFrame, is_real
from detection.evaluation.truth import TrueCell
from detection.image.hits import CellSource
from detection.serial.detector import SerialDetector

FRAMES = 20
"""Frames of every kind; more would be sections of the same blocks."""
JUDGED = tuple(dict.fromkeys((*DETECTORS, "paper")))
LARGEST_GAP, LARGEST_GAP_OF_A_KIND = 0.03, 0.08
FEWEST_HITS = 50
"""Hits of a kind for its share to be judged: below, chance alone is often further off. Chosen by hand."""
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
    of_kind: dict[str, dict[str, list[JudgedFrame]]] = {detector: {} for detector in JUDGED}
    for kind, frames in every_kind(FRAMES):
        for number, frame in enumerate(frames):
            for detector in JUDGED:
                found = judge(frame, detector, str(number))
                of_kind[detector].setdefault(kind, []).append(found)
    single = [
        row
        for detector in JUDGED
        for row in _rows(detector, of_kind[detector], with_goals=detector == DETECTOR)
    ]
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
    detector = SerialDetector(configured(), detector=opened())
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


def _rows(detector: str, of_kind: dict[str, list[JudgedFrame]], *, with_goals: bool = False) -> list[Row]:
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
        (
            at_most(f"{detector}: mean gap between said and real", error, LARGEST_GAP)
            if with_goals
            else Row(f"{detector}: mean gap between said and real", f"{error:.3f}")
        ),
        Row(f"{detector}: {dropped} hits below the floor of {floor:g}", f"{expected:.1f} said, {real} real"),
        *(_of_kind(f"{detector}: {kind}", judged, with_goals) for kind, judged in of_kind.items()),
    ]


def _of_kind(name: str, frames: list[JudgedFrame], with_goal: bool) -> Row:
    hits = [(cell.confidence, is_real(cell.box_px, frame.truth)) for frame in frames for cell in frame.cells]
    if not hits:
        return Row(name, "no hits")
    said, real = (sum(column) / len(hits) for column in zip(*hits, strict=True))
    text = f"says {said:.2f}, is {real:.2f} of {len(hits)}"
    if not with_goal or len(hits) < FEWEST_HITS:
        return Row(name, text)
    gap = abs(said - real)
    return Row(
        name, f"{text}: off by {gap:.2f}", f"<= {LARGEST_GAP_OF_A_KIND:g}", gap <= LARGEST_GAP_OF_A_KIND
    )
