"""The page of the detector: its steps on a chosen frame, with settings that can be tried and saved."""

from nicegui import ui

from service.console.safety import Role
from service.console.tune.frames import FrameOfChoice
from service.console.tune.panels import Panels
from service.console.tune.saving import Saving
from service.console.tune.settings import Settings
from service.console.tune.trying import Trying
from service.console.view import View

_NOT_FOR_WATCHERS = "Detectors are tried by whoever may operate: that takes time of this computer."


def build(view: View) -> None:
    """Make the page."""
    if view.role is not Role.OPERATE:
        ui.label(_NOT_FOR_WATCHERS).classes("empty")
        return
    with ui.element("div").classes("tune-page"):
        with ui.element("div").classes("side"):
            with ui.element("section").classes("card"):
                frame = FrameOfChoice(view, lambda: trying.begin())
            with ui.element("section").classes("card"):
                settings = Settings(view, lambda: trying.begin())
            with ui.element("section").classes("card"):
                saving = Saving(view, lambda: trying.trial())
        with ui.element("div").classes("side"):
            with ui.element("section").classes("card"):
                trying = Trying(view, frame, settings, lambda steps: panels.show(steps))
            panels = Panels()
    saving.on_saved(settings.offer)
    settings.open()
