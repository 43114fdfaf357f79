"""The page of the holder: the sections before a session, over their overview, corrected and saved."""

from nicegui import app, ui

from service.console.holder.draft import Draft
from service.console.holder.editing import Editor
from service.console.holder.opening import Opening
from service.console.holder.saving import Saving
from service.console.pictures.picture import picture_with_zoom
from service.console.safety import Role
from service.console.view import View

_NOT_FOR_WATCHERS = "Section lists are opened and corrected by whoever may operate."
_DRAFT = "holder"
"""Key of the list in the memory of a tab: a page that is loaded again shows it with all changes."""


def build(view: View) -> None:
    """Make the page."""
    if view.role is not Role.OPERATE:
        ui.label(_NOT_FOR_WATCHERS).classes("empty")
        return
    with ui.element("div").classes("picture-page fills holder"):
        with ui.element("div").classes("card"):
            tools = ui.element("div").classes("tools tight")
            picture = picture_with_zoom("Sections of the holder")
            with tools, ui.element("div").classes("tools-end"):
                editor = Editor(view, picture, lambda: changed())
        with ui.element("div").classes("side"):
            with ui.element("section").classes("card"):
                opening = Opening(view, editor)
            with ui.element("section").classes("card"):
                section = ui.element("div")
            with ui.element("section").classes("card"):
                saving = Saving(view, editor, opening)
    ready, client = False, ui.context.client

    def changed() -> None:
        # Whoever has closed the page while a file was read has no memory of it any more.
        if ready and client.has_socket_connection:
            app.storage.tab[_DRAFT] = editor.draft
            saving.show()

    with section:
        editor.describe()

    async def begin() -> None:
        nonlocal ready
        await opening.offer()
        if not client.has_socket_connection:
            return
        kept = app.storage.tab.get(_DRAFT)
        ready = True
        if isinstance(kept, Draft):
            editor.open(kept)
            await opening.take_up(kept)
        saving.show()

    ui.timer(0, begin, once=True)
