"""Reasons for which an overview has no outlines."""

import numpy as np

from detection.overview.ground import ground_of, reduced
from detection.overview.settings import OverviewSettings
from detection.overview.values import Nothing, Pixels


def why_nothing(pixels: Pixels, settings: OverviewSettings, searched: bool = False) -> Nothing | None:
    """Return a reason for which an overview shows no sections.

    Parameters
    ----------
    pixels : (rows, columns, ...) array
    settings : OverviewSettings
    searched : bool
        Nothing was found; otherwise only an overview without any contrast is refused.
    """
    scale = min(1.0, settings.first_side_px / max(pixels.shape[:2]))
    tones = reduced(pixels, scale)
    low, high = np.percentile(tones, [0.1, 99.9])
    if high - low < settings.fit.least_levels:
        full = {1: 255.0, 2: 65535.0}.get(pixels.dtype.itemsize, np.inf)
        white = np.median(pixels[::7, ::7]) >= 0.98 * full
        return Nothing.SATURATED if white else Nothing.EMPTY
    if not searched:
        return None
    if (tones >= tones.max() * 0.995).mean() > settings.fit.most_white:
        return Nothing.SATURATED
    ground = ground_of(tones, scale, settings.ground)
    if ground is not None and ground.foreground.any():
        gradient = np.sqrt(ground.edge[:, :, 0] + ground.edge[:, :, 2])[ground.glass]
        step = np.percentile(ground.contrast[ground.foreground], 90)
        if step > settings.fit.wide_edge_px * np.percentile(gradient, 99.9):
            return Nothing.BLURRED
    return Nothing.NO_SECTIONS
