"""Announcer: writes the alarms of a session to the incident log and sends notifications."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.errors import StoreError
from service.logs import get_logger
from service.model.event import Event
from service.safety.timed_call import TimedCall
from service.store.database import utc_now
from service.store.store import Store
from service.watch import incidents
from service.watch.alarms import Alarm, alarm_of
from service.watch.notifier import Notifier

log = get_logger(__name__)

_PAGE = 500
_NOTE_S = 10.0
_TOGETHER_S = 0.05
"""Shortest time between two looks for alarms, s: a fast session has hundreds of events a second."""


class Announcer:
    """A thread that follows the events of a session; what it cannot read now it reads later.

    Parameters
    ----------
    store : Store
    path : Path
        The incident log.
    notifier : Notifier
    """

    def __init__(self, store: Store, path: Path, notifier: Notifier) -> None:
        self._store, self._path, self._notifier = store, path, notifier
        self._seq = store.events.last_seq()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="announcer", daemon=True)

    def start(self) -> None:
        """Start to follow the events."""
        self._store.listen(self._wake.set)
        self._thread.start()

    def stop(self, limit_s: float) -> None:
        """Announce what has happened so far, and end."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(limit_s)

    def note(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Append an event; if the database refuses it or hangs, its alarm is announced all the same."""
        call = TimedCall("note", lambda: self._store.events.note(kind, subject, data))
        try:
            if call.wait(_NOTE_S):
                call.outcome()
                return
            why = f"no answer within {_NOTE_S:g} s"
        except StoreError as error:
            why = str(error)
        log.error("event not recorded", kind=kind, error=why)
        alarm = self._alarm(Event(0, 0.0, "", kind, subject, dict(data)))
        if alarm is not None:
            self.announce(alarm)

    def announce(self, alarm: Alarm) -> None:
        """Announce an alarm at once."""
        incidents.write(self._path, utc_now(), alarm)
        self._notifier.send(alarm)

    def catch_up(self) -> None:
        """Announce what has happened since; only on the thread, or while it does not run."""
        try:
            self._read_on()
        except StoreError as error:
            log.error("events not read", error=str(error))

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            # Asked before: what happened until `stop` is announced.
            last = self._stopping.is_set()
            self.catch_up()
            if last:
                return
            self._stopping.wait(_TOGETHER_S)

    def _read_on(self) -> None:
        while events := self._store.events.since(self._seq, _PAGE):
            for event in events:
                self._seq = event.seq
                alarm = self._alarm(event)
                if alarm is not None:
                    self.announce(alarm)
            if len(events) < _PAGE:
                return

    def _alarm(self, event: Event) -> Alarm | None:
        try:
            return alarm_of(event, self._store)
        except StoreError:
            raise
        except Exception:
            # An event that is not understood must not hold up the next alarm.
            log.exception("event not understood", seq=event.seq, kind=event.kind)
            return None
