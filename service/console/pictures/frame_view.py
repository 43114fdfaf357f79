"""An electron frame as its page shows it: its images, and its place over the fluorescence."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from service.console.pictures.cached import image
from service.console.pictures.cells import cell_shapes, exposed_shapes, frame_shapes
from service.console.pictures.field_data import read_pages
from service.console.pictures.picture import Box, Image, picture_with_zoom
from service.console.view import TROUBLE, View
from service.words.checks import bad_says, checks_of

_SIDE_PX = 768
"""Longest side of a picture, px: the most that the API gives."""
_AROUND = 1.0
"""Ground around the frame, part of its larger side. Chosen by hand."""


class FrameView:
    """Pictures of an electron frame.

    Parameters
    ----------
    view : View
    job : str
    """

    def __init__(self, view: View, job: str) -> None:
        self._view, self._job = view, job
        with ui.element("div").classes("card"):
            ui.label("Electron image").classes("card-title")
            self._none = ui.label("None yet.").classes("muted")
            self._image = ui.element("div")
        with ui.element("div").classes("card placing"):
            with ui.element("div").classes("card-head"):
                ui.label("Place over the fluorescence").classes("card-title")
                self._link = ui.element("div")
            self._trouble = ui.label().classes("muted")
            self._picture = picture_with_zoom("The frame and its neighbours over the fluorescence")
        self._picture.on_choose(self._open)

    async def show(self, found: Mapping[str, Any]) -> None:
        """Read and show what belongs to a reply of `queue.get`."""
        try:
            await self._show_image(found)
            trouble = await self._show_place(found["fields"])
        except TROUBLE as error:
            trouble = str(error)
        self._trouble.set_text(trouble)
        self._trouble.set_visibility(bool(trouble))

    async def _show_image(self, found: Mapping[str, Any]) -> None:
        """Show the last image first, then those of earlier exposures, each with what it was found bad by."""
        taken = [
            (one["sha256"], one["exposure"], bad_says(checks_of(one["checks"])))
            for one in found["images"][::-1]
        ]
        if not taken and found["sha256"] is not None:
            # Of an earlier version of the program.
            taken = [(found["sha256"], None, "")]
        self._none.set_visibility(not taken)
        pictures = [
            await image(
                self._view, "queue.image", sha256, job=self._job, exposure=exposure, max_side_px=_SIDE_PX
            )
            for sha256, exposure, _ in taken
        ]
        self._image.clear()
        with self._image:
            for href, (_, exposure, says) in zip(pictures, taken, strict=True):
                of = "" if len(taken) == 1 else f", exposure {exposure}"
                ui.image(href).props(
                    f'alt="Electron image of this frame{of}" no-spinner no-transition'
                ).classes("electron")
                if len(taken) > 1:
                    ui.label(f"Exposure {exposure}: {says or 'good'}").classes("muted")

    async def _show_place(self, fields: list[str]) -> str:
        """Show it over the first field; return why that is not possible."""
        self._link.clear()
        if not fields:
            return "No field of this section is here."
        name = fields[0]
        with self._link:
            ui.link(f"Field {name}", self._view.address("/field", field=name))
        field = await self._view.recent("fields.get", age_s=60.0, field=name)
        row, facts = field["row"], field["frame"]
        if row["sha256"] is None or facts is None:
            return "There is no fluorescence here yet."
        frames = await read_pages(self._view, "fields.frames", "frames", name)
        own = next((one for one in frames if one["job"] == self._job), None)
        if own is None:
            return "This frame is not over the field any more."
        width, height = facts["size_px"]
        ground = _around(own["box_px"], width, height)
        near = [one for one in frames if _touch(one["box_px"], ground) and one is not own]
        cells = await read_pages(self._view, "fields.boxes", "boxes", name)
        x0, y0, x1, y1 = ground
        part = [max(0, int(x0)), max(0, int(y0)), min(width, int(x1) + 1), min(height, int(y1) + 1)]
        href = await image(
            self._view, "fields.image", row["sha256"], field=name, max_side_px=_SIDE_PX, box_px=part
        )
        shapes = exposed_shapes([*near, own])
        shapes += cell_shapes((one for one in cells if _touch(one["box_px"], ground)), "confidence")
        shapes += frame_shapes([*near, own])
        under = Image("fluorescence", href, (float(part[0]), float(part[1]), float(part[2]), float(part[3])))
        self._picture.show(ground, [under], shapes)
        self._picture.set_chosen(shapes[-1].id)
        return ""

    def _open(self, shape: str) -> None:
        """Open the page of another frame."""
        kind, _, job = shape.partition(" ")
        if kind == "frame" and job != self._job:
            ui.navigate.to(self._view.address("/job", job=job))


def _around(box: list[float], width: int, height: int) -> Box:
    """Return the ground around a frame as far as the fluorescence reaches, and all of the frame."""
    x0, y0, x1, y1 = box
    by = _AROUND * max(x1 - x0, y1 - y0)
    return (
        min(x0, max(0.0, x0 - by)),
        min(y0, max(0.0, y0 - by)),
        max(x1, min(width, x1 + by)),
        max(y1, min(height, y1 + by)),
    )


def _touch(one: list[float], other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
