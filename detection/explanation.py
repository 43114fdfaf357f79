"""Steps of a detector on one frame, for pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.combined.detector import Combined
from detection.combined.fusion import Fusion
from detection.detectors import Detector, RecallFirst, WithoutNetwork
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.parts import PART_PX
from detection.network.detector import Network
from detection.network.settings import PLACE_PX
from detection.recall_first import detector as recall_first
from detection.recall_first.settings import RECALL_FIRST


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Intermediate values of one frame; those of detectors that did not look are None.

    Attributes
    ----------
    background : (block rows, block columns) array of float32
        Grey levels, over the whole frame.
    significance : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of that size.
    score : (places down, places across) array of float32 or None
        Chance of a cell by the network, 0..1, over the whole frame.
    learned, classic : sequence of Hit or None
        Hits of the network and of recall-first; beside a network, of what that does not show.
    fusion : Fusion or None
    """

    background: NDArray[np.float32]
    significance: NDArray[np.float32]
    score: NDArray[np.float32] | None = None
    learned: Sequence[Hit] | None = None
    classic: Sequence[Hit] | None = None
    fusion: Fusion | None = None


def explained(detector: Detector, frame: Frame) -> Explanation | None:
    """Return the steps of a detector on a frame.

    Parameters
    ----------
    detector : Detector
    frame : Frame

    Returns
    -------
    Explanation or None
        None if there are no steps to show: of other detectors, of constant frames, and of frames so large
        that they are processed in parts.
    """
    if frame.constant or frame.values.size > PART_PX**2:
        return None
    if isinstance(detector, Combined):
        steps = detector.steps(frame)
        seen = steps.network
        return Explanation(
            steps.level,
            steps.z,
            _over_frame(seen.score, steps.z.shape),
            seen.hits,
            steps.rest,
            steps.fusion,
        )
    if isinstance(detector, Network):
        seen = detector.steps(frame)
        z = seen.grid.residual / seen.grid.noise_sd
        return Explanation(seen.grid.background.level, z, _over_frame(seen.score, z.shape), seen.hits)
    if isinstance(detector, RecallFirst | WithoutNetwork):
        settings = detector.settings if isinstance(detector, RecallFirst) else RECALL_FIRST
        alone = recall_first.steps_of(frame, settings)
        return Explanation(alone.standing.background.level, alone.standing.z, classic=alone.hits)
    return None


def _over_frame(score: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Cut off the places beyond the working grid."""
    return score[: -(-shape[0] // PLACE_PX), : -(-shape[1] // PLACE_PX)]
