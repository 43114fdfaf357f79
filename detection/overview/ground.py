"""Substrate, glass and contrast of an overview."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from detection.overview.padding import padding_of
from detection.overview.settings import GroundSettings
from detection.overview.values import Corners, Floats, Mask, Pixels


@dataclass(frozen=True, slots=True)
class Ground:
    """An overview at a working scale, with what is known of each pixel.

    Attributes
    ----------
    scale : float
        Working pixels per pixel of the overview.
    tones : (rows, columns, channels) array of float32
    glass : (rows, columns) array of bool
        Ground on which a section can lie.
    contrast : (rows, columns) array of float32
        Distance from the tone of the substrate, grey levels.
    edge : (rows, columns, 3) array of float32
        Structure tensor xx, xy, yy: products of the gradients, summed over the channels, (grey levels/px)^2.
    noise : float
        Usual gradient of the substrate, grey levels per pixel.
    floor : float
        Gradient that the substrate seldom exceeds: no edge is weaker.
    least_contrast : float
        Contrast above which a pixel is no substrate, grey levels.
    enclosed : (rows, columns) array of bool
        Ground that no way without edges joins to the substrate.
    by_edges : bool
        It is taken for no substrate, too.
    strong : float
        Gradient above the floor at which an edge has half its support, grey levels per pixel.
    """

    scale: float
    tones: Floats
    glass: Mask
    contrast: Floats
    edge: Floats
    noise: float
    floor: float
    least_contrast: float
    strong: float
    enclosed: Mask
    by_edges: bool = False

    @property
    def foreground(self) -> Mask:
        """Ground that is no substrate."""
        return np.asarray((self.contrast > self.least_contrast) & self.glass)

    @property
    def inside(self) -> Mask:
        """Ground on which a section may lie: one as bright as the substrate shows by its edges alone."""
        return np.asarray(self.foreground | self.enclosed) if self.by_edges else self.foreground


def reduced(pixels: Pixels, scale: float) -> Floats:
    """Return the pixels, (rows, columns, channels), at a scale of at most 1, as grey levels of 8 bit."""
    rows, columns = pixels.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels)
    tones = np.ascontiguousarray(small.reshape(*small.shape[:2], -1), dtype=np.float32)
    # Beyond white is what is no picture: its edges would hide all others.
    return np.asarray(np.minimum(tones * np.float32(_gain(pixels)), 2 * 255), np.float32)


def _gain(pixels: Pixels) -> float:
    """Return the factor to grey levels of 8 bit; cameras of 12 bit fill a sixteenth of 16 bit."""
    step = max(1, max(pixels.shape[:2]) // 1000)
    some = pixels[::step, ::step]
    bright = float(np.percentile(some, 99.9))
    if pixels.dtype == np.uint8 and bright >= 128:
        return 1.0
    full = {1: 255, 2: 65535}.get(pixels.dtype.itemsize, np.inf)
    if bright >= full:
        # A white border or letters, burnt in beside what the camera saw.
        seen = some[some < full]
        bright = float(np.percentile(seen, 99.9)) if seen.size > some.size / 4 else bright
    return 255 / bright if bright > 0 else 1.0


def gradients(tones: Floats, sigma_px: float) -> Floats:
    """Return the structure tensor, (rows, columns, 3), of the smoothed tones."""
    tensor = np.zeros((*tones.shape[:2], 3), np.float32)
    for channel in range(tones.shape[2]):
        smooth = cv2.GaussianBlur(tones[:, :, channel], (0, 0), sigma_px)
        # Scaled to grey levels per pixel.
        x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
        y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
        tensor[:, :, 0] += x * x
        tensor[:, :, 1] += x * y
        tensor[:, :, 2] += y * y
    return tensor


def ground_of(tones: Floats, scale: float, settings: GroundSettings) -> Ground | None:
    """Find the substrate and return what is known of each pixel; None without a substrate.

    The substrate is the largest smooth region, with others of about its tone: tiles of a stitched overview
    have seams between them. Its tone under a section is carried in from around it. A picture whose noise
    leaves holes in what is there is smoothed.
    """
    valid = ~padding_of(tones, settings.padding)
    if not valid.any():
        return None
    found = _ground(tones, valid, scale, settings)
    for smoothing_px in settings.smoothings_px:
        if unclear(found) <= settings.clear:
            break
        smoothed = np.asarray(cv2.GaussianBlur(tones, (0, 0), smoothing_px), np.float32).reshape(tones.shape)
        more = _ground(smoothed, valid, scale, settings)
        # Dirt and uneven ground scatter as much when they are smoothed, and the edges would be lost.
        if found is not None and (
            more is None or more.least_contrast > settings.quieter * found.least_contrast
        ):
            break
        found = more
    return found


def unclear(ground: Ground | None) -> float:
    """Return the least contrast over the usual one of what stands out: above 1 nothing does."""
    if ground is None:
        return np.inf
    off = ground.contrast[ground.foreground]
    return ground.least_contrast / float(np.median(off)) if off.size else np.inf


def _ground(tones: Floats, valid: Mask, scale: float, settings: GroundSettings) -> Ground | None:
    tensor = gradients(tones, settings.sigma_px)
    gradient = np.sqrt(tensor[:, :, 0] + tensor[:, :, 2])
    noise = float(np.percentile(gradient[valid], settings.noise_percentile))
    smooth = (gradient <= max(settings.smooth_over_noise * noise, 1e-6)) & valid
    seeds = _substrate(tones, smooth, valid, settings)
    if not seeds.any():
        return None
    glass = _hull(seeds) & valid
    contrast, scatter = _contrast(tones, seeds, settings)
    least = settings.contrast_over_scatter * scatter
    off = glass & (contrast > least)
    plain = glass & ~off
    floor = float(np.percentile(gradient[plain], settings.floor_percentile)) if plain.any() else noise
    edge = float(np.percentile(gradient[off], settings.strong_percentile)) if off.any() else 0.0
    strong = float(np.sqrt(max(edge - floor, 1e-6) * max(floor, 1e-6)))
    enclosed = _enclosed(seeds, glass, settings)
    return Ground(
        scale, tones, glass, contrast, tensor, noise, floor, least, strong, enclosed, settings.by_edges
    )


def _enclosed(seeds: Mask, glass: Mask, settings: GroundSettings) -> Mask:
    """Return the ground that the substrate does not reach, without the edges around it and narrow ways."""
    rim = settings.narrow_px + settings.rim_px
    reached = cv2.dilate(seeds.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=rim)
    left = (glass & (reached == 0)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (settings.least_enclosed_px,) * 2)
    return np.asarray(cv2.morphologyEx(left, cv2.MORPH_OPEN, kernel) > 0)


def crowded_part(ground: Ground, side_px: int) -> Ground:
    """Return the square part, of at most a side, with most foreground."""
    rows, columns = ground.glass.shape
    if max(rows, columns) <= side_px:
        return ground
    total = cv2.boxFilter(
        ground.foreground.astype(np.float32),
        -1,
        (side_px, side_px),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    row, column = np.unravel_index(int(total.argmax()), total.shape)
    top = int(np.clip(row - side_px // 2, 0, max(rows - side_px, 0)))
    left = int(np.clip(column - side_px // 2, 0, max(columns - side_px, 0)))
    part = (slice(top, top + side_px), slice(left, left + side_px))
    return replace(
        ground,
        tones=ground.tones[part],
        glass=ground.glass[part],
        contrast=ground.contrast[part],
        edge=np.ascontiguousarray(ground.edge[part]),
        enclosed=ground.enclosed[part],
    )


def with_sections(ground: Ground, sections: Corners, settings: GroundSettings) -> Ground:
    """Return the ground with the substrate between sections that are known, (N, 4, 2) in working pixels.

    What is about as far from the substrate as they are remains off it; pockets between them are substrate.
    """
    covered = np.zeros(ground.glass.shape, np.uint8)
    for corners in sections:
        cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), 1)
    middle = cv2.erode(covered, np.ones((3, 3), np.uint8)) > 0
    if not middle.any():
        return ground
    typical = float(np.percentile(ground.contrast[middle], settings.faint_percentile))
    least = max(ground.least_contrast, settings.faint_share * typical)
    around = cv2.dilate(covered, np.ones((5, 5), np.uint8)) > 0
    gradient = np.sqrt(ground.edge[:, :, 0] + ground.edge[:, :, 2])
    smooth = gradient <= max(2 * settings.smooth_over_noise * ground.noise, 1e-6)
    seeds = smooth & ground.glass & ~around & (ground.contrast < least)
    if not seeds.any():
        return ground
    contrast, _ = _contrast(ground.tones, seeds, settings)
    return replace(ground, contrast=contrast, least_contrast=least)


def _substrate(tones: Floats, smooth: Mask, valid: Mask, settings: GroundSettings) -> Mask:
    """Return the smooth regions that are substrate."""
    # A gap of a few pixels in a faint side would join the inside of a section to the substrate.
    shrunk = cv2.erode(smooth.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=settings.narrow_px)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(shrunk, connectivity=4)
    if count < 2:
        return np.zeros(smooth.shape, np.bool_)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    first = int(areas.argmax())
    tone = np.median(tones[labels == first], axis=0)
    taken = np.zeros(count, np.bool_)
    for number in np.flatnonzero(areas >= settings.least_region_share * valid.sum()):
        other = np.median(tones[labels == number], axis=0)
        taken[number] = bool((np.abs(other - tone) <= settings.tone_tolerance * (tone + 1)).all())
    taken[first] = True
    return np.asarray(taken[labels])


def _hull(seeds: Mask) -> Mask:
    """Return the convex hull of the substrate."""
    rows, columns = np.nonzero(seeds)
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    mask = np.zeros(seeds.shape, np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    return np.asarray(mask > 0)


def _contrast(tones: Floats, seeds: Mask, settings: GroundSettings) -> tuple[Floats, float]:
    """Return the distance of each pixel from the tone of the substrate, and the scatter of the substrate."""
    distance = np.zeros(tones.shape[:2], np.float32)
    weight = seeds.astype(np.float32)
    for channel in range(tones.shape[2]):
        level = _carried(tones[:, :, channel], weight, settings.widths_px)
        distance += (tones[:, :, channel] - level) ** 2
    distance = np.sqrt(distance)
    return distance, float(np.percentile(distance[seeds], settings.scatter_percentile)) + 1e-6


def _carried(tone: Floats, weight: Floats, widths_px: tuple[float, ...]) -> Floats:
    """Return the tone of the substrate everywhere: by the narrowest of the smoothings that reaches it."""
    level = np.full(tone.shape, float((tone * weight).sum() / max(weight.sum(), 1)), np.float32)
    for width in sorted(widths_px, reverse=True):
        # Smoothed at a coarse scale: the widest would take seconds.
        factor = min(1.0, 4 / width)
        size = (max(1, round(tone.shape[1] * factor)), max(1, round(tone.shape[0] * factor)))
        near = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        sums = cv2.resize(tone * weight, size, interpolation=cv2.INTER_AREA)
        sigma = max(width * factor, 0.5)
        near, sums = cv2.GaussianBlur(near, (0, 0), sigma), cv2.GaussianBlur(sums, (0, 0), sigma)
        full = (tone.shape[1], tone.shape[0])
        share = cv2.resize(near, full, interpolation=cv2.INTER_LINEAR)
        mean = cv2.resize(sums, full, interpolation=cv2.INTER_LINEAR) / np.maximum(share, 1e-6)
        trust = np.clip(share / 0.2, 0, 1)
        level = level * (1 - trust) + mean * trust
    return np.asarray(level, dtype=np.float32)
