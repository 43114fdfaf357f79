"""Where a section lies on its neighbour, from fluorescence alone.

Landmarks first; where they do not agree, correlation at all rotations. Either is believed only if the frames
agree where it lays them on each other, and if the way back is the same.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.landmarks import Landmarks, agree, find_landmarks
from detection.normalising import coarser, smooth_background
from detection.overlap import Agreement, Raster, agreement, raster, refine, sweep
from detection.placed import SectionFrame
from detection.rigid import Rigid

LANDMARK_PIXEL_UM = 0.36
RASTER_PIXEL_UM = 0.9
BROAD_UM = 8.0
BOTH_WAYS_UM = 1.0
LEAST_INLIERS = 6
SIGNIFICANT = 6.0
"""With landmarks that agree; the best of a hundred thousand unrelated overlaps reaches 4.5."""
SIGNIFICANT_ALONE = 9.0
CORRELATED = 0.2


@dataclass(frozen=True, slots=True)
class Link:
    """How one section lies on another.

    Attributes
    ----------
    source, target : str
        The two sections.
    motion : Rigid or None
        From the plane of the source to that of the target; None where none was found.
    method : str
        ``landmarks``, ``correlation`` or ``none``.
    inliers : int
        Landmarks that agree.
    correlation : float
        Of the overlap, -1..1.
    significance : float
        Of that correlation, in standard deviations of chance.
    overlap : float
        Share of the frame, 0..1.
    both_ways_um : float
        Largest distance within the overlap between the way there and the way back.
    bad : bool
        Not to be trusted.
    reason : str
        Why it is bad; empty for a good one.
    """

    source: str
    target: str
    motion: Rigid | None
    method: str
    inliers: int
    correlation: float
    significance: float
    overlap: float
    both_ways_um: float
    bad: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame made ready for registration, once for all its links.

    Attributes
    ----------
    section : str
    radius_um : float
    angle_rad : float or None
        Rotation of the section in the plane of the frame, where the layout gives it.
    landmarks : Landmarks
    raster : Raster
    """

    section: str
    radius_um: float
    angle_rad: float | None
    landmarks: Landmarks
    raster: Raster


def prepare(frame: SectionFrame, residual: NDArray[np.float32] | None = None) -> Prepared:
    """Make a frame ready for registration.

    Parameters
    ----------
    frame : SectionFrame
    residual : (rows, columns) array of float32, optional
        The frame less its smooth background, where that is known already.
    """
    if residual is None:
        values = np.asarray(frame.pixels, dtype=np.float32)
        residual = values - smooth_background(values, frame.pixel_size_um)
    image, _ = coarser(residual, frame, LANDMARK_PIXEL_UM)
    landmarks = find_landmarks(image, frame)
    coarse, mask = coarser(residual, frame, RASTER_PIXEL_UM)
    pixel_um = frame.pixel_size_um * frame.shape[1] / coarse.shape[1]
    angle = None if frame.section_angle_rad is None else frame.section_angle_rad - frame.rotation_rad
    return Prepared(
        frame.section, frame.radius_um, angle, landmarks, raster(coarse, mask, pixel_um, BROAD_UM)
    )


def register(source: Prepared, target: Prepared) -> Link:
    """Find how a section lies on another one.

    Parameters
    ----------
    source, target : Prepared
        Where both know the rotation of their section on the stage, it is tried first.

    Returns
    -------
    Link
        Bad where nothing is to be trusted.
    """
    start = None
    if source.angle_rad is not None and target.angle_rad is not None:
        start = target.angle_rad - source.angle_rad
    links: list[Link] = []
    for angle in (None,) if start is None else (start, None):
        for attempt in (_by_landmarks, _by_correlation):
            link = attempt(source, target, angle)
            if not link.bad:
                return link
            links.append(link)
    return max(links, key=lambda link: link.significance)


def _by_landmarks(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    there = agree(source.landmarks, target.landmarks, start_rad)
    if there is None:
        return no_link(source.section, target.section, "no landmarks agree")
    back = agree(target.landmarks, source.landmarks, None if start_rad is None else -start_rad)
    apart = math.inf if back is None else _apart_um(source, there.motion, back.motion.inverse())
    found = agreement(source.raster, target.raster, there.motion)
    inliers = there.inliers if back is None else min(there.inliers, back.inliers)
    return _judged(source, target, there.motion, "landmarks", inliers, found, apart)


def _by_correlation(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    best: tuple[Agreement, Rigid, Rigid] | None = None
    for motion in sweep(source.raster, target.raster, start_rad):
        finer = refine(source.raster, target.raster, motion)
        if finer is None:
            continue
        found = agreement(source.raster, target.raster, finer)
        if best is None or found.significance > best[0].significance:
            best = found, finer, motion
    if best is None:
        return no_link(source.section, target.section, "no rotation correlates")
    found, there, motion = best
    back = refine(target.raster, source.raster, motion.inverse())
    apart = math.inf if back is None else _apart_um(source, there, back.inverse())
    return _judged(source, target, there, "correlation", 0, found, apart)


def _apart_um(source: Prepared, there: Rigid, back: Rigid) -> float:
    """Largest distance between two ways, at the corners of the frame."""
    return there.apart_um(back, source.radius_um)


def _judged(
    source: Prepared,
    target: Prepared,
    motion: Rigid,
    method: str,
    inliers: int,
    found: Agreement,
    apart_um: float,
) -> Link:
    reasons = []
    if found.overlap < 0.08:
        reasons.append(f"only {found.overlap:.0%} of the frame is shared")
    needed = SIGNIFICANT if inliers >= LEAST_INLIERS else SIGNIFICANT_ALONE
    if found.significance < needed or found.correlation < CORRELATED:
        reasons.append(
            f"the overlap correlates by {found.correlation:.2f} only ({found.significance:.1f} sd)"
        )
    if not apart_um <= BOTH_WAYS_UM:
        reasons.append("the way back is another one")
    return Link(
        source.section,
        target.section,
        motion,
        method,
        inliers,
        found.correlation,
        found.significance,
        found.overlap,
        apart_um,
        bool(reasons),
        ", ".join(reasons),
    )


def no_link(source: str, target: str, reason: str) -> Link:
    """Return a bad link, without a motion, between two sections."""
    return Link(source, target, None, "none", 0, 0.0, 0.0, 0.0, math.inf, True, reason)
