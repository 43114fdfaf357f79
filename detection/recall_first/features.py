"""Features of regions, from which their confidence follows."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.ranks import percentile
from detection.recall_first.regions import Region
from detection.recall_first.settings import RECALL_FIRST, FeatureSettings


@dataclass(frozen=True, slots=True)
class Features:
    """Features of one region.

    Attributes
    ----------
    strength : float
        Highest significance over the seed threshold.
    diameter_um : float
        Of a disc of the same area.
    relative_intensity : float
        Mean intensity over that of the brighter cells of the frame.
    edge : float
        Step of the intensity at the outline over the mean intensity: about 1 for a cell, little for a hump
        of the background.
    cut : bool
        True if the edge of the frame cuts it, so that it may be as large as any cell.
    contrast : float
        Mean intensity over the noise of a pixel of the image that was measured.
    unevenness : float
        Deviation of the background beyond its noise, in deviations of the noise of a pixel.
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
    intensity: NDArray[np.float32],
    noise_sd: NDArray[np.float32],
    standing: NDArray[np.uint8],
    pixel_um: float,
    *,
    unevenness: float,
    linear: bool,
    settings: FeatureSettings = RECALL_FIRST.features,
) -> list[Features]:
    """Measure regions.

    Parameters
    ----------
    regions : sequence of Region
    strength : (rows, columns) array of float32
        As from `significant`.
    intensity : (rows, columns) array of float32
        Smoothed frame above its background.
    noise_sd : (rows, columns) array of float32
        Standard deviation of a pixel of the background.
    standing : (rows, columns) array of uint8
        1 in pixels that stand out themselves, before closing and filling.
    pixel_um : float
    unevenness : float
        Of the background, as `significant` returns it.
    linear : bool
        Grey levels are proportional to intensity; otherwise cells are not compared by it.
    settings : FeatureSettings
    """
    if not regions:
        return []
    labels = np.zeros(intensity.shape, dtype=np.int32)
    for number, region in enumerate(regions, start=1):
        labels[region.place][region.mask] = number
    count = len(regions) + 1
    inside = labels > 0
    at = np.flatnonzero(inside)
    label = labels.ravel()[at]
    area = np.bincount(label, minlength=count)
    light = intensity.ravel()[at]
    mean = _means(light, label, count)
    noise = _means(noise_sd.ravel()[at], label, count)
    own = _means(standing.ravel()[at], label, count)
    # In pixels: with everything inside, the distance is the largest number there is.
    depth_px = np.asarray(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3))
    is_inner = depth_px.ravel()[at] <= settings.inner_um / pixel_um
    inner = _means(light[is_inner], label[is_inner], count)
    away, zones = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    # The zones number the pixels of the mask; each of those belongs to a region:
    nearest = np.zeros(int(zones.max()) + 1, dtype=np.int32)
    zone = np.asarray(zones).ravel()
    nearest[zone[at]] = label
    away_um = np.asarray(away) * pixel_um
    ring = np.flatnonzero((away_um >= settings.outer_um[0]) & (away_um <= settings.outer_um[1]))
    ring = ring[labels.ravel()[ring] == 0]
    outer = _means(intensity.ravel()[ring], nearest[zone[ring]], count)
    strongest = np.zeros(count, dtype=np.float32)
    np.maximum.at(strongest, label, strength.ravel()[at])
    diameter_um = 2 * np.sqrt(area / np.pi) * pixel_um
    large = np.flatnonzero(diameter_um[1:] >= settings.reference_um) + 1
    reference = percentile(mean[large], settings.reference_percentile) if large.size else 0.0
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


def _means(
    values: NDArray[np.float32] | NDArray[np.uint8], labels: NDArray[np.int32], count: int
) -> NDArray[np.float64]:
    """Return the mean of the values of each label, 0 where it has none."""
    total = np.bincount(labels, weights=values, minlength=count)
    return np.asarray(total / np.maximum(np.bincount(labels, minlength=count), 1))
