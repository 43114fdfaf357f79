"""A thousand random fields of 1 to 60 cells, by stage and by beam: none takes longer than its raster."""

import pytest

from benchmarks.planning import BEAMS, FIELD_M, cells, settings_of
from planner.plan import plan
from planner.values import Field

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

FIRST_SEED = 10_000
"""Seeds of their own: the search is chosen on those from 0, and judged on those from 4000."""
PARTS, OF_A_PART = 25, 40
MOST_CELLS = 60
FIELD = Field("F000", (0.0, 0.0, FIELD_M, FIELD_M))
BY_STAGE, BY_BEAM = settings_of("exact"), BEAMS["beam moves"]


@pytest.mark.parametrize("part", range(PARTS))
def test_the_chosen_way_is_never_above_the_raster_and_every_seam_has_its_overlap(part: int) -> None:
    for seed in range(FIRST_SEED + part * OF_A_PART, FIRST_SEED + (part + 1) * OF_A_PART):
        boxes = cells(1 + seed // 4 % MOST_CELLS, seed, clustered=seed // 2 % 2 == 1)
        chosen = BY_BEAM if seed % 2 else BY_STAGE
        made = plan("S0001", [FIELD], boxes, chosen)
        assert made.totals.total_s <= made.totals.raster_total_s + 1e-9, seed
        assert all(one.overlap_held for one in made.stitched), seed
        skipped = {one.box for one in made.skipped}
        assert {box.id for box in boxes} - skipped == {name for f in made.frames for name in f.covers}, seed
