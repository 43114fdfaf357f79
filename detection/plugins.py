"""Third-party detectors, from the entry-point group ``ilemtrack.detectors``; see docs/detectors.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

import numpy as np

from detection.detectors import Detector
from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.telemetry import switch_off

GROUP = "ilemtrack.detectors"
"""Entry-point group of detectors."""
MAX_EXTENT_UNCERTAINTY_UM = 100.0
"""Largest uncertainty of a hit: more than a field of 512 pixels of .178 um, 91 um, is a mistake."""
MAX_ERROR_CHARACTERS = 200
"""Length of the message of a plug-in that is quoted. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """Third-party detector whose answers are checked.

    Attributes
    ----------
    name : str
        Name of its entry point.
    detector : Detector
    """

    name: str
    detector: Detector

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`.

        Raises
        ------
        DetectionError
            Raised when the plug-in fails or does not return a list of hits in the frame.
        """
        try:
            answer = self.detector.find(frame)
        except DetectionError:
            raise
        except (Exception, SystemExit) as error:
            raise DetectionError(f"the detector {self.name} failed ({_said(error)})") from error
        return self._checked(answer, frame)

    def _checked(self, answer: object, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        match answer:
            case (list() | tuple() as hits, list() | tuple() as warnings):
                pass
            case _:
                raise DetectionError(
                    f"the detector {self.name} gave no pair of a list of hits and a list of warnings"
                )
        rows, columns = frame.values.shape
        checked = [self._checked_hit(hit, BoxPx(0, 0, columns, rows)) for hit in hits]
        return checked, [" ".join(str(warning).split()) for warning in warnings]

    def _checked_hit(self, hit: object, whole: BoxPx) -> Hit:
        """Return a hit of plain int and float."""
        gave = f"the detector {self.name} gave"
        if not isinstance(hit, Hit):
            raise DetectionError(f"{gave} a {type(hit).__name__} for a hit")
        if not isinstance(hit.box, BoxPx):
            raise DetectionError(f"{gave} a {type(hit.box).__name__} for the box of a hit; a BoxPx is needed")
        sides = hit.box.as_tuple()
        if not all(isinstance(side, int | np.integer) for side in sides):
            raise DetectionError(f"{gave} a box of {_plain(sides)}; it needs whole pixels")
        box = BoxPx(*(int(side) for side in sides))
        if not whole.contains(box):
            raise DetectionError(
                f"{gave} the box {box.as_tuple()}, which is not inside the frame of {whole.x1} x {whole.y1}"
                " pixels"
            )
        confidence = _number(hit.confidence)
        if not 0 <= confidence <= 1:
            raise DetectionError(f"{gave} the confidence {hit.confidence}; it must be from 0 to 1")
        extent_uncertainty_um = _number(hit.extent_uncertainty_um)
        if not 0 <= extent_uncertainty_um <= MAX_EXTENT_UNCERTAINTY_UM:
            raise DetectionError(
                f"{gave} the extent_uncertainty_um {hit.extent_uncertainty_um};"
                f" it must be from 0 to {MAX_EXTENT_UNCERTAINTY_UM:g}"
            )
        return Hit(box, confidence, extent_uncertainty_um)


def _number(value: object) -> float:
    """Return a number as a float; NaN for anything else."""
    return float(value) if isinstance(value, int | float | np.number) and np.isrealobj(value) else math.nan


def _plain(sides: tuple[object, ...]) -> str:
    return f"({', '.join(str(side) for side in sides)})"


def _said(error: BaseException) -> str:
    """Return the type and message of an error, on one line."""
    words = " ".join(str(error).split())[:MAX_ERROR_CHARACTERS]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def plugin_names() -> tuple[str, ...]:
    """Return the names of the installed plug-ins."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_plugin(name: str) -> Plugin | None:
    """Load a plug-in; None if none of that name is installed.

    Raises
    ------
    DetectionError
        Raised when it cannot be imported or created, is not a detector, or several packages bring that name.
    """
    points = tuple(entry_points(group=GROUP, name=name))
    if not points:
        return None
    if len(points) > 1:
        owners = ", ".join(sorted(point.dist.name if point.dist else point.value for point in points))
        raise DetectionError(f"several packages bring a detector named {name} ({owners}); remove all but one")
    (point,) = points
    switch_off()
    try:
        detector = point.load()()
    except (Exception, SystemExit) as error:
        raise DetectionError(
            f"the detector {name} ({point.value}) cannot be loaded: {_said(error)}"
        ) from error
    if not callable(getattr(detector, "find", None)):
        raise DetectionError(f"the detector {name} ({point.value}) has no method find(frame)")
    return Plugin(name, detector)
