"""Ground and artefacts: uneven light and resin, tissue, haze, specks, folds, scratches, edges of sections."""

import cv2
import numpy as np

from training.scenes.outlines import Floats, smooth_field


def illumination(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return the brightness of the light over the frame, 0.3..1: a bell or slope of any width and place."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    center = rng.normal(0.5, 0.15, 2)
    width = rng.uniform(0.3, 1.2, 2)
    bell = np.exp(
        -0.5 * (((y / shape[0] - center[0]) / width[0]) ** 2 + ((x / shape[1] - center[1]) / width[1]) ** 2)
    )
    slope = rng.normal(0, 0.1, 2)
    light = bell + (y / shape[0] - 0.5) * slope[0] + (x / shape[1] - 0.5) * slope[1]
    depth = rng.choice([0.0, rng.uniform(0, 0.7)])
    light = (light - light.min()) / max(float(np.ptp(light)), 1e-6)
    return np.asarray(1 - depth * (1 - light), dtype=np.float32)


def lumps(rng: np.random.Generator, shape: tuple[int, int], pixel_um: float) -> Floats:
    """Return the autofluorescence of uneven resin over its mean, at one or two scales."""
    field = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(0, 3))):
        size = float(rng.choice([0.01, 0.03, 0.06, 0.12]) * rng.uniform(0.5, 1.5))
        field += np.float32(size) * smooth_field(rng, shape, float(rng.uniform(3, 25)) / pixel_um)
    return np.maximum(field, 0.1)


def haze(rng: np.random.Generator, light: Floats, pixel_um: float) -> Floats:
    """Return the light of cells that is scattered or out of focus, and hazy patches of no cell."""
    sigma = float(rng.uniform(2, 12)) / pixel_um
    spread = np.asarray(cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    share = rng.choice([0.0, rng.uniform(0, 0.06), rng.uniform(0.03, 0.2)])
    patches = np.maximum(smooth_field(rng, light.shape, float(rng.uniform(5, 15)) / pixel_um) - 1, 0)
    bright = float(np.percentile(light, 99))
    strength = rng.choice([0.0, 0.0, rng.uniform(0, 0.04)])
    return np.asarray(share * spread + strength * bright * patches, dtype=np.float32)


def tissue(rng: np.random.Generator, shape: tuple[int, int], pixel_um: float) -> Floats:
    """Return the light of tissue between cells: clouds and fibres of any size without edges, mean 1.

    Some clouds are as large as cells and as bright as dim ones; they fade out, while a cell ends.
    """
    clouds = np.zeros(shape, np.float32)
    for scale_um in (float(rng.uniform(1.2, 4)), float(rng.uniform(4, 10)), float(rng.uniform(10, 25))):
        clouds += np.float32(rng.uniform(0, 1)) * smooth_field(rng, shape, scale_um / pixel_um)
    clouds *= np.float32(rng.uniform(0.4, 1.2) / max(float(clouds.std()), 1e-6))
    light = np.exp(clouds)
    if rng.random() < 0.4:
        bent = smooth_field(rng, shape, float(rng.uniform(3, 9)) / pixel_um)
        thin = np.float32(rng.uniform(0.1, 0.3))
        light += np.float32(rng.uniform(0.5, 3)) * np.exp(-((bent / thin) ** 2))
    light -= np.float32(np.percentile(light, 2))
    return np.asarray(np.maximum(light, 0) / max(float(light.mean()), 1e-6), dtype=np.float32)


def specks(rng: np.random.Generator, shape: tuple[int, int], pixel_um: float, brightness: float) -> Floats:
    """Return the light of specks of dirt, 0.2 to 1.5 um in radius and up to 2.5 times as long."""
    light = np.zeros(shape, np.float32)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(pixel_um)
    height, width = shape[0] * pixel_um, shape[1] * pixel_um
    for _ in range(rng.poisson(rng.choice([1.0, 4.0, 10.0]))):
        radius = float(np.clip(0.5 * np.exp(0.45 * rng.standard_normal()), 0.2, 1.5))
        stretch, turn = float(rng.uniform(1, 2.5)), float(rng.uniform(0, np.pi))
        top, left = rng.uniform(0, height), rng.uniform(0, width)
        reach = radius * stretch + 1
        rows = slice(max(int((top - reach) / pixel_um), 0), int((top + reach) / pixel_um) + 1)
        columns = slice(max(int((left - reach) / pixel_um), 0), int((left + reach) / pixel_um) + 1)
        dy, dx = y[rows, columns] - np.float32(top), x[rows, columns] - np.float32(left)
        along, across = (
            (dx * np.cos(turn) + dy * np.sin(turn)) / stretch,
            dy * np.cos(turn) - dx * np.sin(turn),
        )
        covered = np.clip((radius - np.hypot(along, across)) / pixel_um + 0.5, 0, 1)
        light[rows, columns] += (brightness * np.exp(rng.normal(0, 0.8)) * covered).astype(np.float32)
    return light


def band(rng: np.random.Generator, shape: tuple[int, int], pixel_um: float, width_um: float) -> Floats:
    """Return the cover by a bent band of a width across the whole frame, 0..1: a fold or a scratch."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(pixel_um)
    turn, bend = rng.uniform(0, np.pi), rng.normal(0, 1e-3)
    y0, x0 = rng.uniform(0.1, 0.9, 2) * np.array(shape) * pixel_um
    along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
    across = (y - y0) * np.cos(turn) - (x - x0) * np.sin(turn)
    off = np.abs(across - bend * along**2)
    return np.asarray(np.clip((width_um / 2 - off) / 0.4 + 0.5, 0, 1), dtype=np.float32)


def beyond_edge(rng: np.random.Generator, shape: tuple[int, int], pixel_um: float) -> Floats:
    """Return the share of each pixel beyond a straight, soft edge of the section, 0..1."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(pixel_um)
    turn = rng.uniform(0, 2 * np.pi)
    reach = 0.5 * min(shape) * pixel_um
    middle_y, middle_x = 0.5 * np.array(shape) * pixel_um
    across = (x - middle_x) * np.cos(turn) + (y - middle_y) * np.sin(turn) - rng.uniform(-0.3, 0.9) * reach
    return np.asarray(np.clip(across / rng.uniform(0.4, 3) + 0.5, 0, 1), dtype=np.float32)
