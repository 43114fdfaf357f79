"""Looks each second whether the session comes forward, the clock is steady, and the watchdog is there."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from service.logs import get_logger
from service.session.progress import ANALYSIS, Progress

log = get_logger(__name__)

_EVERY_S = 1.0
_HELD_UP_S = 10.0
"""A look that comes so late says that this program could not run: it was stopped, or a clock jumped."""
_JUMP_S = 5.0

Note = Callable[[str, str, Mapping[str, Any]], None]
"""Appends an event: kind, subject, data."""


class Sentinel:
    """The inner watch of a session.

    Parameters
    ----------
    progress : Progress
    note : callable
        See `Note`.
    last_seq : callable
        Number of the last event: detection and planning come forward with it.
    watchdog_lost : callable
        Whether the outer watch had ended and was started again.
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
        self._stalled: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sentinel", daemon=True)

    def start(self) -> None:
        """Look each second from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def look(self) -> None:
        """Look once."""
        self._look_at_the_clocks()
        self._look_at_the_progress()
        if self._watchdog_lost():
            self._note("watchdog_lost", "watchdog", {})

    def _serve(self) -> None:
        while not self._over.wait(_EVERY_S):
            try:
                self.look()
            except Exception:
                # The watch must outlive whatever it meets.
                log.exception("the sentinel met an unexpected error")

    def _look_at_the_clocks(self) -> None:
        now_s = self._monotonic_s()
        gap_s = now_s - self._looked_s
        self._looked_s = now_s
        if gap_s > _HELD_UP_S:
            self._progress.forgive(gap_s)
            self._note("held_up", "program", {"for_s": round(gap_s, 1)})
        offset_s = self._wall_s() - now_s
        by_s = offset_s - self._offset_s
        if abs(by_s) > _JUMP_S:
            self._offset_s = offset_s
            self._note("clock_jump", "clock", {"by_s": round(by_s, 1)})

    def _look_at_the_progress(self) -> None:
        standing = self._progress.standing()
        seq = self._last_seq()
        if standing.step == ANALYSIS and seq != self._seq:
            self._progress.again()
        self._seq = seq
        if standing.stalled and self._stalled != standing.step:
            self._stalled = standing.step
            data = {"step": standing.step, "running_s": standing.running_s, "allowed_s": standing.allowed_s}
            log.critical("stalled", **data)
            self._note("stalled", "session", data)
        elif self._stalled is not None and not standing.stalled:
            self._note("stall_over", "session", {"step": self._stalled})
            self._stalled = None
