"""Hits of recall-first beside those of the network."""

from dataclasses import replace

import numpy as np
import pytest

from detection.combined.cautions import Caution
from detection.combined.fusion import Fusion, fused
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import on_working_grid
from detection.network.detector import Steps
from detection.network.inputs import WORKING_PIXEL_UM
from detection.recall_first.standing import stand_out
from tests.detection.synthetic import PIXEL_SIZE_UM

NUCLEI = tuple(Hit(BoxPx(x, 100, x + 20, 120), 0.99, seen_by=SeenBy.BOTH) for x in (20, 90, 160))
BODIES = tuple(Hit(hit.box.dilated(20, (256, 256)), 0.9) for hit in NUCLEI)
"""Light around the nuclei, which recall-first sees as hits of their own."""
BESIDE = tuple(Hit(BoxPx(x, 180, x + 60, 240), 0.9) for x in (10, 80, 150))


@pytest.fixture(scope="module")
def seen() -> Steps:
    pixels = np.random.default_rng(3).normal(500, 20, (256, 256)).astype(np.uint16)
    grid = on_working_grid(check_frame(pixels, PIXEL_SIZE_UM, 100.0), WORKING_PIXEL_UM)
    nothing = np.zeros((0, 16, 16), np.float32)
    return Steps(grid, np.zeros((64, 64), np.float32), table_of(NUCLEI), nothing, nothing)


def joined(seen: Steps, rest: tuple[Hit, ...], score: float) -> Fusion:
    frame = check_frame(np.rint(seen.grid.image).astype(np.uint16), PIXEL_SIZE_UM, 100.0)
    steps = replace(seen, score=np.full_like(seen.score, score))
    return fused(steps, table_of(NUCLEI), stand_out(frame, seen.grid), rest, crowd=False)


def test_light_around_a_shown_cell_needs_a_higher_score(seen: Steps) -> None:
    fusion = joined(seen, (BODIES[0], BESIDE[0]), 0.15)
    assert [hit.box for hit in fusion.added] == [BESIDE[0].box]
    assert [hit.box for hit in fusion.ruled_out] == [BODIES[0].box]
    assert len(joined(seen, (BODIES[0], BESIDE[0]), 0.25).added) == 2


def test_light_around_shown_cells_is_not_overlooked_by_the_network(seen: Steps) -> None:
    assert not joined(seen, BODIES, 0.05).cautions
    assert joined(seen, BESIDE, 0.05).cautions == (Caution.UNLIKE,)
