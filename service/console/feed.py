"""The connection to one run that all browsers share.

Two threads follow the run: one receives events, the other asks for the status after events, and now and then.
Pages ask over a third connection. So a console costs the daemon the same, however many people watch.
"""

import json
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from service.console.computer.source import Opened, Source
from service.errors import ApiError, InputError, NoDaemonError

KEPT_EVENTS = 300
"""Events that the feed keeps; pages ask for older ones."""

_QUIET_S = 2.0
"""Time between two questions for the status while nothing happens, s."""

_BUSY_S = 0.25
"""The same while events come, s, at least."""

_SHARE, _CREDIT_S = 0.012, 0.25
"""Part of the daemon's time that questions for the status may take in the long run, and time that they may
take at once after a rest, s: a status of 100,000 jobs takes 5 ms."""

_AGAIN_S = 1.0
"""Wait before another attempt to reach the daemon, s."""

_PATIENCE_S = 10.0
"""Silence of a daemon that still listens until it counts as lost, s: a change of all cells takes seconds on a
loaded computer. Chosen by hand."""

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
    """Known state of the run.

    Attributes
    ----------
    link : Link
    problem : str
        Why there is no connection, in one sentence; empty if there is one.
    hello, status : dict or None
        Results of the methods of these names.
    live : bool
        False if no daemon drives the run, and its folder is read: nothing can be changed.
    was_live : bool
        True if a daemon drove it when this console began to show it, or later.
    """

    link: Link = Link.CONNECTING
    problem: str = ""
    hello: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    live: bool = True
    was_live: bool = False


class Feed:
    """State and events of one run, and requests to it; its methods may be called from any thread.

    Parameters
    ----------
    open_run : callable
        Opens the run anew; raises `NoDaemonError` or `InputError`.
    is_running : callable
        Returns True if a daemon drives the run; asked again and again while none does.
    changed : callable
        Called after each change of state or events, from a thread of the feed.
    """

    def __init__(
        self, open_run: Callable[[], Opened], is_running: Callable[[], bool], changed: Callable[[], None]
    ) -> None:
        self._open, self._is_running = open_run, is_running
        self._changed = changed
        self._state = State()
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._stop, self._dirty = threading.Event(), threading.Event()
        self._asking = threading.Lock()
        self._for_pages: Source | None = None
        self._results: OrderedDict[str, tuple[float, int, dict[str, Any]]] = OrderedDict()
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

        A daemon that is busy is asked again, under the same identifier.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        request_id = request_id or uuid.uuid4().hex
        since_s = time.monotonic()
        while True:
            try:
                return self._ask(method, request_id, params)
            except NoDaemonError:
                if not self._is_busy(since_s):
                    raise
                self._stop.wait(_BUSY_S)

    def _is_busy(self, since_s: float) -> bool:
        """Return True if a daemon that has been silent since a moment only has much to do."""
        state = self._state
        known = state.link in (Link.CONNECTING, Link.UP) and state.live
        waits = known and time.monotonic() - since_s < _PATIENCE_S
        return waits and not self._stop.is_set() and self._is_running()

    def _ask(self, method: str, request_id: str, params: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            if self._for_pages is None:
                self._for_pages = self._open().source
            try:
                return self._for_pages.call(method, request_id=request_id, **params)
            except NoDaemonError:
                self._close_for_pages()
                raise
            finally:
                self._dirty.set()
                if self._stop.is_set():
                    # A page may still show a run that is followed no more.
                    self._close_for_pages()

    def _close_for_pages(self) -> None:
        """Close the connection for pages; `_asking` is held."""
        if self._for_pages is not None:
            self._for_pages.close()
            self._for_pages = None

    @property
    def seq(self) -> int:
        """Number of the last event that is known."""
        status = self._state.status
        latest = self._events[-1]["seq"] if self._events else 0
        return max(latest, 0 if status is None else int(status["last_seq"]))

    def recent(self, method: str, age_s: float | None = None, **params: Any) -> dict[str, Any]:
        """Return the result of a read, from after the last event or at most `age_s` old, s.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        key = json.dumps([method, params], sort_keys=True)
        known = self._results.get(key)
        if known is None or (known[1] < self.seq if age_s is None else time.monotonic() - known[0] > age_s):
            asked, seq = time.monotonic(), self.seq
            known = self._results[key] = asked, seq, self.call(method, **params)
            if len(self._results) > _MOST_KEPT:
                self._results.popitem(last=False)
        return known[2]

    def _watch(self) -> None:
        """Keep the status up to date; the only thread that sets the state."""
        opened: Opened | None = None
        budget = _Budget()
        answered_s = time.monotonic()
        while not self._stop.is_set():
            if opened is not None and not opened.live and self._is_running():
                opened.source.close()
                opened = None
            try:
                if opened is None:
                    opened = self._open()
                    self._greet(opened)
                if opened.live or self._state.link is not Link.UP or self._state.live:
                    with budget:
                        status = opened.source.call("status")
                    answered_s = time.monotonic()
                    self._set(replace(self._state, link=Link.UP, problem="", status=status, live=opened.live))
                wait_s = max(_QUIET_S, budget.last_s / _SHARE)
            except (ApiError, InputError, NoDaemonError) as error:
                if opened is not None:
                    opened.source.close()
                    opened = None
                if not isinstance(error, NoDaemonError) or not self._is_busy(answered_s):
                    link = Link.NONE if self._state.status is None else Link.LOST
                    self._set(replace(self._state, link=link, problem=str(error)))
                wait_s = _AGAIN_S
            busy_s = max(_BUSY_S, budget.wait_s())
            self._stop.wait(busy_s)
            self._dirty.wait(max(0.0, wait_s - busy_s))
            self._dirty.clear()
        if opened is not None:
            opened.source.close()
        with self._asking:
            self._close_for_pages()

    def _greet(self, opened: Opened) -> None:
        hello = opened.source.call("hello")
        self._results.clear()
        with self._asking:
            self._close_for_pages()
        same = self._state.hello is not None and self._state.hello["run"] == hello["run"]
        was_live = opened.live or (same and self._state.was_live)
        self._set(replace(self._state, hello=hello, was_live=was_live))

    def _follow(self) -> None:
        """Receive events, again after each interruption."""
        run = None
        while not self._stop.is_set():
            opened = None
            try:
                opened = self._open()
                source = opened.source
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
            except (ApiError, InputError, NoDaemonError):
                self._dirty.set()
            finally:
                if opened is not None:
                    opened.source.close()
            while not self._stop.wait(_AGAIN_S) and opened is not None and not opened.live:
                if self._is_running():
                    break

    def _set(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._changed()


_DEAREST_S = 0.1
"""Longest time that an answer is taken to cost, s; more than a status of 300,000 jobs."""


class _Budget:
    """Time of the daemon that questions may take: a context for each of them."""

    def __init__(self) -> None:
        self._credit_s, self._at = _CREDIT_S, time.monotonic()
        self.last_s = 0.0
        """Time that the last question took."""

    def __enter__(self) -> None:
        self._earn()
        self._begun = time.monotonic()

    def __exit__(self, *error: object) -> None:
        # A daemon that was busy or is gone has spent nothing on the answer.
        self.last_s = min(time.monotonic() - self._begun, _DEAREST_S)
        self._credit_s -= self.last_s

    def wait_s(self) -> float:
        """Return the time until the next question may be asked."""
        self._earn()
        return max(0.0, -self._credit_s / _SHARE)

    def _earn(self) -> None:
        now = time.monotonic()
        self._credit_s = min(_CREDIT_S, self._credit_s + (now - self._at) * _SHARE)
        self._at = now
