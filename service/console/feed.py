"""The connection to one run that all browsers share.

Two threads follow the run: one receives events, the other asks for the status after events, and now and then.
Pages ask over a third connection. So a console costs the daemon the same, however many people watch.
"""

import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from service.console.source import Source
from service.errors import ApiError, InputError, NoDaemonError

KEPT_EVENTS = 300
"""Events that the feed keeps; pages ask for older ones."""

_QUIET_S = 2.0
"""Time between two questions for the status while nothing happens, s."""

_BUSY_S = 0.25
"""The same while events come, s: what a person sees lags by half of it and the time of the answer."""

_AGAIN_S = 1.0
"""Wait before another attempt to reach the daemon, s."""

_NEVER_S = 1e6

_MOST_KEPT = 100
"""Results that are kept for other pages."""


class Link(StrEnum):
    """State of the connection."""

    CONNECTING = "connecting"
    UP = "up"
    LOST = "lost"
    """The daemon does not answer any more; the last status is kept."""
    NONE = "none"
    """There was no daemon to reach yet."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the run.

    Attributes
    ----------
    link : Link
    problem : str
        Why there is no connection, in one sentence; empty if there is one.
    hello, status : dict or None
        Results of the methods of these names.
    live : bool
        False for the folder of an ended run: nothing changes any more, and nothing can be changed.
    """

    link: Link = Link.CONNECTING
    problem: str = ""
    hello: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    live: bool = True


class Feed:
    """State and events of one run, and requests to it; its methods may be called from any thread.

    Parameters
    ----------
    open_source : callable
        Opens the source anew; raises `NoDaemonError` or `InputError`.
    changed : callable
        Called after each change of state or events, from a thread of the feed.
    """

    def __init__(self, open_source: Callable[[], Source], changed: Callable[[], None]) -> None:
        self._open_source = open_source
        self._changed = changed
        self._state = State()
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._stop, self._dirty = threading.Event(), threading.Event()
        self._asking = threading.Lock()
        self._for_pages: Source | None = None
        self._results: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()
        self._threads = [
            threading.Thread(target=target, name=f"feed-{name}", daemon=True)
            for name, target in (("events", self._follow), ("status", self._watch))
        ]

    def start(self) -> None:
        """Begin to follow the run."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; the threads end at their next wait."""
        self._stop.set()
        self._dirty.set()

    @property
    def state(self) -> State:
        """Last known state."""
        return self._state

    def events(self) -> list[dict[str, Any]]:
        """Return the latest events, oldest first."""
        return list(self._events)

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method and return its result; waits for the reply, so not for the thread of the pages.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        with self._asking:
            if self._for_pages is None:
                self._for_pages = self._open_source()
            try:
                return self._for_pages.call(method, request_id=request_id, **params)
            except NoDaemonError:
                self._for_pages.close()
                self._for_pages = None
                raise
            finally:
                self._dirty.set()

    def recent(self, method: str, age_s: float, **params: Any) -> dict[str, Any]:
        """Return the result of a method that changes nothing, from at most `age_s` ago.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        key = json.dumps([method, params], sort_keys=True)
        known = self._results.get(key)
        if known is None or time.monotonic() - known[0] > age_s:
            known = self._results[key] = time.monotonic(), self.call(method, **params)
            if len(self._results) > _MOST_KEPT:
                self._results.popitem(last=False)
        return known[1]

    def _watch(self) -> None:
        """Keep the status up to date."""
        source: Source | None = None
        while not self._stop.is_set():
            try:
                if source is None:
                    source = self._open_source()
                    self._greet(source.call("hello"))
                self._set(replace(self._state, link=Link.UP, problem="", status=source.call("status")))
                # Nothing changes in a run that has ended.
                wait_s = _QUIET_S if self._state.live else _NEVER_S
            except (ApiError, InputError, NoDaemonError) as error:
                if source is not None:
                    source.close()
                    source = None
                seen = self._state.status is not None
                self._set(replace(self._state, link=Link.LOST if seen else Link.NONE, problem=str(error)))
                wait_s = _AGAIN_S
            self._stop.wait(_BUSY_S)
            self._dirty.wait(wait_s - _BUSY_S)
            self._dirty.clear()
        if source is not None:
            source.close()

    def _greet(self, hello: dict[str, Any]) -> None:
        self._results.clear()
        self._set(replace(self._state, hello=hello))

    def _follow(self) -> None:
        """Receive events, again after each interruption."""
        run = None
        while not self._stop.is_set():
            source = None
            try:
                source = self._open_source()
                found, status = source.call("hello")["run"], source.call("status")
                if run != found:
                    self._events.clear()
                run = found
                latest = self._events[-1]["seq"] if self._events else 0
                since = max(latest, status["last_seq"] - KEPT_EVENTS)
                for event in source.events(since):
                    self._events.append(event)
                    self._dirty.set()
                    self._changed()
                    if self._stop.is_set():
                        return
                self._set(replace(self._state, live=False))
                return
            except (ApiError, InputError, NoDaemonError):
                self._dirty.set()
            finally:
                if source is not None:
                    source.close()
            self._stop.wait(_AGAIN_S)

    def _set(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._changed()
