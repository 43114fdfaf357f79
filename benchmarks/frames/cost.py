"""CPU time of detection, one thread, against a plain version of the paper's chain with scikit-image."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.frames.crowding.design import recipes
from benchmarks.frames.crowding.scenes import scene
from benchmarks.frames.plain_paper import find_boxes
from benchmarks.frames.scenes import DETECTOR, DETECTORS, FIRST_SEED, found_in, realistic_scene
from benchmarks.measuring.rows import Row, at_least, at_most, beside
from benchmarks.measuring.timing import Work, least_ms

FRAMES = 4
REPEATS = 3
CROWDED = 24
"""Scenes that fill with cells, of which the slowest counts."""
OTHERS = 6
"""Of the less crowded scenes every such one is timed, too: they take more steps than full ones."""
PLAIN = "the plain chain"
TITLE = "CPU time, one thread"
LONGEST_MS = 20.0
"""CPU of the judged detector for a frame of 512 x 512, at most."""
CROWDED_OVER = 2.0
"""CPU of the slowest crowded scene over that of a frame of 512 x 512, at most."""
LESS_THAN_PLAIN = {DETECTOR: 200.0, "paper": 40.0}
GROWTH = {1024: 4.5, 2048: 17.0}
"""By side of the frame, px: CPU over that of 512 x 512, at most."""


def run() -> list[Row]:
    """Time the detectors and their peer on the same frames, and the detectors on larger and crowded ones.

    What is compared takes turns, so that all of it meets the same load of the machine.
    """
    cv2.setNumThreads(1)
    frames = list(realistic_scene(FRAMES))
    first = frames[0]
    large = {side: _mosaic([frame.pixels for frame in frames], side) for side in GROWTH}

    def work(detector: str, pixels: NDArray[np.generic]) -> Work:
        return partial(found_in, pixels, first.pixel_size_um, first.offset_adu, detector)

    detectors = tuple(dict.fromkeys((*DETECTORS, "paper")))
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
    for detector, mean_ms in zip(detectors, own_ms, strict=True):
        rows.append(beside(f"{detector}, 512 x 512", mean_ms, plain_ms, "ms", PLAIN))
        if detector not in LESS_THAN_PLAIN:
            continue
        what = f"{detector}: times less CPU than {PLAIN}"
        rows.append(at_least(what, plain_ms / mean_ms, LESS_THAN_PLAIN[detector], 1))
        if detector == DETECTOR:
            rows.append(at_most(f"{detector}: CPU of 512 x 512, ms", mean_ms, LONGEST_MS, 1))
        # Over the mean of the frames that the large ones are made of: what they show decides the cost, too.
        large_ms = least_ms([work(detector, pixels) for pixels in large.values()], REPEATS)
        for (side, most), one_ms in zip(GROWTH.items(), large_ms, strict=True):
            rows.append(at_most(f"{detector}: {side} x {side} over 512 x 512", one_ms / mean_ms, most, 1))
    return rows + _crowded(dict(zip(detectors, own_ms, strict=True)))


def _crowded(mean_ms: dict[str, float]) -> list[Row]:
    """Compare the slowest of the fullest scenes with the mean of usual frames."""
    by_cover = sorted(recipes(FIRST_SEED), key=lambda recipe: -recipe.cover)
    scenes = [scene(recipe) for recipe in by_cover[:CROWDED] + by_cover[CROWDED::OTHERS]]
    rows = []
    for detector in DETECTORS:
        works = [partial(found_in, s.pixels, s.pixel_size_um, s.offset_adu, detector) for s in scenes]
        over = [ms / mean_ms[detector] for ms in least_ms(works, REPEATS)]
        crowded, others = max(over[:CROWDED]), max(over[CROWDED:])
        what = f"{detector}: slowest of {CROWDED} crowded scenes over a usual frame"
        rows.append(
            at_most(what, crowded, CROWDED_OVER, 1) if detector == DETECTOR else Row(what, f"{crowded:.1f}")
        )
        rows.append(Row(f"{detector}: slowest of {len(scenes) - CROWDED} less crowded ones", f"{others:.1f}"))
    return rows


def _mosaic(frames: list[NDArray[np.generic]], side: int) -> NDArray[np.generic]:
    """A square of frames beside each other, mirrored so that light goes on across their borders."""
    count = side // frames[0].shape[0]
    rows = [
        np.hstack([frames[(i + j) % len(frames)][:: (-1) ** i, :: (-1) ** j] for j in range(count)])
        for i in range(count)
    ]
    return np.ascontiguousarray(np.vstack(rows))
