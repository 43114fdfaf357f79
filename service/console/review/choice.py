"""The choice of the cells to image: all, the brightest, a sample, or tracks by name."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from service.console.inputs.choice import choice
from service.console.inputs.number import NumberInput
from service.console.parts import button
from service.console.review.edits import named
from service.console.view import TROUBLE, View
from service.words.quantities import duration

_CHOICES = {
    "all": "All cells",
    "brightest": "The brightest",
    "sample": "A random sample",
    "tracks": "By name",
}


class Choice:
    """The choice in force, and others to try.

    Parameters
    ----------
    view : View
    reason : callable
        Returns the reason that is recorded with a change.
    """

    def __init__(self, view: View, reason: Callable[[], str]) -> None:
        self._view, self._reason = view, reason
        self._shown: dict[str, Any] | None = None
        ui.label("Cells to image").classes("card-title")
        self._now = ui.label()
        self._kind = choice(_CHOICES, "Choose", value="all", on_change=self._offer)
        self._count = NumberInput("How many", value=10, low=1, high=1_000_000, whole=True).props(
            "outlined dense"
        )
        self._names = ui.input("Tracks, such as T0001 T0002").props("outlined dense maxlength=2000")
        self._effect = ui.label().classes("effect").props("aria-live=polite")
        with ui.element("div").classes("tools-end"):
            self._try_it = button("What would it change?", self._try)
            self._apply = button("Choose", self._set, "primary")
        self._offer()

    def show(self, found: dict[str, Any]) -> None:
        """Show the choice in force."""
        if found != self._shown:
            self._shown = found
            hours = "being planned" if found["electron_s"] is None else duration(found["electron_s"])
            by = "the configuration" if found["by"] is None else found["by"]
            self._now.set_text(
                f"{found['chosen']} of {found['cells']} cells, each through all its sections, are chosen by"
                f" {by}; electron images {hours}."
            )
        may = bool(found["open"]) and self._view.may_change
        self._apply.set_enabled(may)
        self._try_it.set_enabled(may)

    def _offer(self) -> None:
        self._count.set_visibility(self._kind.value in ("brightest", "sample"))
        self._names.set_visibility(self._kind.value == "tracks")

    def _rule(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"choose": self._kind.value}
        if self._count.visible:
            rule["count"] = int(self._count.value or 1)
        if self._names.visible:
            rule["tracks"] = (self._names.value or "").replace(",", " ").split()
        return rule

    async def _try(self) -> None:
        try:
            found = await self._view.call("targets.preview", rule=self._rule())
        except TROUBLE as error:
            self._effect.set_text(str(error))
            return
        self._effect.set_text(
            f"{found['chosen']} of {found['cells']} cells: {found['added']} more, {found['dropped']} fewer;"
            f" at most {duration(found['most_s'])} of electron images."
        )

    async def _set(self) -> None:
        if await named(self._view):
            by, reason = self._view.person, self._reason()
            await self._view.change("targets.set", rule=self._rule(), by=by, reason=reason)
            self._effect.set_text("")
