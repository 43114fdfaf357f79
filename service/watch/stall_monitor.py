"""Stall monitor: checks progress, clock and watchdog of a session every second."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from service.logs import get_logger
from service.session.progress import Progress

log = get_logger(__name__)

_EVERY_S = 1.0
_HELD_UP_S = 10.0
"""A look this late means that the program could not run: it was stopped, or a clock jumped."""
_JUMP_S = 5.0

Note = Callable[[str, str, Mapping[str, Any]], None]
"""Appends an event: kind, subject, data."""


class StallMonitor:
    """Monitor of one session, on a thread of its own.

    Parameters
    ----------
    progress : Progress
    note : callable
        See `Note`.
    last_seq : callable
        Returns the number of the last event, which shows progress of detection and planning.
    watchdog_lost : callable
        Returns True if the watchdog had ended and was started again.
    monotonic_s, wall_s : callable
        Clocks of the computer, s.
    """

    def __init__(
        self,
        progress: Progress,
        note: Note,
        last_seq: Callable[[], int],
        watchdog_lost: Callable[[], bool] = lambda: False,
        monotonic_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._progress, self._note, self._last_seq, self._watchdog_lost = (
            progress,
            note,
            last_seq,
            watchdog_lost,
        )
        self._monotonic_s, self._wall_s = monotonic_s, wall_s
        self._looked_s = monotonic_s()
        self._offset_s = wall_s() - monotonic_s()
        self._seq = 0
        self._stalled: int | None = None
        """Number of the step that was reported as stalled."""
        self._stalled_step: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="stall monitor", daemon=True)

    def start(self) -> None:
        """Start to look every second."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()

    def look(self) -> None:
        """Look once."""
        self._check_clocks()
        self._check_progress()
        if self._watchdog_lost():
            self._note("watchdog_lost", "watchdog", {})

    def _serve(self) -> None:
        while not self._over.wait(_EVERY_S):
            try:
                self.look()
            except Exception:
                # The monitor must survive any error.
                log.exception("unexpected error of the stall monitor")

    def _check_clocks(self) -> None:
        now_s = self._monotonic_s()
        gap_s = now_s - self._looked_s
        self._looked_s = now_s
        if gap_s > _HELD_UP_S:
            self._progress.discount(gap_s)
            self._note("held_up", "program", {"for_s": round(gap_s, 1)})
        offset_s = self._wall_s() - now_s
        by_s = offset_s - self._offset_s
        if abs(by_s) > _JUMP_S:
            self._offset_s = offset_s
            self._note("clock_jump", "clock", {"by_s": round(by_s, 1)})

    def _check_progress(self) -> None:
        now = self._progress.current()
        seq = self._last_seq()
        if now.renewed_by_events and seq != self._seq:
            self._progress.renew()
        self._seq = seq
        if now.stalled and self._stalled != now.number:
            self._stalled, self._stalled_step = now.number, now.step
            data = {"step": now.step, "running_s": now.running_s, "allowed_s": now.allowed_s}
            log.critical("stalled", **data)
            self._note("stalled", "session", data)
        elif self._stalled is not None and not now.stalled:
            self._note("stall_over", "session", {"step": self._stalled_step})
            self._stalled = None
