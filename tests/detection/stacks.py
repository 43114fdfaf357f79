"""Small stacks of serial sections through hollow spheres, laid down at will."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid, plane_of_pixels
from detection.registration.section_frame import SectionFrame

PIXEL_UM = 0.356
SIZE_PX = 256
OFFSET = 500.0


class Block:
    """Spheres in a block, 3 to 5 um in radius, none in another's way."""

    def __init__(self, seed: int, cells: int = 60, half_um: float = 80.0, depth_um: float = 4.0) -> None:
        rng = np.random.default_rng(seed)
        self.centers: list[tuple[float, float, float]] = []
        self.radii: list[float] = []
        while len(self.centers) < cells:
            x, y = rng.uniform(-half_um, half_um, 2)
            z, radius = rng.uniform(-2, depth_um + 2), rng.uniform(3, 5)
            if all(
                math.hypot(x - u, y - v) > radius + other + 1.5
                for (u, v, _), other in zip(self.centers, self.radii, strict=True)
            ):
                self.centers.append((float(x), float(y), float(z)))
                self.radii.append(float(radius))

    def cuts(self, z_um: float) -> dict[int, tuple[float, float, float]]:
        """Centre and radius, um, of each cell that a section cuts."""
        return {
            n: (x, y, math.sqrt(radius**2 - (z_um - z) ** 2))
            for n, ((x, y, z), radius) in enumerate(zip(self.centers, self.radii, strict=True))
            if abs(z_um - z) < radius
        }

    def section(
        self,
        name: str,
        z_um: float,
        to_block: Rigid,
        seed: int = 0,
        *,
        brightness: float = 120.0,
        noise: float = 20.0,
        dust: BoxPx | None = None,
        faint: Sequence[int] = (),
    ) -> SectionFrame:
        """Take a frame; `faint` cells show no light in it."""
        image = np.full((SIZE_PX, SIZE_PX), OFFSET)
        y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
        places = np.column_stack([x.ravel(), y.ravel()])
        u, v = to_block.apply(plane_of_pixels(places, (SIZE_PX, SIZE_PX), PIXEL_UM)).T
        u, v = u.reshape(x.shape), v.reshape(x.shape)
        for cell, (cx, cy, radius) in self.cuts(z_um).items():
            if cell not in faint:
                part = _around(self.box(cell, z_um, to_block), radius / PIXEL_UM)
                off = np.hypot(u[part] - cx, v[part] - cy)
                image[part][(off <= radius) & (off > 0.4 * radius)] += brightness
        if dust is not None:
            image[dust.slices] += 60
        blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.6))
        rng = np.random.default_rng([seed, 7])
        pixels = np.clip(np.rint(blurred + rng.normal(0, noise, blurred.shape)), 0, 65535)
        return SectionFrame(name, pixels.astype(np.uint16), PIXEL_UM, OFFSET)

    def box(self, cell: int, z_um: float, to_block: Rigid) -> NDArray[np.float64]:
        """Middle of a cell in the frame, column and row, px."""
        x, y, _ = self.cuts(z_um)[cell]
        place = to_block.inverse().apply(np.array([[x, y]])) / (PIXEL_UM, -PIXEL_UM) + SIZE_PX / 2
        return np.asarray(place[0])


def _around(middle_px: NDArray[np.float64], radius_px: float) -> tuple[slice, slice]:
    """Rows and columns that hold a disc."""
    low = np.clip(np.floor(middle_px - radius_px).astype(int) - 1, 0, SIZE_PX)
    high = np.clip(np.ceil(middle_px + radius_px).astype(int) + 1, 0, SIZE_PX)
    return slice(low[1], high[1]), slice(low[0], high[0])
