"""The picture of a field with its cells and frames, what is shown in it, and the cell that is chosen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from service.console.pictures.cells import (
    cell_shapes,
    exposed_shapes,
    frame_shapes,
    margin_shapes,
    state_words,
)
from service.console.pictures.field_data import FieldData, read_electron_images, read_field
from service.console.pictures.picture import picture_with_zoom
from service.console.view import TROUBLE, View
from service.model.specimen import FieldState
from service.words.states import FIELDS


class FieldView:
    """The picture of a field.

    Parameters
    ----------
    view : View
    field : str
    on_chosen : callable
        Called when a cell is chosen or none is.
    """

    def __init__(self, view: View, field: str, on_chosen: Callable[[], None]) -> None:
        self._view, self._field, self._on_chosen = view, field, on_chosen
        self.data: FieldData | None = None
        self.chosen = ""
        self.tried_px: Mapping[str, Sequence[float] | None] | None = None
        """Boxes to image of each cell under margins that are tried; None while none are."""
        self._seen_seq = -1
        self.trouble = ui.label().classes("empty")
        self.picture = picture_with_zoom("Fluorescence with its cells")
        with ui.element("div").classes("tools picture-tools"):
            self._frames = self._switch("Frames", True)
            self._exposed = self._switch("Exposed", True)
            self._electron = self._switch("Electron", True)
            self._margins = self._switch("Margins", False)
            self._by_track = self._switch("By track", False)
        self.picture.on_choose(self.choose)
        view.follow(self.refresh)

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Cells of the field, as last read."""
        return [] if self.data is None else self.data.cells

    @property
    def chosen_cell(self) -> dict[str, Any] | None:
        """The cell that is chosen."""
        return None if self.data is None else self.data.cell(self.chosen)

    def _switch(self, text: str, value: bool) -> ui.switch:
        return ui.switch(text, value=value, on_change=self._draw).props("dense")

    def facts(self) -> dict[str, str]:
        """Return what is known of the chosen cell, for a list; nothing if none is."""
        cell = self.chosen_cell
        if cell is None or self.data is None:
            return {}
        states = {frame["job"]: frame["state"] for frame in self.data.frames}
        why = "none" if cell["image_rect_m"] is None else cell["skipped"] or "being planned"
        return {
            "State": state_words(cell, states),
            "Confidence": f"{cell['confidence']:.2f}",
            "Track": " and ".join(cell["tracks"]) or "none",
            "Reason": cell["reason"],
            "Frames": ", ".join(cell["jobs"]) or why,
        }

    def open(self, field: str) -> None:
        """Show another field."""
        if field != self._field:
            self._field, self.data, self.chosen, self._seen_seq = field, None, "", -1
            self.tried_px = None

    def choose(self, name: str) -> None:
        """Choose a cell, or another shape, or none."""
        self.chosen = name
        self.picture.set_chosen(name)
        self._on_chosen()

    def step(self, by: int) -> None:
        """Choose the next cell, or the one before."""
        names = [cell["cell"] for cell in self.cells]
        if names:
            at = names.index(self.chosen) + by if self.chosen in names else 0
            self.choose(names[at % len(names)])
            self.picture.show_shape(self.chosen)

    async def refresh(self) -> None:
        """Read and draw again what has changed."""
        status = self._view.state.status
        if status is None or status["last_seq"] == self._seen_seq or not self._field:
            return
        self._seen_seq, name = status["last_seq"], self._field
        try:
            data = await read_field(self._view, name)
            if name != self._field:
                # Another field was opened meanwhile.
                return
            self.data = data
            self._draw()
            self._on_chosen()
            await read_electron_images(self._view, data)
            if data.electron and self.data is data:
                self._draw()
        except TROUBLE as error:
            if name == self._field:
                # Asked again with the next status.
                self._seen_seq = -1
            self.trouble.set_text(str(error))
            self.trouble.set_visibility(True)
            return
        state = FieldState(data.row["state"])
        self.trouble.set_text("" if data.fluorescence else f"No fluorescence to show: {FIELDS[state]}")
        self.trouble.set_visibility(data.fluorescence is None)

    def try_margins(self, boxes_px: Mapping[str, Sequence[float] | None] | None) -> None:
        """Show what other margins image; None for those in force."""
        self.tried_px = boxes_px
        self._draw()

    def _draw(self) -> None:
        data = self.data
        if data is None:
            return
        images = [data.fluorescence] if data.fluorescence else []
        images += data.electron if self._electron.value else []
        shapes = exposed_shapes(data.frames) if self._exposed.value else []
        shapes += frame_shapes(data.frames) if self._frames.value else []
        if self.tried_px is not None:
            shapes += margin_shapes(self.tried_px)
        elif self._margins.value:
            shapes += margin_shapes({cell["cell"]: cell["image_box_px"] for cell in data.cells})
        shapes += cell_shapes(data.cells, "track" if self._by_track.value else "confidence")
        self.picture.show(data.whole, images, shapes)
