"""Frames of the sections of a block."""

import math

import numpy as np

from detection.registration.section_frame import SectionFrame

PIXEL_UM = 0.5
SIDE_PX = 160


def block_of_balls(count: int, step_um: float = 1.0, seed: int = 1) -> list[SectionFrame]:
    """Return sections through a block of balls, each turned and shifted, with noise."""
    rng = np.random.default_rng(seed)
    balls = rng.uniform((-60, -60, -5), (60, 60, count * step_um + 5), (60, 3))
    radii = rng.uniform(2.5, 5, 60)
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX] + 0.5
    x, y = (columns - SIDE_PX / 2) * PIXEL_UM, (SIDE_PX / 2 - rows) * PIXEL_UM
    frames = []
    for n in range(count):
        turn = float(rng.uniform(-math.pi, math.pi))
        dx, dy = rng.uniform(-3, 3, 2)
        u = x * math.cos(turn) + y * math.sin(turn) + dx
        v = y * math.cos(turn) - x * math.sin(turn) + dy
        image = np.full(u.shape, 100.0)
        for (a, b, c), radius in zip(balls, radii, strict=True):
            cut = radius**2 - (n * step_um - c) ** 2
            if cut > 0:
                image += 200 * ((u - a) ** 2 + (v - b) ** 2 < cut)
        image = rng.poisson(image)
        frames.append(
            SectionFrame(f"S{n:04d}", image.astype(np.uint16), PIXEL_UM, section_angle_rad=turn + 0.01)
        )
    return frames
