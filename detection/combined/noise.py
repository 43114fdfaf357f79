"""Hits of the network that are no more than noise."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import on_grid
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid


def hidden_in_noise(
    hits: Sequence[Hit], z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> tuple[Hit, ...]:
    """Return the hits inside of which nothing is brighter than noise can be.

    The network gives chances, and of many empty frames it takes some for frames with a cell. So averages over
    discs of several sizes are compared with those of the whole frame; a hit of which none stands out shows
    nothing that could be told from noise.

    Parameters
    ----------
    hits : sequence of Hit
        Of the network, with who sees them; those that recall-first sees stand out by that.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid. Its
        ground must be known: that of a crowd is not.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    alone = not any(hit.seen_by is SeenBy.BOTH for hit in hits)
    least_sd = settings.stands_out_alone_sd if alone else settings.stands_out_sd
    unseen = [hit for hit in hits if hit.seen_by is SeenBy.NETWORK]
    highest = [-math.inf] * len(unseen)
    for sigma_um in settings.noise_scales_um if unseen else ():
        sigma = sigma_um / grid.pixel_um
        plane = np.asarray(cv2.GaussianBlur(z, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
        # Half of the distribution, to which cells add nothing; at least that of white noise.
        low, middle = (float(at) for at in np.percentile(plane[::3, ::3], (15.87, 50)))
        spread = max(middle - low, 1 / (2 * math.sqrt(math.pi) * sigma))
        for number, hit in enumerate(unseen):
            part = plane[on_grid(hit.box, grid.shrink).slices]
            if part.size:
                highest[number] = max(highest[number], float(part.max()) / spread)
    return tuple(
        hit for hit, sd in zip(unseen, highest, strict=True) if -math.inf < sd < least_sd
    )
