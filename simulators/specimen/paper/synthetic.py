"""Synthetic sections after the paper: spheres with empty nuclei, sliced, on a bell of background.

`simulators.specimen.paper.specimen` names the source and what it leaves open.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulators.specimen.paper.specimen import SMALLEST_COUNTED_UM, PaperCell, PaperSection, PaperSpecimen
from simulators.specimen.paper.spheres import PUNCTUM_RADIUS_UM, Sphere, fill

_LEVELS = 1024
"""The default levels fill 10 bits; images of fewer bits are scaled down to fit."""
_BELL_SD = 0.35
"""Standard deviation of the bell over the side of the frame; chosen by hand, the paper gives none."""
_FAINT = 0.12
"""Label of the cytoplasm between puncta, over that of a punctum; chosen by hand."""
_LABELLED = 0.3
"""Pixels with less than this share of the strongest label do not count for the contrast; chosen by hand."""
_DEFAULT = PaperSpecimen()


def paper_section(seed: int, specimen: PaperSpecimen = _DEFAULT) -> PaperSection:
    """Return one slice through the middle of a volume of its own; the same for the same seed."""
    return next(paper_sections(seed, 1, specimen))


def paper_sections(seed: int, count: int, specimen: PaperSpecimen = _DEFAULT) -> Iterator[PaperSection]:
    """Cut a volume into `count` neighbouring slices; the same ones for the same seed."""
    rng = np.random.default_rng([seed, 21])
    spheres = fill(rng, count * specimen.thickness_nm * 1e-3, specimen)
    for number in range(count):
        depth_um = (number + 0.5) * specimen.thickness_nm * 1e-3
        yield _slice(spheres, depth_um, specimen, np.random.default_rng([seed, 22, number]))


def _slice(
    spheres: list[Sphere], depth_um: float, specimen: PaperSpecimen, rng: np.random.Generator
) -> PaperSection:
    rows, columns = specimen.shape
    y = np.arange(0.5, rows, dtype=np.float64)[:, None] * specimen.pixel_size_um
    x = np.arange(0.5, columns, dtype=np.float64)[None, :] * specimen.pixel_size_um
    image = np.zeros(specimen.shape)
    cells = []
    for number, sphere in enumerate(spheres):
        cut = _cut_radius(sphere.radius_um, sphere.center_um[2] - depth_um)
        if cut > 0:
            part = _window(sphere.center_um, cut, specimen)
            label = _label(sphere, x[:, part[1]], y[part[0]], depth_um, specimen)
            image[part] += sphere.brightness * label
            whole = _whole(sphere, x[:, part[1]], y[part[0]], depth_um, specimen)
            cell = _cell(f"P{number:04d}", sphere.brightness * label, whole, part, specimen)
            if cell is not None:
                cells.append(cell)
    x_sd, y_sd = (_BELL_SD * side * specimen.pixel_size_um for side in (columns, rows))
    image += specimen.bell * np.exp(-0.5 * (((x - x.mean()) / x_sd) ** 2 + ((y - y.mean()) / y_sd) ** 2))
    image += rng.normal(0, specimen.noise, specimen.shape)
    scale = min(1.0, 2**specimen.bits / _LEVELS)
    levels = np.clip(np.rint((image + specimen.offset) * scale), 0, 2**specimen.bits - 1)
    pixels = levels.astype(np.uint8 if specimen.bits == 8 else np.uint16)
    return PaperSection(pixels, specimen.offset * scale, tuple(cells))


def _cut_radius(radius_um: float, height_um: float) -> float:
    return math.sqrt(max(radius_um**2 - height_um**2, 0.0))


def _window(center_um: NDArray[np.float64], radius_um: float, specimen: PaperSpecimen) -> tuple[slice, slice]:
    low = np.floor((center_um[:2] - radius_um) / specimen.pixel_size_um).astype(int) - 1
    high = np.ceil((center_um[:2] + radius_um) / specimen.pixel_size_um).astype(int) + 1
    rows, columns = specimen.shape
    x0, x1 = np.clip([low[0], high[0]], 0, columns)
    y0, y1 = np.clip([low[1], high[1]], 0, rows)
    return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def _disc(
    center_um: NDArray[np.float64],
    radius_um: float,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth_um: float,
    pixel_um: float,
) -> NDArray[np.float64]:
    """Return the share of each pixel that a ball covers in the plane at `depth_um`, 0..1."""
    cut = _cut_radius(radius_um, float(center_um[2]) - depth_um)
    if cut == 0:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape))
    inside_um = cut - np.hypot(x - center_um[0], y - center_um[1])
    return np.asarray(np.clip(0.5 + inside_um / pixel_um, 0, 1), dtype=np.float64)


def _label(
    sphere: Sphere,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth_um: float,
    specimen: PaperSpecimen,
) -> NDArray[np.float64]:
    """Return the label of a cell in the plane, 0..1."""
    pixel = specimen.pixel_size_um
    nucleus = _disc(sphere.center_um, specimen.nucleus_share * sphere.radius_um, x, y, depth_um, pixel)
    if specimen.pattern == "nuclear":
        return nucleus
    cytoplasm = _whole(sphere, x, y, depth_um, specimen) - nucleus
    if specimen.pattern == "cytoplasmic":
        return cytoplasm
    label = _FAINT * cytoplasm
    for punctum in sphere.puncta_um[np.abs(sphere.puncta_um[:, 2] - depth_um) < PUNCTUM_RADIUS_UM]:
        label = np.maximum(label, _disc(punctum, PUNCTUM_RADIUS_UM, x, y, depth_um, pixel))
    return label


def _whole(
    sphere: Sphere,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth_um: float,
    specimen: PaperSpecimen,
) -> NDArray[np.float64]:
    """Return the share of each pixel that belongs to the true cell (its nucleus, if nuclear), 0..1."""
    share = specimen.nucleus_share if specimen.pattern == "nuclear" else 1.0
    return _disc(sphere.center_um, share * sphere.radius_um, x, y, depth_um, specimen.pixel_size_um)


def _cell(
    name: str,
    signal: NDArray[np.float64],
    whole: NDArray[np.float64],
    part: tuple[slice, slice],
    specimen: PaperSpecimen,
) -> PaperCell | None:
    """Return the truth of a cell; None where the frame shows none of it."""
    mask = whole >= 0.5
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = (part[1].start + x0, part[0].start + y0, part[1].start + x1, part[0].start + y1)
    labelled = mask & (signal > _LABELLED * signal.max())
    contrast = float(signal[labelled if labelled.any() else mask].mean())
    smallest_um = min(x1 - x0, y1 - y0) * specimen.pixel_size_um
    return PaperCell(
        name,
        box,
        mask[y0:y1, x0:x1],
        contrast / specimen.noise if specimen.noise > 0 else math.inf,
        smallest_um >= SMALLEST_COUNTED_UM,
    )
