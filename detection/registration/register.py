"""Where a section lies on its neighbour, from fluorescence alone.

Landmarks first; where they do not agree, correlation at all rotations. Either is believed only if the frames
agree where it lays them on each other, and if the way back is the same. Where that is as the camera took
them, it may be dust that agrees: then they are compared without what both show at the same pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detection.registration.camera_spots import landmarks_without, raster_without, same_specimen, spots
from detection.registration.correlation import Agreement, Raster, agreement, raster, refine, sweep
from detection.registration.landmarks import Landmarks, agree, find_landmarks
from detection.registration.normalisation import coarser, smooth_background
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame

LANDMARK_PIXEL_UM = 0.36
RASTER_PIXEL_UM = 0.9
BROAD_UM = 8.0
BOTH_WAYS_UM = 1.0
STILL_UM = 1.5
"""How far a place may move for it to be called the same of the camera."""
LEAST_INLIERS = 6
MANY_INLIERS = 12
"""From so many on the landmarks alone tell the motion well enough, if the way back is the same."""
SIGNIFICANT = 6.0
"""With landmarks that agree; the best of a hundred thousand unrelated overlaps reaches 4.5."""
SIGNIFICANT_ALONE = 8.0
"""The best of a sweep over all rotations and shifts of unrelated frames reached 6.6 in 292 pairs."""
CORRELATED = 0.2
HIGHLY_SIGNIFICANT, CORRELATED_IN_NOISE = 9.0, 0.1
"""Of dim cells noise leaves little correlation, however surely they agree."""


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
    link = _registered(source, target, start)
    if link.bad or source.raster.grid != target.raster.grid or not _is_still(link, source):
        return link
    if same_specimen(source.raster, target.raster):
        return link
    fixed = spots(source.raster, target.raster)
    other = _registered(_without(source, fixed), _without(target, fixed), start)
    # What is left of spots may agree by chance.
    sure = other.inliers >= LEAST_INLIERS or other.significance >= HIGHLY_SIGNIFICANT
    if sure and not (other.bad or _is_still(other, source)):
        return other
    return replace(link, bad=True, reason="only what is fixed in the camera agrees")


def _is_still(link: Link, source: Prepared) -> bool:
    """Whether frames lie on each other as the camera took them: a specimen that has not moved, or dust."""
    return link.motion is not None and link.motion.apart_um(Rigid(), source.radius_um) <= STILL_UM


def _registered(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    links: list[Link] = []
    for angle in (None,) if start_rad is None else (start_rad, None):
        for attempt in (_by_landmarks, _by_correlation):
            link = attempt(source, target, angle)
            if not link.bad:
                return link
            links.append(link)
    return max(links, key=lambda link: link.significance)


def _without(prepared: Prepared, left_out: NDArray[np.bool_]) -> Prepared:
    return replace(
        prepared,
        landmarks=landmarks_without(prepared.landmarks, left_out, prepared.raster),
        raster=raster_without(prepared.raster, left_out),
    )


def _by_landmarks(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    there = agree(source.landmarks, target.landmarks, start_rad)
    if there is None:
        return no_link(source.section, target.section, "no landmarks agree")
    back = agree(target.landmarks, source.landmarks, None if start_rad is None else -start_rad)
    apart = math.inf if back is None else _apart_um(source, there.motion, back.motion.inverse())
    inliers = there.inliers if back is None else min(there.inliers, back.inliers)
    if inliers < MANY_INLIERS or apart > BOTH_WAYS_UM:
        return _by_light(source, target, [there.motion], "landmarks", inliers)
    found = agreement(source.raster, target.raster, there.motion)
    return _judged(source, target, there.motion, "landmarks", inliers, found, apart)


def _by_correlation(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    motions = sweep(source.raster, target.raster, start_rad)
    return _by_light(source, target, motions, "correlation", 0)


def _by_light(
    source: Prepared, target: Prepared, motions: Sequence[Rigid], method: str, inliers: int
) -> Link:
    """Improve motions until the light agrees best, and judge the best of them."""
    best: tuple[Agreement, Rigid, Rigid] | None = None
    for motion in motions:
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
    return _judged(source, target, there, method, inliers, found, apart)


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
    correlated = CORRELATED if found.significance < HIGHLY_SIGNIFICANT else CORRELATED_IN_NOISE
    if found.significance < needed or found.correlation < correlated:
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
