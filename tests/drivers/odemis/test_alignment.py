"""The fine alignment that Odemis keeps, by its own rules: position and rotation off, pixel size times."""

import math
from typing import Any

import numpy as np
import pytest

from config.model import Config
from drivers.errors import CalibrationError
from drivers.odemis.described.alignment import Alignment
from drivers.odemis.described.cautions import cautions
from drivers.pose import FmToSem, Pose, aligned, to_stage

CAMERA: dict[str, Any] = {
    "POS_COR": [3e-6, -2e-6],
    "ROTATION_COR": 2 * math.pi - 0.005,
    "PIXEL_SIZE_COR": [1.01, 1.012],
}
BEAM = {"SHEAR_COR": 0.002, "PIXEL_SIZE_COR": [0.999, 1.001]}


def described(camera: dict[str, Any], beam: dict[str, Any] | None = None) -> dict[str, Any]:
    whole = {"settings": {"pixelSize": {"value": [6.5e-6, 6.5e-6]}}, "corrections": camera}
    lens = {"settings": {"magnification": {"value": 40.0}}}
    parts = {"camera": whole, "ebeam": {"settings": {}, "corrections": beam or {}}}
    return {"parts": parts, "beside": {"lens": lens}}


def test_a_point_lands_where_odemis_shows_it() -> None:
    """The correction of a whole image, done as Odemis does it, and by our pose and calibration."""
    found = Alignment.of(described(CAMERA))
    assert found is not None
    # Far from the origin: rotation and size are about the centre of the image, not about the stage.
    pose = Pose((4e-3, -3e-3), (178e-9, 178e-9), 0.01)
    point_px = np.array([[100.0, 400.0]])
    turned = 0.01 - CAMERA["ROTATION_COR"]
    x_m, y_m = (100 - 256) * 178e-9 * 1.01, -(400 - 256) * 178e-9 * 1.012
    shown_m = (
        4e-3 - 3e-6 + math.cos(turned) * x_m - math.sin(turned) * y_m,
        -3e-3 + 2e-6 + math.sin(turned) * x_m + math.cos(turned) * y_m,
    )
    ours = to_stage(aligned(pose, found.rotation_mrad * 1e-3, found.scale), (512, 512), point_px)
    sem = FmToSem((found.shift_um[0] * 1e-6, found.shift_um[1] * 1e-6)).to_sem(ours)
    assert sem[0] == pytest.approx(shown_m, abs=1e-10)


def test_what_corrects_nothing_is_no_alignment() -> None:
    neutral = {"POS_COR": [0, 0], "ROTATION_COR": 0, "PIXEL_SIZE_COR": [1, 1]}
    assert Alignment.of(described(neutral, {"SHEAR_COR": 0, "PIXEL_SIZE_COR": [1, 1]})) is None
    assert Alignment.of(described({})) is None
    assert Alignment.of({"parts": {"camera": None, "ebeam": None}}) is None


@pytest.mark.parametrize(
    ("camera", "beam", "words"),
    [
        ({"POS_COR": None}, {}, "POS_COR = None, which is no number"),
        ({"POS_COR": [1e-6]}, {}, "two numbers are needed"),
        ({"PIXEL_SIZE_COR": "large"}, {}, "PIXEL_SIZE_COR = large"),
        ({}, {"ROTATION_COR": 0.1}, "also corrects ROTATION_COR of the electron images"),
    ],
)
def test_a_correction_that_cannot_be_taken_over_is_named(
    camera: dict[str, Any], beam: dict[str, Any], words: str
) -> None:
    with pytest.raises(CalibrationError, match=words):
        Alignment.of(described(camera, beam))


def test_the_session_warns_of_an_alignment_that_it_does_not_use() -> None:
    plain = Config.model_validate({"driver": "odemis"})
    (warned,) = cautions(plain, described(CAMERA, BEAM))
    assert "does not use: shift -3, 2 um, rotation 5 mrad, pixels x 1.01, 1.012" in warned
    used = Config.model_validate(
        {
            "driver": "odemis",
            "calibration": {"shift_um": [-3, 2]},
            "odemis": {"camera_rotation_mrad": 5, "camera_scale": [1.01, 1.012]},
        }
    )
    assert cautions(used, described(CAMERA, BEAM)) == ()


def test_the_session_warns_where_nothing_proves_the_pixel_size() -> None:
    bare = described({}) | {"beside": {}}
    (warned,) = cautions(Config.model_validate({"driver": "odemis"}), bare)
    assert (
        "nothing proves fluorescence.pixel_size_nm = 178: Odemis reports no magnification of a lens" in warned
    )
