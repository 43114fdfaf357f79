"""Frames of a Quanta-style server: the check that one is of our scan, and its pixels.

Such frames carry no date. A frame is ours if it differs from the one that the server had before the scan
(noise never repeats) and carries the beam shift of the scan, which differs from that of earlier scans.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DriverError

TAG_STEP_M = 1e-9
"""Least difference between the beam shifts of two scans, m."""
_TAGS = 16

Frame = tuple[dict[str, Any], bytes]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_KINDS: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2")}
"""Types of pixel as sent over the socket."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Metadata expected in the frame of a scan, as read back before it."""

    size_px: tuple[int, int]
    preset_px: tuple[int, int]
    scanning_size_m: float
    dwell_s: float
    beam_shift_m: tuple[float, float]
    databar_px: int


def tag_m(number: int) -> tuple[float, float]:
    """Return the beam shift that marks scan `number`, m: up to 8 nm an axis, repeated after 256 scans."""
    return (number % _TAGS - _TAGS // 2) * TAG_STEP_M, (number // _TAGS % _TAGS - _TAGS // 2) * TAG_STEP_M


def fingerprint(frame: Frame | None) -> bytes:
    """Return a digest of pixels and metadata; empty for no frame."""
    if frame is None:
        return b""
    about, data = frame
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode() + data).digest()


def mismatch(about: dict[str, Any], expected: Expected) -> str | None:
    """Return in a sentence why the metadata are not those of the scan; None if they are."""
    shift = _numbers(about.get("beam_shift"), 2)
    if shift is None or math.dist(shift, expected.beam_shift_m) > TAG_STEP_M / 2:
        return "the SEM gave the image of another scan: its beam shift is not that of this one"
    for name, wanted in (("scanning_size", expected.scanning_size_m), ("dwell_time", expected.dwell_s)):
        found = _numbers([about.get(name)], 1)
        if found is None or not math.isclose(found[0], wanted, rel_tol=1e-3):
            return f"the image of the SEM has {name} {about.get(name)!r}, not {wanted:g}"
    if about.get("resolution") != list(expected.preset_px):
        return f"the image is of a scan of {about.get('resolution')}, not {list(expected.preset_px)} px"
    return None


def pixels(frame: Frame, expected: Expected) -> Pixels:
    """Return the pixels of a frame without its data bar, (rows, columns).

    Raises
    ------
    DriverError
        An unexpected shape, type of pixel or number of bytes.
    """
    about, data = frame
    shape = _numbers(about.get("shape"), 2)
    kind = _KINDS.get(str(about.get("dtype")))
    width, height = expected.size_px
    rows = (height, height + expected.databar_px)
    if kind is None or shape is None or shape[0] not in rows or shape[1] != width:
        raise DriverError(
            f"the SEM gave an image of {about.get('shape')} {about.get('dtype')}, not {width} x {height} px"
        )
    if len(data) != shape[0] * shape[1] * kind.itemsize:
        raise DriverError(f"the SEM gave an image of {len(data)} bytes, not of {width} x {height} px")
    whole = np.frombuffer(data, dtype=kind).reshape(int(shape[0]), int(shape[1]))
    return np.array(whole[:height], dtype=kind.newbyteorder("="))


def _numbers(values: object, count: int) -> tuple[float, ...] | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in values):
        return None
    return tuple(values)
