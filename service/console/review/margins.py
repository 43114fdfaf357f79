"""Threshold and margins as sliders that show at once which cells and how many hours change."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from service.console.parts import button
from service.console.pictures.field_view import FieldView
from service.console.review.edits import named
from service.console.view import TROUBLE, View
from service.words.quantities import duration

_THROTTLE_S = 0.15
_NAMES = ("min_confidence", "dilate_um", "side_quantile")


class Margins:
    """The sliders.

    Parameters
    ----------
    view : View
    shown : FieldView
        Its picture shows what the margins image of each cell.
    reason : callable
        Returns the reason that is recorded with a change.
    """

    def __init__(self, view: View, shown: FieldView, reason: Callable[[], str]) -> None:
        self._view, self._shown, self._reason = view, shown, reason
        self._basis: tuple[Any, ...] = ()
        self._in_force: dict[str, float] = {}
        ui.label("Threshold and margins").classes("card-title")
        self._sliders = {
            "min_confidence": _slider("Threshold: confidence from which a cell is imaged", 0, 1, 0.01),
            "dilate_um": _slider("Margin around each cell, µm", 0, 5, 0.1),
            "side_quantile": _slider("Chance that a side lies inside what is imaged", 0.5, 0.999, 0.001),
        }
        for one in self._sliders.values():
            one.on("update:model-value", self._try, throttle=_THROTTLE_S)
        self._effect = ui.label().classes("effect").props("aria-live=polite")
        with ui.element("div").classes("tools-end"):
            self._apply = button("Apply to all cells", self._set, "primary")
            self._back = button("Back to those in force", self._reset)

    def show(self, review: Mapping[str, Any]) -> None:
        """Show the margins in force, unless others are tried.

        `review` also has the ``electron_s`` of the targets.
        """
        may = bool(review["open"]) and self._view.may_change
        in_force = {name: float(review[name]) for name in _NAMES}
        if in_force != self._in_force:
            self._in_force = in_force
            self._write(in_force)
        for one in self._sliders.values():
            one.set_enabled(may)
        self._offer(may)
        # What other margins cost is told anew once planning has ended, or somebody has edited cells.
        basis = (review["electron_s"], review["imaged"], review["cells"])
        if basis != self._basis and self._values() != self._in_force:
            ui.timer(0, self._try, once=True)
        self._basis = basis

    def _offer(self, may: bool) -> None:
        other = self._values() != self._in_force
        self._apply.set_enabled(may and other)
        self._back.set_enabled(other)

    def _values(self) -> dict[str, float]:
        return {name: float(one.value) for name, one in self._sliders.items()}

    def _write(self, values: Mapping[str, float]) -> None:
        for name, one in self._sliders.items():
            one.set_value(values[name])
        self._effect.set_text("")
        self._shown.try_margins(None)

    def _reset(self) -> None:
        self._write(self._in_force)
        self._offer(self._view.may_change)

    async def _try(self) -> None:
        self._offer(self._view.may_change)
        data = self._shown.data
        try:
            found = await self._view.call(
                "review.preview", policy=self._values(), field=None if data is None else data.name
            )
        except TROUBLE as error:
            self._effect.set_text(str(error))
            return
        # Until all is planned, a section that will be a raster seems to take longer.
        time = (
            "How long the electron images take is known once all sections are planned."
            if found["electron_s"] is None
            else f"Electron images about {duration(found['estimate_s'])} in place of"
            f" {duration(found['electron_s'])}."
        )
        self._effect.set_text(
            f"{found['cells']} cells in place of {found['before']}: {found['added']} more,"
            f" {found['dropped']} fewer, {found['resized']} with other margins. {time}"
        )
        self._shown.try_margins(found["boxes_px"])

    async def _set(self) -> None:
        if await named(self._view) and await self._view.change(
            "review.policy", policy=self._values(), by=self._view.person, reason=self._reason()
        ):
            self._shown.try_margins(None)
            self._effect.set_text("")


def _slider(label: str, low: float, high: float, step: float) -> ui.slider:
    with ui.element("div").classes("slider"):
        with ui.element("div").classes("slider-name"):
            ui.label(label)
            value = ui.label().classes("slider-value")
        made = ui.slider(min=low, max=high, step=step, value=low).props(f'aria-label="{label}"')
        value.bind_text_from(made, "value", lambda number: f"{number:g}")
    return made
