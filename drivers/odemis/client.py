"""Calls to Odemis that cannot block this program for ever.

There are two workers. The long one moves, exposes, scans and pumps; it is killed when a call overruns, since
some calls of Odemis never return. The quick one reads, blanks, switches off and stops at any time, over a
connection of its own; it is replaced by a fresh one when it does not answer.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from config.odemis import OdemisConfig
from drivers.errors import DeviceLostError, DeviceTimeoutError, DriverError, InterruptedCallError
from drivers.odemis.errors import OdemisNotRunningError, WorkerGoneError, WorkerOverrunError
from drivers.odemis.lane import Lane, Reply

_WORD_S = 1.0
"""Time that a worker gets beyond that of Odemis, so that the error of Odemis comes first, s."""

_LOOK_S = 0.02

_YOUNG_S = 5.0
"""Age below which a worker that cannot reach a device is not replaced, s: a newer one would not either."""

STOP_S = 0.4
"""Longest wait for a stopped call to end before its process is killed, s."""

_OFF = {"blank": ("the beam", "beam blanked"), "light_off": ("the light", "light off")}
"""Calls that make the microscope safe: the device of each, and the state it leaves."""


class OdemisClient:
    """The two workers.

    Parameters
    ----------
    config : OdemisConfig
    beam : bool
        True if the beam is driven through Odemis, so that it is blanked after a call was killed.
    only_looks : bool
        Neither blanks nor switches off by itself: the microscope may be in use by another program.
    now_s : callable
        Stopwatch for the budgets of calls, s.
    """

    def __init__(
        self,
        config: OdemisConfig,
        *,
        beam: bool = True,
        only_looks: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._off = ("blank", "light_off") if beam else ("light_off",)
        self._only_looks = only_looks
        self._long = Lane(config, guard=False, now_s=now_s)
        self._quick = Lane(config, guard=not only_looks, now_s=now_s)
        self._long_lock = threading.Lock()
        self._quick_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._current: str | None = None
        self._idle = threading.Event()
        self._idle.set()
        self.orphans = True
        """True if a frame may arrive that no call waits for: an earlier call was killed."""

    def start(self) -> dict[str, Any]:
        """Start both workers; returns the versions that the first reports.

        Raises
        ------
        OdemisStartError
        """
        with self._quick_lock:
            versions = self._quick.ensure()
        with self._long_lock:
            self._long.ensure()
        return versions

    def close(self) -> None:
        """End both workers; before it ends, the quick one blanks the beam and switches the light off."""
        self._long.kill()
        with self._long_lock:
            self._long.end()
        with self._quick_lock:
            self._quick.leave(grace_s=6.0)

    def budget_s(self, estimate_s: float, timeout_s: float) -> float:
        """Return the longest time of a call, s: 1.2 x estimate + 20 s by default, at most its `timeout_s`."""
        whole_s = self._config.budget_factor * estimate_s + self._config.budget_extra_s
        return min(whole_s, timeout_s)

    def quick(self, method: str, **params: Any) -> dict[str, Any]:
        """Make a call that waits for nothing and is harmless to repeat; retried over a fresh connection.

        Raises
        ------
        DeviceLostError
            No answer over a fresh connection either.
        DriverError
        """
        with self._quick_lock:
            try:
                return self._try_quick(method, params)
            except (WorkerGoneError, WorkerOverrunError):
                self._quick.end()
            except DeviceLostError:
                # Another fresh one would fail too, and delay every call that makes the microscope safe.
                if self._quick.age_s() < _YOUNG_S:
                    raise
                self._quick.end()
            try:
                return self._try_quick(method, params)
            except (WorkerGoneError, WorkerOverrunError) as error:
                self._quick.end()
                raise DeviceLostError(f"Odemis does not answer: {error}") from None

    def also(self, method: str, error: DriverError) -> None:
        """Make a quick call after a failure; if it fails too, that becomes a note on the first error."""
        try:
            self.quick(method)
        except DriverError as second:
            error.add_note(f"and {method} failed: {second}")

    def _try_quick(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._quick.ensure()
        return self._quick.call(method, params, self._config.quick_s).result

    def long(
        self, method: str, budget_s: float, unless: threading.Event | None = None, **params: Any
    ) -> Reply:
        """Make a call that blocks. If it overruns, its process is killed and the microscope made safe.

        Parameters
        ----------
        method : str
        budget_s : float
        unless : Event, optional
            If set, the call is not made. A later `settle` finds the call either running or refused.

        Raises
        ------
        DeviceTimeoutError, DeviceLostError, InterruptedCallError, OutOfRangeError, NotReadyError, DriverError
        """
        with self._long_lock:
            self._long.ensure()
            with self._state_lock:
                if unless is not None and unless.is_set():
                    raise InterruptedCallError(f"{method} was stopped before it began")
                self._current = method
                self._idle.clear()
            try:
                return self._long.call(method, params, budget_s + _WORD_S)
            except (WorkerOverrunError, WorkerGoneError) as error:
                self._drop_long()
                kind = DeviceTimeoutError if isinstance(error, WorkerOverrunError) else DeviceLostError
                raise kind(f"Odemis: {error}; {self._made_safe()}") from None
            except OdemisNotRunningError as error:
                # Nothing can be switched off through it either; once is enough to say so.
                self._drop_long()
                if self._only_looks or method == "describe":
                    raise
                devices = " and ".join(_OFF[off][0] for off in self._off)
                raise OdemisNotRunningError(f"{error}; not known to be off: {devices}") from None
            except DeviceLostError as error:
                # A new process may reach the component again; the proxies of this one stay dead.
                self._drop_long()
                raise DeviceLostError(f"{error}; {self._made_safe()}") from None
            finally:
                with self._state_lock:
                    self._current = None
                    self._idle.set()

    def settle(self, methods: set[str], within_s: float = STOP_S) -> bool:
        """Wait until none of these long calls is running; kill its process if it does not end soon.

        Returns
        -------
        bool
            True if one was running.
        """
        if not self._running(methods):
            return False
        if not self._ended(methods, within_s):
            self._long.kill()
            self._ended(methods, STOP_S)
        return True

    def _ended(self, methods: set[str], within_s: float) -> bool:
        end_s = time.monotonic() + within_s
        while self._running(methods):
            if time.monotonic() > end_s:
                return False
            self._idle.wait(_LOOK_S)
        return True

    def _running(self, methods: set[str]) -> bool:
        with self._state_lock:
            return self._current in methods

    def _drop_long(self) -> None:
        self.orphans = True
        self._long.end()

    def _made_safe(self) -> str:
        if self._only_looks:
            return "nothing was switched"
        failed = []
        for method in self._off:
            try:
                self.quick(method)
            except DriverError as error:
                failed.append(f"{_OFF[method][0]} is not known to be off ({error})")
        done = " and ".join(_OFF[method][1] for method in self._off)
        return "; ".join(failed) or f"{done} over another connection"
