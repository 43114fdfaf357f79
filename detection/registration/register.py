"""Registration of a section on its neighbour, by fluorescence alone.

Landmarks come first; where they do not agree, correlation at all rotations. Either is accepted only if the
frames correlate under the motion and the motion back is its inverse. Where two frames agree without any
motion, it may be dust that agrees: they are compared again without the spots at the same pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detection.registration.camera_spots import fixed_spots, landmarks_without, raster_without, same_specimen
from detection.registration.correlation import (
    OverlapCorrelation,
    Raster,
    correlate,
    raster,
    refine,
    search_rotations,
)
from detection.registration.landmarks import Landmarks, find_consensus, find_landmarks
from detection.registration.normalisation import normalise_residual, smooth_background, smoothed
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.link


@dataclass(frozen=True, slots=True)
class Link:
    """Position of one section on another.

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
        The correlation over its standard deviation for unrelated frames.
    overlap : float
        Share of the frame, 0..1.
    both_ways_um : float
        Largest distance within the frame between the motion and the inverse of the one back.
    bad : bool
        True if the link must not be used.
    reason : str
        Sentence for people: why it is bad; empty for a good one.
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
    """A frame prepared for registration, once for all its links.

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


def prepare(
    frame: SectionFrame, residual: NDArray[np.float32] | None = None, least_bright: float = 0.0
) -> Prepared:
    """Prepare a frame for registration.

    Parameters
    ----------
    frame : SectionFrame
    residual : (rows, columns) array of float32, optional
        The frame without its smooth background, where that is known already.
    least_bright : float
        As in `normalise_residual`.
    """
    if residual is None:
        values = np.asarray(frame.pixels, dtype=np.float32)
        residual = values - smooth_background(values, frame.pixel_size_um)
    smooth = smoothed(residual, frame.pixel_size_um)
    image, _ = normalise_residual(residual, frame, SETTINGS.landmarks.pixel_um, least_bright, smooth)
    landmarks = find_landmarks(image, frame)
    coarse, mask = normalise_residual(residual, frame, SETTINGS.correlation.pixel_um, least_bright, smooth)
    pixel_um = frame.pixel_size_um * frame.shape[1] / coarse.shape[1]
    angle = None if frame.section_angle_rad is None else frame.section_angle_rad - frame.rotation_rad
    return Prepared(frame.section, frame.radius_um, angle, landmarks, raster(coarse, mask, pixel_um))


def register(source: Prepared, target: Prepared, *, elsewhere: bool = True) -> Link:
    """Register a section on another one.

    Parameters
    ----------
    source, target : Prepared
        Where both know the rotation of their section on the stage, it is tried first.
    elsewhere : bool
        False: where the rotation is known, no other one is tried.

    Returns
    -------
    Link
        A bad one where no motion can be trusted.
    """
    start = None
    if source.angle_rad is not None and target.angle_rad is not None:
        start = target.angle_rad - source.angle_rad
    link = _registered(source, target, start, elsewhere)
    if link.bad or source.raster.grid != target.raster.grid or not _is_still(link, source):
        return link
    if same_specimen(source.raster, target.raster):
        return link
    fixed = fixed_spots(source.raster, target.raster)
    other = _registered(_without(source, fixed), _without(target, fixed), start, elsewhere)
    # Remainders of spots may agree by chance.
    sure = other.inliers >= _SETTINGS.few_inliers or other.significance >= _SETTINGS.highly_significant
    if sure and not (other.bad or _is_still(other, source)):
        return other
    return replace(link, bad=True, reason="only what is fixed in the camera agrees")


def _is_still(link: Link, source: Prepared) -> bool:
    """Return True if the link hardly moves the frame: a specimen that has not moved, or dust."""
    return (
        link.motion is not None and link.motion.distance_um(Rigid(), source.radius_um) <= _SETTINGS.still_um
    )


def _registered(source: Prepared, target: Prepared, start_rad: float | None, elsewhere: bool) -> Link:
    links: list[Link] = []
    near = () if start_rad is None else (start_rad,)
    for angle in (*near, None) if elsewhere or start_rad is None else near:
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
    there = find_consensus(source.landmarks, target.landmarks, start_rad)
    if there is None:
        return no_link(source.section, target.section, "no landmarks agree")
    back = find_consensus(target.landmarks, source.landmarks, None if start_rad is None else -start_rad)
    both_ways_um = math.inf
    if back is not None:
        both_ways_um = there.motion.distance_um(back.motion.inverse(), source.radius_um)
    inliers = there.inliers if back is None else min(there.inliers, back.inliers)
    if inliers < _SETTINGS.many_inliers or both_ways_um > _SETTINGS.both_ways_um:
        return _refined(source, target, [there.motion], "landmarks", inliers)
    found = correlate(source.raster, target.raster, there.motion)
    return _judged(source, target, there.motion, "landmarks", inliers, found, both_ways_um)


def _by_correlation(source: Prepared, target: Prepared, start_rad: float | None) -> Link:
    motions = search_rotations(source.raster, target.raster, start_rad)
    return _refined(source, target, motions, "correlation", 0)


def _refined(source: Prepared, target: Prepared, motions: Sequence[Rigid], method: str, inliers: int) -> Link:
    """Refine motions by correlation, and judge the most significant one."""
    best: tuple[OverlapCorrelation, Rigid, Rigid] | None = None
    for motion in motions:
        finer = refine(source.raster, target.raster, motion)
        if finer is None:
            continue
        found = correlate(source.raster, target.raster, finer)
        if best is None or found.significance > best[0].significance:
            best = found, finer, motion
    if best is None:
        return no_link(source.section, target.section, "no rotation correlates")
    found, there, motion = best
    back = refine(target.raster, source.raster, motion.inverse())
    both_ways_um = math.inf if back is None else there.distance_um(back.inverse(), source.radius_um)
    return _judged(source, target, there, method, inliers, found, both_ways_um)


def _judged(
    source: Prepared,
    target: Prepared,
    motion: Rigid,
    method: str,
    inliers: int,
    found: OverlapCorrelation,
    both_ways_um: float,
) -> Link:
    reasons = []
    if found.overlap < SETTINGS.correlation.least_overlap:
        reasons.append(f"only {found.overlap:.0%} of the frame is shared")
    needed = _SETTINGS.significant if inliers >= _SETTINGS.few_inliers else _SETTINGS.significant_alone
    in_noise = found.significance >= _SETTINGS.highly_significant
    correlated = _SETTINGS.correlated_in_noise if in_noise else _SETTINGS.correlated
    if found.significance < needed or found.correlation < correlated:
        reasons.append(
            f"the overlap correlates by {found.correlation:.2f} only ({found.significance:.1f} sd)"
        )
    if not both_ways_um <= _SETTINGS.both_ways_um:
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
        both_ways_um,
        bool(reasons),
        ", ".join(reasons),
    )


def no_link(source: str, target: str, reason: str) -> Link:
    """Return a bad link, without a motion, between two sections."""
    return Link(source, target, None, "none", 0, 0.0, 0.0, 0.0, math.inf, True, reason)
