"""Supervision of a running session: announcer, stall monitor, heart, watchdog."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drivers.clock import SystemClock
from service.errors import UnsafeError
from service.logs import get_logger
from service.session.context import Context
from service.watch import watchdog
from service.watch.announcer import Announcer
from service.watch.heartbeat.beat import beat_path, process_runs
from service.watch.heartbeat.heart import Heart
from service.watch.notifier import Notifier, notification_urls
from service.watch.stall_monitor import StallMonitor
from service.watch.systemd import notify

log = get_logger(__name__)

_AGAIN_S = 60.0
"""Shortest time between two starts of a watchdog."""
_LAST_WORDS_S = 20.0
"""Time for waiting notifications at the end of the program; the microscope is safe by then."""


class Supervision:
    """Supervision of one session, from `start` to `stop`.

    Parameters
    ----------
    context : Context

    Raises
    ------
    InputError
        Notifications are configured wrongly.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        config = context.config
        self._urls = notification_urls(config.notify)
        self._notifier = Notifier(
            self._urls, config.notify.events, context.store.run_id(), self._not_delivered
        )
        self.announcer = Announcer(context.store, context.folder.incidents, self._notifier)
        self._stall_monitor = StallMonitor(
            context.progress, self.announcer.note, context.store.events.last_seq, self._watchdog_lost
        )
        self.heart = Heart(beat_path(context.store.run_id()), context.folder.heartbeat)
        # A session in simulated time is short and drives no microscope.
        self._real = isinstance(context.clock, SystemClock)
        self._outside = config.watchdog.enabled and self._real
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0

    def start(self) -> None:
        """Start, the heart first, so that the watchdog finds it beating."""
        self.heart.start()
        if self._outside:
            self._spawn()
        self.announcer.start()
        self._stall_monitor.start()
        notify("READY=1")

    def stop(self, safe: bool) -> None:
        """Send what waits, write the state of the microscope, and end."""
        notify("STOPPING=1")
        self._stall_monitor.stop()
        self.heart.end(safe, keep=self._real)
        self.announcer.stop(_LAST_WORDS_S)
        self._notifier.close(_LAST_WORDS_S)
        # A notification that could not be delivered is an incident, too.
        self.announcer.catch_up()

    def health(self) -> dict[str, Any]:
        """Return progress and notifications, for `status`."""
        now = self._context.progress.current()
        return {
            "step": now.step,
            "running_s": round(now.running_s, 1),
            "allowed_s": round(now.allowed_s, 1),
            "stalled": now.stalled,
            "watchdog": self._watchdog_runs(),
            "channels": self._notifier.channels,
            "notified": self._notifier.sent,
            "not_notified": self._notifier.failed,
            "last_not_notified": self._notifier.last_failure,
        }

    def _spawn(self) -> None:
        self._started_s = time.monotonic()
        try:
            self._watchdog = watchdog.spawn(self._context.folder, self._urls)
        except OSError as error:
            log.error("no watchdog", error=str(error))

    def _watchdog_lost(self) -> bool:
        """Start the watchdog again if it has ended or is stopped; return True if it was."""
        if not self._outside or self._watchdog_runs() or time.monotonic() - self._started_s < _AGAIN_S:
            return False
        if self._watchdog is not None:
            # A stopped one would act late, beside the next one.
            self._watchdog.kill()
            self._watchdog.wait()
        self._spawn()
        return True

    def _watchdog_runs(self) -> bool:
        return (
            self._watchdog is not None and self._watchdog.poll() is None and process_runs(self._watchdog.pid)
        )

    def _not_delivered(self, channel: str, why: str) -> None:
        self.announcer.note("notify_failed", channel, {"why": why})


@contextmanager
def supervised(supervision: Supervision) -> Iterator[None]:
    """Supervise a session until it has ended; only `UnsafeError` means that the microscope is not safe."""
    supervision.start()
    safe = True
    try:
        yield
    except UnsafeError:
        safe = False
        raise
    finally:
        supervision.stop(safe)
