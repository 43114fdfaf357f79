"""The page of the review: cells accepted, rejected, drawn and resized before the beam."""

from typing import Any

from nicegui import ui

from service.console.ask import Question
from service.console.changes.controls import confirm_review
from service.console.pages.field import write_facts
from service.console.parts import button
from service.console.pictures.field_choice import FieldChoice
from service.console.pictures.field_view import FieldView
from service.console.review.choice import Choice
from service.console.review.edits import Edits
from service.console.review.margins import Margins
from service.console.view import TROUBLE, View
from service.model.phases import Phase
from service.words.quantities import duration

_CLOSED = (
    "There is nothing to review now: cells are edited between fluorescence and the first electron image."
)
_NOT_DRIVEN = (
    "No program drives this run, so that nothing can be changed here. `ilemtrack resume` takes the review up."
)


def build(view: View) -> None:
    """Make the page."""
    state: dict[str, Any] = {}
    closed = ui.label(_CLOSED).classes("empty")
    with ui.element("div").classes("picture-page fills") as page:
        with ui.element("div").classes("card"):
            with ui.element("div").classes("tools tight"):
                fields = FieldChoice(view, lambda name: opened(name))
                tools = ui.element("div").classes("tools-end")
            shown = FieldView(view, "", lambda: chosen())
            with tools:
                edits = Edits(view, shown)
        with ui.element("div").classes("side"):
            with ui.element("div").classes("card"):
                sums = ui.label().classes("effect")
                done = button("End the review", lambda: _confirm(view), "primary")
            with ui.element("div").classes("card"):
                heading = ui.label().classes("card-title")
                facts = ui.element("dl").classes("facts")
                with ui.element("div") as why:
                    edits.ask_reason()
            with ui.element("div").classes("side") as settings:
                with ui.element("div").classes("card"):
                    margins = Margins(view, shown, edits.reason)
                with ui.element("div").classes("card"):
                    choice = Choice(view, edits.reason)

    def chosen() -> None:
        cell = shown.chosen_cell
        heading.set_text(cell["cell"] if cell else "Choose a cell in the picture")
        write_facts(facts, shown.facts())
        if state:
            edits.show(state)

    # Before the state is known nothing is offered.
    page.set_visibility(False)
    closed.set_visibility(False)

    async def show() -> None:
        if view.state.status is None:
            return
        try:
            found = await view.recent("review.get")
            targets = await view.recent("targets.get")
            await fields.read(view.query.get("field", ""))
        except TROUBLE as error:
            closed.set_text(str(error))
            closed.set_visibility(True)
            return
        state.update(found | {"electron_s": targets["electron_s"]})
        # A review that no program waits in can be looked at, not changed.
        driven = view.state.live
        closed.set_text(_NOT_DRIVEN if found["open"] else _CLOSED)
        page.set_visibility(True)
        for one in (tools, why, settings, done):
            one.set_visibility(found["open"] and driven)
        closed.set_visibility(not (found["open"] and driven))
        sums.set_text(
            f"{found['imaged']} of {found['cells']} cells will be imaged. By people: {found['accepted']}"
            f" accepted, {found['rejected']} rejected, {found['drawn']} drawn, {found['resized']} resized."
        )
        done.set_enabled(view.state.status["phase"] == Phase.REVIEW and view.may_change)
        edits.show(found)
        margins.show(state)
        choice.show(targets)

    async def opened(name: str) -> None:
        shown.open(name)
        await shown.refresh()
        chosen()

    view.follow(show)


async def _confirm(view: View) -> None:
    status = await view.now()
    if status is None:
        return
    try:
        # After the status: what changes from here on is refused.
        found, targets = await view.call("review.get"), await view.call("targets.get")
    except TROUBLE as error:
        ui.notify(f"Not done: {error}", type="negative", multi_line=True)
        return
    planned_s = targets["electron_s"]
    hours = "a time that is still being planned" if planned_s is None else duration(planned_s)
    effect = (
        f"The beam images {found['imaged']} of {found['cells']} cells, which takes {hours}."
        " It destroys their fluorescence: after that nothing of the review can be undone."
    )
    question = Question("Let the beam begin", effect, "End the review", dangerous=True)
    await confirm_review(view, question, status)
