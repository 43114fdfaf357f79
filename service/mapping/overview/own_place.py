"""The place of an overview on the stage, where its file states it: those of `ilemtrack overview` do."""

import math
from pathlib import Path

import numpy as np
import tifffile

from drivers.errors import FrameError
from drivers.recorded.ome import ome_planes
from drivers.recorded.tiff import DAMAGED
from service.image_files.facts import ImageKind
from service.image_files.saving import KIND_KEY
from service.mapping.stage_map import StageMap
from service.mapping.values import PointPair


def own_stage_map(path: Path) -> StageMap | None:
    """Return the map from pixels to the stage that an overview states; None where it states none.

    The pose of other programs' pictures is not used: their stage may be another one.
    """
    try:
        with tifffile.TiffFile(path) as file:
            xml = file.ome_metadata
        plane = None if xml is None else ome_planes(xml, 1, str(path)).get(0)
    except (FrameError, *DAMAGED):
        return None
    if plane is None or plane.notes.get(KIND_KEY) != ImageKind.HOLDER_OVERVIEW:
        return None
    if plane.center_m is None or plane.size is None or plane.size.size_m is None:
        return None
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        width, height = page.imagewidth, page.imagelength
    across_um, down_um = (size * 1e6 for size in plane.size.size_m)
    x_um, y_um = (value * 1e6 for value in plane.center_m)
    if not all(math.isfinite(value) for value in (across_um, down_um, x_um, y_um)):
        return None
    linear = np.array([[across_um, 0.0], [0.0, -down_um]])
    return StageMap(linear, np.array([x_um - width / 2 * across_um, y_um + height / 2 * down_um]))


def corner_pairs(stage_map: StageMap, size_px: tuple[int, int]) -> tuple[PointPair, ...]:
    """Return the corners of an overview as landmarks, so that a section list keeps the map."""
    width, height = size_px
    corners = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    stage = stage_map.to_stage(np.array(corners))
    return tuple(
        PointPair(f"corner {n}", corner, (float(x), float(y)))
        for n, (corner, (x, y)) in enumerate(zip(corners, stage, strict=True), start=1)
    )
