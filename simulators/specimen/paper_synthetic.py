"""Synthetic sections after the paper's text: spheres with empty nuclei, sliced, on a bell of background.

Delpiano et al., J. Microsc. 271 (2018) 109, "Development of a synthetic data set": cells placed at random in
a volume, size and brightness of each from a Gaussian distribution, uniform cytoplasm around an empty nucleus,
slices of 100 nm, a bell-shaped background of amplitude 80, Gaussian noise of 20, 40 or 60. What the text
leaves open (brightness, size of the nucleus, density, width of the bell) has a default here that is stated.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pattern = Literal["cytoplasmic", "nuclear", "punctate"]

SMALLEST_COUNTED_UM = 1.0
"""A cut that shows less than this across, in either direction, is in the truth but not counted.

It is the edge of a cell outside of the frame (one cut in 25) or a graze of a sphere (one in 250): a few
pixels whose box no reader would draw twice the same. The paper counts a box of each simulated object.
"""
_LEVELS = 1024
"""The defaults fill 10 bits; pictures of fewer are scaled down to fit."""
_BELL_SD = 0.35
"""Standard deviation of the bell over the side of the frame."""
_PUNCTUM_RADIUS_UM = 0.6
_PUNCTUM_SHARE = 0.25
"""Volume of the puncta over that of the cytoplasm."""
_FAINT = 0.12
"""Label of the cytoplasm between puncta."""
_LABELLED = 0.3
"""Pixels of less label do not count for the contrast of a cell."""
_TRIES = 2000


@dataclass(frozen=True, slots=True)
class PaperSpecimen:
    """What the slices are cut from, and the picture taken of them.

    Attributes
    ----------
    radius_um, radius_sd_um : float
        Of the spheres, um, Gaussian, cut at 2.5 standard deviations. The two populations in use are
        5.5 +- 0.8 and 8.75 +- 1.25.
    brightness, brightness_sd : float
        Of the label above the background, grey levels, Gaussian, cut at 2.5 standard deviations.
    nucleus_share : float
        Radius of the nucleus over that of the cell, 0..1; its centre is that of the cell.
    noise : float
        Standard deviation of the Gaussian noise, grey levels.
    bell : float
        Height of the background's bell, grey levels, in the middle of the frame.
    cells_per_section : float
        Mean number that a slice shows; the paper's experts found 14.1.
    pattern : {"cytoplasmic", "nuclear", "punctate"}
        What is labelled: all but the nucleus, the nucleus, or puncta of 0.6 um radius in a faint cytoplasm.
        The truth of a nuclear cell is its nucleus, otherwise the whole cut.
    shape : (int, int)
        Rows and columns.
    pixel_size_um : float
    thickness_nm : float
        From one slice to the next.
    bits : int
        8 to 16. Below 10 all levels are scaled down so that the picture fits.
    offset : float
        Grey level of no light. 0 cuts off half of the noise where there is no background.
    """

    radius_um: float = 5.5
    radius_sd_um: float = 0.8
    brightness: float = 120.0
    brightness_sd: float = 30.0
    nucleus_share: float = 0.55
    noise: float = 20.0
    bell: float = 80.0
    cells_per_section: float = 14.0
    pattern: Pattern = "cytoplasmic"
    shape: tuple[int, int] = (512, 512)
    pixel_size_um: float = 0.178
    thickness_nm: float = 100.0
    bits: int = 16
    offset: float = 500.0


@dataclass(frozen=True, slots=True)
class PaperCell:
    """What a slice shows of one cell.

    Attributes
    ----------
    id : str
        The same in every slice of the volume.
    box_px : (int, int, int, int)
        x0, y0, x1, y1, half-open: around the visible part of the cut, before noise.
    mask : (rows, columns) array of bool
        The visible part of the cut, nucleus included, within `box_px`.
    contrast_to_noise : float
        Mean signal of its labelled pixels over the noise of a pixel.
    counted : bool
        False for what shows less than `SMALLEST_COUNTED_UM` across.
    """

    id: str
    box_px: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    contrast_to_noise: float
    counted: bool


@dataclass(frozen=True, slots=True)
class PaperSection:
    """One slice.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    offset_adu : float
        Grey level of no light.
    cells : tuple of PaperCell
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    offset_adu: float
    cells: tuple[PaperCell, ...]


@dataclass(frozen=True, slots=True)
class _Sphere:
    center_um: NDArray[np.float64]
    radius_um: float
    brightness: float
    puncta_um: NDArray[np.float64]
    """Centres of its puncta, (N, 3); none in other patterns."""


def paper_section(seed: int, specimen: PaperSpecimen = PaperSpecimen()) -> PaperSection:
    """Return one slice through the middle of a volume of its own; the same for the same seed."""
    return next(paper_sections(seed, 1, specimen))


def paper_sections(
    seed: int, count: int, specimen: PaperSpecimen = PaperSpecimen()
) -> Iterator[PaperSection]:
    """Cut a volume into `count` neighbouring slices.

    Spheres do not overlap; where they no longer fit (above a third of the volume) there are fewer.
    """
    rng = np.random.default_rng([seed, 21])
    spheres = _fill(rng, count * specimen.thickness_nm * 1e-3, specimen)
    for number in range(count):
        depth_um = (number + 0.5) * specimen.thickness_nm * 1e-3
        yield _slice(spheres, depth_um, specimen, np.random.default_rng([seed, 22, number]))


def _fill(rng: np.random.Generator, depth_um: float, specimen: PaperSpecimen) -> list[_Sphere]:
    reach = specimen.radius_um + 2.5 * specimen.radius_sd_um
    rows, columns = specimen.shape
    size = np.array([columns * specimen.pixel_size_um, rows * specimen.pixel_size_um, depth_um])
    # A plane shows the spheres whose centres lie within a radius of it.
    per_um3 = specimen.cells_per_section / (size[0] * size[1] * 2 * specimen.radius_um)
    wanted = rng.poisson(per_um3 * float(np.prod(size + 2 * reach)))
    radii = np.maximum(_gaussian(rng, specimen.radius_um, specimen.radius_sd_um, wanted), 0.2)
    # The largest first: they find room only while there is much of it.
    radii = np.sort(radii)[::-1]
    levels = np.maximum(_gaussian(rng, specimen.brightness, specimen.brightness_sd, wanted), 1.0)
    centers = np.empty((0, 3))
    placed: list[_Sphere] = []
    for radius, level in zip(radii, levels, strict=True):
        for _ in range(_TRIES):
            center = rng.uniform(-reach, size + reach)
            apart = np.linalg.norm(centers - center, axis=1)
            if np.all(apart > radius + radii[: len(placed)]):
                break
        else:
            break
        centers = np.vstack([centers, center])
        puncta = _puncta(rng, center, float(radius), specimen)
        placed.append(_Sphere(center, float(radius), float(level), puncta))
    return placed


def _gaussian(rng: np.random.Generator, mean: float, sd: float, count: int) -> NDArray[np.float64]:
    return mean + sd * np.clip(rng.standard_normal(count), -2.5, 2.5)


def _puncta(
    rng: np.random.Generator, center: NDArray[np.float64], radius: float, specimen: PaperSpecimen
) -> NDArray[np.float64]:
    """Centres of small balls in the cytoplasm, evenly scattered."""
    if specimen.pattern != "punctate":
        return np.empty((0, 3))
    inner, outer = specimen.nucleus_share * radius, max(radius - _PUNCTUM_RADIUS_UM, 0.0)
    if outer <= inner:
        return np.empty((0, 3))
    count = rng.poisson(_PUNCTUM_SHARE * (outer**3 - inner**3) / _PUNCTUM_RADIUS_UM**3)
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return center + directions * np.cbrt(rng.uniform(inner**3, outer**3, (count, 1)))


def _slice(
    spheres: list[_Sphere], depth_um: float, specimen: PaperSpecimen, rng: np.random.Generator
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
    """How much of each pixel a ball covers in the plane at `depth_um`, 0..1."""
    cut = _cut_radius(radius_um, float(center_um[2]) - depth_um)
    if cut == 0:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape))
    inside_um = cut - np.hypot(x - center_um[0], y - center_um[1])
    return np.asarray(np.clip(0.5 + inside_um / pixel_um, 0, 1), dtype=np.float64)


def _label(
    sphere: _Sphere,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth_um: float,
    specimen: PaperSpecimen,
) -> NDArray[np.float64]:
    """Label of a cell in the plane, 0..1."""
    pixel = specimen.pixel_size_um
    nucleus = _disc(sphere.center_um, specimen.nucleus_share * sphere.radius_um, x, y, depth_um, pixel)
    if specimen.pattern == "nuclear":
        return nucleus
    cytoplasm = _whole(sphere, x, y, depth_um, specimen) - nucleus
    if specimen.pattern == "cytoplasmic":
        return cytoplasm
    label = _FAINT * cytoplasm
    for punctum in sphere.puncta_um[np.abs(sphere.puncta_um[:, 2] - depth_um) < _PUNCTUM_RADIUS_UM]:
        label = np.maximum(label, _disc(punctum, _PUNCTUM_RADIUS_UM, x, y, depth_um, pixel))
    return label


def _whole(
    sphere: _Sphere,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth_um: float,
    specimen: PaperSpecimen,
) -> NDArray[np.float64]:
    """How much of each pixel is cell, by what the truth of the pattern is."""
    share = specimen.nucleus_share if specimen.pattern == "nuclear" else 1.0
    return _disc(sphere.center_um, share * sphere.radius_um, x, y, depth_um, specimen.pixel_size_um)


def _cell(
    name: str,
    signal: NDArray[np.float64],
    whole: NDArray[np.float64],
    part: tuple[slice, slice],
    specimen: PaperSpecimen,
) -> PaperCell | None:
    """Truth of a cell; None where the frame shows none of it."""
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
