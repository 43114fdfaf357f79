"""Choice of a scan preset, and of the part of it that is scanned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.errors import OutOfRangeError

Size = tuple[int, int]

_HALF_DOWN = 1e-6
"""Makes half a pixel end at the lower side, whatever its rounding."""

PRESETS_PX: tuple[Size, ...] = (
    (512, 442),
    (768, 512),
    (1024, 884),
    (1536, 1024),
    (2048, 1768),
    (3072, 2048),
    (4096, 3536),
    (6144, 4096),
)
"""Scan sizes of a Thermo Fisher (FEI) SEM, width and height without the data bar, px."""


@dataclass(frozen=True, slots=True)
class ScanArea:
    """Settings of the machine for one scan.

    Attributes
    ----------
    preset_px : (int, int)
        Preset scan size.
    area_px : (int, int, int, int) or None
        Reduced area: left, top, width and height inside the preset, px; None scans the whole preset.
    width_m : float
        Horizontal field width of the whole preset, m.
    off_center_m : (float, float)
        Centre of the area relative to the axis, x right and y up, m: whole or half pixels.
    """

    preset_px: Size
    area_px: tuple[int, int, int, int] | None
    width_m: float
    off_center_m: tuple[float, float]


def largest(presets_px: Sequence[Size]) -> Size:
    """Return the largest preset, px."""
    return max(presets_px, key=lambda size: size[0] * size[1])


def scan_area(
    size_px: Size,
    pixel_size_m: float,
    presets_px: Sequence[Size],
    reduced_area: bool,
    shift_m: tuple[float, float] = (0.0, 0.0),
) -> ScanArea:
    """Choose the smallest preset that covers a scan, and the part of it that lies nearest to its place.

    Nothing outside the scan is exposed: without reduced areas only the presets themselves can be scanned.

    Parameters
    ----------
    size_px : (int, int)
        Width and height of the scan, px.
    pixel_size_m : float
    presets_px : sequence of (int, int)
    reduced_area : bool
        True if the machine can scan a part of a preset.
    shift_m : (float, float)
        Centre of the scan relative to the axis, x right and y up, m.

    Raises
    ------
    OutOfRangeError
        The machine does not have that scan.
    """
    width, height = size_px
    # From the axis to the right and downwards, as pixels count.
    right_px, down_px = shift_m[0] / pixel_size_m, -shift_m[1] / pixel_size_m
    wide, high = width + 2 * abs(right_px) - 1, height + 2 * abs(down_px) - 1
    covering = [(w, h) for w, h in presets_px if w >= width and w >= wide and h >= height and h >= high]
    if not covering or width < 1 or height < 1:
        most = largest(presets_px)
        raise OutOfRangeError(f"a scan of {width} x {height} px is not within 1 x 1 to {most[0]} x {most[1]}")
    preset = min(covering, key=lambda p: p[0] * p[1])
    left, top = _low_px(preset[0], width, right_px), _low_px(preset[1], height, down_px)
    if preset == (width, height):
        return ScanArea(preset, None, preset[0] * pixel_size_m, (0.0, 0.0))
    if not reduced_area:
        raise OutOfRangeError(f"a scan of {width} x {height} px is not one of the presets of the machine")
    off_x_px, off_y_px = left + width / 2 - preset[0] / 2, top + height / 2 - preset[1] / 2
    return ScanArea(
        preset,
        (left, top, width, height),
        preset[0] * pixel_size_m,
        (off_x_px * pixel_size_m, -off_y_px * pixel_size_m + 0.0),
    )


def _low_px(preset: int, size: int, off_px: float) -> int:
    """Return where a part of a preset begins whose centre is nearest to a distance from the axis, px."""
    return min(max(math.floor((preset - size) / 2 + off_px + 0.5 - _HALF_DOWN), 0), preset - size)
