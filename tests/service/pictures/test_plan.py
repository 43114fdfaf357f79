from pathlib import Path

import cv2
import numpy as np
import pytest

from planner.geometry.rects import RectM
from service.cli.estimate_tables import compared
from service.errors import InputError
from service.pictures.plan.draw import draw_plan
from service.pictures.plan.drawing import DOSES, Drawing
from service.pictures.plan.layers import times_scanned

UM = 1e-6
FIELD: RectM = (0.0, 0.0, 91 * UM, 91 * UM)


def drawing(*frames: RectM) -> Drawing:
    return Drawing(
        title="S0001",
        fields=[FIELD],
        cells=[(30 * UM, 30 * UM, 40 * UM, 40 * UM)],
        required=[(26 * UM, 26 * UM, 44 * UM, 44 * UM)],
        frames=frames,
        stops=[((f[0] + f[2]) / 2 + 1e-6, (f[1] + f[3]) / 2) for f in frames],
        exposed=[(60 * UM, 60 * UM, 70 * UM, 70 * UM)],
        unsaved=[(70 * UM, 0.0, 91 * UM, 20 * UM)],
        skipped=[(80 * UM, 5 * UM, 86 * UM, 10 * UM)],
        clipped=[(0.0, 50 * UM, 6 * UM, 58 * UM)],
        outline=[(-5 * UM, -5 * UM), (95 * UM, -5 * UM), (95 * UM, 95 * UM)],
        start_m=(0.0, 0.0),
        dose_per_nm2=137.6,
        ways=[("exact plan", "2", "3 min")],
        remark="a full raster takes 4.0 x as long",
    )


def test_times_scanned_count_the_frames_over_each_place() -> None:
    frames = [
        (0.0, 0.0, 10 * UM, 10 * UM),
        (5 * UM, 0.0, 15 * UM, 10 * UM),
        (5 * UM, 5 * UM, 10 * UM, 20 * UM),
    ]
    times, extent = times_scanned(frames)
    assert extent == pytest.approx((0.0, 0.0, 15 * UM, 20 * UM), abs=0.1 * UM)

    def at(x_um: float, y_um: float) -> int:
        pitch = (extent[2] - extent[0]) / times.shape[1]
        return int(times[int(y_um * UM / pitch), int(x_um * UM / pitch)])

    assert [at(2, 2), at(7, 2), at(7, 7), at(12, 7), at(7, 15), at(12, 15)] == [1, 2, 3, 1, 1, 0]
    assert times.min() == 0


def test_overlaps_are_drawn_in_the_colour_of_their_dose(tmp_path: Path) -> None:
    path = tmp_path / "plan.png"
    draw_plan(path, drawing((20 * UM, 50 * UM, 60 * UM, 80 * UM), (40 * UM, 50 * UM, 75 * UM, 80 * UM)))
    picture = cv2.imread(str(path))
    assert picture is not None
    seen = picture.reshape(-1, 3)[:, ::-1].astype(int)
    for colour, wanted in ((DOSES[0], True), (DOSES[1], True), (DOSES[2], False)):
        rgb = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)])
        # Over white or over the green of a field, at three quarters.
        over = [0.75 * rgb + 0.25 * np.array(below) for below in ((255, 255, 255), (0xE4, 0xEF, 0xE6))]
        near = [(np.abs(seen - one).max(axis=1) <= 3).sum() > 300 for one in over]
        assert any(near) is wanted, colour


def test_a_plan_without_frames_is_drawn(tmp_path: Path) -> None:
    draw_plan(tmp_path / "plan.png", drawing())
    assert (tmp_path / "plan.png").stat().st_size > 10_000


def test_a_figure_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none/plan.png: cannot be written"):
        draw_plan(tmp_path / "none" / "plan.png", drawing())


def test_a_plan_that_is_dearer_than_a_raster_says_so() -> None:
    def way(method: str, chosen: bool, electron_s: float) -> dict[str, object]:
        return {"method": method, "chosen": chosen, "electron_s": electron_s}

    cheap = compared([way("exact", True, 100), way("raster", False, 250)])
    assert cheap == "a full raster takes 2.5 x as long, 2 min 30 s more"
    dear = compared([way("exact", True, 300), way("raster", False, 250)])
    assert dear is not None
    assert "a full raster would be 50 s SHORTER" in dear
    assert compared([way("raster", True, 250)]) is None
    assert compared([way("exact", True, 0), way("raster", False, 250)]) is None
