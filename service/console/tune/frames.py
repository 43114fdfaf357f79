"""The choice of the frame that is tried: a field of the run, or an image of the console's folder."""

import base64
from collections.abc import Callable

from nicegui import ui

from service.console.computer.trials import FrameChoice
from service.console.inputs.choice import choice
from service.console.inputs.number import NumberInput
from service.console.pictures.field_data import read_names
from service.console.view import TROUBLE, View
from service.errors import InputError

_FIELD, _FILE = "field ", "file "
_QUIET_S = 0.5
"""Time without a key after which a number that is typed is tried, s. Chosen by hand."""


class FrameOfChoice:
    """The frame, and what a file may not say of itself.

    Parameters
    ----------
    view : View
    on_change : callable
    """

    def __init__(self, view: View, on_change: Callable[[], None]) -> None:
        self._view, self._on_change = view, on_change
        self._last = "", ""
        """The field whose frame was fetched last, and its file."""
        ui.label("Frame").classes("card-title").props("role=heading aria-level=2")
        self._what = choice({}, "Field of the run, or image", on_change=self._changed, filtered=True)
        # What is typed before the options are there would be lost.
        self._what.disable()
        self._page = self._number("Page", 1, 100_000, 1)
        self._page.set_visibility(False)
        with ui.expansion("If the file does not say it").classes("tune-more"):
            self._pixel_nm = self._number("Pixel size, nm", 10, 5000)
            self._channel = ui.input("Channel, by name or number").props("outlined dense debounce=500")
            self._channel.on_value_change(self._on_change)
        ui.timer(0, self._offer, once=True)

    def _number(self, label: str, low: float, high: float, value: float | None = None) -> NumberInput:
        made = NumberInput(label, low=low, high=high, value=value, quiet_s=_QUIET_S)
        return made.props("outlined dense").on_value_change(self._on_change)

    async def _offer(self) -> None:
        images: list[str] = []
        hint = "Put a TIFF or PNG into the folder in which the console was started."
        try:
            images = await self._view.in_thread(self._view.computer.tuner.images)
        except TROUBLE as error:
            # Fields of the run are left.
            hint = str(error)
        try:
            fields = await read_names(self._view)
        except TROUBLE:
            # No session: images of the folder are left.
            fields = []
        options = {f"{_FIELD}{name}": f"{name} of this run" for name in fields}
        options |= {f"{_FILE}{name}": name for name in images}
        wanted = f"{_FIELD}{self._view.query.get('field', '')}"
        self._what.enable()
        self._what.set_options(options, value=wanted if wanted in options else next(iter(options), None))
        if not options:
            self._what.props["hint"] = hint
            self._on_change()

    def _changed(self) -> None:
        self._last = "", ""
        self._page.set_value(1)
        self._on_change()

    def show_pages(self, count: int) -> None:
        """Offer the pages of the file."""
        self._page.set_visibility(count > 1)
        self._page.limit(count)

    async def choice(self) -> FrameChoice:
        """Return the chosen frame; that of a field is fetched from the run.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        chosen = str(self._what.value or "")
        size = None if self._pixel_nm.value is None else float(self._pixel_nm.value)
        page, channel = int(self._page.value or 1), str(self._channel.value or "").strip()
        if chosen.startswith(_FIELD):
            return FrameChoice(await self._fetched(chosen.removeprefix(_FIELD)), page, size, channel)
        return FrameChoice(chosen.removeprefix(_FILE), page, size, channel)

    async def _fetched(self, field: str) -> str:
        if self._last[0] == field:
            return self._last[1]
        data, offset = bytearray(), 0
        while True:
            part = await self._view.call("fields.image", field=field, form="file", offset=offset)
            data += base64.b64decode(part["base64"])
            if part["after"] is None:
                break
            offset = int(part["after"])
        if not data:
            raise InputError(f"{field} has no frame yet")
        path = await self._view.in_thread(self._view.computer.tuner.keep, field, bytes(data))
        self._last = field, path
        return path
