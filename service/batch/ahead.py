"""Answers of a detector for the frames of a session, found by workers before the session asks.

Workers link the sections as the session will, in windows that overlap, and keep what the detector answers.
The session does everything as it does without them; a frame that none of them has seen, its detector sees
itself. So the result is the same.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.model import Config
from detection.detectors import Detector
from detection.serial.section import Share
from drivers.errors import FrameError
from drivers.recorded.listed.frames import ListedFrame, read_listed
from service.analysis.linking import Linking
from service.analysis.mosaic import FieldFrame
from service.analysis.remembered import Answer, Recording, remembering
from service.analysis.track_names import TrackNames
from service.batch.tasks import Order, detector_of
from service.batch.windows import Window, windows_of
from service.cluster.workers import Lost, Workers
from service.errors import ImageError
from service.image_files.images import read_fm
from service.model.specimen import Field


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The fluorescence of a field, in the folder of a run."""

    path: Path
    sha256: str | None

    def read(self, field: Field) -> FieldFrame:
        """Return the frame of the field."""
        return FieldFrame(field, *read_fm(self.path, self.sha256))


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A recorded frame, as a session that plays it back takes it."""

    frame: ListedFrame

    def read(self, field: Field) -> FieldFrame:
        """Return the frame of the field."""
        frame = read_listed(self.frame)
        return FieldFrame(field, frame.pixels, frame.pose_at(field.center_m), frame.offset_adu or 0.0)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Fields of a section, with their files and the rotation of the section on the stage, if it is known."""

    fields: tuple[tuple[Field, SavedFile | RecordedFile], ...]
    angle_rad: float | None = None


def answered_ahead(
    config: Config,
    sections: Sequence[Ahead],
    workers: Workers,
    detector: Detector,
    advance: Callable[[int], None] = lambda _: None,
) -> Detector:
    """Return a detector that answers as the given one, for these sections at once.

    Parameters
    ----------
    config : Config
        With the absolute path of a model.
    sections : sequence of Ahead
        In the order of cutting, or of the session.
    workers : Workers
    detector : Detector
    advance : callable
        Called with the number of sections that are done.
    """
    windows = windows_of(len(sections))
    if not config.detection.serial:
        windows = [Window(number, number, number + 1, number + 1) for number in range(len(sections))]
    values = [[(sections[n], one.share(n)) for n in range(one.first, one.last)] for one in windows]
    look_ahead = config.session.order == "array"
    order = Order(config.detection, uuid.uuid4().hex)
    work = partial(_answers, order, look_ahead, workers.elsewhere)
    answers: dict[str, Answer] = {}
    for window, found in zip(windows, workers.each(work, values), strict=True):
        if not isinstance(found, Lost):
            answers |= found
        advance(window.end - window.begin)
    return remembering(detector, answers)


def _answers(
    order: Order, look_ahead: bool, elsewhere: bool, sections: Sequence[tuple[Ahead, Share]]
) -> dict[str, Answer]:
    """Return what a detector answers while sections are linked; a worker does it."""
    recording = Recording(detector_of(order.settings, order.token, elsewhere))
    linking = Linking(order.settings, recording, look_ahead, TrackNames(()), lambda _: ())
    for section, share in sections:
        frames = []
        for field, file in section.fields:
            try:
                frames.append(file.read(field))
            except (ImageError, FrameError, OSError):
                # The session finds that out itself, and says it.
                continue
        if frames:
            linking.add(frames, section.angle_rad, share)
    linking.finish()
    return recording.answers
