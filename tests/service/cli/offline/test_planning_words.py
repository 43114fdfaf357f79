"""Words of `ilemtrack plan` and `estimate` for people."""

import json
from pathlib import Path

import pytest

from service.cli.offline.planning import _choice, _stitched
from tests.service.saying import Said

FIELD = {"id": "F000", "rect_m": [0, 0, 91e-6, 91e-6]}


def boxes(path: Path, **rects_um: tuple[float, float, float, float]) -> Path:
    """Write a document of boxes in one field of 91 um."""
    found = [{"id": name, "rect_m": [side * 1e-6 for side in rect]} for name, rect in rects_um.items()]
    path.write_text(json.dumps({"v": 1, "section": "S0001", "fields": [FIELD], "boxes": found}))
    return path


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A cell, one larger than a frame at the edge of the fluorescence, and one beyond it."""
    return boxes(tmp_path / "boxes.json", cell=(40, 40, 48, 46), wide=(1, 70, 40, 80), out=(200, 5, 210, 30))


def test_a_plan_names_all_cells_that_are_not_in_one_whole_frame(say: Said, three: Path) -> None:
    _, plan, _ = say("plan", three, "--json")
    status, said, _ = say("plan", three)
    lines = said.splitlines()
    assert status == 0
    assert lines[0].split() == ["frame", "x", "/", "mm", "y", "/", "mm", "size", "/", "px", "beam", "covers"]
    assert [line.split()[0] for line in lines[1 : 1 + len(plan["frames"])]] == [
        one["id"] for one in plan["frames"]
    ]
    assert "skipped out: outside the saved fluorescence" in lines
    assert [line for line in lines if line.startswith("wide: ")]
    frames = [one["id"] for one in plan["frames"] if "wide" in one["covers"]]
    assert len(frames) > 1
    assert f"stitched from several frames: 1 of 2 cells: wide ({' '.join(frames)})" in lines
    counted = [line for line in lines if line.startswith(f"{len(plan['frames'])} frames, ")]
    assert len(counted) == 1
    assert [line for line in lines if line.startswith("frames around the cells: faster than a full raster")]


def test_a_plan_without_cells_says_so(say: Said, tmp_path: Path) -> None:
    status, said, told = say("plan", boxes(tmp_path / "none.json"))
    assert status == 0
    assert "nothing to image: no box needs a frame" in told
    assert said.startswith("0 frames, 0 s in all")


def test_an_estimate_has_the_ways_and_no_frames(say: Said, three: Path) -> None:
    status, said, _ = say("estimate", three)
    assert status == 0
    assert said.startswith("frames around the cells: faster than a full raster; at most ")
    assert "full raster" in said
    assert "J000001" not in said


@pytest.mark.parametrize(
    ("method", "basis", "total_s", "words"),
    [
        ("raster", "raster", 5.0, "a full raster, as asked for"),
        ("exact", "raster", 5.0, "a full raster: "),
        (
            "exact",
            "trimmed_raster",
            4.0,
            "frames of a raster, trimmed: faster than others around the cells; ",
        ),
        ("exact", "cells", 4.0, "frames around the cells: faster than a full raster; at most 2.0% above"),
        ("greedy", "cells", 6.0, "frames around the cells, though a full raster would be faster; "),
    ],
)
def test_why_these_frames(method: str, basis: str, total_s: float, words: str) -> None:
    totals = {"total_s": total_s, "raster_total_s": 5.0}
    assert _choice({"method": method, "basis": basis, "totals": totals, "gap": 0.02}).startswith(words)


def test_a_cell_whose_frames_overlap_too_little_is_named_so() -> None:
    held = {"box": "c1", "frames": ["J1", "J2"], "overlap_held": True}
    assert _stitched(held) == "c1 (J1 J2)"
    assert _stitched(held | {"overlap_held": False}) == "c1 (J1 J2, overlap too small)"
