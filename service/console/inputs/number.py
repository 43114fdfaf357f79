"""A number that a person types; see ``number.js`` beside it for what happens in the browser."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui.elements.mixins.disableable_element import DisableableElement
from nicegui.elements.mixins.value_element import ValueElement
from nicegui.events import GenericEventArguments


class NumberInput(
    ValueElement[float | None], DisableableElement, component=Path(__file__).with_name("number.js")
):
    """A number that a person types.

    Its value changes when the person presses Enter or leaves it, with `quiet_s` also when they pause. What is
    typed stays until then, whatever the console shows meanwhile.

    Parameters
    ----------
    label : str
        Shown, or read to people who cannot see it.
    value : float or None
        None: empty.
    low, high : float or None
        Limits of what is typed.
    whole : bool
        True for integers.
    quiet_s : float
        Time without a key after which a number counts, s; 0: never before it is entered.
    """

    VALUE_PROP = "shown"
    LOOPBACK = None

    def __init__(
        self,
        label: str = "",
        *,
        value: float | None = None,
        low: float | None = None,
        high: float | None = None,
        whole: bool = False,
        quiet_s: float = 0.0,
    ) -> None:
        super().__init__(value=value)
        self._low, self._high, self._whole = low, high, whole
        self._on_entered: Callable[[str, float], Any] | None = None
        # What was typed before it was disabled was typed all the same; it says what it was meant for.
        self.ignores_events_when_disabled = False
        self._props |= {"about": "", "answered": 0, "quietMs": round(1e3 * quiet_s)}
        if label:
            self._props["label"] = label
        self._props.set_optional("min", low)
        self._props.set_optional("max", high)
        self.on("entered", self._entered)

    def on_entered(self, handle: Callable[[str, float], Any]) -> None:
        """Call `handle` with what a number is meant for and the number, in place of changing the value."""
        self._on_entered = handle

    def show(self, about: str, value: float | None) -> None:
        """Show the value of something; what is typed for something else is entered for that."""
        if self._props["about"] != about:
            self._props["about"] = about
        self.set_value(value)

    def limit(self, high: float) -> None:
        """Set the upper limit."""
        self._high = self._props["max"] = high

    def _entered(self, event: GenericEventArguments) -> None:
        typed = _number(event.args["text"])
        if typed is not None:
            typed = max(typed, -math.inf if self._low is None else self._low)
            typed = min(typed, math.inf if self._high is None else self._high)
            typed = float(round(typed)) if self._whole else typed
        try:
            if self._on_entered is None:
                self.set_value(typed)
            elif typed is not None:
                self._on_entered(str(event.args["about"]), typed)
        finally:
            # Else the browser would show what was typed for ever, as if it held.
            self._props["answered"] = int(event.args["number"])

    def _value_to_model_value(self, value: Any) -> str:
        if value is None:
            return ""
        return str(int(value)) if value == int(value) else str(value)

    def _event_args_to_value(self, e: GenericEventArguments) -> float | None:
        return _number(e.args)


def _number(text: object) -> float | None:
    try:
        found = float(str(text))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
