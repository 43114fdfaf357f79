"""The choice of what is shown: a section list, an overview, landmarks, and the stage of a configuration."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import PurePath
from typing import TypeVar

from nicegui import ui

from service.console.ask import Question, ask
from service.console.computer.holder import HolderMap
from service.console.holder.draft import Draft
from service.console.holder.editing import NOWHERE, Editor
from service.console.inputs.choice import Choice, choice
from service.console.parts import button
from service.console.pictures.served import address_of
from service.console.view import TROUBLE, View

T = TypeVar("T")

_FIRST = "quanta250-secom"
"""Configuration whose stage is shown at first, if it is there."""


class Opening:
    """The card with the files.

    Parameters
    ----------
    view : View
    editor : Editor
    """

    def __init__(self, view: View, editor: Editor) -> None:
        self._view, self._editor = view, editor
        ui.label("Open").classes("card-title").props("role=heading aria-level=2")
        self._list = self._select("Section list")
        self._overview = self._select("Overview")
        self._landmarks = self._select("Landmarks")
        self._stage = self._select("Stage of the configuration")
        with ui.element("div").classes("tools-end"):
            self._open = button("Open the list", self._opened, "primary")
            self._find = button("Find sections in the overview", self._found)
        self._says = ui.label().classes("effect").props("role=status")
        self._overview.on_value_change(self._show_picture)
        self._landmarks.on_value_change(self._read_landmarks)
        self._stage.on_value_change(self.show_stage)

    @staticmethod
    def _select(label: str) -> Choice:
        made = choice([], label).props("clearable")
        # One without options does not open, and shows that it is not ready.
        made.disable()
        return made

    @property
    def configuration(self) -> str:
        """The configuration whose stage is shown; empty for none."""
        return str(self._stage.value or "")

    async def offer(self) -> None:
        """Offer the files that are there now, or say why they cannot be."""
        files = self._view.computer.holder
        try:
            lists = await self._view.in_thread(files.lists)
            overviews = await self._view.in_thread(files.overviews)
            configurations = await self._view.in_thread(self._view.computer.configurations)
        except TROUBLE as error:
            self._says.set_text(str(error))
            return
        first = self._stage.value or (_FIRST if _FIRST in configurations else None)
        for one, names in ((self._list, lists), (self._overview, overviews), (self._landmarks, lists)):
            one.set_options(names, value=one.value if one.value in names else None)
        self._stage.set_options(configurations, value=first)
        for one in (self._list, self._overview, self._landmarks, self._stage):
            one.enable()
        if not lists and not overviews:
            self._says.set_text(
                "Put an overview, or a section list, into the folder in which the console was started."
            )

    async def take_up(self, draft: Draft) -> None:
        """Show picture and stage of a list that a page was loaded again with."""
        self._choose_overview(draft.now.overview)
        await self.show_stage()

    async def _opened(self) -> None:
        name = str(self._list.value or "")
        files = self._view.computer.holder
        if not await self._may_drop():
            return
        before = self._editor.shown
        found = await self._try(lambda: self._view.in_thread(files.read, name), f"Reading {name}…", True)
        if found is None or not await self._may_drop_since(before):
            return
        self._editor.open(Draft(found, name))
        self._says.set_text(f"{name} is open.")
        self._choose_overview(found.overview)
        await self.show_stage()

    async def _found(self) -> None:
        name = str(self._overview.value or "")
        files = self._view.computer.holder
        if not await self._may_drop():
            return
        before = self._editor.shown
        says = f"Finding the sections in {name}; that may take minutes…"
        found = await self._try(lambda: self._view.in_thread(files.find, name), says, True)
        if found is None or not await self._may_drop_since(before):
            return
        self._says.set_text("Look at each outline; then save the list.")
        # With the landmarks from the start: nobody has changed anything yet that could be undone.
        self._editor.open(Draft(await self._with_landmarks(found), ""))
        await self.show_stage()

    async def _may_drop(self) -> bool:
        """Ask before changes that are not saved are lost."""
        draft = self._editor.draft
        if draft.is_saved or not draft.can_undo:
            return True
        effect = "Your changes of the list that is open are not saved, and are lost."
        question = Question("Open another list?", effect, "Drop the changes", dangerous=True, of_run=False)
        return await ask(self._view, question) is not None

    async def _may_drop_since(self, before: HolderMap) -> bool:
        """Ask once more whoever has gone on with the list meanwhile."""
        self._says.set_text("")
        return self._editor.shown == before or await self._may_drop()

    def _choose_overview(self, named: str) -> None:
        """Choose the overview that a list names, or the only one of that name."""
        names = list(self._overview.options)
        same = [one for one in names if PurePath(one).name == PurePath(named).name]
        chosen = named if named in names else same[0] if len(same) == 1 else None
        if chosen is not None:
            self._overview.set_value(chosen)

    async def _show_picture(self) -> None:
        name = str(self._overview.value or "")
        if name:
            files = self._view.computer.holder
            found = await self._try(lambda: self._view.in_thread(files.picture, name), f"Reading {name}…")
            # Another may have been chosen meanwhile.
            if found is not None and self._overview.value == name:
                self._says.set_text("")
                self._editor.set_picture(address_of(base64.b64decode(found.jpeg)), found.size_px)

    async def _read_landmarks(self) -> None:
        shown, draft, chosen = self._editor.shown, self._editor.draft, self._landmarks.value
        landmarked = await self._with_landmarks(shown)
        still = self._editor.draft is draft and self._landmarks.value == chosen
        if landmarked != shown and still:
            self._editor.change(replace(self._editor.shown, landmarks=landmarked.landmarks))
            await self.show_stage()

    async def _with_landmarks(self, shown: HolderMap) -> HolderMap:
        """Return sections with the landmarks of the chosen file, if there is one and they fit an overview."""
        name = str(self._landmarks.value or "")
        if not name or not shown.sections or shown.unit != "px":
            return shown
        files = self._view.computer.holder
        found = await self._try(lambda: self._view.in_thread(files.landmarks, name), "")
        return shown if found is None else replace(shown, landmarks=found)

    async def show_stage(self) -> None:
        """Show the safe area of the stage over the sections."""
        shown, chosen = self._editor.shown, self.configuration
        if not chosen or not (shown.sections or shown.doubtful):
            self._editor.set_safe_area(NOWHERE)
            return
        files = self._view.computer.holder
        found = await self._try(lambda: self._view.in_thread(files.safe_area, shown, chosen), "")
        now = self._editor.shown
        if (self.configuration, now.unit, now.landmarks) != (chosen, shown.unit, shown.landmarks):
            # Another was chosen since, or another list opened.
            await self.show_stage()
            return
        self._editor.set_safe_area(found or NOWHERE)

    async def _try(self, work: Callable[[], Awaitable[T]], says: str, opens: bool = False) -> T | None:
        """Do some work, and say what is wrong if it cannot be done.

        Nothing else is opened meanwhile if it `opens`.
        """
        if says:
            self._says.set_text(says)
        if opens:
            self._open.disable()
            self._find.disable()
        try:
            return await work()
        except TROUBLE as error:
            self._says.set_text(str(error))
            return None
        finally:
            if opens:
                self._open.enable()
                self._find.enable()
