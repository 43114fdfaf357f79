"""A plan for fields whose place in an electron overview was measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model import Config
from detection.alignment.values import Similarity
from drivers.pose import Pose
from planner.geometry.rects import RectM
from service.errors import InputError
from service.planning.aligned import Aligned, read_aligned
from service.planning.boxes_file import read_boxes
from service.planning.from_detections import Places
from service.planning.request import PlanRequest, planned_request
from tests.service.planning.test_from_detections import frame, write

BEAM = Config.model_validate({"sem": {"beam_reach_um": (80.0, 80.0), "max_scan_px": (3000, 3000)}})

MOST_UM = BEAM.sem.overview.largest_offset_um


def document(**changes: Any) -> dict[str, Any]:
    motion = {"shift_um": [1.5, -2.0], "rotation_deg": 0.0, "scale": 1.0}
    return {"v": 1, "proven_um": 0.3, "reason": None, "motion": motion} | changes


def written(folder: Path, name: str = "aligned.json", **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document(**changes)), encoding="utf-8")
    return path


def requested(folder: Path, **changes: Any) -> PlanRequest:
    aligned = read_aligned(written(folder, **changes), MOST_UM)
    return read_boxes(write(folder, frame()), Places(alignments=[aligned]))


def required_um(request: PlanRequest, config: Config) -> tuple[float, float]:
    """Width and height of the only frame, um."""
    (one,) = planned_request(request, config).plans[0].frames
    x0, y0, x1, y1 = one.rect_m
    return (x1 - x0) * 1e6, (y1 - y0) * 1e6


def test_cells_and_field_are_planned_where_the_overview_shows_them(tmp_path: Path) -> None:
    plain, aligned = read_boxes(write(tmp_path, frame())), requested(tmp_path)
    by = np.array([1.5e-6, -2e-6] * 2)
    for one, other in ((plain.fields[0], aligned.fields[0]), (plain.boxes[0], aligned.boxes[0])):
        np.testing.assert_allclose(other.rect_m, one.rect_m + by, atol=1e-12)
    before, after = plain.boxes[0].keep_m, aligned.boxes[0].keep_m
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(after, before + by, atol=1e-12)


def test_a_proven_field_has_a_smaller_guard_where_the_beam_moves(tmp_path: Path) -> None:
    plain, aligned = read_boxes(write(tmp_path, frame())), requested(tmp_path)
    before, after = (required_um(one, BEAM) for one in (plain, aligned))
    # The guard without an alignment is that of the field, 1 um, with beam and margin; both sides shrink.
    assert before[0] - after[0] == pytest.approx(2 * 0.7, abs=0.05)
    assert before[1] - after[1] == pytest.approx(2 * 0.7, abs=0.05)


def test_the_guard_of_stage_moves_stays(tmp_path: Path) -> None:
    plain, aligned = read_boxes(write(tmp_path, frame())), requested(tmp_path)
    assert required_um(aligned, Config()) == pytest.approx(required_um(plain, Config()), abs=0.02)


def test_a_field_of_which_nothing_is_proven_is_planned_as_without(tmp_path: Path) -> None:
    assert requested(tmp_path, proven_um=None, reason="ambiguous") == read_boxes(write(tmp_path, frame()))


def test_a_claim_worse_than_the_stage_does_not_widen_the_guard(tmp_path: Path) -> None:
    plain = required_um(read_boxes(write(tmp_path, frame())), BEAM)
    assert required_um(requested(tmp_path, proven_um=5.0), BEAM) == pytest.approx(plain, abs=0.02)


def test_a_turned_box_is_held_and_a_turned_field_holds() -> None:
    aligned = Aligned(Similarity((0.0, 0.0), 0.01, 1.01), 0.3)
    pose = Pose((1e-3, 2e-3), (1e-7, 1e-7))
    rect: RectM = (1e-3 - 2e-5, 2e-3 - 1e-5, 1e-3 + 2e-5, 2e-3 + 1e-5)
    outer, inner = aligned.around(rect, pose), aligned.within(rect, pose)
    corners = np.array([[x, y] for x in rect[::2] for y in rect[1::2]])
    moved = aligned.motion.apply((corners - pose.center_m) * 1e6) * 1e-6 + pose.center_m
    low, high = moved.min(axis=0), moved.max(axis=0)
    np.testing.assert_allclose(outer, (*low, *high), atol=1e-12)
    assert (np.array(inner[:2]) > low).all()
    assert (np.array(inner[2:]) < high).all()


def test_each_frame_needs_its_alignment(tmp_path: Path) -> None:
    aligned = read_aligned(written(tmp_path), MOST_UM)
    with pytest.raises(InputError, match="1 frames, and --alignment is given 2 times"):
        read_boxes(write(tmp_path, frame()), Places(alignments=[aligned, aligned]))


def test_a_turned_frame_cannot_be_aligned(tmp_path: Path) -> None:
    turned = frame(pose={"center_m": [1e-3, 2e-3], "rotation_rad": 0.1})
    with pytest.raises(InputError, match="rotated or mirrored"):
        read_boxes(write(tmp_path, turned), Places(alignments=[read_aligned(written(tmp_path), MOST_UM)]))


@pytest.mark.parametrize(
    "changes",
    [{"motion": None}, {"motion": {"shift_um": [1]}}, {"proven_um": "wide"}, {"proven_um": float("nan")}],
)
def test_a_damaged_alignment_is_bad_input(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"aligned\.json"):
        read_aligned(written(tmp_path, **changes), MOST_UM)


@pytest.mark.parametrize(
    ("shift_um", "rotation_deg", "scale", "says"),
    [
        ([4.3, 4.3], 0.0, 1.0, "a shift of 6.08 um is more than the 6 um of sem.overview.largest_offset_um"),
        ([0.0, 0.0], -1.6, 1.0, "a rotation of -1.60 degrees"),
        ([0.0, 0.0], 0.0, 1.04, "a scale of 1.0400"),
    ],
)
def test_an_alignment_that_no_machine_causes_is_bad_input(
    tmp_path: Path, shift_um: list[float], rotation_deg: float, scale: float, says: str
) -> None:
    motion = {"shift_um": shift_um, "rotation_deg": rotation_deg, "scale": scale}
    with pytest.raises(InputError, match=says):
        read_aligned(written(tmp_path, motion=motion), MOST_UM)


def test_a_claim_of_nothing_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="error_um"):
        requested(tmp_path, proven_um=0.0)
