import math
from dataclasses import replace

import numpy as np
import pytest

from drivers.fluorescence import FmFrame, FmSettings
from drivers.pose import Pose
from planner.geometry.rects import centered
from service.errors import FrameRefusedError
from service.image_checks.fluorescence import validate_frame

CENTER_M, ASKED_S = (1e-3, 2e-3), 100.0
RECT_M = centered(CENTER_M, (8e-6, 6e-6))
PIXELS = np.arange(6 * 8, dtype=np.uint16).reshape(6, 8)
POSE = Pose(CENTER_M, (1e-6, 1e-6))
GOOD = FmFrame(PIXELS, POSE, FmSettings(2.0, 100, 488, 0.5), 200.0, ASKED_S)
BRIGHT = np.full((20, 20), 65535, np.uint16)
BRIGHT[0, 0] = 3


def validate(frame: FmFrame) -> None:
    validate_frame(frame, CENTER_M, RECT_M, ASKED_S, 2e-6)


def test_a_good_frame_is_taken() -> None:
    validate(GOOD)
    validate(replace(GOOD, pose=Pose((1e-3 + 1.9e-6, 2e-3), (1e-6, 1e-6)), taken_at_s=ASKED_S - 0.05))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (replace(GOOD, pixels=PIXELS[None]), r"of shape \(1, 6, 8\)"),
        (replace(GOOD, pixels=np.full((6, 8), 7, np.uint16)), "all pixels of the frame are 7"),
        (replace(GOOD, pixels=BRIGHT), "saturated"),
        (replace(GOOD, taken_at_s=ASKED_S - 1.0), "old frame, begun 1.0 s before the request"),
        (replace(GOOD, taken_at_s=math.nan), "old frame"),
        (replace(GOOD, pose=Pose((1e-3, 2e-3 + 3e-6), (1e-6, 1e-6))), "3.0 um from its field"),
        (replace(GOOD, pose=Pose(CENTER_M, (1.1e-6, 1e-6))), "width of the frame is 8.80 um"),
        (replace(GOOD, pose=Pose(CENTER_M, (1e-6, 0.9e-6))), "height of the frame is 5.40 um"),
    ],
)
def test_a_frame_that_cannot_be_right_is_refused(frame: FmFrame, said: str) -> None:
    with pytest.raises(FrameRefusedError, match=said):
        validate(frame)
