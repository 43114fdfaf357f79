"""Detectors of others, found through the entry-point group ``ilemtrack.detectors``; see docs/detectors.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from detection.boxes import BoxPx
from detection.cells import Hit
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.frames import Frame

GROUP = "ilemtrack.detectors"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A detector of others, whose answers are checked.

    Attributes
    ----------
    name : str
        Its entry point.
    detector : Detector
    """

    name: str
    detector: Detector

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`.

        Raises
        ------
        DetectionError
            Raised when the plug-in fails or gives something that is no list of hits in the frame.
        """
        try:
            answer = self.detector.find(frame)
        except DetectionError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise DetectionError(f"the detector {self.name} failed ({what})") from error
        return self._checked(answer, frame)

    def _checked(self, answer: object, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        rows, columns = frame.values.shape
        whole = BoxPx(0, 0, columns, rows)
        match answer:
            case (list() | tuple() as hits, list() | tuple() as warnings):
                pass
            case _:
                raise DetectionError(
                    f"the detector {self.name} gave no pair of a list of hits and a list of warnings"
                )
        for hit in hits:
            if not isinstance(hit, Hit):
                raise DetectionError(f"the detector {self.name} gave a {type(hit).__name__} for a hit")
            if not whole.contains(hit.box):
                raise DetectionError(
                    f"the detector {self.name} gave the box {hit.box.as_tuple()}, which is not inside the"
                    f" frame of {columns} x {rows} pixels"
                )
            if not (math.isfinite(hit.confidence) and 0 <= hit.confidence <= 1):
                raise DetectionError(
                    f"the detector {self.name} gave the confidence {hit.confidence}; it must be from 0 to 1"
                )
        return hits, [str(warning) for warning in warnings]


def plugin_names() -> tuple[str, ...]:
    """Return the names of the plug-ins that are installed."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_plugin(name: str) -> Plugin | None:
    """Load a plug-in; None where none of that name is installed.

    Raises
    ------
    DetectionError
        Raised when it cannot be imported or made, is no detector, or several distributions bring that name.
    """
    points = tuple(entry_points(group=GROUP, name=name))
    if not points:
        return None
    if len(points) > 1:
        owners = ", ".join(sorted(point.dist.name if point.dist else point.value for point in points))
        raise DetectionError(f"several packages bring a detector named {name} ({owners}); remove all but one")
    (point,) = points
    try:
        detector = point.load()()
    except Exception as error:
        raise DetectionError(
            f"the detector {name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(getattr(detector, "find", None)):
        raise DetectionError(f"the detector {name} ({point.value}) has no method find(frame)")
    return Plugin(name, detector)
