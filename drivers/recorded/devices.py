"""A camera and a light that play back recorded fluorescence."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError, FrameError, InterruptedCallError, OutOfRangeError
from drivers.fluorescence import FmFrame, FmSettings
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_exposure
from drivers.guards.stopping import StopSwitch
from drivers.pose import Pose
from drivers.recorded.frame import RecordedFrame
from drivers.stage import Stage

_GAP_M = 100e-6
"""Gap between frames laid out on a grid, m; chosen by hand."""


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A recorded frame with its position in the array.

    Attributes
    ----------
    frame : RecordedFrame
    section : str
        Identifier, such as ``S0001``; sections are in the order of cutting.
    field : int
        Index of the field in its section, from 0.
    center_m : (float, float)
        Stage position of the centre of the frame, m.
    """

    frame: RecordedFrame
    section: str
    field: int
    center_m: tuple[float, float]

    @property
    def pose(self) -> Pose:
        """Position, scale and orientation of the frame on the stage."""
        return self.frame.pose_at(self.center_m)


def placed(frames: Sequence[RecordedFrame]) -> tuple[PlacedFrame, ...]:
    """Assign a section and a stage position to every recorded frame.

    Frames with section identifiers keep them, and are the fields of a section in the order given; otherwise
    each frame is a section of its own: S0001, S0002, ... Frames with stage positions keep them; otherwise
    they are laid out on a square grid about the origin of the stage, 100 um apart, rows towards smaller y.

    Parameters
    ----------
    frames : sequence of RecordedFrame
        In the order in which the sections were cut.

    Raises
    ------
    FrameError
        No frames; an identifier or a position on some frames only; an identifier not like S0001; or two
        frames at the same position.
    """
    if not frames:
        raise FrameError("no frames were given")
    sections = _sections(frames)
    centers = _centers(frames)
    fields: dict[str, int] = {}
    result = []
    for frame, section, center in zip(frames, sections, centers, strict=True):
        field = fields.get(section, 0)
        fields[section] = field + 1
        result.append(PlacedFrame(frame, section, field, center))
    return tuple(result)


def _sections(frames: Sequence[RecordedFrame]) -> list[str]:
    known = [frame.section for frame in frames if frame.section is not None]
    if not known:
        return [f"S{number:04d}" for number in range(1, len(frames) + 1)]
    if len(known) != len(frames):
        without = next(frame for frame in frames if frame.section is None)
        raise FrameError(f"{_name(without)} names no section, and other frames do")
    for frame in frames:
        if not re.fullmatch(r"S\d{4,6}", frame.section or ""):
            raise FrameError(f"{_name(frame)} names the section {frame.section!r}; one is like S0001")
    return known


def _centers(frames: Sequence[RecordedFrame]) -> list[tuple[float, float]]:
    known = [frame.center_m for frame in frames if frame.center_m is not None]
    if known and len(known) != len(frames):
        without = next(frame for frame in frames if frame.center_m is None)
        raise FrameError(f"{_name(without)} has no stage position, and other frames do")
    if known:
        _check_apart(frames, known)
        return known
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    pitch = _GAP_M + max(
        max(frame.pixels.shape[1] * frame.pixel_size_m[0], frame.pixels.shape[0] * frame.pixel_size_m[1])
        for frame in frames
    )
    return [
        ((n % columns - (columns - 1) / 2) * pitch, ((rows - 1) / 2 - n // columns) * pitch)
        for n in range(len(frames))
    ]


def _check_apart(frames: Sequence[RecordedFrame], centers: Sequence[tuple[float, float]]) -> None:
    seen: dict[tuple[int, int], RecordedFrame] = {}
    for frame, (x, y) in zip(frames, centers, strict=True):
        other = seen.setdefault((round(x * 1e6), round(y * 1e6)), frame)
        if other is not frame:
            raise FrameError(
                f"{_name(frame)} and {_name(other)} have the same stage position; each place is imaged once"
            )


def _name(frame: RecordedFrame) -> str:
    return f"{frame.path}: page {frame.page}"


class RecordedCamera:
    """Returns the frame recorded at the position of the stage. Implements `FluorescenceCamera`.

    Parameters
    ----------
    frames : sequence of PlacedFrame
    stage : Stage
    clock : Clock
    interlock : Interlock, optional
        Shared with the stage, which then does not move during an exposure.
    tolerance_m : float
        Largest distance of the stage from the position of a frame, m.
    """

    def __init__(
        self,
        frames: Sequence[PlacedFrame],
        stage: Stage,
        clock: Clock,
        interlock: Interlock | None = None,
        tolerance_m: float = 2e-6,
    ) -> None:
        self._interlock = interlock or Interlock()
        self._frames = tuple(frames)
        self._stage = stage
        self._clock = clock
        self._tolerance_m = tolerance_m
        self._switch = StopSwitch()

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Return the frame recorded here, after the time of its exposure.

        Pose, exposure time and offset are as recorded; without a record the time is that asked for, the
        offset 0.

        Raises
        ------
        OutOfRangeError
            The exposure time is not above 0 and at most 600 s.
        FrameError
            No frame was recorded at the position of the stage.
        DeviceTimeoutError, InterruptedCallError, NotReadyError
        """
        require_exposure(settings.exposure_s)
        with self._interlock.holding("an exposure"), self._switch.running() as wake:
            begin_s = self._clock.now_s()
            here = self._here()
            if not self._clock.sleep(min(settings.exposure_s, timeout_s), wake):
                raise InterruptedCallError("the exposure was stopped")
            if settings.exposure_s > timeout_s:
                raise DeviceTimeoutError(f"the camera gave no frame within {timeout_s:g} s")
        frame = here.frame
        taken = FmSettings(
            frame.exposure_s if frame.exposure_s is not None else settings.exposure_s,
            settings.em_gain,
            settings.excitation_nm,
            settings.power_density_w_per_cm2,
        )
        return FmFrame(frame.pixels.copy(), here.pose, taken, frame.offset_adu or 0.0, begin_s)

    def stop(self) -> None:
        """End `expose`; harmless when nothing runs."""
        self._switch.stop()

    def _here(self) -> PlacedFrame:
        x, y = self._stage.position()
        nearest = min(
            self._frames, key=lambda f: math.hypot(f.center_m[0] - x, f.center_m[1] - y), default=None
        )
        if nearest is None or math.dist(nearest.center_m, (x, y)) > self._tolerance_m:
            raise FrameError(f"no frame was recorded at stage x = {x * 1e3:.4f} mm, y = {y * 1e3:.4f} mm")
        return nearest


class RecordedLight:
    """A light without effect, for recorded frames. Implements `Light`."""

    def __init__(self) -> None:
        self._on = False

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:  # noqa: ARG002
        """Note that the light is on.

        Raises
        ------
        OutOfRangeError
            Wavelength or power is not finite and above 0.
        """
        if not (0 < excitation_nm < math.inf and 0 < power_density_w_per_cm2 < math.inf):
            raise OutOfRangeError("wavelength and power of the light must be finite and above 0")
        self._on = True

    def off(self) -> None:
        """Note that the light is off."""
        self._on = False

    def is_on(self) -> bool:
        """Return True if the light was left on."""
        return self._on
