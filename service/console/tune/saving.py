"""Settings that were tried, saved as a configuration."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from service.console.ask import Question, ask
from service.console.computer.trials import Trial
from service.console.parts import button
from service.console.view import TROUBLE, View


class Saving:
    """Name and button.

    Parameters
    ----------
    view : View
    trial : callable
        Returns what is tried.
    """

    def __init__(self, view: View, trial: Callable[[], Awaitable[Trial | None]]) -> None:
        self._view, self._trial = view, trial
        self._saved: Callable[[str], None] | None = None
        ui.label("Save as a profile").classes("card-title").props("role=heading aria-level=2")
        self._name = ui.input("Name of the new file", placeholder="dim_cells")
        self._name.props("outlined dense maxlength=60 suffix=.yaml")
        with ui.element("div").classes("tools-end"):
            button("Save…", self._save, "primary")
        self._says = ui.label().classes("effect").props("role=status")

    def on_saved(self, handle: Callable[[str], None]) -> None:
        """Call `handle` with the name of a file that was written."""
        self._saved = handle

    async def _save(self) -> None:
        name = str(self._name.value or "").strip().removesuffix(".yaml")
        file = f"{name}.yaml"
        exists = file in await self._view.in_thread(self._view.computer.configurations)
        question = Question(
            f"Replace {file}?" if exists else f"Save {file}?",
            ("What it holds now is lost. " if exists else "")
            + "All but the settings of detection stays as in the file that you began with: also the addresses"
            " for notifications, so that its alarms reach people. Sessions that are started with it use them;"
            " the one that runs does not.",
            "Replace the file" if exists else "Save",
            dangerous=exists,
            of_run=False,
        )
        try:
            trial = await self._trial()
            answer = None if trial is None else await ask(self._view, question)
            if trial is None or answer is None:
                return
            made = await self._view.in_thread(self._view.computer.tuner.save, trial, name, answer.by, exists)
        except TROUBLE as error:
            self._says.set_text(str(error))
            return
        self._says.set_text(f"Saved as {made}. The page Runs offers it.")
        if self._saved is not None:
            self._saved(made)
