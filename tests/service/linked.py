"""Frames of fields of simulated serial sections, for tests of linking."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.detectors import RecallFirst
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.registration.rigid import Rigid
from drivers.pose import Pose, frame_rect
from service.analysis.mosaic import FieldFrame
from service.model.specimen import Field, FieldState
from tests.detection.stacks import OFFSET, PIXEL_UM, SIZE_PX, Block

SIZE_M = PIXEL_UM * 1e-6
SIDE_M = SIZE_PX * SIZE_M
BAD_ADU = 65535
"""A pixel of this level makes `Picky` fail."""


class Picky:
    """The default detector, but frames with a pixel at full scale break it."""

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        if frame.values.max() >= BAD_ADU - OFFSET:
            raise IndexError("a bug in the detector")
        return RecallFirst().find(frame)


def field_frame(pixels: Any, section: str, number: int = 0, **pose: Any) -> FieldFrame:
    """Return a saved frame of a field; by default upright about the origin of the stage."""
    where = Pose(**{"center_m": (0.0, 0.0), "pixel_size_m": (SIZE_M, SIZE_M)} | pose)
    field = Field(
        f"{section}/F{number:03d}",
        section,
        number,
        where.center_m,
        frame_rect(where, pixels.shape),
        FieldState.SAVED,
    )
    return FieldFrame(field, pixels, where, OFFSET)


@cache
def _pixels(count: int, seed: int, cells: int) -> tuple[NDArray[np.generic], ...]:
    block = Block(seed, cells=cells)
    rng = np.random.default_rng(seed)
    laid = [
        Rigid(float(rng.normal(0, 0.1)), (float(rng.normal(0, 3)), float(rng.normal(0, 3))))
        for _ in range(count)
    ]
    return tuple(block.section("", 1 + 0.15 * n, one, n).pixels for n, one in enumerate(laid))


def sections(count: int, seed: int = 8, cells: int = 60) -> list[list[FieldFrame]]:
    """Serial sections of one block, one field of each, a little shifted and turned."""
    return [
        [field_frame(pixels.copy(), f"S{n:04d}")]
        for n, pixels in enumerate(_pixels(count, seed, cells), start=1)
    ]
