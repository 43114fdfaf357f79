"""Cameras, and what people do to frames before a detector sees them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.paper.clahe import clahe
from detection.paper.rolling_ball import subtract_rolling_ball
from training.scenes.outlines import Floats

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Camera:
    """Noise and levels of a camera.

    Attributes
    ----------
    noise : float
        Standard deviation of a pixel of ground, grey levels.
    shot_share : float
        Share of that variance that is of photons, and grows with light.
    skewed : bool
        Photon noise has the skew of an electron-multiplying register.
    offset : float
        Grey level of no light.
    offset_known : bool
    bits : int
        8 to 16; fewer than 16 clip sooner.
    hot_pixels : int
    """

    noise: float
    shot_share: float
    skewed: bool
    offset: float
    offset_known: bool
    bits: int
    hot_pixels: int


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera: EMCCD, CCD or CMOS, 8 to 16 bits."""
    bits = int(rng.choice([8, 12, 14, 16, 16, 16]))
    noise = (
        float(np.exp(rng.uniform(np.log(0.8), np.log(3))))
        if bits == 8
        else float(np.exp(rng.uniform(np.log(2), np.log(60))))
    )
    return Camera(
        noise=noise,
        shot_share=float(rng.choice([0.0, rng.uniform(0, 1), rng.uniform(0.7, 1)])),
        skewed=bool(rng.random() < 0.4),
        offset=float(rng.uniform(0, 12) if bits == 8 else rng.uniform(50, 1000)),
        offset_known=bool(rng.random() < 0.6),
        bits=bits,
        hot_pixels=int(rng.choice([0, 0, int(rng.integers(1, 30))])),
    )


def exposed(rng: np.random.Generator, light: Floats, ground: float, camera: Camera) -> Pixels:
    """Return the frame that a camera takes of some light, grey levels above the offset.

    Parameters
    ----------
    rng : Generator
    light : (rows, columns) array of float32
    ground : float
        Light of the ground, where the noise is `camera.noise`.
    camera : Camera
    """
    variance = camera.noise**2
    per_level = camera.shot_share * variance / max(ground, 1e-3)
    light = np.maximum(light, 0)
    if camera.skewed and per_level > 0:
        # A gamma of shape n has the variance of n electrons; n / 2 doubles it.
        shape = np.maximum(light / np.float32(per_level), 1e-3)
        seen = rng.standard_gamma(shape).astype(np.float32) * np.float32(per_level)
    else:
        spread = np.sqrt(np.float32(per_level) * light)
        seen = light + spread * rng.standard_normal(light.shape, dtype=np.float32)
    seen += np.float32(np.sqrt(1 - camera.shot_share) * camera.noise) * rng.standard_normal(
        light.shape, dtype=np.float32
    )
    seen += np.float32(camera.offset)
    top = 2**camera.bits - 1
    for _ in range(camera.hot_pixels):
        row, column = rng.integers(0, light.shape[0]), rng.integers(0, light.shape[1])
        seen[row, column] += camera.noise * rng.uniform(10, 200)
    levels = np.clip(np.rint(seen), 0, top)
    return _as_pixels(levels, eight_bit=camera.bits == 8)


def processed(rng: np.random.Generator, pixels: Pixels, pixel_um: float) -> Pixels:
    """Return a frame as people process it: background subtracted, equalised, stretched, smoothed, JPEG.

    One to four of these, in the usual order.
    """
    values = pixels.astype(np.float32)
    steps = rng.random(5) < (0.65, 0.5, 0.25, 0.3, 0.15)
    if not steps.any():
        steps[0] = True
    if steps[3]:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.5, 1.2))))
    if steps[0]:
        if rng.random() < 0.6:
            values = subtract_rolling_ball(values, float(rng.choice([30, 50, 50, 100])))
        else:
            ground = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(10, 30)) / pixel_um)
            values = np.maximum(values - np.asarray(ground), 0)
    low = float(rng.choice([values.min(), np.percentile(values, rng.uniform(0, 3))]))
    high = float(np.percentile(values, rng.choice([99.65, 99.9, 100])))
    unit = np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    if steps[1]:
        if rng.random() < 0.5:
            unit = clahe(unit)
        else:
            equaliser = cv2.createCLAHE(float(rng.uniform(1, 5)), (8, 8))
            unit = np.asarray(equaliser.apply((unit * 65535).astype(np.uint16)), np.float32) / 65535
    if steps[2]:
        unit = unit ** np.float32(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
    if rng.random() < 0.3:
        return _as_pixels(unit * 65535, eight_bit=False)
    eight = _as_pixels(unit * 255, eight_bit=True)
    if steps[4]:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
        _, coded = cv2.imencode(".jpg", eight, quality)
        eight = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return eight


def _as_pixels(levels: Floats, *, eight_bit: bool) -> Pixels:
    return np.asarray(levels, dtype=np.uint8) if eight_bit else np.asarray(levels, dtype=np.uint16)
