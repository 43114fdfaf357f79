"""The page of the review: cells accepted, rejected, drawn and resized before the beam."""

from typing import Any

from nicegui import ui

from service.console.ask import Question, ask
from service.console.pages.field import write_facts
from service.console.parts import button
from service.console.pictures.field_view import FieldView, cell_facts
from service.console.review.choice import Choice
from service.console.review.edits import Edits
from service.console.review.margins import Margins
from service.console.view import TROUBLE, View
from service.model.phases import Phase
from service.words.quantities import duration

_CLOSED = (
    "There is nothing to review now: cells are edited between fluorescence and the first electron image."
)
_MOST_PAGES = 20


def build(view: View) -> None:
    """Make the page."""
    state: dict[str, Any] = {}
    closed = ui.label(_CLOSED).classes("empty")
    with ui.element("div").classes("picture-page"):
        with ui.element("div").classes("card"):
            with ui.element("div").classes("tools"):
                field = ui.select({}, label="Field").props("outlined dense options-dense").classes("filter")
                with ui.element("div").classes("tools-end"):
                    button("Field before", lambda: _turn(field, -1))
                    button("Field after", lambda: _turn(field, 1))
            tools = ui.element("div")
            shown = FieldView(view, view.query.get("field", ""), lambda: chosen())
            with tools:
                edits = Edits(view, shown)
        with ui.element("div").classes("side"):
            with ui.element("div").classes("card"):
                sums = ui.label()
                done = button("End the review", lambda: _confirm(view, state), "primary")
            with ui.element("div").classes("card"):
                heading = ui.label().classes("card-title")
                facts = ui.element("dl").classes("facts")
            with ui.element("div").classes("card"):
                margins = Margins(view, shown)
            with ui.element("div").classes("card"):
                choice = Choice(view)

    def chosen() -> None:
        cell = shown.chosen_cell
        heading.set_text(cell["cell"] if cell else "Choose a cell in the picture")
        write_facts(facts, {} if cell is None else cell_facts(cell))
        if state:
            edits.show(state)

    async def show() -> None:
        if view.state.status is None:
            return
        try:
            found = await view.recent("review.get")
            targets = await view.recent("targets.get")
            if not field.options:
                names = await _fields(view)
                wanted = view.query.get("field", "")
                field.set_options(names, value=wanted if wanted in names else next(iter(names), None))
        except TROUBLE as error:
            closed.set_text(str(error))
            closed.set_visibility(True)
            return
        state.update(found | {"electron_s": targets["electron_s"]})
        closed.set_text(_CLOSED)
        closed.set_visibility(not found["open"])
        sums.set_text(
            f"{found['imaged']} of {found['cells']} cells will be imaged. By people: {found['accepted']}"
            f" accepted, {found['rejected']} rejected, {found['drawn']} drawn, {found['resized']} resized."
        )
        waits = view.state.status["phase"] == Phase.REVIEW
        done.set_enabled(waits and view.may_change)
        edits.show(found)
        margins.show(found)
        choice.show(targets)

    async def opened() -> None:
        if field.value:
            shown.open(field.value)
            await shown.refresh()
            chosen()

    field.on_value_change(opened)
    view.follow(show)


def _turn(field: ui.select, by: int) -> None:
    names = list(field.options)
    if names:
        at = names.index(field.value) if field.value in names else 0
        field.set_value(names[(at + by) % len(names)])


async def _fields(view: View) -> dict[str, str]:
    names: dict[str, str] = {}
    after = None
    for _ in range(_MOST_PAGES):
        page = await view.recent("fields.list", after=after)
        names |= {row["field"]: row["field"] for row in page["fields"]}
        after = page["after"]
        if after is None:
            break
    return names


async def _confirm(view: View, state: dict[str, Any]) -> None:
    hours = (
        "a time that is still being planned"
        if state.get("electron_s") is None
        else duration(state["electron_s"])
    )
    effect = (
        f"The beam images {state.get('imaged', 0)} of {state.get('cells', 0)} cells, which takes {hours}."
        " It destroys their fluorescence: after that nothing of the review can be undone."
    )
    answer = await ask(view, Question("Let the beam begin", effect, "End the review", dangerous=True))
    if answer is not None:
        await view.change("review.confirm")
