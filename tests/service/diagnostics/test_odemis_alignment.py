import datetime
from typing import Any

import pytest

from config.loading import parse
from config.model import Config
from drivers.odemis.described.cautions import unused_alignment
from service.diagnostics.odemis_alignment import as_yaml, take_over
from service.errors import InputError
from tests.drivers.odemis.test_alignment import BEAM, CAMERA, described

DAY = datetime.date(2026, 11, 29)


def test_the_alignment_of_odemis_becomes_settings_that_use_it() -> None:
    kept = described(CAMERA, BEAM)
    taken = take_over(kept, Config(), DAY)
    config = parse(f"driver: odemis\n{as_yaml(taken)}", "taken.yaml")
    assert config.calibration.shift_um == (-3.0, 2.0)
    assert config.calibration.measured_on == DAY
    assert config.odemis.camera_rotation_mrad == pytest.approx(5)
    assert config.odemis.camera_scale == (1.01, 1.012)
    assert unused_alignment(config, kept) is None
    # 1.5 px of 1000: a corner of an image of 25 x 17 um.
    assert 0.01 < taken.beam_misfit_um < 0.05


@pytest.mark.parametrize(
    ("camera", "beam", "words"),
    [
        ({}, {}, "keeps no fine alignment"),
        ({"POS_COR": [120e-6, 0]}, {}, "more than a field of 91 x 91 um"),
        ({"PIXEL_SIZE_COR": [1.3, 1.3]}, {}, r"camera_scale: must be two numbers from 0\.98 to 1\.02"),
        ({"PIXEL_SIZE_COR": [1.01, 0.99]}, {}, "within 0.5 % of each other"),
        ({"ROTATION_COR": 0.4}, {}, "camera_rotation_mrad"),
        ({}, {"SHEAR_COR": 0.2}, "bends electron images by"),
        ({"POS_COR": None}, {}, "is no number"),
    ],
)
def test_an_alignment_that_cannot_be_right_is_refused(
    camera: dict[str, Any], beam: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        take_over(described(camera, beam), Config(), DAY)
