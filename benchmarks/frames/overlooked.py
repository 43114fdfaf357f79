"""The faintest disc that is found in a frame without cells, for `detection.overlooked.settings`.

Each frame gets one disc of 5 um, its contrast a multiple of the spread of averages over such discs. The
settings hold the smallest multiple at which 95 % of the discs of every kind of frame are found and imaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.frames.scenes import FIRST_SEED, NO_CELLS, found_in, realistic_scene
from benchmarks.measuring.rows import Row
from detection.image.frames import check_frame
from detection.image.hits import Detection
from detection.overlooked.bound import overlooked_in

TITLE = "Faintest disc found"
ON_REQUEST = True
MULTIPLES = (6.0, 8.0, 10.0, 12.0)
"""Contrasts of discs, in spreads."""
FRAMES = 10
PLACES = 2
"""Discs for each frame, one at a time."""
EDGE_UM = 0.2
"""Sigma of the blur of a disc: that of the objective."""
SIDE_PX = 512
DETECTORS = ("recall-first", "network", "combined")


@dataclass(frozen=True, slots=True)
class Empty:
    """Frame without cells.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_um : float
    offset_adu : float or None
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    offset_adu: float | None


def run() -> list[Row]:
    """Measure the share of discs that are found, by detector, kind of frame and contrast."""
    rows = []
    for detector in DETECTORS:
        for kind, frames in KINDS.items():
            empties = list(frames())
            shares = {multiple: found_share(empties, multiple, detector) for multiple in MULTIPLES}
            least = next(
                (at for at in MULTIPLES if all(shares[m] >= 0.95 for m in MULTIPLES if m >= at)), None
            )
            text = ", ".join(f"{share:.2f} at {multiple:g}" for multiple, share in shares.items())
            rows.append(Row(f"{detector}, {kind}: 95 % from {least}", text))
    return rows


def found_share(frames: list[Empty], multiple: float, detector: str) -> float:
    """Return the share of discs whose middle is imaged."""
    rng = np.random.default_rng(FIRST_SEED)
    seen = []
    for frame in frames:
        for _ in range(PLACES):
            x, y = rng.uniform(0.08, 0.92, 2) * frame.pixels.shape[::-1]
            found = found_in(
                with_disc(frame, (x, y), multiple), frame.pixel_size_um, frame.offset_adu, detector
            )
            seen.append(is_imaged(found, (x, y)))
    return float(np.mean(seen))


def with_disc(frame: Empty, place_px: tuple[float, float], multiple: float) -> NDArray[np.generic]:
    """Return the pixels of a frame with one disc at a place (x, y)."""
    bound = overlooked_in(check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu), multiple)
    if bound is None:
        raise ValueError("discs cannot be added to this frame")
    rows, columns = np.ogrid[: frame.pixels.shape[0], : frame.pixels.shape[1]]
    inside = np.hypot(columns - place_px[0], rows - place_px[1]) * frame.pixel_size_um < bound.diameter_um / 2
    sigma_px = EDGE_UM / frame.pixel_size_um
    light = cv2.GaussianBlur(inside.astype(np.float32) * np.float32(bound.contrast_adu), (0, 0), sigma_px)
    # Light is not whole grey levels: rounding at random keeps its mean.
    rng = np.random.default_rng(int(place_px[0] * 1000))
    levels = np.floor(frame.pixels + np.asarray(light) + rng.random(light.shape))
    most = np.iinfo(frame.pixels.dtype).max
    return np.asarray(np.clip(levels, 0, most), frame.pixels.dtype)


def is_imaged(found: Detection, place_px: tuple[float, float]) -> bool:
    """Return True if a place (x, y) is imaged."""
    boxes = (cell.image_box_px for cell in found.cells)
    x, y = place_px
    return any(box is not None and box.x0 <= x < box.x1 and box.y0 <= y < box.y1 for box in boxes)


def _even(noise_adu: float, level_adu: float, bell: float, dtype: type, pixel_um: float) -> Iterator[Empty]:
    """Frames of plain noise on a bell of light, without the offset of their camera."""
    off = np.linspace(-0.5, 0.5, SIDE_PX)
    light = level_adu * (1 + bell * np.exp(-(off[:, None] ** 2 + off**2) / 0.25))
    for seed in range(FIRST_SEED, FIRST_SEED + FRAMES):
        noisy = np.rint(light + noise_adu * np.random.default_rng(seed).standard_normal(light.shape))
        yield Empty(np.clip(noisy, 1, np.iinfo(dtype).max).astype(dtype), pixel_um, None)


def _simulated(lumps_percent: float) -> Iterator[Empty]:
    for frame in realistic_scene(FRAMES, specimen=NO_CELLS | {"lumps_percent": lumps_percent}):
        yield Empty(frame.pixels, frame.pixel_size_um, frame.offset_adu)


KINDS = {
    "noise 20 on 300": partial(_even, 20.0, 300.0, 0.0, np.uint16, 0.178),
    "noise 20 on a bell of 500": partial(_even, 20.0, 500.0, 0.5, np.uint16, 0.178),
    "noise 2 on 30, 8 bit": partial(_even, 2.0, 30.0, 0.5, np.uint8, 0.178),
    "noise 20 on 300, 300 nm": partial(_even, 20.0, 300.0, 0.3, np.uint16, 0.3),
    "simulator, even resin": partial(_simulated, 0.0),
    "simulator, 5 % lumpy": partial(_simulated, 5.0),
    "simulator, 10 % lumpy": partial(_simulated, 10.0),
}
"""Kinds of frames without cells."""
