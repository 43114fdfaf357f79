"""A detector that others have asked before: the same frame has the same hits, wherever it was looked at."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from detection.detectors import Detector, KnowsItsLimit
from detection.image.frames import Frame
from detection.image.hits import Hit

Answer = tuple[Sequence[Hit], Sequence[str]]
"""Result of `Detector.find`."""


def digest_of(frame: Frame) -> str:
    """Return a digest of everything that a detector sees of a frame."""
    found = hashlib.blake2b(digest_size=16)
    for one in fields(frame):
        value: Any = getattr(frame, one.name)
        if isinstance(value, np.ndarray):
            found.update(f"{one.name} {value.shape} {value.dtype.str}".encode())
            found.update(np.ascontiguousarray(value).data)
        else:
            found.update(f"{one.name} {value!r}".encode())
    return found.hexdigest()


class Recording:
    """Asks a detector, and keeps its answers. Implements `Detector`.

    Attributes
    ----------
    answers : dict of str to Answer
        By the digest of the frame.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.answers: dict[str, Answer] = {}

    def find(self, frame: Frame) -> Answer:
        """Find cells; see `Detector.find`."""
        answer = self._detector.find(frame)
        self.answers[digest_of(frame)] = answer
        return answer


class Remembering:
    """Answers as a detector did elsewhere, and asks it for frames that are new. Implements `Detector`."""

    def __init__(self, detector: Detector, answers: Mapping[str, Answer]) -> None:
        self._detector, self._answers = detector, answers

    def find(self, frame: Frame) -> Answer:
        """Find cells; see `Detector.find`."""
        known = self._answers.get(digest_of(frame))
        return self._detector.find(frame) if known is None else known


class RememberingLimit(Remembering):
    """The same of a detector that implements `KnowsItsLimit`, and so does it."""

    def __init__(self, detector: KnowsItsLimit, answers: Mapping[str, Answer]) -> None:
        super().__init__(detector, answers)  # type: ignore[arg-type]
        self.least_contrast = detector.least_contrast


def remembering(detector: Detector, answers: Mapping[str, Answer]) -> Detector:
    """Return a detector that gives the answers of another one, which implements what that one does."""
    if isinstance(detector, KnowsItsLimit):
        return RememberingLimit(detector, answers)
    return Remembering(detector, answers)
