"""CPU time of detection, one thread, against a plain version of the paper's chain with scikit-image."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.plain_paper import find_boxes
from benchmarks.rows import Row, at_least, at_most, beside
from benchmarks.scenes import realistic_scene
from benchmarks.timing import Work, least_ms
from config.work import DetectionConfig
from detection.detect import detect

FRAMES = 4
REPEATS = 3
GOALS = (("recall-first", 150), ("paper", 40))
PLAIN = "the plain chain"
TITLE = "CPU time, one thread"
GROWTH = {1024: 4.5, 2048: 20.0}
"""By side of the frame, px: CPU over that of 512 x 512, at most."""


def run() -> list[Row]:
    """Time both detectors and their peer on the same frames, and both on larger ones.

    What is compared takes turns, so that all of it meets the same load of the machine.
    """
    cv2.setNumThreads(1)
    frames = list(realistic_scene(FRAMES))
    first = frames[0]
    large = {side: _mosaic([frame.pixels for frame in frames], side) for side in GROWTH}

    def work(detector: str, pixels: NDArray[np.generic]) -> Work:
        config = DetectionConfig(detector=detector)
        return partial(detect, pixels, first.pixel_size_um, config, first.offset_adu)

    detectors = [name for name, _ in GOALS]
    plain_ms, *own_ms = (
        float(np.mean(each))
        for each in zip(
            *(
                least_ms([partial(find_boxes, f.pixels), *(work(d, f.pixels) for d in detectors)], REPEATS)
                for f in frames
            ),
            strict=True,
        )
    )
    rows = []
    for (detector, goal), mean_ms in zip(GOALS, own_ms, strict=True):
        rows += [
            beside(f"{detector}, 512 x 512", mean_ms, plain_ms, "ms", PLAIN),
            at_least(f"{detector}: times less CPU than {PLAIN}", plain_ms / mean_ms, goal, 1),
        ]
        # Over the mean of the frames that the large ones are made of: what they show decides the cost, too.
        large_ms = least_ms([work(detector, pixels) for pixels in large.values()], REPEATS)
        for (side, most), one_ms in zip(GROWTH.items(), large_ms, strict=True):
            rows.append(at_most(f"{detector}: {side} x {side} over 512 x 512", one_ms / mean_ms, most, 1))
    return rows


def _mosaic(frames: list[NDArray[np.generic]], side: int) -> NDArray[np.generic]:
    """A square of frames beside each other, mirrored so that light goes on across their borders."""
    count = side // frames[0].shape[0]
    rows = [
        np.hstack([frames[(i + j) % len(frames)][:: (-1) ** i, :: (-1) ** j] for j in range(count)])
        for i in range(count)
    ]
    return np.ascontiguousarray(np.vstack(rows))
