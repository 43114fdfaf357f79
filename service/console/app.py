"""The console: its pages, the runs that they show, and the server."""

import asyncio
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

from nicegui import Event, app, core, ui
from starlette.requests import Request

from service.console.computer.source import Computer
from service.console.feed import Feed
from service.console.frame import Entry, frame
from service.console.guard import ROLE, Guard
from service.console.pace import Pace
from service.console.pages import (
    field,
    history,
    holder,
    job,
    now,
    queue,
    review,
    section,
    section_map,
    start,
    tune,
)
from service.console.safety import NAME_COOKIE, Policy, Role, is_loopback
from service.console.view import LONGEST_NAME, THEME_COOKIE, FollowedRun, View

_MOST_RUNS = 8
"""Runs that are followed at the same time; the one that was opened first is closed for another."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console: its line in the navigation, if it has one, and the function that makes it."""

    path: str
    title: str
    icon: str
    build: Callable[[View], None]
    in_navigation: bool = True


PAGES = (
    Page("/", "Now", "monitor_heart", now.build),
    Page("/map", "Map", "grid_view", section_map.build),
    Page("/section", "Section", "grid_on", section.build, in_navigation=False),
    Page("/field", "Field", "image", field.build, in_navigation=False),
    Page("/review", "Review", "rule", review.build),
    Page("/queue", "Queue", "format_list_numbered", queue.build),
    Page("/job", "Frame", "crop_free", job.build, in_navigation=False),
    Page("/history", "History", "history", history.build),
    Page("/tune", "Tune", "tune", tune.build),
    Page("/holder", "Holder", "edit_location_alt", holder.build),
    Page("/runs", "Runs", "play_circle", start.build),
)
"""The pages, in the order of the navigation."""


class Console:
    """The runs that are followed, and the pages of them.

    Parameters
    ----------
    computer : Computer
    name : str
        Name for decisions where the person has not given one; empty if they must.
    """

    def __init__(self, computer: Computer, name: str) -> None:
        self._computer = computer
        self._name = name
        self._runs: dict[str | None, FollowedRun] = {}

    def followed(self, name: str | None) -> FollowedRun:
        """Return the run of this name, followed from now on; None stands for the console's own daemon."""
        if name not in self._runs:
            changed = Event[[]]()
            computer = self._computer
            feed = Feed(lambda: computer.open(name), lambda: computer.is_running(name), _in_loop(changed))
            self._runs[name] = FollowedRun(feed, changed, name)
            feed.start()
            others = [known for known in self._runs if known is not None]
            if len(others) > _MOST_RUNS:
                self._runs.pop(others[0]).feed.stop()
        return self._runs[name]

    def stop(self) -> None:
        """Stop following, and end what runs for the pages."""
        for followed in self._runs.values():
            followed.feed.stop()
        self._computer.close()

    def add(self, page: Page) -> None:
        """Serve a page."""
        entries = [Entry(one.path, one.title, one.icon) for one in PAGES if one.in_navigation]

        @ui.page(page.path, title=f"{page.title} · ilemtrack")
        async def show(request: Request) -> None:
            view = self._view(request, page.path)
            with frame(view, page.title, entries):
                page.build(view)

    def _view(self, request: Request, path: str) -> View:
        query, cookies = dict(request.query_params), request.cookies
        return View(
            run=self.followed(query.get("run") or None),
            computer=self._computer,
            role=request.scope.get(ROLE, Role.WATCH),
            query=query,
            person=_cookie(cookies, NAME_COOKIE)[:LONGEST_NAME] or self._name,
            dark=_cookie(cookies, THEME_COOKIE) != "light",
            path=path,
            client=ui.context.client,
        )


def serve(computer: Computer, policy: Policy, name: str, opened: str | None) -> None:
    """Serve the console until Ctrl-C.

    Parameters
    ----------
    computer : Computer
    policy : Policy
        Address, and who may use it.
    name : str
        Name for decisions where the person has not given one; empty if they must.
    opened : str or None
        Address to open in a browser.
    """
    console = Console(computer, name)
    for page in PAGES:
        console.add(page)
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    ui.add_head_html(f"<style>{style}</style>", shared=True)
    app.add_middleware(Guard, policy=policy)
    app.on_startup(lambda: console.followed(None))
    app.on_shutdown(console.stop)
    if opened is not None:
        app.on_startup(lambda: webbrowser.open(opened))
    ui.run(
        host=policy.host,
        port=policy.port,
        title="ilemtrack",
        favicon=_ICON,
        dark=True,
        language="en-US",
        reload=False,
        show=False,
        show_welcome_message=False,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=10.0,
        proxy_headers=False,
        server_header=False,
    )


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="6" fill="#101418"/><circle cx="16" cy="16" r="6" fill="#8cc8ff"/>'
    '<path d="M5 5h9v2H7v7H5zM27 27h-9v-2h7v-7h2z" fill="#e8ecef"/></svg>'
)


def _in_loop(changed: Event[[]]) -> Callable[[], None]:
    """Return a function for other threads that raises an event among the pages, once for several changes."""
    waiting, pace = False, Pace()

    def emit() -> None:
        nonlocal waiting
        waiting = False
        pace.made(time.monotonic())
        changed.emit()

    def soon() -> None:
        nonlocal waiting
        if not waiting:
            waiting = True
            asyncio.get_running_loop().call_later(pace.wait_s(time.monotonic()), emit)

    def from_a_thread() -> None:
        if core.loop is not None and not core.loop.is_closed():
            core.loop.call_soon_threadsafe(soon)

    return from_a_thread


def address_of(policy: Policy) -> str:
    """Return the address that opens the console, once if it signs in."""
    host = "localhost" if is_loopback(policy.host) else policy.host
    path = "/" if policy.invitation is None else policy.invitation.path
    return f"http://{f'[{host}]' if ':' in host else host}:{policy.port}{path}"


def _cookie(cookies: Mapping[str, str], name: str) -> str:
    return "".join(letter for letter in unquote_plus(cookies.get(name, "")) if letter.isprintable()).strip()
