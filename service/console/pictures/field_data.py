"""A field as a page shows it: fluorescence, cells, frames and electron images, read from the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.console.pictures.cached import image
from service.console.pictures.picture import Box, Image
from service.console.view import View
from service.model.jobs import JobState

_SIDE_PX = 768
"""Longest side of the picture of a field, px: the most that the API gives."""
_MOST_PAGES = 20
"""Pages of cells or frames of a field; more are not shown."""
_MOST_FIELDS = 100
"""Pages of fields to choose from."""
_TILE_PX = 256
"""Longest side of an electron image over the fluorescence, px."""
MOST_TILES = 150
"""Electron images over a picture; the latest are shown."""
SHOWN = frozenset({JobState.DONE, JobState.SAVED, JobState.NEEDS_REVIEW})
"""States of frames whose image is shown."""


@dataclass(slots=True)
class FieldData:
    """A field as last read; `whole` is its frame, px."""

    name: str
    row: Mapping[str, Any]
    whole: Box
    fluorescence: Image | None
    cells: list[dict[str, Any]]
    frames: list[dict[str, Any]]
    electron: list[Image] = field(default_factory=list)

    @property
    def pixel_um(self) -> float:
        """Width of a pixel, um."""
        rect = self.row["rect_m"]
        return float(1e6 * (rect[2] - rect[0]) / max(self.whole[2], 1.0))

    def cell(self, name: str) -> dict[str, Any] | None:
        """Return a cell by its name."""
        return next((one for one in self.cells if one["cell"] == name), None)


async def read_field(view: View, name: str) -> FieldData:
    """Read a field.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    detail = await view.recent("fields.get", field=name)
    row = detail["row"]
    width, height = detail["frame"]["size_px"] if detail["frame"] else (1, 1)
    whole = (0.0, 0.0, float(width), float(height))
    fluorescence = None
    if row["sha256"] is not None and detail["frame"]:
        href = await image(view, "fields.image", row["sha256"], field=name, max_side_px=_SIDE_PX)
        fluorescence = Image("fluorescence", href, whole)
    cells = await read_pages(view, "fields.boxes", "boxes", name)
    frames = await read_pages(view, "fields.frames", "frames", name)
    return FieldData(name, row, whole, fluorescence, cells, frames)


async def read_names(view: View) -> list[str]:
    """Return the names of all fields.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    names: list[str] = []
    after = None
    for _ in range(_MOST_FIELDS):
        page = await view.recent("fields.list", age_s=60.0, after=after)
        names += [row["field"] for row in page["fields"]]
        after = page["after"]
        if after is None:
            break
    return names


async def read_electron_images(view: View, data: FieldData) -> None:
    """Read the electron images over a field.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    taken = [one for one in data.frames if one["sha256"] and JobState(one["state"]) in SHOWN]
    for one in taken[-MOST_TILES:]:
        href = await image(view, "queue.image", one["sha256"], job=one["job"], max_side_px=_TILE_PX)
        x0, y0, x1, y1 = one["box_px"]
        data.electron.append(Image(f"electron {one['job']}", href, (x0, y0, x1, y1)))


async def read_pages(view: View, method: str, key: str, name: str) -> list[dict[str, Any]]:
    """Return the rows that a method has of a field.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    rows: list[dict[str, Any]] = []
    after = None
    for _ in range(_MOST_PAGES):
        page = await view.recent(method, field=name, after=after)
        rows += page[key]
        after = page["after"]
        if after is None:
            break
    return rows
