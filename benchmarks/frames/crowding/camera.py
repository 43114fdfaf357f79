"""Light, noise and grey levels of a scene, and the processing that many pictures have seen before."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.frames.crowding.design import Background

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sensor:
    """A camera at one setting.

    Attributes
    ----------
    background_e : float
        Mean light of the background, electrons.
    read_e : float
        Read noise, electrons.
    """

    background_e: float
    read_e: float

    @property
    def noise_e(self) -> float:
        """Noise deviation of a background pixel, electrons."""
        return float(np.hypot(np.sqrt(self.background_e), self.read_e))


def a_sensor(rng: np.random.Generator) -> Sensor:
    """Draw a camera: 20 to 250 electrons of background, 2 to 6 of read noise."""
    return Sensor(float(np.exp(rng.uniform(np.log(20), np.log(250)))), float(rng.uniform(2, 6)))


def random_field(rng: np.random.Generator, side_px: int, scale_px: float) -> Image:
    """Return smooth noise of deviation 1 and mean 0; `scale_px` is the deviation of its Gaussian."""
    shrink = max(int(scale_px / 3), 1)
    small = -(-side_px // shrink) + 1
    white = rng.standard_normal((small, small), dtype=np.float32)
    field = cv2.GaussianBlur(white, (0, 0), scale_px / shrink, borderType=cv2.BORDER_REFLECT)
    field = np.asarray(cv2.resize(field, (side_px, side_px), interpolation=cv2.INTER_CUBIC))
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def illumination(rng: np.random.Generator, side_px: int) -> Image:
    """Return a bell of light with its top somewhere near the middle, mean 1."""
    x, y = side_px * rng.uniform(0.35, 0.65, 2)
    width = side_px * rng.uniform(0.4, 0.7)
    rows, columns = np.ogrid[:side_px, :side_px]
    bell = 0.4 + np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    return np.asarray(bell / bell.mean(), np.float32)


def unevenness(rng: np.random.Generator, side_px: int, kind: Background, pixel_um: float) -> Image:
    """Return the background beside its light: even, or with lumps of 5 to 12 % some cells wide; mean 1."""
    if kind == "bell":
        return np.ones((side_px, side_px), np.float32)
    lumps = rng.uniform(0.05, 0.12) * random_field(rng, side_px, rng.uniform(6, 15) / pixel_um)
    return np.asarray(np.maximum(1 + lumps, 0.3), np.float32)


def exposed(rng: np.random.Generator, light_e: Image, sensor: Sensor) -> Image:
    """Return the electrons counted."""
    counted = rng.poisson(light_e).astype(np.float32)
    return counted + np.float32(sensor.read_e) * rng.standard_normal(light_e.shape, dtype=np.float32)


def digitised(
    rng: np.random.Generator, electrons: Image, sensor: Sensor, bits: int
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], float]:
    """Return the grey levels of the file, and that of no light; bright pixels nearly fill the range."""
    brightest = float(np.quantile(electrons, 0.999))
    if bits == 8:
        full, offset, filled = 255, float(rng.uniform(5, 16)), 0.95
    else:
        full, offset = int(rng.choice([4095, 16383, 65535])), float(rng.uniform(90, 500))
        filled = float(rng.uniform(0.4, 0.95))
    # Read noise must not reach 0.
    offset = float(round(max(offset, 6 * sensor.read_e * filled * full / brightest)))
    levels = offset + electrons * ((filled * full - offset) / brightest)
    return _whole(levels, bits, full), offset


def processed(
    pixels: NDArray[np.uint8] | NDArray[np.uint16], radius_px: float, bits: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Subtract a background as a rolling ball does, equalise in tiles, and set the black point.

    Parameters
    ----------
    pixels : (rows, columns) array
    radius_px : float
        Radius of the cells; the ball is twice as large, and at least 50 px.
    bits : int
    """
    full, shrink = 2**bits - 1, 4
    image = pixels.astype(np.float32)
    side = image.shape[0]
    smooth = cv2.GaussianBlur(image, (0, 0), 2.0)
    small = cv2.resize(smooth, (side // shrink, side // shrink), interpolation=cv2.INTER_AREA)
    ball = round(max(2 * radius_px, 50) / shrink)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * ball + 1, 2 * ball + 1))
    opened = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_OPEN, kernel), (0, 0), ball / 2)
    flat = image - np.asarray(cv2.resize(opened, (side, side), interpolation=cv2.INTER_CUBIC))
    flat = np.maximum(flat, 0) * (full / max(float(flat.max()), 1.0))
    even = np.asarray(cv2.createCLAHE(2.5, (8, 8)).apply(_whole(flat, bits, full))).astype(np.float32)
    black = np.quantile(even, 0.08)
    return _whole((even - black) * (full / (full - black)), bits, full)


def _whole(levels: Image, bits: int, full: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    limited = np.clip(np.rint(levels), 0, full)
    return limited.astype(np.uint8) if bits == 8 else limited.astype(np.uint16)
