"""Images on disk: OME-TIFF, fsynced, re-opened, with a checksum."""

import errno
import hashlib
import os
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.fluorescence import FmFrame
from drivers.pose import Pose
from drivers.recorded.tiff import read_frames
from drivers.sem import ScanImage
from service.errors import ImageError, UnreadableImageError
from service.image_files.ome_xml import FmChannel, ImageFacts, LightPath, ome_xml
from service.store.durable import sync_folder

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
T = TypeVar("T")

HOLDER_OVERVIEW = "holder_overview"
"""Kind of a file that is an overview of the holder, under `KIND_KEY`."""
KIND_NAME = "kind"
KIND_KEY = f"ilemtrack.{KIND_NAME}"

_TRIES, _AGAIN_S = 4, 0.25
"""Tries of a read or a write that may succeed a moment later, and the time between, s; chosen by hand."""
_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""Errors that prove that a file is not there; all others say that it cannot be read now."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that a person must mend: the caller pauses at once."""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """A durable file: written, fsynced, re-opened and compared."""

    path: Path
    sha256: str
    size_bytes: int


def save_fm(
    path: Path, frame: FmFrame, section: str, field: str, light_path: LightPath, taken_at: datetime
) -> SavedImage:
    """Save a fluorescence frame; see `_save`.

    Position, wavelengths, objective, binning and exposure time are where OME has a place for them, the other
    values of `FmFrame` in a map annotation with keys that begin with ``ilemtrack.``.
    """
    emission = () if frame.emission_band_nm is not None else ("emission_nm",)
    notes = {
        "section": section,
        "field": field,
        "offset_adu": frame.offset_adu,
        "rotation_rad": frame.pose.rotation_rad,
        "flip_x": frame.pose.flip_x,
        "flip_y": frame.pose.flip_y,
        "exposure_s": frame.settings.exposure_s,
        "em_gain": frame.settings.em_gain,
        "excitation_nm": frame.settings.excitation_nm,
        "power_density_w_per_cm2": frame.settings.power_density_w_per_cm2,
        "taken_at_s": frame.taken_at_s,
        "taken_at": taken_at.isoformat(),
        # Values that no device reports, taken from the configuration.
        "as_configured": " ".join(("objective", "camera", *emission, *frame.as_configured)),
    }
    channel = FmChannel(
        light_path,
        frame.settings.excitation_nm,
        frame.settings.em_gain,
        frame.offset_adu,
        frame.settings.exposure_s,
        frame.binning,
        frame.emission_band_nm,
    )
    facts = ImageFacts(
        field,
        _size(frame.pixels),
        frame.pixels.dtype.name,
        frame.pose.pixel_size_m,
        frame.pose.center_m,
        frame.pose.rotation_rad,
        taken_at,
        light_path.camera,
        channel,
        notes,
    )
    return _save(path, frame.pixels, facts)


def save_em(
    path: Path, image: ScanImage, section: str, job: str, covers: tuple[str, ...], taken_at: datetime
) -> SavedImage:
    """Save an electron image; see `_save`.

    Dwell time, beam and covered cells are in a map annotation with keys that begin with ``ilemtrack.``: OME
    has no field for a dwell time, and the exposure time of a plane means the whole frame.
    """
    notes = {
        "section": section,
        "job": job,
        "covers": " ".join(covers),
        "dwell_s": image.dwell_s,
        "accelerating_voltage_v": image.beam.accelerating_voltage_v,
        "spot_size": image.beam.spot_size,
        "aperture_m": image.beam.aperture_m,
        "working_distance_m": image.beam.working_distance_m,
        "detector": image.beam.detector,
        "taken_at": taken_at.isoformat(),
        # Values that no device reports, taken from the configuration.
        "as_configured": " ".join(image.beam.as_configured),
        "nonce": image.nonce,
    }
    if image.beam.probe_current_a is not None:
        notes["probe_current_a"] = image.beam.probe_current_a
    facts = ImageFacts(
        f"{section}/{job}",
        _size(image.pixels),
        image.pixels.dtype.name,
        (image.pixel_size_m, image.pixel_size_m),
        image.center_m,
        0.0,
        taken_at,
        image.beam.detector,
        None,
        notes,
    )
    return _save(path, image.pixels, facts)


def save_holder_overview(
    path: Path,
    pixels: NDArray[np.uint16],
    center_m: tuple[float, float],
    pixel_size_m: float,
    camera: str,
    taken_at: datetime,
    notes: Mapping[str, object],
) -> SavedImage:
    """Save a stitched overview of the holder, upright on the stage; see `_save`."""
    facts = ImageFacts(
        "overview of the holder",
        _size(pixels),
        pixels.dtype.name,
        (pixel_size_m, pixel_size_m),
        center_m,
        0.0,
        taken_at,
        camera,
        None,
        {KIND_NAME: HOLDER_OVERVIEW, **notes},
    )
    return _save(path, pixels, facts)


def read_pixels(path: Path, sha256: str | None = None) -> Pixels:
    """Return the pixels of a saved image.

    Raises
    ------
    UnreadableImageError
        It cannot be read now, also at the last of several tries.
    ImageError
        The file is missing, damaged, or not the one with that checksum.
    """

    def read() -> Pixels:
        _require_checksum(path, sha256)
        try:
            return np.asarray(tifffile.imread(path))
        except (tifffile.TiffFileError, ValueError, struct.error) as error:
            raise ImageError(f"{path}: cannot be read back ({error})") from error

    return _read_patiently(path, read)


def read_fm(path: Path, sha256: str | None) -> tuple[Pixels, Pose, float | None]:
    """Return pixels, pose and dark level (grey level without light, None if unknown) of a saved frame.

    Raises
    ------
    UnreadableImageError, ImageError
        As `read_pixels`.
    """

    def read() -> tuple[Pixels, Pose, float | None]:
        _require_checksum(path, sha256)
        try:
            (frame,) = read_frames(path)
        except FrameError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise ImageError(str(error)) from error
        if frame.center_m is None:
            raise ImageError(f"{path}: has no stage position")
        return frame.pixels, frame.pose_at(frame.center_m), frame.offset_adu

    return _read_patiently(path, read)


def _read_patiently(path: Path, read: Callable[[], T]) -> T:
    """Read a file; what may pass by itself, such as too many open files, is tried again.

    Raises
    ------
    UnreadableImageError, ImageError
    """
    for left in reversed(range(_TRIES)):
        try:
            return read()
        except _GONE as error:
            raise ImageError(f"{path}: cannot be read back ({error})") from error
        except (OSError, MemoryError) as error:
            if left == 0:
                why = str(error) or type(error).__name__
                raise UnreadableImageError(f"{path}: cannot be read now ({why})") from error
            time.sleep(_AGAIN_S)
    raise AssertionError


def _require_checksum(path: Path, sha256: str | None) -> None:
    if sha256 is not None and checksum(path) != sha256:
        raise ImageError(f"{path}: the file is not the one that was saved (its checksum differs)")


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def _save(path: Path, pixels: Pixels, facts: ImageFacts) -> SavedImage:
    """Write a file as `_write` does; what may pass by itself is tried again.

    Raises
    ------
    OSError, ImageError
        As `_write`, at the last try.
    """
    for left in reversed(range(_TRIES)):
        try:
            return _write(path, pixels, facts)
        except (OSError, ImageError) as error:
            if left == 0 or getattr(error, "errno", None) in _NO_ROOM or not path.parent.is_dir():
                raise
            time.sleep(_AGAIN_S)
    raise AssertionError


def _write(path: Path, pixels: Pixels, facts: ImageFacts) -> SavedImage:
    """Write, fsync, re-open, compare, and rename into place.

    Raises
    ------
    OSError
        The disk is full, read-only or lost; this call leaves no file of that name.
    ImageError
        The file does not read back as written.
    """
    # Not with `parents`: the folder of a run that was moved away must not appear again.
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    per_cm = 1e-2 / facts.pixel_size_m[0], 1e-2 / facts.pixel_size_m[1]
    try:
        with part.open("wb") as file:
            tifffile.imwrite(
                file,
                pixels,
                ome=False,
                metadata=None,
                description=ome_xml(facts),
                datetime=facts.taken_at.astimezone(UTC).replace(tzinfo=None),
                software="ilemtrack",
                photometric="minisblack",
                resolution=per_cm,
                resolutionunit="CENTIMETER",
            )
            file.flush()
            os.fsync(file.fileno())
        if not np.array_equal(read_pixels(part), pixels, equal_nan=pixels.dtype.kind == "f"):
            raise ImageError(f"{part}: does not read back as written")
        sha256 = checksum(part)
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return SavedImage(path, sha256, path.stat().st_size)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises
    ------
    OSError
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
