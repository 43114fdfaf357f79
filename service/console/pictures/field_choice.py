"""The choice of the field that is shown."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from service.console.inputs.choice import choice
from service.console.parts import button
from service.console.pictures.field_data import read_names
from service.console.view import View


class FieldChoice:
    """A list of all fields, with buttons for the one before and the one after.

    Parameters
    ----------
    view : View
    on_open : callable
        Called with the name of a field that was chosen.
    """

    def __init__(self, view: View, on_open: Callable[[str], Awaitable[None]]) -> None:
        self._view, self._on_open = view, on_open
        self._select = choice([], "Field", on_change=self._opened, filtered=True)
        self._select.classes("filter")
        with ui.element("div").classes("tools-end"):
            for text, label, by in (("Before", "Field before", -1), ("After", "Field after", 1)):
                button(text, partial(self._turn, by)).props(f'dense aria-label="{label}"').classes("edit")

    async def read(self, wanted: str = "") -> None:
        """Read the names once, and open a field: the one wanted, else the first.

        Raises
        ------
        ApiError, NoDaemonError, InputError
        """
        if not self._select.options:
            names = await read_names(self._view)
            # The page may have been refreshed twice, and a field chosen since.
            if self._select.options:
                return
            self._select.set_options(names, value=wanted if wanted in names else next(iter(names), None))

    async def _opened(self) -> None:
        if self._select.value:
            await self._on_open(str(self._select.value))

    def _turn(self, by: int) -> None:
        names = list(self._select.options)
        if names:
            at = names.index(self._select.value) if self._select.value in names else 0
            self._select.set_value(names[(at + by) % len(names)])
