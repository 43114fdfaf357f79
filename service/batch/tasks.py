"""Work on single frames, as a worker does it: from a listed frame to cells, document and pictures."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from config.work import DetectionConfig
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.image.frames import Frame, check_frame
from detection.image.hits import Detection
from detection.image.parts import PART_PX
from drivers.errors import FrameError
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.listed.frames import ListedFrame, list_frames, read_listed
from service.analysis.detectors import open_detector
from service.archive.frames import detect_recorded, frame_document
from service.errors import InputError

_ONE_AT_A_TIME = Lock()
"""Detectors are not made for several threads, which a worker that a person has started may have."""


@dataclass(frozen=True, slots=True)
class Order:
    """Wishes for each frame.

    Attributes
    ----------
    settings : DetectionConfig
        A model is named by its absolute path.
    token : str
        Of this call of the program: a worker that stays opens a model anew for each.
    overlay, explain : bool
        Pictures of the boxes, and of the steps of the detector.
    """

    settings: DetectionConfig
    token: str
    overlay: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """Cells of a frame.

    Attributes
    ----------
    frame : ListedFrame
    detection : Detection
    document : dict
        Entry of ``frames`` of the JSON document.
    overlay, steps : bytes or None
        PNG files.
    no_steps : str or None
        The reason why there are no steps to show, where they are wanted.
    """

    frame: ListedFrame
    detection: Detection
    document: dict[str, Any]
    overlay: bytes | None = None
    steps: bytes | None = None
    no_steps: str | None = None


@dataclass(frozen=True, slots=True)
class FailedFrame:
    """A frame, or a file, without cells for a reason other than that there are none.

    Attributes
    ----------
    path : Path
    page : int or None
        None for all pages of a file.
    says : str
        One sentence.
    """

    path: Path
    page: int | None
    says: str


def list_file(
    pixel_size_nm: float | None, channel: str | None, elsewhere: bool, path: Path
) -> tuple[ListedFrame, ...] | FrameError:
    """Return the frames of a file, or the error."""
    try:
        return list_frames(path, pixel_size_nm, channel)
    except FrameError as error:
        return FrameError(f"{error}{seen_by(path, elsewhere)}")


def list_files(
    pixel_size_nm: float | None, channel: str | None, elsewhere: bool, paths: Sequence[Path]
) -> list[tuple[ListedFrame, ...] | FrameError]:
    """Return the frames of several files, or the error of each."""
    return [list_file(pixel_size_nm, channel, elsewhere, path) for path in paths]


def detect_frames(
    order: Order, elsewhere: bool, frames: Sequence[ListedFrame]
) -> list[FoundFrame | FailedFrame]:
    """Detect in each of several frames.

    Parameters
    ----------
    order : Order
    elsewhere : bool
        True on a computer that may not see the files as the one does that has listed them.
    frames : sequence of ListedFrame
    """
    return [detect_frame(order, elsewhere, one) for one in frames]


def detect_frame(order: Order, elsewhere: bool, listed: ListedFrame) -> FoundFrame | FailedFrame:
    """Detect in a frame; a frame that cannot be used costs only itself."""
    try:
        frame = read_listed(listed)
        detector = detector_of(order.settings, order.token, elsewhere)
        with _ONE_AT_A_TIME:
            detection = detect_recorded(frame, order.settings, detector)
    except (FrameError, DetectionError) as error:
        return FailedFrame(listed.path, listed.page, str(error) + seen_by(listed.path, elsewhere))
    steps = no_steps = None
    if order.explain:
        with _ONE_AT_A_TIME:
            steps, no_steps = _explained(frame, detector, detection, order.settings.detector)
    return FoundFrame(
        listed,
        detection,
        frame_document(frame, detection),
        overlay_png(frame, detection) if order.overlay else None,
        steps,
        no_steps,
    )


def overlay_png(
    frame: RecordedFrame, detection: Detection, tracks: Sequence[tuple[str, ...]] | None = None
) -> bytes:
    """Return the picture of a frame with its boxes, a PNG file."""
    from service.pictures.overlay import draw_overlay, png

    return png(draw_overlay(frame.pixels, detection, frame.pixel_size_m[0] * 1e6, tracks))


def seen_by(path: Path, elsewhere: bool) -> str:
    """Return what to add to an error about a file that a worker on another computer does not have."""
    if not elsewhere or path.exists():
        return ""
    return f" on {socket.gethostname()}, where a worker runs: workers need the files under the same paths"


@lru_cache(maxsize=4)
def detector_of(settings: DetectionConfig, token: str, elsewhere: bool) -> Detector:  # noqa: ARG001
    """Return the detector of a configuration, opened once for a token in a process.

    Raises
    ------
    InputError
        There is none of that name here; one sentence.
    """
    try:
        return open_detector(settings)
    except InputError as error:
        where = f" (on {socket.gethostname()}, where a worker runs)" if elsewhere else ""
        raise InputError(f"{error}{where}") from None


def _explained(
    frame: RecordedFrame, detector: Detector, detection: Detection, name: str
) -> tuple[bytes | None, str | None]:
    # They import ONNX and Matplotlib, which load slowly.
    from detection.explanation import explained
    from service.pictures.detection.steps import draw_steps

    checked = check_frame(frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
    steps = explained(detector, checked)
    if steps is None:
        return None, _no_steps(checked, name)
    with TemporaryDirectory(prefix="ilemtrack-") as folder:
        picture = Path(folder) / "steps.png"
        draw_steps(picture, frame.pixels, steps, detection)
        return picture.read_bytes(), None


def _no_steps(frame: Frame, detector: str) -> str:
    if frame.constant:
        return "no steps to show, as all its pixels are the same"
    if frame.values.size > PART_PX**2:
        return f"no steps to show: they are drawn of frames of up to {PART_PX} x {PART_PX} pixels"
    return f"the detector {detector} has no steps to show; combined, network and recall-first have"
