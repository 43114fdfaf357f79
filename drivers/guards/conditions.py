"""Conditions of a scan or an exposure: read before it, during it and after it, and compared here.

Other programs and people drive the same microscope. A scan during which they move the stage or change the
column is not the one that was asked for, and ground beside it may have been exposed.

The process that has Odemis imports this module, too: standard library and Python 3.10 only.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

STILL_M = 2e-7
"""Largest movement of a stage that stands still, m; chosen by hand, not measured."""
EVERY_S = 0.5
"""Real time between two readings while a scan runs, s; chosen by hand."""
_SAME = 0.01
"""Relative difference between two readings of an unchanged setting; chosen by hand, not measured."""
_OF = {"beam current": 0.2, "light power": 0.05}
"""The same for settings whose reading is a measurement; chosen by hand, not measured."""

BLANKER = "blanker"
"""Name of the setting that this program changes itself where the beam goes elsewhere."""

MAGNIFICATION = "magnification"
"""Name of the setting that says how large the field is where its width is not known."""
_PLACING = (MAGNIFICATION, "scan rotation")
"""Settings that decide where the beam goes."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """Conditions at one moment, as read back; None for what could not be read.

    Attributes
    ----------
    stage_m : (float, float) or None
        Position of the stage.
    field_m : (float, float) or None
        Width and height of what is scanned.
    shift_m : (float, float) or None
        Beam shift on the specimen.
    settings : mapping
        Everything else, by the names that people use: ``blanker``, ``spot size`` ...
    """

    stage_m: Point | None = None
    field_m: Point | None = None
    shift_m: Point | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def of(plain: Mapping[str, Any]) -> Conditions:
    """Return the conditions that crossed a process boundary as JSON; see `plain_of`."""
    pairs = (plain[name] for name in ("stage_m", "field_m", "shift_m"))
    stage_m, field_m, shift_m = (None if pair is None else (pair[0], pair[1]) for pair in pairs)
    return Conditions(stage_m, field_m, shift_m, plain["settings"])


def plain_of(one: Conditions) -> dict[str, Any]:
    """Return conditions as values that JSON has."""
    return {
        "stage_m": one.stage_m,
        "field_m": one.field_m,
        "shift_m": one.shift_m,
        "settings": dict(one.settings),
    }


def changes(before: Conditions, now: Conditions, still_m: float = STILL_M) -> list[str]:
    """Return what changed, a few words each; what was not known before is not compared."""
    if now == Conditions():
        return ["nothing could be read any more"]
    found = []
    for name, was_m, is_m, most_m in (
        ("the stage", before.stage_m, now.stage_m, still_m),
        ("the beam shift", before.shift_m, now.shift_m, still_m),
    ):
        if was_m is None:
            continue
        if is_m is None:
            found.append(f"the position of {name} is not known any more")
        elif not math.dist(was_m, is_m) <= most_m:
            found.append(f"{name} moved by {math.dist(was_m, is_m) * 1e6:.1f} um")
    if before.field_m is not None and not _same(before.field_m, now.field_m, _SAME):
        found.append(f"the scanned field changed from {_size(before.field_m)} to {_size(now.field_m)}")
    for name, was in before.settings.items():
        value = now.settings.get(name)
        if was is not None and not _same(was, value, _OF.get(name, _SAME)):
            found.append(f"{name} changed from {_shown(was)} to {_shown(value)}")
    return found


def misplaces(before: Conditions, now: Conditions, still_m: float = STILL_M) -> bool:
    """Return True if the beam now goes elsewhere than before."""
    placing = {name: before.settings[name] for name in _PLACING if name in before.settings}
    where = Conditions(before.stage_m, before.field_m, before.shift_m, placing)
    return bool(changes(where, now, still_m))


def disturbance(seen: Sequence[Conditions], still_m: float = STILL_M) -> str | None:
    """Return in one sentence all that differed from the first of these conditions; None if nothing did."""
    said = dict.fromkeys(what for one in seen[1:] for what in changes(seen[0], one, still_m))
    if not said:
        return None
    return "another program changed the microscope meanwhile: " + "; ".join(said)


def with_field(one: Conditions, field_m: Point, magnification: Any) -> Conditions:
    """Return conditions of an unknown field with that of their magnification.

    Parameters
    ----------
    one : Conditions
    field_m : (float, float)
        Width and height as they were prepared.
    magnification : float or None
        At which they were prepared.
    """
    if one.field_m is not None:
        return one
    now = one.settings.get(MAGNIFICATION)
    times = magnification / now if isinstance(now, (int, float)) and now > 0 and magnification else 1.0
    return replace(one, field_m=(field_m[0] * times, field_m[1] * times))


def swept(seen: Sequence[Conditions]) -> tuple[list[Point], Point | None]:
    """Return where a scan was, as positions of the stage without beam shift, and its largest field, m.

    A beam shift that changed counts as a movement of the stage. The field is None where it is not known.
    """
    first_m = seen[0].shift_m or (0.0, 0.0)
    places = []
    for one in seen:
        if one.stage_m is not None:
            shift_m = one.shift_m or first_m
            off_m = shift_m[0] - first_m[0], shift_m[1] - first_m[1]
            places.append((one.stage_m[0] + off_m[0], one.stage_m[1] + off_m[1]))
    fields = [one.field_m for one in seen if one.field_m is not None]
    if not fields:
        return places, None
    return places, (max(w for w, _ in fields), max(h for _, h in fields))


class Watch:
    """Reads the conditions again and again on a thread of its own, while a scan or an exposure runs.

    Parameters
    ----------
    before : Conditions
    read : callable
        Returns the conditions; may raise.
    misplaced : callable, optional
        Called once, on the thread of the watch, when the beam goes elsewhere: to blank it.
    every_s : float
    """

    def __init__(
        self,
        before: Conditions,
        read: Callable[[], Conditions],
        misplaced: Callable[[], object] = lambda: None,
        every_s: float = EVERY_S,
    ) -> None:
        self._read, self._misplaced, self._every_s = read, misplaced, every_s
        self._over = threading.Event()
        self._elsewhere = False
        self.seen = [before]
        """The conditions before, and all others that were seen since."""
        self._thread = threading.Thread(target=self._look, name="watch of the conditions", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()

    def note(self, now: Conditions) -> None:
        """Keep conditions that differ from those before and from the last ones."""
        if self._elsewhere:
            # Closed by `misplaced`, not by another program.
            now = replace(now, settings={**now.settings, BLANKER: self.seen[0].settings.get(BLANKER)})
        if changes(self.seen[0], now) and now != self.seen[-1]:
            self.seen.append(now)

    def _look(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                now = self._read()
                if self._over.is_set():
                    return
                self.note(now)
                if not self._elsewhere and misplaces(self.seen[0], now):
                    self._elsewhere = True
                    self._misplaced()
            except Exception:  # noqa: BLE001, S112 - the reading after the scan decides
                continue


def _same(was: Any, now: Any, tolerance: float) -> bool:
    if isinstance(was, (tuple, list)):
        return (
            isinstance(now, (tuple, list))
            and len(was) == len(now)
            and all(_same(w, n, tolerance) for w, n in zip(was, now, strict=True))
        )
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (was, now))
    return math.isclose(was, now, rel_tol=tolerance, abs_tol=1e-12) if numbers else bool(was == now)


def _size(field_m: Point | None) -> str:
    return "an unknown one" if field_m is None else f"{field_m[0] * 1e6:.4g} x {field_m[1] * 1e6:.4g} um"


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else str(value)
