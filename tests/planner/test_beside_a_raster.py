"""Plans beside the full raster of their section: none takes longer, whatever the scans."""

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Config
from planner.plan import plan, plans
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Field
from tests.examples import examples
from tests.planner.strategies import UM

FORMATS_PX = [(1536, 1024), (3072, 2048), (4096, 3536), (6144, 4096), (6144, 6144)]
PIXELS_NM = [16.5, 33.0, 66.0]
REACH_PX = (4096, 3536)
FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))
ODD = Field("F000", (0.0, 0.0, 91.013 * UM, 90.007 * UM))
"""Neither side is whole pixels."""
BESIDE = Field("F001", (81.9 * UM, 0.0, 172.9 * UM, 91 * UM))
GROUNDS = {"one field": (FIELD,), "a field of odd sides": (ODD,), "two fields": (FIELD, BESIDE)}


def scans(size_px: tuple[int, int], pixel_nm: float, beam_moves: bool) -> PlanSettings:
    reach_um = tuple(side * pixel_nm * 1e-3 * beam_moves for side in REACH_PX)
    sem = {"pixel_size_nm": pixel_nm, "max_scan_px": size_px, "beam_reach_um": reach_um}
    config = Config.model_validate({"sem": sem})
    return settings_from(config.planner, config.sem, config.stage)


def full_of_cells(fields: tuple[Field, ...], pitch_um: int) -> list[Box]:
    """Cells of 8 um in rows and columns, the outermost cut by the borders of the saved ground."""
    width, height = (max(field.rect_m[n] for field in fields) for n in (2, 3))
    places = product(range(0, int(width / UM), pitch_um), range(0, int(height / UM), pitch_um))
    return [
        Box(f"c{x:03d}{y:03d}", (x * UM, y * UM, min((x + 8) * UM, width), min((y + 8) * UM, height)))
        for x, y in places
    ]


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_raster_shows_all_cells_with_the_overlap_of_their_seams(ground: str) -> None:
    fields = GROUNDS[ground]
    # Some lie right at the border of allowed ground.
    boxes = full_of_cells(fields, 16)
    for size_px, pixel_nm, beam_moves in product(FORMATS_PX, PIXELS_NM, (False, True)):
        settings = replace(scans(size_px, pixel_nm, beam_moves), method="raster")
        made = plan("S0001", fields, boxes, settings)
        assert all(one.overlap_held for one in made.stitched), (size_px, pixel_nm, beam_moves)


@examples(8)
@given(
    st.sampled_from(FORMATS_PX),
    st.sampled_from(PIXELS_NM),
    st.booleans(),
    st.sampled_from(sorted(GROUNDS)),
    st.integers(1, 90),
    st.randoms(use_true_random=False),
)
def test_no_plan_takes_longer_than_a_raster(
    size_px: tuple[int, int], pixel_nm: float, beam_moves: bool, ground: str, count: int, random: Random
) -> None:
    fields = GROUNDS[ground]
    boxes = full_of_cells(fields, 9)
    some = random.sample(boxes, min(count, len(boxes)))
    for made in plans("S0001", fields, some, scans(size_px, pixel_nm, beam_moves), ("greedy", "exact")):
        assert made.totals.total_s <= made.totals.raster_total_s * (1 + 1e-12)
        assert all(one.overlap_held for one in made.stitched)
