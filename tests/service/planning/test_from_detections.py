"""From the cells of `ilemtrack detect --json` to a plan."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from service.errors import InputError
from service.planning.boxes_file import read_boxes
from service.planning.from_detections import Places
from service.planning.request import planned_request
from service.planning.result import document_of


def frame(**changes: Any) -> dict[str, Any]:
    cells = [
        {
            "id": "c0001",
            "box_px": [100, 200, 160, 240],
            "image_box_px": [95, 195, 165, 245],
            "confidence": 0.9,
        },
        {
            "id": "c0002",
            "box_px": [10, 10, 20, 20],
            "image_box_px": None,
            "confidence": 0.01,
            "reason": "noise",
        },
    ]
    whole = {"path": "a.tif", "page": 0, "shape": [512, 256], "pixel_size_um": 0.2, "cells": cells}
    return whole | {"pose": {"center_m": [1e-3, 2e-3]}} | changes


def write(folder: Path, *frames: dict[str, Any]) -> Path:
    path = folder / "found.json"
    path.write_text(
        json.dumps({"v": 1, "detector": "recall-first", "frames": list(frames)}), encoding="utf-8"
    )
    return path


def test_cells_are_planned_where_the_pose_of_their_frame_puts_them(tmp_path: Path) -> None:
    request = read_boxes(write(tmp_path, frame()))
    (box,) = request.boxes
    # Column 100 is 28 px left of the middle, row 240 is 16 px above it.
    assert box.rect_m == pytest.approx((1e-3 - 5.6e-6, 2e-3 + 3.2e-6, 1e-3 + 6.4e-6, 2e-3 + 11.2e-6))
    assert box.keep_m == pytest.approx((1e-3 - 6.6e-6, 2e-3 + 2.2e-6, 1e-3 + 7.4e-6, 2e-3 + 12.2e-6))
    assert request.fields[0].rect_m == pytest.approx(
        (1e-3 - 25.6e-6, 2e-3 - 51.2e-6, 1e-3 + 25.6e-6, 2e-3 + 51.2e-6)
    )
    plan = document_of(planned_request(request, Config()))
    assert [one["covers"] for one in plan["frames"]] == [["c0001"]]
    assert plan["skipped"] == [{"box": "c0002", "reason": "noise"}]
    (planned,) = plan["frames"]
    assert planned["rect_m"][0] <= box.keep_m[0] if box.keep_m else False


def test_a_mirrored_and_turned_frame_is_placed_as_the_camera_saw_it(tmp_path: Path) -> None:
    pose = {"center_m": [0, 0], "rotation_rad": math.pi / 2, "flip_x": True}
    (box,) = read_boxes(write(tmp_path, frame(pose=pose))).boxes
    # Mirrored in x, then a quarter turn counter-clockwise: (x, y) goes to (-y, -x).
    assert box.rect_m == pytest.approx((-11.2e-6, -6.4e-6, -3.2e-6, 5.6e-6), abs=1e-12)


def test_a_frame_without_a_position_is_given_one(tmp_path: Path) -> None:
    path = write(tmp_path, frame(pose=None))
    with pytest.raises(
        InputError, match=r"a\.tif page 0 has no stage position; give that of its centre with --field"
    ):
        read_boxes(path)
    given = read_boxes(path, Places([(1e-3, 2e-3)]))
    assert given.boxes == read_boxes(write(tmp_path, frame())).boxes


def test_one_section_of_several_is_chosen(tmp_path: Path) -> None:
    fields = [
        frame(section="S0002"),
        frame(section="S0002", pose={"center_m": [2e-3, 2e-3]}),
        frame(section="S0007"),
    ]
    path = write(tmp_path, *fields)
    with pytest.raises(
        InputError, match="holds the sections S0002, S0007; choose the one to plan with --section"
    ):
        read_boxes(path)
    request = read_boxes(path, Places(section="S0002"))
    assert [field.id for field in request.fields] == ["F000", "F001"]
    assert [box.id for box in request.boxes] == ["F000/c0001", "F001/c0001"]
    with pytest.raises(InputError, match="holds no section S0003; it has S0002, S0007"):
        read_boxes(path, Places(section="S0003"))
    with pytest.raises(InputError, match="section S0002 has 2 frames, and --field is given 1 times"):
        read_boxes(path, Places([(0, 0)], "S0002"))
    pages = write(tmp_path, frame(pose=None), frame(page=1, pose=None))
    assert read_boxes(pages, Places([(0, 0)], "S0002")).section == "S0002"


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [0, 4]},
        {"shape": None},
        {"pixel_size_um": "x"},
        {"pixel_size_um": 0},
        {"cells": [{}]},
        {"cells": 3},
        {"pose": {"center_m": "ab"}},
        {"pose": {"center_m": [1e999, 0]}},
        {"pose": 7},
    ],
)
def test_damaged_detections_are_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    text = json.dumps({"frames": [frame() | changes]}).replace("Infinity", "1e999")
    (tmp_path / "found.json").write_text(text)
    with pytest.raises(
        InputError, match=r"found\.json: frame 0 of S0001 is not as `ilemtrack detect --json`"
    ):
        read_boxes(tmp_path / "found.json")


def test_field_and_section_are_not_for_boxes_with_their_own(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text('{"v": 1, "section": "S0001", "fields": [], "boxes": []}')
    with pytest.raises(InputError, match="--field, --section and --alignment are for detections"):
        read_boxes(path, Places(section="S0001"))


def test_cells_are_chosen_among_those_of_all_sections(tmp_path: Path) -> None:
    places = {"T0001": 20, "T0002": 100, "T0003": 180}

    def section(name: str, **levels: float) -> dict[str, Any]:
        cells = [
            {
                "id": f"c{n:04d}",
                "box_px": [places[track], 200, places[track] + 30, 230],
                "image_box_px": [places[track], 200, places[track] + 30, 230],
                "tracks": [track],
                "brightness_adu": level,
            }
            for n, (track, level) in enumerate(levels.items(), start=1)
        ]
        return frame(section=name, cells=cells)

    path = write(
        tmp_path,
        section("S1", T0001=10.0, T0002=20.0, T0003=30.0),
        section("S2", T0001=90.0, T0002=21.0, T0003=31.0),
        section("S3", T0001=95.0, T0002=22.0, T0003=32.0),
    )
    config = Config.model_validate({"targets": {"choose": "brightest", "count": 1}})
    document = document_of(planned_request(read_boxes(path, Places(section="S1")), config))
    # The dimmest here is the brightest of all sections together.
    assert {box for one in document["frames"] for box in one["covers"]} == {"c0001"}
    assert [(one["box"], one["reason"]) for one in document["left_out"]] == [
        ("c0002", "not_among_brightest"),
        ("c0003", "not_among_brightest"),
    ]
    assert {one["box"] for one in document["skipped"]} == {"c0002", "c0003"}
    ways = {one["method"]: one["electron_s"] for one in document["alternatives"]}
    assert ways["exact"] < ways["all-cells"] <= ways["raster"]
    every = document_of(planned_request(read_boxes(path, Places(section="S1")), Config()))
    assert every["totals"]["beam_s"] == pytest.approx(
        next(one["beam_s"] for one in document["alternatives"] if one["method"] == "all-cells")
    )
