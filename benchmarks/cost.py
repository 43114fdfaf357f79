"""What detection costs in CPU, one thread, against a plain version of the paper's chain with scikit-image."""

import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.plain_paper import find_boxes
from benchmarks.rows import Row, at_least, at_most, beside
from benchmarks.scenes import realistic_scene
from config.work import DetectionConfig
from detection.detect import detect

FRAMES = 4
REPEATS = 5
PLAIN = "the plain chain"
TITLE = "CPU time, one thread"
GROWTH = {1024: 4.5, 2048: 20.0}
"""By side of the frame, px: CPU over that of 512 x 512, at most."""


def run() -> list[Row]:
    """Time both detectors and their peer on the same frames, and both on larger ones."""
    cv2.setNumThreads(1)
    frames = list(realistic_scene(FRAMES))
    plain_ms = float(np.mean([_least_ms(partial(find_boxes, frame.pixels), 1) for frame in frames]))
    rows = []
    for detector, goal in (("recall-first", 150), ("paper", 40)):
        config = DetectionConfig(detector=detector)

        def cost_ms(pixels: NDArray[np.generic], config: DetectionConfig = config) -> float:
            first = frames[0]
            return _least_ms(lambda: detect(pixels, first.pixel_size_um, config, first.offset_adu), REPEATS)

        own_ms = float(np.mean([cost_ms(frame.pixels) for frame in frames]))
        rows += [
            beside(f"{detector}, 512 x 512", own_ms, plain_ms, "ms", PLAIN),
            at_least(f"{detector}: times less CPU than {PLAIN}", plain_ms / own_ms, goal, 1),
        ]
        small_ms = cost_ms(frames[0].pixels)
        for side, most in GROWTH.items():
            larger = _mosaic([frame.pixels for frame in frames], side)
            rows.append(
                at_most(f"{detector}: {side} x {side} over 512 x 512", cost_ms(larger) / small_ms, most, 1)
            )
    return rows


def _mosaic(frames: list[NDArray[np.generic]], side: int) -> NDArray[np.generic]:
    """A square of frames beside each other, mirrored so that light goes on across their borders."""
    count = side // frames[0].shape[0]
    rows = [
        np.hstack([frames[(i + j) % len(frames)][:: (-1) ** i, :: (-1) ** j] for j in range(count)])
        for i in range(count)
    ]
    return np.ascontiguousarray(np.vstack(rows))


def _least_ms(work: Callable[[], object], repeats: int) -> float:
    """Least CPU time of some repeats, ms: what others do on the machine only adds to it."""
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        spent.append((time.process_time() - begun) * 1e3)
    return min(spent)
