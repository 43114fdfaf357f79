"""Two detectors together: who sees a cell, what is kept, and what is said about it."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.combined.cautions import SENTENCES, Caution
from detection.combined.detector import Combined
from detection.detect import detect
from detection.detectors import RecallFirst
from detection.image.boxes import BoxPx, union_mask
from detection.image.frames import Frame, check_frame
from detection.image.hits import Detection, Hit, SeenBy
from detection.image.working_grid import WorkingGrid
from detection.recall_first import detector as recall_first
from detection.recall_first.standing import Standing, stand_out
from tests.detection.combined.networks import seeing_network
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

CONFIG = DetectionConfig()
OFFSET = 500.0
SEEING, BLIND = Combined(seeing_network()), Combined(seeing_network(sees=False))


def found(pixels: NDArray[np.uint16], detector: Combined) -> Detection:
    return detect(pixels, PIXEL_SIZE_UM, CONFIG, OFFSET, detector)


def cautions(pixels: NDArray[np.uint16], detector: Combined) -> Sequence[Caution]:
    return detector.steps(check_frame(pixels, PIXEL_SIZE_UM, OFFSET)).cautions


def imaged(detection: Detection) -> NDArray[np.bool_]:
    boxes = (cell.image_box_px for cell in detection.cells)
    return union_mask((box for box in boxes if box is not None), (512, 512))


CROWD = make_section(4, cells=150)
"""Recall-first takes its darkest parts for background."""


def test_a_cell_that_both_see_says_so() -> None:
    detection = found(make_section(3, cells=4, bell=0).pixels, SEEING)
    both = [cell for cell in detection.cells if cell.seen_by is SeenBy.BOTH]
    assert len(both) >= 4
    assert all("; seen by both detectors" in cell.reason for cell in both)
    assert not detection.warnings


def test_what_only_the_network_sees_is_imaged_as_seen_by_it() -> None:
    # A bell without cells: recall-first takes it for background.
    detection = found(make_section(3, cells=0, bell=120).pixels, SEEING)
    assert {cell.seen_by for cell in detection.cells} == {SeenBy.NETWORK}
    assert "seen by the network" in detection.cells[0].reason


def test_where_the_network_rules_out_what_recall_first_is_sure_is_imaged_with_a_warning() -> None:
    pixels = make_section(3, cells=15).pixels
    alone = detect(pixels, PIXEL_SIZE_UM, CONFIG, OFFSET, RecallFirst())
    together = found(pixels, BLIND)
    assert cautions(pixels, BLIND) == (Caution.UNLIKE,)
    assert together.warnings == (SENTENCES[Caution.UNLIKE],)
    assert [cell.image_box_px for cell in together.cells] == [cell.image_box_px for cell in alone.cells]
    assert {cell.seen_by for cell in together.cells} == {SeenBy.UNDECIDED}
    assert "by recall-first only, against the network" in together.cells[0].reason


def test_a_few_hits_that_the_network_rules_out_are_left_out() -> None:
    pixels = make_section(3, cells=1).pixels
    assert detect(pixels, PIXEL_SIZE_UM, CONFIG, OFFSET, RecallFirst()).cells
    steps = BLIND.steps(check_frame(pixels, PIXEL_SIZE_UM, OFFSET))
    assert {hit.seen_by for hit in steps.fusion.ruled_out} == {SeenBy.UNDECIDED}
    assert not steps.fusion.hits
    assert not steps.cautions


@pytest.mark.parametrize(("cells", "joins"), [(1, [False]), (15, [False, True])])
def test_fragments_are_joined_only_where_the_network_is_not_trusted(
    cells: int, joins: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def hits_of(frame: Frame, grid: WorkingGrid, standing: Standing, *, join: bool = True) -> list[Hit]:
        asked.append(join)
        return made(frame, grid, standing, join=join)

    made = recall_first.hits_of
    monkeypatch.setattr(recall_first, "hits_of", hits_of)
    BLIND.steps(check_frame(make_section(3, cells=cells).pixels, PIXEL_SIZE_UM, OFFSET))
    assert asked == joins


def test_in_a_crowd_the_network_decides_and_no_warning_says_that_most_is_imaged() -> None:
    frame = check_frame(CROWD.pixels, PIXEL_SIZE_UM, OFFSET)
    steps = SEEING.steps(frame)
    assert recall_first.steps_of(frame).standing.crowded
    assert {hit.seen_by for hit in steps.fusion.hits} == {SeenBy.NETWORK}
    detection = found(CROWD.pixels, SEEING)
    assert {cell.seen_by for cell in detection.cells} == {SeenBy.NETWORK}
    assert not any("so densely" in warning for warning in detection.warnings)
    assert not steps.rest


def test_a_crowd_that_only_recall_first_sees_is_imaged_with_a_warning() -> None:
    assert Caution.GROUND in cautions(CROWD.pixels, BLIND)
    detection = found(CROWD.pixels, BLIND)
    assert detection.imaged_fraction >= 0.9
    assert SENTENCES[Caution.GROUND] in detection.warnings


def test_hits_that_fill_the_frame_are_warned_about() -> None:
    assert cautions(CROWD.pixels, SEEING) == (Caution.FULL,)


def test_ground_too_uneven_for_resin_is_warned_about_though_nothing_is_found() -> None:
    # Bright patches as cells in a crowd have them, that neither detector finds.
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:512, :512]
    light = OFFSET + 300 + 200 * (np.sin(x / 14) * np.sin(y / 14) > 0)
    pixels = (light + rng.normal(0, 5, light.shape)).astype(np.uint16)
    assert cautions(pixels, BLIND) == (Caution.UNEVEN,)
    assert found(pixels, BLIND).imaged_fraction < 0.1


def test_plain_frames_are_not_warned_about() -> None:
    for seed in range(3):
        for cells in (0, 3, 12):
            assert not cautions(make_section(seed, cells=cells, bell=0).pixels, SEEING)


def _odd() -> dict[str, NDArray[np.float64]]:
    y, x = np.mgrid[:256, :256].astype(float)
    section = make_section(3, cells=6, noise_sd=0, size_px=256).pixels.astype(float)
    return {
        "checkerboard": 300 + 200 * ((x // 16 + y // 16) % 2),
        "fine checkerboard": 300 + 200 * ((x // 4 + y // 4) % 2),
        "stripes": 300 + 150 * (1 + np.sin(x / 5)),
        "gradient": 200 + 2 * x + y,
        "inverted": 1500 - section,
        "noise": np.full((256, 256), 300.0),
        "one blob over all": 300 + 2000 * np.exp(-((x - 128) ** 2 + (y - 128) ** 2) / (2 * 100.0**2)),
        "half bright": 300 + 1000 * (x < 128),
    }


ODD = _odd()


@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.parametrize("detector", [SEEING, BLIND], ids=["seeing", "blind"])
def test_odd_frames_give_cells_a_warning_or_a_bound(name: str, detector: Combined) -> None:
    light = ODD[name]
    noisy = light + np.random.default_rng(5).normal(0, 20, light.shape)
    detection = found(np.clip(np.rint(noisy), 0, 65535).astype(np.uint16), detector)
    assert detection.cells or detection.overlooked
    assert detection.cells or detection.warnings
    assert all(BoxPx(0, 0, 256, 256).contains(cell.box_px) for cell in detection.cells)


def test_a_frame_that_hits_of_the_network_fill_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Frame] = []

    def counted(frame: Frame, grid: WorkingGrid, *, left_to_others: bool) -> Standing:
        asked.append(frame)
        return stand_out(frame, grid, left_to_others=left_to_others)

    monkeypatch.setattr("detection.combined.detector.stand_out", counted)
    plain = check_frame(make_section(3, cells=4, bell=0).pixels, PIXEL_SIZE_UM, OFFSET)
    full = check_frame(CROWD.pixels, PIXEL_SIZE_UM, OFFSET)
    assert Caution.FULL not in SEEING.steps(plain).cautions
    assert len(asked) == 1
    assert SEEING.steps(full).cautions == (Caution.FULL,)
    assert len(asked) == 1
    # A network that sees nothing leaves no frame to itself.
    BLIND.steps(full)
    assert len(asked) == 2
