"""What speaks for each region being a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.recall_first.regions import Region

INNER_UM = 1.0
OUTER_UM = (0.5, 1.8)
"""Bands along the outline, inside and outside, whose light is compared."""
REFERENCE_UM = 3.0
REFERENCE_PERCENTILE = 75


@dataclass(frozen=True, slots=True)
class Features:
    """What is known about one region.

    Attributes
    ----------
    strength : float
        Highest significance over the seed threshold.
    diameter_um : float
        Of a disc of the same area.
    relative_intensity : float
        Mean light over that of the brighter cells of the frame.
    edge : float
        Step of the light at the outline over the mean light: about 1 for a cell, little for a hump of the
        ground.
    cut : bool
        The edge of the frame cuts it, so it may be as large as any cell.
    contrast : float
        Mean light over the noise of a pixel of the image that was measured.
    unevenness : float
        Deviation of the ground beyond its noise, in deviations of the noise of a pixel.
    standing : float
        Share of its pixels that stand out themselves, 0..1; the rest was closed, bridged or filled.
    """

    strength: float
    diameter_um: float
    relative_intensity: float
    edge: float
    cut: bool
    contrast: float
    unevenness: float
    standing: float


def features_of(
    regions: Sequence[Region],
    strength: NDArray[np.float32],
    light: NDArray[np.float32],
    noise_sd: NDArray[np.float32],
    standing: NDArray[np.uint8],
    pixel_um: float,
    *,
    unevenness: float,
    linear: bool,
) -> list[Features]:
    """Measure regions.

    Parameters
    ----------
    regions : sequence of Region
    strength : (rows, columns) array of float32
        As from `significant`.
    light : (rows, columns) array of float32
        Smoothed frame above its background.
    noise_sd : (rows, columns) array of float32
        Standard deviation of a pixel of the background.
    standing : (rows, columns) array of uint8
        1 where something stands out, before anything was closed or filled.
    pixel_um : float
    unevenness : float
        Of the ground, as `significant` gives it.
    linear : bool
        Grey levels are proportional to light; otherwise the light of cells is not compared.
    """
    if not regions:
        return []
    labels = np.zeros(light.shape, dtype=np.int32)
    for number, region in enumerate(regions, start=1):
        labels[region.place][region.mask] = number
    count = len(regions) + 1
    inside = labels > 0
    area = np.bincount(labels.ravel(), minlength=count)
    mean = _mean_by_label(light, labels, inside, count)
    noise = _mean_by_label(noise_sd, labels, inside, count)
    own = _mean_by_label(standing, labels, inside, count)
    # In pixels: where everything is inside, the distance is the largest number there is.
    depth_px = np.asarray(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3))
    inner = _mean_by_label(light, labels, inside & (depth_px <= INNER_UM / pixel_um), count)
    away, zones = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    # The zones number the pixels of the mask; which region each of those belongs to:
    nearest = np.zeros(int(zones.max()) + 1, dtype=np.int32)
    nearest[zones[inside]] = labels[inside]
    away_um = np.asarray(away) * pixel_um
    ring = ~inside & (away_um >= OUTER_UM[0]) & (away_um <= OUTER_UM[1])
    outer = _mean_by_label(light, nearest[zones], ring, count)
    strongest = np.zeros(count, dtype=np.float32)
    np.maximum.at(strongest, labels[inside], strength[inside])
    diameter_um = 2 * np.sqrt(area / np.pi) * pixel_um
    large = np.flatnonzero(diameter_um[1:] >= REFERENCE_UM) + 1
    reference = float(np.percentile(mean[large], REFERENCE_PERCENTILE)) if large.size else 0.0
    edge = (inner - outer) / np.maximum(mean, 1e-6)
    relative = mean / reference if reference > 0 else np.ones(count)
    if not linear:
        relative = np.ones(count)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    cut = np.zeros(count, dtype=np.bool_)
    cut[rim] = True
    return [
        Features(
            float(strongest[n]),
            float(diameter_um[n]),
            float(relative[n]),
            float(edge[n]),
            bool(cut[n]),
            float(mean[n] / noise[n]),
            unevenness,
            float(own[n]),
        )
        for n in range(1, count)
    ]


def _mean_by_label(
    values: NDArray[np.float32] | NDArray[np.uint8],
    labels: NDArray[np.int32],
    where: NDArray[np.bool_],
    count: int,
) -> NDArray[np.float64]:
    chosen = labels[where]
    total = np.bincount(chosen, weights=values[where], minlength=count)
    return np.asarray(total / np.maximum(np.bincount(chosen, minlength=count), 1))
