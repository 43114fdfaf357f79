"""The settings of detection as a form, made from their model."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from service.console.computer.trials import Setting, Value
from service.console.inputs.choice import choice
from service.console.inputs.number import NumberInput
from service.console.parts import button
from service.console.view import TROUBLE, View

_FIRST = "simulator"
_FINE, _COARSE = 0.01, 0.1
"""Steps of a slider: up to a range of 1, and beyond."""
_QUIET_S = 0.4
"""Time without a key after which a number that is typed is tried, s. Chosen by hand."""


class Settings:
    """A form of the settings; those that the chosen detector does not use are hidden.

    Parameters
    ----------
    view : View
    on_change : callable
    """

    def __init__(self, view: View, on_change: Callable[[], None]) -> None:
        self._view, self._on_change = view, on_change
        self._settings: tuple[Setting, ...] = ()
        self._inputs: dict[str, Any] = {}
        self._rows: dict[str, ui.element] = {}
        ui.label("Settings of detection").classes("card-title").props("role=heading aria-level=2")
        names = view.computer.configurations()
        wanted = view.query.get("configuration", "")
        self._configuration = choice(
            names, "Begin with", value=wanted if wanted in names else _FIRST, on_change=self.open
        )
        self._form = ui.element("div")
        self._trouble = ui.label().classes("effect")
        with ui.element("div").classes("tools-end"):
            button("Back to those of the file", self._reset)

    @property
    def configuration(self) -> str:
        """Name of the configuration that the settings begin with."""
        return str(self._configuration.value)

    def offer(self, name: str) -> None:
        """Offer a new configuration, and begin with it."""
        self._configuration.set_options(self._view.computer.configurations(), value=name)

    def open(self) -> None:
        """Read the settings of the chosen configuration."""
        ui.timer(0, self._read, once=True)

    def values(self) -> dict[str, Value] | None:
        """Return the settings as they are set, None while there are none."""
        if not self._settings:
            return None
        return {
            one.key: one.value if self._inputs[one.key].value is None else self._inputs[one.key].value
            for one in self._settings
        }

    async def _read(self) -> None:
        name, trouble = self.configuration, ""
        found: tuple[Setting, ...] = ()
        try:
            found = await self._view.in_thread(self._view.computer.tuner.settings, name)
        except TROUBLE as error:
            trouble = str(error)
        if name != self.configuration:
            # Another was chosen meanwhile, and is read, too.
            return
        self._settings = found
        self._trouble.set_text(trouble)
        self._form.clear()
        self._inputs, self._rows = {}, {}
        with self._form:
            for one in self._settings:
                with ui.element("div").classes("tune-setting") as self._rows[one.key]:
                    self._inputs[one.key] = _input(one)
        for made in self._inputs.values():
            made.on_value_change(self._changed)
        self._changed()

    def _changed(self) -> None:
        detector = str(self._inputs["detector"].value) if self._inputs else ""
        for one in self._settings:
            self._rows[one.key].set_visibility(one.is_used_by(detector))
        self._on_change()

    def _reset(self) -> None:
        for one in self._settings:
            self._inputs[one.key].set_value(one.value)


def _input(one: Setting) -> Any:
    """Make the input of a setting: a choice, a switch, or a slider with its number."""
    if one.kind == "choice":
        return choice(list(map(str, one.options)), one.says, value=str(one.value)).tooltip(one.key)
    if one.kind == "switch":
        return ui.switch(one.says, value=bool(one.value)).props("dense").tooltip(one.key)
    step = _FINE if one.high - one.low <= 1 else _COARSE
    ui.label(one.says).classes("tune-says")
    with ui.element("div").classes("tune-number"):
        slider = ui.slider(min=one.low, max=one.high, step=step, value=float(one.value))
        slider.props(f'aria-label="{one.key}"')
        number = NumberInput(value=float(one.value), low=one.low, high=one.high, quiet_s=_QUIET_S)
        number.props(f'outlined dense step={step} aria-label="{one.key}"').bind_value(slider)
    return slider
