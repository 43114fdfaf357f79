"""The frame of every page: what is watched, the alarms, the navigation."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from service.console import alarms
from service.console.run_state import Link
from service.console.safety import Role
from service.console.view import THEME_COOKIE, View
from service.model.phases import Phase
from service.words.states import PHASES

_LINKS = {
    Link.CONNECTING: "Connecting",
    Link.UP: "Connected",
    Link.LOST: "Connection lost",
    Link.NONE: "No session",
    Link.FAILED: "Console failed",
}

_SEVERE = (alarms.Level.DANGER, alarms.Level.FAULT)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation; `icon` is the name of a Material icon."""

    path: str
    title: str
    icon: str


def frame(view: View, title: str, entries: Sequence[Entry]) -> ui.element:
    """Make the frame, and return the element that the page fills."""
    dark = ui.dark_mode(view.dark)
    with ui.element("header").classes("bar"):
        _run(view)
        with ui.element("div").classes("bar-end"):
            link = ui.label().classes("link")
            if view.role is Role.WATCH:
                ui.label("watching only").classes("badge")
            _theme(view, dark)
    with ui.element("div").classes("shell"):
        with ui.element("nav").classes("nav").props('aria-label="Pages"'):
            for entry in entries:
                _entry(view, entry)
        with ui.element("main").classes("main") as main:
            _alarms(view, title)
            ui.label(title).classes("page-title").props("role=heading aria-level=1")

    def show_link() -> None:
        state = view.state
        link.set_text(_LINKS[state.link] if state.live else "Ended run, read only")
        link.classes(replace=f"link link-{state.link if state.live else 'ended'}")

    view.follow(show_link)
    return main


def _run(view: View) -> None:
    with ui.element("div").classes("bar-run"):
        name, microscope = ui.label().classes("bar-name"), ui.label().classes("muted bar-microscope")

    def show() -> None:
        hello = view.state.hello
        name.set_text(hello["run"] if hello else "ilemtrack")
        microscope.set_text(str(hello.get("microscope") or hello["kind"]) if hello else "")

    view.follow(show)


def _theme(view: View, dark: ui.dark_mode) -> None:
    def turn() -> None:
        view.dark = not view.dark
        dark.set_value(view.dark)
        view.remember(THEME_COOKIE, "dark" if view.dark else "light")
        name()

    button = ui.button(icon="contrast", color=None, on_click=turn).props("flat round dense").classes("theme")

    def name() -> None:
        button.props(f'aria-label="{"Light" if view.dark else "Dark"} colours"')

    name()


def _entry(view: View, entry: Entry) -> None:
    here = entry.path == view.path
    with ui.link(target=view.address(entry.path)).classes("nav-entry" + (" here" if here else "")) as link:
        if here:
            link.props("aria-current=page")
        ui.icon(entry.icon).props("aria-hidden=true")
        ui.label(entry.title)


def _alarms(view: View, title: str) -> None:
    place = ui.element("div").classes("alarms").props("role=alert")
    shown: list[alarms.Alarm] = []
    titled = ""

    def show() -> None:
        nonlocal titled
        found = alarms.standing(view.state)
        severe = [alarm for alarm in found if alarm.level in _SEVERE]
        mark = f"{severe[0].level}! " if severe else ""
        status = view.state.status
        phase = f" · {PHASES[Phase(status['phase'])]}" if status else ""
        wanted = f"{mark}{title}{phase} · ilemtrack"
        if wanted != titled:
            titled = wanted
            ui.page_title(wanted)
        if found == shown:
            return
        shown[:] = found
        place.clear()
        with place:
            for alarm in found:
                _alarm(view, alarm)

    view.follow(show)


def _alarm(view: View, alarm: alarms.Alarm) -> None:
    with ui.element("div").classes(f"alarm alarm-{alarm.level.name.lower()}"):
        ui.label(alarm.level).classes("alarm-level")
        with ui.element("div").classes("alarm-text"):
            ui.label(alarm.what).classes("alarm-what")
            ui.label(alarm.to_do).classes("alarm-to-do")
        if alarm.path not in ("", view.path):
            ui.link(alarm.link, view.address(alarm.path)).classes("alarm-link")
