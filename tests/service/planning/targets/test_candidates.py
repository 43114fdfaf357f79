"""Cells of sections put together to targets; what frames do to cells beside; hours."""

import pytest

from config.model import Config
from planner.cost import profile_pace, total_s
from planner.plan import plan
from planner.settings import settings_from
from planner.values import Box, Field
from service.model.targets import Beside
from service.planning.targets.beside import beside
from service.planning.targets.candidates import Cut, by_target, targets_of
from service.planning.targets.hours import most_s, work_alone

UM = 1e-6
SETTINGS = settings_from(Config().planner, Config().sem, Config().stage)


def cut(section: int, side_um: float, bright: float | None, *tracks: str, seen: bool = True) -> Cut:
    rect = (0.0, 0.0, side_um * UM, side_um * UM)
    return Cut(f"S{section:04d}/c", f"S{section:04d}", rect, tracks, bright, seen)


def test_a_track_is_as_bright_as_its_median_and_as_large_as_its_largest_section() -> None:
    cuts = [cut(1, 4, 10.0, "T1"), cut(2, 9, 30.0, "T1"), cut(3, 5, 21.0, "T1")]
    (found,) = targets_of(by_target(cuts))
    assert (found.id, found.brightness_adu, found.sections) == ("T1", 21.0, 3)
    assert found.size_um == pytest.approx(9)


def test_merged_and_carried_cells_do_not_count_where_others_show_the_track() -> None:
    cuts = [cut(1, 5, 10.0, "T1"), cut(2, 30, 90.0, "T1", "T2"), cut(3, 40, 0.0, "T1", seen=False)]
    found = {one.id: one for one in targets_of(by_target(cuts))}
    assert (found["T1"].brightness_adu, found["T1"].sections) == (10.0, 2)
    assert found["T1"].size_um == pytest.approx(5)
    # Only the merged cell shows the other one.
    assert (found["T2"].brightness_adu, found["T2"].sections) == (90.0, 1)


def test_a_cell_without_a_track_stands_for_itself() -> None:
    (found,) = targets_of(by_target([cut(4, 5, None)]))
    assert (found.id, found.brightness_adu, found.sections) == ("S0004/c", None, 1)


def test_a_cell_beside_is_imaged_touched_or_clear() -> None:
    frame = (0.0, 0.0, 20 * UM, 20 * UM)
    assert beside((5 * UM, 5 * UM, 9 * UM, 9 * UM), [frame], 2 * UM) is Beside.IMAGED
    assert beside((15 * UM, 5 * UM, 25 * UM, 9 * UM), [frame], 2 * UM) is Beside.TOUCHED
    assert beside((21 * UM, 5 * UM, 25 * UM, 9 * UM), [frame], 2 * UM) is Beside.TOUCHED
    assert beside((23 * UM, 5 * UM, 25 * UM, 9 * UM), [frame], 2 * UM) is Beside.CLEAR
    second = (19 * UM, 0.0, 40 * UM, 20 * UM)
    assert beside((15 * UM, 5 * UM, 25 * UM, 9 * UM), [frame, second], 2 * UM) is Beside.IMAGED


def test_a_plan_takes_no_longer_than_the_limit_of_the_hours() -> None:
    places = [(20, 20, 12, 9), (28, 26, 10, 10), (70, 30, 30, 22), (90, 95, 8, 8)]
    boxes = [
        Box(f"c{n}", (x * UM, y * UM, (x + w) * UM, (y + h) * UM)) for n, (x, y, w, h) in enumerate(places)
    ]
    pace = profile_pace(SETTINGS)
    alone = [(box.id, total_s(work_alone(box, SETTINGS), pace)) for box in boxes]
    made = plan("S", [Field("F", (0.0, 0.0, 120 * UM, 120 * UM))], boxes, SETTINGS)
    raster_s = made.totals.raster_total_s
    limit_s = most_s({"S": alone}, {box.id for box in boxes}, {"S": raster_s})
    # The way between frames is not in the limit: at 1 mm/s below .2 s a frame.
    assert made.totals.beam_s + made.totals.overhead_s <= limit_s <= 1.6 * made.totals.total_s
    assert most_s({"S": alone}, {"c0", "c2"}, {"S": 100.0}) == 100.0
    assert most_s({"S": alone}, {"c0"}, {}) == alone[0][1]
