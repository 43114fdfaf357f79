"""From the pixels of a frame to cells: the one way into this room."""

import time

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection import paper, recall_first
from detection.boxes import union_fraction
from detection.cells import Detection, Hit
from detection.errors import DetectionError
from detection.frames import Frame, check_frame
from detection.policy import apply_policy


def detect(
    pixels: NDArray[np.generic],
    pixel_size_um: float,
    config: DetectionConfig,
    offset_adu: float | None = None,
) -> Detection:
    """Find the cells of a fluorescence frame and what of them the electron beam must image.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
        Best raw and linear; at least 16 on a side.
    pixel_size_um : float
        At the specimen, 0.01..5 um.
    config : DetectionConfig
        Which detector, and the policy.
    offset_adu : float, optional
        Grey level of no light.

    Returns
    -------
    Detection

    Raises
    ------
    DetectionError
        Raised when the frame, the pixel size or the offset cannot be used.
    """
    started = time.perf_counter()
    frame = check_frame(pixels, pixel_size_um, offset_adu)
    hits, warnings = ([], []) if frame.constant else _find(frame, config.detector)
    shape = (frame.values.shape[0], frame.values.shape[1])
    cells = apply_policy(hits, shape, pixel_size_um, config)
    imaged = union_fraction((cell.image_box_px for cell in cells if cell.image_box_px is not None), shape)
    return Detection(
        cells, imaged, (*frame.warnings, *warnings), elapsed_ms=(time.perf_counter() - started) * 1e3
    )


def _find(frame: Frame, detector: str) -> tuple[list[Hit], list[str]]:
    if detector == "recall-first":
        return recall_first.find_cells(frame)
    if detector == "paper":
        settings = paper.settings_for(frame.pixel_size_um)
        return paper.find_cells(frame.values, settings, prepared=frame.processed), []
    raise DetectionError(f"there is no detector {detector!r}; there are recall-first and paper")
