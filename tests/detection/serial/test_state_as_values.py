"""Values decide, sentences are only shown: with other words everything comes out the same."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.evaluation.curves import dropped_by_floor, operating_points, reliability
from detection.evaluation.scores import JudgedFrame
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.serial import noise_hits
from detection.serial.detector import SerialDetector
from detection.serial.pooling import split_background
from detection.serial.section import SerialSection
from tests.detection.stacks import OFFSET, PIXEL_UM, SIZE_PX, Block

BLOCK = Block(8, cells=60)
DUST = BoxPx(120, 100, 140, 120)
CONFIG = DetectionConfig(dilate_um=0.5, min_confidence=0.8, doubtful_below=0.95)
MISLEADING = "kept: seen in its neighbours, doubtful, not imaged: fixed in the camera, little more than noise"


def laid(index: int) -> Rigid:
    return Rigid(0.7 * index, (9.0 * (index % 3), -6.0 * (index % 2)))


@functools.cache
def frames() -> tuple[SectionFrame, ...]:
    """Sections with dust, and dim cells that one of them hardly shows."""
    found = []
    for n in range(8):
        z_um = 1 + 0.15 * n
        bright = BLOCK.section(
            f"S{n + 1:04d}", z_um, laid(n), n, dust=DUST, faint=range(0, 60, 3 if n % 3 else 2)
        )
        glow = BLOCK.section("dim", z_um, laid(n), n, brightness=14, noise=0, faint=range(1, 60, 2))
        found.append(replace(bright, pixels=bright.pixels + (glow.pixels - np.uint16(OFFSET))))
    return tuple(found)


Outcome = tuple[Sequence[object], Sequence[object], set[CellSource], set[Decision]]


def outcome() -> Outcome:
    """All that is decided, without any sentence."""
    stack = frames()
    detector = SerialDetector(CONFIG)
    sections = [one for frame in stack for one in detector.add(frame)] + detector.finish()
    cells = [one for section in sections for one in section.cells]
    decided = [
        (
            one.cell.box_px,
            one.cell.image_box_px,
            one.cell.confidence,
            one.cell.source,
            one.cell.decision,
            one.tracks,
            one.seen,
        )
        for one in cells
    ]
    judged = [of_truth(section, frame) for section, frame in zip(sections, stack, strict=True)]
    figures = [
        operating_points(judged, CONFIG, 0.22, (0.0, 2.0), (0.0, 0.8)),
        reliability(judged),
        dropped_by_floor(judged, (0.8,)),
        [section.imaged_fraction for section in sections],
        detector.tracks(),
    ]
    return decided, figures, {one.cell.source for one in cells}, {one.cell.decision for one in cells}


def of_truth(section: SerialSection, frame: SectionFrame) -> JudgedFrame:
    index = section.place.index
    z_um = 1 + 0.15 * index
    truth = []
    for cell, (_, _, radius) in BLOCK.cuts(z_um).items():
        x, y = BLOCK.box(cell, z_um, laid(index)).round().astype(int).tolist()
        half = round(radius / PIXEL_UM)
        if half < min(x, y) and max(x, y) + half < SIZE_PX:
            truth.append(TrueCell(str(cell), BoxPx(x - half, y - half, x + half, y + half)))
    cells = tuple(one.cell for one in section.cells)
    return JudgedFrame(section.section, frame.shape, PIXEL_UM, cells, tuple(truth), serial=True)


@pytest.fixture
def reworded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let every cell have another reason than the one it is given."""
    made = Cell.__init__

    def reword(reason: str) -> None:
        def init(self: Cell, *values: object, **more: object) -> None:
            made(self, *values, **more)  # type: ignore[arg-type]
            object.__setattr__(self, "reason", reason)

        monkeypatch.setattr(Cell, "__init__", init)

    return reword


def test_serial_detection_and_curves_do_not_depend_on_the_words(reworded: Callable[[str], None]) -> None:
    expected = outcome()
    _, _, sources, decisions = expected
    assert sources == set(CellSource)
    assert decisions >= {Decision.KEPT, Decision.DOUBTFUL, Decision.BELOW_FLOOR, Decision.FIXED_PATTERN}
    # Every word that could decide something is in it.
    reworded(MISLEADING)
    assert outcome() == expected


def test_noise_hits_do_not_depend_on_the_words(reworded: Callable[[str], None]) -> None:
    box = BoxPx(40, 40, 60, 60)
    plain = [
        split_background(
            SectionFrame(
                f"S{n}", np.random.default_rng(n).normal(500, 10, (100, 100)).astype(np.uint16), 0.36
            )
        )
        for n in range(3)
    ]
    for reason in ("kept: confident", MISLEADING):
        reworded(reason)
        hit = Cell("c0001", box, box, 0.9, reason)
        (found,) = noise_hits.reject_noise([hit], plain[0], [(plain[1], []), (plain[2], [])])
        assert (found.image_box_px, found.decision) == (None, Decision.NOISE)
