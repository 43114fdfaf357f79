"""The page of a field: fluorescence with its cells, frames and electron images, and one cell in detail."""

from collections.abc import Mapping

from nicegui import ui

from service.console.pictures.field_choice import FieldChoice
from service.console.pictures.field_view import FieldView
from service.console.pictures.strip import show_strip
from service.console.view import TROUBLE, View


def build(view: View) -> None:
    """Make the page."""
    with ui.element("div").classes("picture-page fills"):
        with ui.element("div").classes("card"):
            with ui.element("div").classes("tools tight"):
                fields = FieldChoice(view, lambda name: opened(name))
                whole = ui.link("Whole section", view.address("/section"))
                tune = ui.link("Try the detector on it", view.address("/tune"))
            shown = FieldView(view, "", lambda: chosen())
        with ui.element("div").classes("card side"):
            heading = ui.label().classes("card-name").props("role=heading aria-level=2")
            facts = ui.element("dl").classes("facts")
            through = ui.label("Through the sections").classes("card-title")
            strip = ui.element("div").classes("strip")
    through.set_visibility(False)
    wanted, stripped = view.query.get("cell", ""), ""

    def chosen() -> None:
        nonlocal wanted, stripped
        if wanted and shown.data is not None:
            first, wanted = wanted, ""
            shown.choose(first)
            return
        cell = shown.chosen_cell
        heading.set_text(cell["cell"] if cell else f"{len(shown.cells)} cells; choose one")
        write_facts(facts, shown.facts())
        target = "" if cell is None else (cell["tracks"] or [cell["cell"]])[0]
        if target != stripped:
            stripped = target
            strip.clear()
            through.set_visibility(bool(target))
            if target:
                ui.timer(0, lambda: _strip(view, strip, target), once=True)

    async def opened(name: str) -> None:
        whole.props["href"] = view.address("/section", section=name.partition("/")[0])
        tune.props["href"] = view.address("/tune", field=name)
        shown.open(name)
        await shown.refresh()

    async def show() -> None:
        if view.state.status is None:
            return
        try:
            await fields.read(view.query.get("field", ""))
        except TROUBLE as error:
            heading.set_text(str(error))

    view.follow(show)


def write_facts(place: ui.element, rows: Mapping[str, str]) -> None:
    """Write names and values."""
    place.clear()
    with place:
        for name, text in rows.items():
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"):
                    ui.label(text)


async def _strip(view: View, place: ui.element, target: str) -> None:
    try:
        await show_strip(view, place, target)
    except TROUBLE as error:
        with place:
            ui.label(str(error)).classes("muted")
