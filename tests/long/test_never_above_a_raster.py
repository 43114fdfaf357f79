"""A thousand random fields of 1 to 60 cells, four ways to scan them: none takes longer than its raster."""

from dataclasses import replace

import pytest

from benchmarks.targeting.planning import BEAMS, FIELD_M, LARGE_SCAN_PX, cells, settings_of
from planner.plan import plan
from planner.values import Field

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

FIRST_SEED = 10_000
"""Seeds of their own: the search is chosen on those from 0, and judged on those from 4000."""
PARTS, OF_A_PART = 25, 40
MOST_CELLS = 60
FIELD = Field("F000", (0.0, 0.0, FIELD_M, FIELD_M))
WAYS = (
    settings_of("exact"),
    BEAMS["beam moves"],
    replace(settings_of("exact"), max_frame_px=LARGE_SCAN_PX),
    # A scan larger than the field.
    replace(settings_of("exact"), max_frame_px=(6144, 6144)),
)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_chosen_way_is_never_above_the_raster_and_every_seam_has_its_overlap(part: int) -> None:
    for seed in range(FIRST_SEED + part * OF_A_PART, FIRST_SEED + (part + 1) * OF_A_PART):
        boxes = cells(1 + seed // 4 % MOST_CELLS, seed, clustered=seed // 240 % 2 == 1)
        made = plan("S0001", [FIELD], boxes, WAYS[seed % 4])
        assert made.totals.total_s <= made.totals.raster_total_s + 1e-9, seed
        assert all(one.overlap_held for one in made.stitched), seed
        skipped = {one.box for one in made.skipped}
        assert {box.id for box in boxes} - skipped == {name for f in made.frames for name in f.covers}, seed
