"""The page of a section: all its fields as one montage, with cells, frames and electron images."""

from nicegui import ui

from service.console.inputs.choice import choice
from service.console.parts import button
from service.console.pictures.picture import picture_with_zoom
from service.console.pictures.places import around
from service.console.pictures.section_data import SectionData, read_section
from service.console.pictures.sections import read_sections
from service.console.view import TROUBLE, View


def build(view: View) -> None:
    """Make the page."""
    seen_seq = -1
    data: SectionData | None = None
    with ui.element("div").classes("card fills montage"):
        with ui.element("div").classes("tools"):
            offered = choice([], "Section", filtered=True).classes("filter")
            with ui.element("div").classes("tools-end"):
                fluorescence = ui.switch("Fluorescence", value=True).props("dense")
                cells = ui.switch("Cells", value=True).props("dense")
                frames = ui.switch("Frames", value=True).props("dense")
                electron = ui.switch("Electron images", value=True).props("dense")
            with ui.element("div").classes("tools-end"):
                button("Before", lambda: turn(-1)).props('aria-label="Section before"')
                button("After", lambda: turn(1)).props('aria-label="Section after"')
        trouble = ui.label().classes("empty")
        trouble.set_visibility(False)
        picture = picture_with_zoom("Montage of the fields of a section")

    def say(text: str) -> None:
        trouble.set_text(text)
        trouble.set_visibility(bool(text))

    def draw() -> None:
        if data is None:
            return
        images = data.fluorescence if fluorescence.value else []
        images = images + (data.electron if electron.value else [])
        shapes = data.fields + (data.frames if frames.value else []) + (data.cells if cells.value else [])
        picture.show(around(data.fields), images, shapes)

    async def show() -> None:
        nonlocal seen_seq, data
        if view.state.status is None or view.seq == seen_seq:
            return
        seen_seq = view.seq
        try:
            if not offered.options:
                names = [row["section"] for row in await read_sections(view)]
                wanted = view.query.get("section", "")
                # Setting the value comes back here.
                offered.set_options(names, value=wanted if wanted in names else next(iter(names), None))
                return
            name = str(offered.value)
            found = await read_section(view, name)
        except TROUBLE as error:
            seen_seq = -1
            say(str(error))
            return
        if name == str(offered.value):
            data = found
            say("" if data.fluorescence else "No fluorescence to show yet.")
            draw()

    async def chosen() -> None:
        nonlocal seen_seq, data
        seen_seq, data = -1, None
        picture.fit()
        await show()

    def turn(by: int) -> None:
        names = list(offered.options)
        if names:
            at = names.index(offered.value) if offered.value in names else 0
            offered.set_value(names[(at + by) % len(names)])

    def open_shape(name: str) -> None:
        kind, _, what = name.partition(" ")
        if kind == "field":
            ui.navigate.to(view.address("/field", field=what))
        elif kind == "cell":
            ui.navigate.to(view.address("/field", field=what.rpartition("/")[0], cell=what))

    offered.on_value_change(chosen)
    for one in (fluorescence, cells, frames, electron):
        one.on_value_change(draw)
    picture.on_choose(open_shape)
    view.follow(show)
