"""One page as one person sees it: who they are, which run it shows, and what they may do."""

import asyncio
import inspect
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from nicegui import Client, Event, ui

from service.api.wire.messages import ErrorCode
from service.console.computer.source import Computer
from service.console.feed import Feed
from service.console.run_state import State
from service.console.safety import Role
from service.errors import ApiError, InputError, NoDaemonError
from service.model.phases import FINAL, Phase

T = TypeVar("T")

TROUBLE = (ApiError, InputError, NoDaemonError)
"""Errors of a request; each is one sentence."""

THEME_COOKIE = "ilemtrack_theme"
_KEPT_S = 365 * 24 * 3600

LONGEST_NAME = 60

_WITHOUT_NAME = ("run.pause", "run.abort", "fault.ack", "review.confirm")
"""Changes for which a daemon that was started before an upgrade takes no name: it must stop all the same."""

_ATTEMPTS = 4
"""Attempts to make a change; each waits for some seconds, as a busy daemon may need them. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """A feed, and the event of NiceGUI that it raises in the thread of the pages."""

    feed: Feed
    changed: Event[[]]
    name: str | None
    """Name in the address of a page; None for the daemon that the console was started for."""


@dataclass
class View:
    """One open page.

    Attributes
    ----------
    run : FollowedRun
    computer : Computer
    role : Role
    query : mapping of str to str
        Parameters of the address.
    person : str
        Name that is recorded for decisions; empty until the person gives it.
    dark : bool
    path : str
        Path of the page.
    client : Client or None
        The browser's side of the page; None without a browser.
    """

    run: FollowedRun
    computer: Computer
    role: Role
    query: Mapping[str, str]
    person: str
    dark: bool
    path: str
    client: Client | None = None
    is_asking: bool = False
    """True while a question waits for the person's answer."""
    naming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the person is asked for their name."""
    _own_rev: int = 0

    @property
    def state(self) -> State:
        """Last known state of the run."""
        return self.run.feed.state

    def events(self) -> list[dict[str, Any]]:
        """Return the latest events, oldest first."""
        return self.run.feed.events()

    def follow(self, refresh: Callable[[], Awaitable[None] | None]) -> None:
        """Call `refresh` now, and after each change while the page is open.

        One call ends before the next begins, so that nothing older is shown after something newer.
        """
        if not inspect.iscoroutinefunction(refresh):
            self.run.changed.subscribe(refresh)
            ui.timer(0, refresh, once=True)
            return
        busy = again = False

        async def one_by_one() -> None:
            nonlocal busy, again
            again = True
            if busy:
                return
            busy = True
            try:
                while again and not self.is_gone:
                    again = False
                    await refresh()
            finally:
                busy = False

        self.run.changed.subscribe(one_by_one)
        ui.timer(0, one_by_one, once=True)

    @property
    def is_gone(self) -> bool:
        """True once the person has left the page: nothing may be shown on it any more."""
        return self.client is not None and self.client.is_deleted

    def address(self, path: str, **query: str) -> str:
        """Return the address of a page, of the same run."""
        kept = {} if self.run.name is None else {"run": self.run.name}
        given = kept | query
        return f"{path}{'&' if '?' in path else '?'}{urlencode(given)}" if given else path

    @staticmethod
    def address_of(run: str, path: str) -> str:
        """Return the address of a page of another run."""
        return f"{path}?{urlencode({'run': run})}"

    @property
    def may_change(self) -> bool:
        """True if this person may change anything in this run."""
        return self.role is Role.OPERATE and self.state.live

    @property
    def may_steer(self) -> bool:
        """True if this person may change the queue: the session is known, and has not ended."""
        status = self.state.status
        return self.may_change and status is not None and Phase(status["phase"]) not in FINAL

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method that changes nothing, and return its result.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        return await self.in_thread(self.run.feed.call, method, **params)

    @property
    def seq(self) -> int:
        """Number of the last event that is known."""
        return self.run.feed.seq

    async def recent(self, method: str, age_s: float | None = None, **params: Any) -> dict[str, Any]:
        """Return a result from after the last event, or one that is at most `age_s` old, s.

        So people who look at the same cost the daemon no more than one.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        return await self.in_thread(self.run.feed.recent, method, age_s, **params)

    async def in_thread(self, work: Callable[..., T], *given: Any, **params: Any) -> T:
        """Return the result of some work that takes time, done in a thread.

        What waits for the result is cancelled if the person has left the page meanwhile: there is nothing any
        more in which it could be shown.
        """
        try:
            result = await asyncio.to_thread(work, *given, **params)
        except Exception as error:
            # A console that ends gives no more threads; its pages end with it.
            if self.is_gone or (isinstance(error, RuntimeError) and self.run.feed.stopped):
                raise asyncio.CancelledError from None
            raise
        if self.is_gone:
            raise asyncio.CancelledError
        return result

    @property
    def rev(self) -> int | None:
        """Revision of the session that this page knows: of the last status, or of its own change since then.

        None before the first status.
        """
        status = self.state.status
        return None if status is None else max(int(status["rev"]), self._own_rev)

    async def now(self) -> dict[str, Any] | None:
        """Return the status of this moment; where there is none, say why and return None.

        The last known one may be from before a change by this same person, who would then be refused as if
        somebody else had changed the session.
        """
        try:
            return await self.call("status")
        except TROUBLE as error:
            self._say(f"Not done: {error}")
            return None

    async def change(self, method: str, *, quiet: bool = False, **params: Any) -> bool:
        """Make a change in the run that is shown, say what came of it, and return True if it was made.

        Parameters
        ----------
        method : str
        quiet : bool
            True where the page itself shows what came of it: only a refusal is said.
        **params
            ``if_run`` is added; ``by`` where the method takes it is given by the caller.
        """
        if not self.may_change:
            ui.notify("You may watch, but not change anything.", type="warning")
            return False
        hello = self.state.hello
        # One identifier: a change that is asked for twice, as its reply was lost, is made once.
        request_id = uuid.uuid4().hex
        for attempt in reversed(range(_ATTEMPTS)):
            try:
                reply = await asyncio.to_thread(
                    self.run.feed.call,
                    method,
                    request_id=request_id,
                    if_run=None if hello is None else hello["run"],
                    **params,
                )
                break
            except NoDaemonError as error:
                if not attempt:
                    self._say(f"Not known if it was done: {error}")
                    return False
            except (ApiError, InputError) as error:
                before = isinstance(error, ApiError) and error.code == ErrorCode.BAD_PARAMS
                if before and method in _WITHOUT_NAME and params.pop("by", None) is not None:
                    continue
                self._say(f"Not done: {error}")
                return False
        if params.get("if_rev") is not None:
            # Nobody else has changed anything between that revision and this one.
            self._own_rev = int(reply["rev"])
        if not quiet and not self.is_gone:
            ui.notify(reply["message"], type="positive", multi_line=True)
        return True

    def _say(self, trouble: str) -> None:
        if not self.is_gone:
            ui.notify(trouble, type="negative", multi_line=True, timeout=10_000, close_button="Close")

    def remember(self, cookie: str, value: str) -> None:
        """Keep a harmless value in the browser."""
        safe = urlencode({cookie: value})
        ui.run_javascript(f"document.cookie = '{safe}; Path=/; Max-Age={_KEPT_S}; SameSite=Strict'")
