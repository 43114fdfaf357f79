"""A corrected list, saved; and a configuration made of it."""

from nicegui import ui

from service.console.ask import Question, ask
from service.console.computer.holder import SessionSettings
from service.console.holder.editing import Editor
from service.console.holder.opening import Opening
from service.console.inputs.number import NumberInput
from service.console.parts import button
from service.console.view import TROUBLE, View

_MARGIN_UM, _OVERLAP_PERCENT = 20.0, 10.0
"""Defaults of `ilemtrack sections layout`."""


class Saving:
    """The card that saves.

    Parameters
    ----------
    view : View
    editor : Editor
    opening : Opening
        Offers the files anew after one was written.
    """

    def __init__(self, view: View, editor: Editor, opening: Opening) -> None:
        self._view, self._editor, self._opening = view, editor, opening
        ui.label("Save").classes("card-title").props("role=heading aria-level=2")
        # The name that is proposed stands beside what is typed, and never in its place.
        self._name = ui.input("Name of the list").props("outlined dense stack-label maxlength=80")
        self._proposed = "sections.json"
        with ui.element("div").classes("tools-end"):
            self._save = button("Save the list…", self._saved, "primary")
        self._state = ui.label().classes("effect").props("role=status")
        with ui.expansion("Make a configuration of the saved list").classes("tune-more"):
            self._made_name = ui.input("Name of the configuration", placeholder="wafer_7")
            self._made_name.props("outlined dense maxlength=60 suffix=.yaml")
            self._margin = NumberInput(
                "Error of the outlines to allow for, µm", low=0, high=500, value=_MARGIN_UM
            )
            self._overlap = NumberInput("Overlap of fields, %", low=0, high=50, value=_OVERLAP_PERCENT)
            for one in (self._margin, self._overlap):
                one.props("outlined dense")
            self._make = button("Make…", self._made)
            self._takes = ui.label().classes("effect").props("role=status")
            self._link = ui.link("Check and start it on the page Runs", view.address("/runs"))
            self._link.set_visibility(False)

    def show(self) -> None:
        """Show if there is anything to save."""
        draft = self._editor.draft
        self._save.set_enabled(bool(draft.now.sections))
        self._make.set_enabled(bool(draft.name) and draft.is_saved)
        self._proposed = _beside(draft.name) if draft.name else "sections.json"
        if self._name.props.get("placeholder") != self._proposed:
            self._name.props["placeholder"] = self._proposed
        if not draft.now.sections:
            self._state.set_text("")
        elif draft.is_saved:
            self._state.set_text(f"{draft.name} holds what is shown.")
        else:
            self._state.set_text("There are changes that are not saved.")

    async def _saved(self) -> None:
        name, files = str(self._name.value or "").strip() or self._proposed, self._view.computer.holder
        exists = name in await self._view.in_thread(files.lists)
        doubtful = len(self._editor.shown.doubtful)
        lost = (
            f" The {doubtful} doubtful outlines are left out; a .json file keeps them."
            if doubtful and (not name.lower().endswith(".json") or name.lower().endswith(".mass.json"))
            else ""
        )
        question = Question(
            f"Replace {name}?" if exists else f"Save {name}?",
            ("What it holds now is lost." if exists else "A new file is written.") + lost,
            "Replace the file" if exists else "Save",
            dangerous=exists,
            of_run=False,
        )
        if await ask(self._view, question) is None:
            return
        draft, shown = self._editor.draft, self._editor.shown
        try:
            made = await self._view.in_thread(files.save, shown, name, exists)
        except TROUBLE as error:
            self._state.set_text(str(error))
            return
        # Whoever has changed it meanwhile, or opened another list, has not saved that.
        if self._editor.draft is draft and self._editor.shown == shown:
            draft.saved_as(made)
        self.show()
        await self._opening.offer()

    async def _made(self) -> None:
        name, base = (
            str(self._made_name.value or "").strip().removesuffix(".yaml"),
            self._opening.configuration,
        )
        # As they were at the click: the question names no other.
        source = self._editor.draft.name
        settings = SessionSettings(
            base, name, float(self._margin.value or 0), float(self._overlap.value or 0)
        )
        exists = f"{name}.yaml" in await self._view.in_thread(self._view.computer.configurations)
        question = Question(
            f"Replace {name}.yaml?" if exists else f"Make {name}.yaml?",
            f"All but the sections is taken from {base or 'a configuration: choose one first'}."
            + (" What the file holds now is lost." if exists else ""),
            "Replace the file" if exists else "Make",
            dangerous=exists,
            of_run=False,
        )
        if await ask(self._view, question) is None:
            return
        self._takes.set_text("Laying out the fields…")
        try:
            says = await self._view.in_thread(self._view.computer.holder.configure, source, settings, exists)
        except TROUBLE as error:
            self._takes.set_text(str(error))
            return
        self._takes.set_text(says)
        self._link.set_visibility(True)
        self._link.props(f'href="{self._view.address("/runs", configuration=f"{name}.yaml")}"')


def _beside(name: str) -> str:
    """Return a name for the corrected list, so that the one that was opened stays."""
    stem, dot, ending = name.replace("/", "_").partition(".")
    return f"{stem}-edited{dot}{ending}"
