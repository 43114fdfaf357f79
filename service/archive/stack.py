"""Recorded frames as serial sections of one stack, and the additions to their JSON document."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from config.work import DetectionConfig
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import PIXEL_SIZE_TOLERANCE, SerialSection, as_detection
from drivers.recorded.tiff import RecordedFrame
from service.archive.frames import frame_document
from service.errors import InputError


def section_names(frames: Sequence[RecordedFrame]) -> tuple[str, ...]:
    """Return the names of sections: those in the files, or ``S0001``, ... in the order given.

    Raises
    ------
    InputError
        Raised when the frames cannot be sections of one stack: they differ in pixel size, in rows and
        columns or in type of pixel, or several are of one section; one sentence.
    """
    first = frames[0]
    for frame in frames[1:]:
        if abs(frame.pixel_size_m[0] / first.pixel_size_m[0] - 1) > PIXEL_SIZE_TOLERANCE:
            differ = [f"{one.pixel_size_m[0] * 1e9:.4g} nm per pixel" for one in (frame, first)]
        elif frame.pixels.shape != first.pixels.shape:
            differ = [f"{one.pixels.shape[1]} x {one.pixels.shape[0]} pixels" for one in (frame, first)]
        elif frame.pixels.dtype != first.pixels.dtype:
            differ = [f"pixels of {one.pixels.dtype}" for one in (frame, first)]
        else:
            continue
        raise InputError(
            f"{frame.path} page {frame.page} has {differ[0]}, but {first.path} page {first.page} has"
            f" {differ[1]}: the sections of one stack (--serial) are taken alike"
        )
    given = [frame.section for frame in frames]
    names = [name for name in given if name is not None]
    if len(names) < len(frames):
        return tuple(f"S{number:04d}" for number in range(1, len(frames) + 1))
    for index, name in enumerate(names):
        if name in names[:index]:
            other, frame = frames[names.index(name)], frames[index]
            raise InputError(
                f"{frame.path} page {frame.page} is of section {name}, and so is {other.path} page"
                f" {other.page}: --serial takes one frame of every section"
            )
    return tuple(names)


def detect_serial(
    frames: Sequence[RecordedFrame],
    names: Sequence[str],
    settings: DetectionConfig,
    detector: Detector | None = None,
) -> Iterator[SerialSection]:
    """Detect in the sections of a stack; each is yielded once no later one can change it.

    Parameters
    ----------
    frames : sequence of RecordedFrame
        In the order of cutting.
    names : sequence of str
        Result of `section_names`.
    settings : DetectionConfig
    detector : Detector, optional
        From `service.analysis.detectors.open_detector`.

    Raises
    ------
    DetectionError
        Raised when a frame cannot be used; names its file and page.
    """
    serial = SerialDetector(settings, detector=detector)
    for frame, name in zip(frames, names, strict=True):
        section = SectionFrame(name, frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
        try:
            done = serial.add(section)
        except DetectionError as error:
            raise DetectionError(f"{frame.path} page {frame.page}: {error}") from error
        yield from done
    yield from serial.finish()


def serial_document(frame: RecordedFrame, section: SerialSection) -> dict[str, Any]:
    """Return one entry of ``frames`` of the JSON document, with its link and the tracks of its cells."""
    document = frame_document(frame, as_detection(section))
    for cell, one in zip(document["cells"], section.cells, strict=True):
        cell["tracks"] = list(one.tracks)
    link = section.used_link
    motion = None if link is None else link.motion
    document["serial"] = {
        "section": section.section,
        "link": None if link is None else link.target,
        "rotation_deg": None if motion is None else round(math.degrees(motion.rotation_rad), 3),
        "shift_um": None if motion is None else [round(shift, 3) for shift in motion.shift_um],
        "bad": link is None and bool(section.links),
    }
    return document
