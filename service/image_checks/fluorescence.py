"""Checks of a fluorescence frame before it is saved."""

import math

import numpy as np

from drivers.fluorescence import FmFrame
from drivers.pose import RectM, frame_rect
from service.errors import FrameMismatchError, FrameRefusedError, SaturatedFrameError

_SATURATED = 0.99
"""Share of pixels at the largest grey level of a frame that shows nothing. Chosen by hand."""


def validate_frame(
    frame: FmFrame, center_m: tuple[float, float], rect_m: RectM, asked_s: float, tolerance_m: float
) -> None:
    """Refuse a frame that cannot be the one requested.

    Parameters
    ----------
    frame : FmFrame
    center_m : (float, float)
        Centre of the field, m.
    rect_m : RectM
        Ground of the field.
    asked_s : float
        Time of the request on the microscope's clock, s.
    tolerance_m : float
        Largest distance between the centres of frame and field, m.

    Raises
    ------
    FrameMismatchError
        Raised when the frame has another shape, kind of pixel or size than configured.
    SaturatedFrameError
    FrameRefusedError
        Raised when the frame is of the wrong place, began before the request, or has a single grey level.
    """
    if frame.pixels.ndim != 2 or frame.pixels.dtype not in (np.uint8, np.uint16):
        raise FrameMismatchError(f"the camera gave {frame.pixels.dtype} of shape {frame.pixels.shape}")
    if int(frame.pixels.min()) == int(frame.pixels.max()):
        raise FrameRefusedError(f"all pixels of the frame are {int(frame.pixels.min())}")
    if np.mean(frame.pixels == frame.pixels.max()) >= _SATURATED:
        raise SaturatedFrameError(f"the frame is saturated: nearly all pixels are {int(frame.pixels.max())}")
    # Time stamps of hardware are good to some ms; a stale frame is older by at least an exposure.
    early_s = asked_s - frame.taken_at_s
    if not early_s <= min(0.1, frame.settings.exposure_s / 2):
        raise FrameRefusedError(f"the camera gave an old frame, begun {early_s:.1f} s before the request")
    x, y = frame.pose.center_m
    off_m = math.hypot(x - center_m[0], y - center_m[1])
    if not off_m <= tolerance_m:
        raise FrameRefusedError(f"the frame was taken {off_m * 1e6:.1f} um from its field")
    got = frame_rect(frame.pose, (frame.pixels.shape[0], frame.pixels.shape[1]))
    for axis, name in ((0, "width"), (1, "height")):
        size_m, wanted_m = got[axis + 2] - got[axis], rect_m[axis + 2] - rect_m[axis]
        if not abs(size_m - wanted_m) <= 0.02 * wanted_m:
            raise FrameMismatchError(
                f"the {name} of the frame is {size_m * 1e6:.2f} um, that of its field {wanted_m * 1e6:.2f} um"
            )
