"""Context of a session, shared by all of its phases."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.microscope import Microscope
from drivers.sem import ScanImage
from service.errors import HungDeviceError, SessionFaultError
from service.model.jobs import ScanEnd
from service.model.overviews import FieldPlace
from service.safety.deadlines import DEFAULT_LIMITS, Limits
from service.session.folders.run_folder import RunFolder
from service.session.interrupts import Interrupts
from service.session.progress import BETWEEN, BETWEEN_S, Progress
from service.session.stage_frame import StageFrame
from service.store.database import utc_now
from service.store.store import Store


class BusyTime:
    """Time during which a device worked, on the microscope's clock, s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._busy_s = 0.0

    @contextmanager
    def device(self) -> Iterator[None]:
        """Count the time of a device call; the calls of a session do not overlap."""
        begun_s = self._clock.now_s()
        try:
            yield
        finally:
            self._busy_s += self._clock.now_s() - begun_s

    def take(self) -> float:
        """Return the time since the last call, s."""
        taken, self._busy_s = self._busy_s, 0.0
        return taken


class DeviceView:
    """Last known state of the devices, for clients; never waits for hardware."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, object] = {}

    def look(self, devices: Microscope) -> None:
        """Read the devices; for the runner only, between its calls."""
        try:
            x_m, y_m = devices.stage.position()
            seen: dict[str, object] = {
                "stage_m": [x_m, y_m],
                "beam_blanked": devices.sem.is_blanked(),
                "light_on": devices.light.is_on(),
                "vacuum": devices.chamber.state().value,
                "pressure_pa": devices.chamber.pressure_pa(),
            }
        except Exception as error:  # noqa: BLE001 - for clients only: it is noticed where it matters
            expected = isinstance(error, (DriverError, HungDeviceError))
            seen = {"error": str(error) if expected else f"unexpected {type(error).__name__}: {error}"}
        with self._lock:
            self._last = seen

    def note(self, **state: object) -> None:
        """Note what the runner is about to change, such as the blanker during a scan."""
        with self._lock:
            self._last |= state

    def last(self) -> dict[str, object]:
        """Return the last known state."""
        with self._lock:
            return dict(self._last)


class FailureStreak:
    """Failures in a row: one bad site never ends the run, many in a row are a fault (invariant 10)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0

    def success(self) -> None:
        """Reset the count."""
        self._count = 0

    def lasts(self) -> bool:
        """Return True if the last one was a failure."""
        return self._count > 0

    def failure(self, what: str) -> None:
        """Count a failure.

        Raises
        ------
        SessionFaultError
            There were too many in a row.
        """
        self._count += 1
        if self._count >= self._limit:
            self._count = 0
            raise SessionFaultError(f"{self._limit} failures in a row, the last: {what}")


@dataclass(slots=True)
class LastMove:
    """Last target of the stage and its read-back there, m; None while not known.

    Attributes
    ----------
    target_m, found_m : (float, float) or None
    first_exposure : int or None
        First row of the ledger since that move; None before it.
    returned : bool or None
        True if frames of that position were scanned before that move; None while not looked up.
    place : FieldPlace or None
        Where an overview shows that the field lies since that move; None without.
    """

    target_m: tuple[float, float] | None = None
    found_m: tuple[float, float] | None = None
    first_exposure: int | None = None
    returned: bool | None = None
    place: FieldPlace | None = None

    def reset(self) -> None:
        """Forget the move: the next position has an error of its own."""
        self.target_m = self.found_m = self.first_exposure = self.returned = self.place = None


@dataclass(slots=True)
class Focused:
    """Sections that beam and objective are focused on; None while not known."""

    beam: str | None = None
    light: str | None = None


@dataclass(slots=True)
class LastImage:
    """Rows of the last two electron images, by `service.image_checks.rows.marks_of`; None before the first.

    An image that the disk refused at first is checked twice: its own rows are none of another image.
    """

    exposure: int | None = None
    marks: NDArray[np.uint64] | None = None
    before: NDArray[np.uint64] | None = None

    def marks_before(self, exposure: int) -> NDArray[np.uint64] | None:
        """Return the rows of the image before that of an exposure."""
        return self.before if exposure == self.exposure else self.marks

    def note(self, exposure: int, marks: NDArray[np.uint64]) -> None:
        """Note the rows of an image."""
        if exposure != self.exposure:
            self.exposure, self.before = exposure, self.marks
        self.marks = marks


@dataclass(frozen=True, slots=True)
class Taken:
    """Electron image in memory.

    Attributes
    ----------
    image : ScanImage
    exposure : int
        Row of the ledger.
    center_m : (float, float)
        Centre that was requested, as the SEM has it.
    doubt : str or None
        Trouble in the course of the scan; None if there was none, and its image is checked.
    taken_at : datetime
    pressure_pa : float or None
        Of the chamber after the scan; None where it was not read.
    """

    image: ScanImage
    exposure: int
    center_m: tuple[float, float]
    doubt: str | None
    taken_at: datetime = field(default_factory=utc_now)
    pressure_pa: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Configuration, store, devices and requests of one session."""

    config: Config
    stage_frame: StageFrame
    store: Store
    folder: RunFolder
    devices: Microscope
    clock: Clock
    interrupts: Interrupts
    busy: BusyTime
    streak: FailureStreak
    view: DeviceView = field(default_factory=DeviceView)
    last_move: LastMove = field(default_factory=LastMove)
    focused: Focused = field(default_factory=Focused)
    unsaved: dict[str, Taken] = field(default_factory=dict)
    """Electron images, by job, that are not saved and recorded yet."""
    ends: dict[int, ScanEnd] = field(default_factory=dict)
    """Ends of scans, by the row of the ledger, that are not recorded yet."""
    refused: Counter[str] = field(default_factory=Counter)
    """Number of times that the SEM was not ready, by job."""
    last_image: LastImage = field(default_factory=LastImage)
    progress: Progress = field(default_factory=Progress)
    limits: Limits = DEFAULT_LIMITS

    def sem_position_m(self, point_m: tuple[float, float]) -> tuple[float, float]:
        """Return the stage position at which the SEM sees a point of the fluorescence, m.

        By the calibration, and by the overview of this stage position if there is one.
        """
        place = self.last_move.place
        return self.stage_frame.sem_position_m(point_m if place is None else place.seen_m(point_m))

    def fm_position_m(self, point_m: tuple[float, float]) -> tuple[float, float]:
        """Return the fluorescence position of a point that the SEM sees: the inverse of `sem_position_m`."""
        seen_m, place = self.stage_frame.fm_position_m(point_m), self.last_move.place
        return seen_m if place is None else place.shown_m(seen_m)

    @contextmanager
    def step(self, what: str, estimate_s: float) -> Iterator[None]:
        """Count the time of a device call, and expect it to take `estimate_s`."""
        self.progress.begin(what, estimate_s)
        try:
            with self.busy.device():
                yield
        finally:
            self.progress.begin(BETWEEN, BETWEEN_S)

    def checkpoint(self) -> None:
        """Between two steps: record the busy time, read the devices, raise a pending interrupt.

        Raises
        ------
        InterruptSession
        StoreError
            The database is not the file of its name any more: nothing more is exposed.
        """
        self.store.check_file()
        self.note_busy()
        self.view.look(self.devices)
        self.interrupts.take()

    def note_busy(self) -> None:
        """Record the busy time since the last record, for `idle_s`; it survives a crash."""
        busy_s = self.busy.take()
        if busy_s > 0:
            self.store.events.note("devices_busy", "session", {"busy_s": busy_s})
