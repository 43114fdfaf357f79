"""Trials of the settings, one after the other, and what each finds and costs."""

from collections.abc import Callable

from nicegui import ui

from service.console.computer.trials import Cost, Steps, Trial
from service.console.tune.frames import FrameOfChoice
from service.console.tune.settings import Settings
from service.console.view import TROUBLE, View
from service.words.quantities import duration

_QUIET_S = 1.5
"""Time without a change after which the frames are planned by the configuration's own method, s."""


class Trying:
    """The result of the settings as they are; a change while one is tried is tried next, and none twice.

    Parameters
    ----------
    view : View
    frame : FrameOfChoice
    settings : Settings
    on_steps : callable
    """

    def __init__(
        self, view: View, frame: FrameOfChoice, settings: Settings, on_steps: Callable[[Steps], None]
    ) -> None:
        self._view, self._frame, self._settings, self._on_steps = view, frame, settings, on_steps
        self._wanted = self._tried = 0
        self._busy = False
        self._said = ""
        ui.label("Result on this frame").classes("card-title").props("role=heading aria-level=2")
        with ui.element("div").props("aria-live=polite"):
            self._found, self._hours = ui.label().classes("tune-found"), ui.label()
            self._trouble = ui.label().classes("tune-trouble")
            self._warnings = ui.element("ul").classes("plain")
        self._exactly = ui.timer(_QUIET_S, self._plan, active=False)

    def begin(self) -> None:
        """Try the settings as they are now."""
        self._wanted += 1
        self._exactly.deactivate()
        if not self._busy:
            ui.timer(0, self._try, once=True)

    async def trial(self) -> Trial | None:
        """Return what is tried, None while there is nothing.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        values = self._settings.values()
        if values is None:
            return None
        return Trial(await self._frame.choice(), self._settings.configuration, values)

    async def _try(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while self._tried != self._wanted:
                self._tried = self._wanted
                await self._once()
        finally:
            self._busy = False

    async def _once(self) -> None:
        tuner = self._view.computer.tuner
        if not self._said:
            self._found.set_text("Loading the detector…")
        try:
            trial = await self.trial()
            if trial is None:
                return
            steps = await self._view.in_thread(tuner.steps, trial)
            self._show(steps)
            if self._tried != self._wanted:
                return
            self._price(await self._view.in_thread(tuner.cost, trial, True), final=False)
            self._exactly.activate()
        except TROUBLE as error:
            self._trouble.set_text(str(error))
            self._found.set_text(self._said)

    async def _plan(self) -> None:
        self._exactly.deactivate()
        if self._busy:
            return
        wanted = self._wanted
        try:
            trial = await self.trial()
            if trial is not None:
                cost = await self._view.in_thread(self._view.computer.tuner.cost, trial, False)
                if wanted == self._wanted:
                    self._price(cost, final=True)
        except TROUBLE as error:
            self._trouble.set_text(str(error))

    def _show(self, steps: Steps) -> None:
        self._trouble.set_text("")
        self._said = (
            f"{steps.cells} cells found, {steps.imaged} imaged ({steps.doubtful} doubtful):"
            f" {steps.imaged_fraction:.1%} of the frame"
        )
        self._found.set_text(self._said)
        self._frame.show_pages(steps.pages)
        self._warnings.clear()
        with self._warnings:
            for one in steps.warnings:
                with ui.element("li"):
                    ui.label(one).classes("muted")
        self._on_steps(steps)

    def _price(self, cost: Cost, *, final: bool) -> None:
        about = "" if final else "at most "
        whole_s = cost.total_s * cost.fields
        self._hours.set_text(
            f"{cost.frames} electron frames, {about}{duration(cost.total_s)}; a full raster takes"
            f" {duration(cost.raster_s)}. As much in each of the {cost.fields:,} fields of the configuration:"
            f" {about}{duration(whole_s)}."
        )
