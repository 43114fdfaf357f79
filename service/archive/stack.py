"""Recorded frames as serial sections of one stack, and the additions to their JSON document."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from config.work import DetectionConfig
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import PIXEL_SIZE_TOLERANCE, SerialSection, Share, as_detection
from drivers.recorded.frame import RecordedFrame
from service.archive.frames import frame_document
from service.errors import InputError


class StackFrame(Protocol):
    """Facts of a frame that must be alike in a stack, read or not."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    @property
    def page(self) -> int:
        """Its page in the file."""
        ...

    @property
    def pixel_size_m(self) -> tuple[float, float]:
        """Width and height of a pixel, m."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def kind(self) -> str:
        """Type of its pixels."""
        ...

    @property
    def section(self) -> str | None:
        """Identifier of its section, where its file names one."""
        ...


def section_names(frames: Sequence[StackFrame]) -> tuple[str, ...]:
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
        elif frame.shape != first.shape:
            differ = [f"{one.shape[1]} x {one.shape[0]} pixels" for one in (frame, first)]
        elif frame.kind != first.kind:
            differ = [f"pixels of {one.kind}" for one in (frame, first)]
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
    frames: Iterable[tuple[RecordedFrame, str]],
    settings: DetectionConfig,
    detector: Detector,
    refused: Callable[[RecordedFrame, str], None],
    share_of: Callable[[str], Share] = lambda _: Share.WHOLE,
) -> Iterator[SerialSection]:
    """Detect in the sections of a stack; each is yielded once no later one can change it.

    Parameters
    ----------
    frames : iterable of (RecordedFrame, str)
        In the order of cutting, with the names of their sections, of `section_names`.
    settings : DetectionConfig
    detector : Detector
        From `service.analysis.detectors.open_detector`.
    refused : callable
        Called with a frame that cannot be used, and the sentence of the error, which names file and page; its
        section is then left out.
    share_of : callable
        The share of a section, by its name.
    """
    serial = SerialDetector(settings, detector=detector)
    for frame, name in frames:
        section = SectionFrame(name, frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
        try:
            done = serial.add(section, share_of(name))
        except DetectionError as error:
            refused(frame, f"{frame.path} page {frame.page}: {error}")
            continue
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
