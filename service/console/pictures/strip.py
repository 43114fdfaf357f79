"""One cell through all its sections: a strip of its fluorescence, with the electron frames that show it."""

from typing import Any

from nicegui import ui

from service.console.pictures.cached import image
from service.console.pictures.cells import is_imaged
from service.console.view import View

_SIDE_PX = 96
_AROUND = 1.8
"""Side of a picture over the larger side of the box. Chosen by hand."""
_MOST = 60
_OLD_S = 60.0
"""Greatest age of what is known of a frame, s."""


async def show_strip(view: View, place: ui.element, target: str) -> None:
    """Show a cell in each section that shows it, in their order; a click opens the field.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    found = await view.recent("targets.cells", target=target)
    cells: list[dict[str, Any]] = found["boxes"][:_MOST]
    pictures = [(cell, await _picture(view, cell), await _electron(view, cell)) for cell in cells]
    place.clear()
    with place:
        for cell, href, electron in pictures:
            field = cell["cell"].rpartition("/")[0]
            link = ui.link(target=view.address("/field", field=field, cell=cell["cell"]))
            with link.classes("strip-one"):
                if href:
                    _show(href, "The cell in this section")
                if electron:
                    _show(electron, "An electron frame of it in this section")
                ui.label(field.partition("/")[0])
                ui.label("imaged" if cell["jobs"] or is_imaged(cell) else "not imaged").classes("muted")
        if found["after"] is not None or len(found["boxes"]) > _MOST:
            ui.label("and more").classes("muted")


def _show(href: str, label: str) -> None:
    ui.image(href).props(f"alt='{label}' no-spinner no-transition").classes("strip-image")


async def _electron(view: View, cell: dict[str, Any]) -> str:
    """Return the first electron frame of the cell in this section, empty while there is none."""
    for job in cell["jobs"]:
        sha256 = (await view.recent("queue.get", age_s=_OLD_S, job=job))["sha256"]
        if sha256 is not None:
            return await image(view, "queue.image", sha256, job=job, max_side_px=_SIDE_PX)
    return ""


async def _picture(view: View, cell: dict[str, Any]) -> str:
    field = cell["cell"].rpartition("/")[0]
    row = (await view.recent("fields.get", age_s=_OLD_S, field=field))["row"]
    if row["sha256"] is None:
        return ""
    x0, y0, x1, y1 = cell["box_px"]
    half = max(x1 - x0, y1 - y0) * _AROUND / 2
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    part = [max(0, round(cx - half)), max(0, round(cy - half)), round(cx + half), round(cy + half)]
    return await image(view, "fields.image", row["sha256"], field=field, max_side_px=_SIDE_PX, box_px=part)
