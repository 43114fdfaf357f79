"""Frame sizes of the machine: every cell has a frame or a reason, whatever has room where."""

from dataclasses import replace
from random import Random

import pytest

from planner.geometry.rects import RectM
from planner.plan import plans
from planner.values import Basis, Box, Field, Method
from tests.planner.strategies import UM, settings

METHODS: tuple[Method, ...] = ("raster", "exact", "greedy", "per-box")
SIZES = (((100, 80), (160, 130)), ((160, 130),))


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


# Among 500 such scenes these had cells that a raster left without a frame and without a reason.
@pytest.mark.parametrize("seed", [26, 90, 108, 177, 259, 275, 294, 420])
def test_every_cell_has_a_frame_or_a_reason(seed: int) -> None:
    """Cells at a slanting outline, and frames of 10 x 8 and 16 x 13 um."""
    random = Random(seed)
    top_m, bottom_m = random.uniform(10, 50) * UM, random.uniform(20, 60) * UM
    outline = [(0.0, 0.0), (bottom_m, 0.0), (top_m, 45 * UM), (0.0, 45 * UM)]
    boxes = []
    for n in range(3):
        x, y = random.uniform(2, 45), random.uniform(2, 35)
        boxes.append(Box(f"c{n}", um(x, y, x + random.uniform(4, 18), y + random.uniform(4, 14))))
    for sizes in SIZES:
        given = replace(settings("exact", overlap_um=2.0), pixel_size_m=0.1 * UM, presets_px=sizes)
        found = plans("S", [Field("F0", um(0, 0, 60, 45))], boxes, given, METHODS, outline_m=outline)
        skipped = {one.box for one in found[0].skipped}
        for one in found:
            framed = {name for frame in one.frames for name in frame.covers}
            assert framed | skipped == {box.id for box in boxes}
            assert not framed & skipped
            assert {frame.size_px for frame in one.frames} <= set(sizes)
            # Nothing is exposed twice for nothing.
            assert len({frame.rect_m for frame in one.frames}) == len(one.frames)
        raster, exact = found[0], found[1]
        assert raster.basis is Basis.RASTER
        assert exact.totals.total_s <= raster.totals.total_s * (1 + 1e-9)
