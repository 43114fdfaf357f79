"""Hours of the curve are those of the session that the planner would make of the boxes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from detection.evaluation.curves import Decided
from detection.image.boxes import BoxPx
from detection.image.hits import Cell
from drivers.pose import Pose, box_to_rect, inner_rect
from planner.plan import plan
from planner.settings import settings_from
from planner.values import Box, Field
from service.errors import InputError
from service.planning.curve.hours import SessionHours
from service.planning.curve.places import PlacedFrame, read_placed, read_sections
from tests.service.sessions import small_config

SHAPE = (256, 256)
FRAMES = [PlacedFrame(SHAPE, Pose((n * 1e-3, 0.0), (2e-7, 2e-7))) for n in range(3)]
BOXES = [
    [BoxPx(30, 30, 70, 70), BoxPx(60, 60, 110, 100), BoxPx(150, 40, 190, 90)],
    [BoxPx(100, 100, 150, 150)],
    [],
]


def decided(margin_px: int, cells: int = 3) -> Decided:
    """Return at most so many cells of each frame, imaged with a margin."""
    return [[Cell("c", box, grown(box, margin_px), 0.9, "") for box in boxes[:cells]] for boxes in BOXES]


def grown(box: BoxPx, by: int) -> BoxPx:
    return BoxPx(box.x0 - by, box.y0 - by, box.x1 + by, box.y1 + by)


def session_hours(config: Config, sections: Any = ((0,), (1,), (2,))) -> SessionHours:
    return SessionHours(config, FRAMES, sections, (decided(0, 1), decided(3), decided(20)))


def planned_s(config: Config, cells: Decided) -> float:
    """Return the time of the electron images, planned frame by frame."""
    settings = settings_from(config.planner, config.sem, config.stage)
    total = 0.0
    for number, (frame, own) in enumerate(zip(FRAMES, cells, strict=True)):
        boxes = [
            Box(
                str(n),
                *(
                    box_to_rect(frame.pose, SHAPE, box.as_tuple())
                    for box in (one.box_px, one.image_box_px)
                    if box
                ),
            )
            for n, one in enumerate(own)
        ]
        if boxes:
            field = Field("F000", inner_rect(frame.pose, SHAPE))
            total += plan(f"S{number}", [field], boxes, settings).totals.total_s
    return total


@pytest.mark.parametrize("method", ["exact", "greedy", "per-box", "raster"])
def test_a_setting_that_is_planned_has_the_hours_of_its_plan(method: str) -> None:
    config = small_config(planner={"method": method})
    session = session_hours(config)
    cells = decided(3)
    chamber, light_s = config.chamber, config.fluorescence.exposure_s
    pumping_s = 60 * (chamber.to_partial_vacuum_min + chamber.to_high_vacuum_min)
    assert (config.session.autofocus, config.fluorescence.autofocus_um) == (False, 0)
    expected = planned_s(config, cells) + pumping_s + 3 * light_s
    assert 3600 * session.hours(cells) == pytest.approx(expected, rel=1e-9)


def test_a_setting_between_those_planned_is_close_to_its_plan() -> None:
    config = small_config(planner={"method": "exact"})
    session = session_hours(config)
    other = [session.hours(decided(margin)) - session.hours(decided(3)) for margin in (10, 15)]
    exact = [(planned_s(config, decided(m)) - planned_s(config, decided(3))) / 3600 for m in (10, 15)]
    whole = planned_s(config, decided(3)) / 3600
    # Three cells; over published frames with 20 cells each it was 2.5 % at most.
    for found, true in zip(other, exact, strict=True):
        assert found == pytest.approx(true, abs=0.15 * whole)


def test_nothing_found_costs_fluorescence_and_pumping_alone_and_a_raster_most() -> None:
    config = small_config()
    session = session_hours(config)
    nothing, everything = session.hours([[], [], []]), session.raster_hours()
    pumping_h = (config.chamber.to_partial_vacuum_min + config.chamber.to_high_vacuum_min) / 60
    assert nothing == pytest.approx(pumping_h + 3 * config.fluorescence.exposure_s / 3600)
    assert nothing < session.hours(decided(3, 1)) < session.hours(decided(20)) < everything


def test_fields_of_a_section_are_one_plan_and_pumping_goes_by_the_order() -> None:
    config = small_config(session={"order": "section"})
    pumping_h = (config.chamber.to_partial_vacuum_min + config.chamber.to_high_vacuum_min) / 60
    apart = session_hours(config).hours([[], [], []])
    together = session_hours(config, ((0, 1, 2),)).hours([[], [], []])
    assert apart - together == pytest.approx(2 * pumping_h)


def test_frames_of_a_section_with_positions_belong_together(tmp_path: Path) -> None:
    def entry(section: str | None, center_m: Any, **pose: Any) -> dict[str, Any]:
        stated = {} if center_m is None else {"pose": {"center_m": center_m, **pose}}
        named = {} if section is None else {"section": section}
        return {"path": "a", "page": 0, "shape": [10, 20], "pixel_size_um": 0.5, **named, **stated}

    path = tmp_path / "found.json"
    entries = [
        entry("S0001", [1e-3, 0], rotation_rad=0.1, flip_y=True),
        entry("S0002", None),
        entry("S0001", [2e-3, 0]),
        entry("S0002", [0, 0]),
        entry(None, None),
    ]
    path.write_text(json.dumps({"frames": entries}))
    assert read_sections(path) == ((0, 2), (1,), (3,), (4,))
    placed = read_placed(path)
    assert placed[0] == PlacedFrame((10, 20), Pose((1e-3, 0.0), (5e-7, 5e-7), 0.1, False, True))
    assert placed[4] == replace(placed[1]) == PlacedFrame((10, 20), Pose((0.0, 0.0), (5e-7, 5e-7)))
    path.write_text(json.dumps({"frames": [entry("S0001", [0, 0], rotation_rad="much")]}))
    with pytest.raises(InputError, match="the pose of a page 0"):
        read_placed(path)
