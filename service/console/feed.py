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
from dataclasses import replace
from typing import Any

from service.console.computer.source import Opened, Source
from service.console.pace import Budget
from service.console.run_state import Link, State
from service.errors import ApiError, InputError, NoDaemonError
from service.logs import Seldom, get_logger

log = get_logger(__name__)

KEPT_EVENTS = 300
"""Events that the feed keeps; pages ask for older ones."""

_QUIET_S = 2.0
"""Time between two questions for the status while nothing happens, s."""

_BUSY_S = 0.25
"""The same while events come, s, at least."""

_AGAIN_S = 1.0
"""Wait before another attempt to reach the daemon, s."""

_PATIENCE_S = 10.0
"""Silence of a daemon that still listens until it counts as lost, s: a change of all cells takes seconds on a
loaded computer. Chosen by hand."""

_MOST_KEPT = 100
"""Results that are kept for other pages."""

_EXPECTED = (ApiError, InputError, NoDaemonError)
"""Errors of a source that say in one sentence what is wrong."""


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
        self._seldom = Seldom()
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
    def stopped(self) -> bool:
        """True once it has been stopped."""
        return self._stop.is_set()

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
        watched = _Watched()
        while not self._stop.is_set():
            try:
                wait_s = self._look(watched)
            except Exception as error:  # noqa: BLE001 - without this thread the pages would show old values for ever
                wait_s = _AGAIN_S
                self._close(watched.let_go())
                self._show_trouble(error, watched.answered_s)
            busy_s = max(_BUSY_S, watched.budget.wait_s())
            self._stop.wait(busy_s)
            self._dirty.wait(max(0.0, wait_s - busy_s))
            self._dirty.clear()
        self._close(watched.let_go())
        with self._asking:
            self._close_for_pages()

    def _look(self, watched: "_Watched") -> float:
        """Ask for the status, of a run that is opened where none is; return the wait until the next, s."""
        if watched.opened is not None and not watched.opened.live and self._is_running():
            self._close(watched.let_go())
        opened = watched.opened
        if opened is None:
            opened = watched.opened = self._open()
            self._greet(opened)
        if opened.live or self._state.link is not Link.UP or self._state.live:
            with watched.budget:
                status = opened.source.call("status")
            watched.answered_s = time.monotonic()
            self._set(replace(self._state, link=Link.UP, problem="", status=status, live=opened.live))
        return max(_QUIET_S, watched.budget.rest_s())

    def _show_trouble(self, error: Exception, answered_s: float) -> None:
        """Set the state after an error, unless the daemon is only busy."""
        link, problem = Link.NONE if self._state.status is None else Link.LOST, str(error)
        if not isinstance(error, _EXPECTED):
            self._seldom.write(log.error, "the status cannot be followed", exc_info=error)
            link, problem = Link.FAILED, f"{type(error).__name__}: {error}"
        try:
            if not isinstance(error, NoDaemonError) or not self._is_busy(answered_s):
                self._set(replace(self._state, link=link, problem=problem))
        except Exception as another:  # noqa: BLE001 - as in `_watch`
            self._seldom.write(log.error, "the state cannot be shown", exc_info=another)

    def _close(self, opened: Opened | None) -> None:
        """Close a run; one that cannot be closed does not hold up the next."""
        if opened is not None:
            try:
                opened.source.close()
            except Exception as error:  # noqa: BLE001 - as in `_watch`
                self._seldom.write(log.error, "a run cannot be closed", exc_info=error)

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
            except _EXPECTED:
                self._dirty.set()
            except Exception as error:  # noqa: BLE001 - as in `_watch`, of events
                self._seldom.write(log.error, "events cannot be followed", exc_info=error)
                self._dirty.set()
            finally:
                self._close(opened)
            while not self._stop.wait(_AGAIN_S) and opened is not None and not opened.live:
                if self._runs_again():
                    break

    def _runs_again(self) -> bool:
        try:
            return self._is_running()
        except Exception as error:  # noqa: BLE001 - as in `_watch`
            self._seldom.write(log.error, "not known if the run goes on", exc_info=error)
            return False

    def _set(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._changed()


class _Watched:
    """A run that is opened, if one is, what questions to it may cost, and when it answered last."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.budget = Budget()
        self.answered_s = time.monotonic()

    def let_go(self) -> Opened | None:
        """Return the run that is opened, to be closed, and have none."""
        opened, self.opened = self.opened, None
        return opened
