"""Checks of an electron image before its job is done."""

import math

import numpy as np

from drivers.sem import ScanImage
from service.model.jobs import Job
from service.session.context import Context

_BLANK = 0.99
"""Share of pixels at the smallest or the largest grey level of an image that shows nothing."""


def validate_image(context: Context, job: Job, image: ScanImage, lies_m: tuple[float, float]) -> str | None:
    """Why an image cannot be the one that was asked for, or shows nothing; None if it may be good.

    `lies_m` is where its middle had to be: where the stage stood, and the beam shift.
    """
    pixels = image.pixels
    if pixels.shape != (job.size_px[1], job.size_px[0]):
        return f"the SEM gave an image of shape {pixels.shape}, not {job.size_px[::-1]}"
    if pixels.dtype not in (np.uint8, np.uint16):
        return f"the SEM gave pixels of {pixels.dtype}, not whole grey levels"
    if not math.isclose(image.pixel_size_m, job.pixel_size_m, rel_tol=1e-3):
        return f"the SEM gave a pixel size of {image.pixel_size_m:g} m, not {job.pixel_size_m:g} m"
    off_m = math.dist(image.center_m, lies_m)
    if not off_m <= context.config.stage.arrival_tolerance_um * 1e-6:
        return f"the SEM scanned {off_m * 1e6:.1f} um from where it had to"
    for name, level in (("dark", int(pixels.min())), ("saturated", int(pixels.max()))):
        if np.mean(pixels == level) >= _BLANK:
            return f"its image is {name}: nearly all pixels are {level}"
    return None
