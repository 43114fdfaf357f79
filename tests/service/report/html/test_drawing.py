import math

import pytest

from drivers.pose import Pose, frame_rect
from service.model.specimen import FramePlace
from service.report.html.drawing import Drawing

UM = 1e-6


@pytest.mark.parametrize("rotation_rad", [0.0, 0.3, math.pi / 2])
@pytest.mark.parametrize("flip_x", [False, True])
def test_the_corners_of_a_frame_are_drawn_on_its_ground(rotation_rad: float, flip_x: bool) -> None:
    place = FramePlace((200, 100), Pose((1e-3, -2e-3), (178e-9, 178e-9), rotation_rad, flip_x=flip_x))
    ground = frame_rect(place.pose, place.shape)
    drawing = Drawing.around([ground])
    a, b, c, d, e, f = (float(one) for one in drawing.matrix(place)[len("matrix(") : -1].split())
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (0, 200) for y in (0, 100)]
    box = drawing.box(ground)
    assert min(x for x, _ in corners) == pytest.approx(box.x, abs=1e-4)
    assert max(x for x, _ in corners) == pytest.approx(box.x + box.width, abs=1e-4)
    assert min(y for _, y in corners) == pytest.approx(box.y, abs=1e-4)
    assert max(y for _, y in corners) == pytest.approx(box.y + box.height, abs=1e-4)


def test_y_grows_downwards() -> None:
    low, high = (0.0, 0.0, 10 * UM, 10 * UM), (0.0, 90 * UM, 10 * UM, 100 * UM)
    drawing = Drawing.around([low, high])
    assert drawing.box(high).y < drawing.box(low).y
    assert 0 < drawing.box(low).y + drawing.box(low).height < drawing.height_um


def test_the_scale_bar_is_a_round_length_in_the_drawing() -> None:
    drawing = Drawing.around([(0.0, 0.0, 130 * UM, 90 * UM)])
    assert drawing.scale.width == 20
    assert 0 < drawing.scale.y < drawing.height_um
