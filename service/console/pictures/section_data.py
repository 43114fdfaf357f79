"""A section as a montage of its fields in stage coordinates, read from the API."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.console.pictures.cached import image
from service.console.pictures.cells import cell_look, title
from service.console.pictures.field_data import MOST_TILES, SHOWN, read_pages
from service.console.pictures.picture import Image, Shape
from service.console.pictures.places import rectangle
from service.console.view import View
from service.model.jobs import JobState
from service.words.states import JOBS

_UM = 1e6
_MOST_FIELDS = 100
_SIDE_PX, _SMALL_PX, _MANY = 512, 192, 16
"""Longest side of the picture of a field, px, and of one of many."""
_TILE_PX = 192


@dataclass(frozen=True, slots=True)
class SectionData:
    """A section as last read; shapes are of all its fields.

    Attributes
    ----------
    fields : list of Shape
        Ground of its fields; a click opens one.
    fluorescence, electron : list of Image
    cells, frames : list of Shape
    """

    fields: list[Shape]
    fluorescence: list[Image]
    electron: list[Image]
    cells: list[Shape]
    frames: list[Shape]


async def read_section(view: View, name: str) -> SectionData:
    """Read a section.

    Raises
    ------
    ApiError, NoDaemonError, InputError
    """
    rows = (await view.recent("fields.list", section=name, limit=_MOST_FIELDS))["fields"]
    side_px = _SIDE_PX if len(rows) <= _MANY else _SMALL_PX
    found = SectionData([], [], [], [], [])
    frames: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        field = row["field"]
        found.fields.append(rectangle(f"field {field}", "field", f"field {field}", row["rect_m"]))
        if row["sha256"] is None:
            continue
        detail = await view.recent("fields.get", age_s=600.0, field=field)
        if detail["frame"]:
            href = await image(view, "fields.image", row["sha256"], field=field, max_side_px=side_px)
            found.fluorescence.append(_placed(field, href, row["center_m"], detail["frame"]))
        for cell in await read_pages(view, "fields.boxes", "boxes", field):
            look = f"cell {cell_look(cell)}"
            found.cells.append(rectangle(f"cell {cell['cell']}", look, title(cell), cell["rect_m"]))
        # A frame over the seam of two fields is of both.
        frames |= {one["job"]: one for one in await read_pages(view, "fields.frames", "frames", field)}
    found.frames.extend(
        rectangle(
            f"frame {job}",
            f"frame frame-{one['state']}",
            f"{job}, {JOBS[JobState(one['state'])]}",
            one["rect_m"],
        )
        for job, one in frames.items()
    )
    taken = [one for one in frames.values() if one["sha256"] and JobState(one["state"]) in SHOWN]
    for one in taken[-MOST_TILES:]:
        href = await image(view, "queue.image", one["sha256"], job=one["job"], max_side_px=_TILE_PX)
        x0, y0, x1, y1 = (side * _UM for side in one["rect_m"])
        found.electron.append(Image(f"electron {one['job']}", href, (x0, -y1, x1, -y0)))
        await asyncio.sleep(0)
    return found


def _placed(field: str, href: str, center_m: tuple[float, float], frame: Mapping[str, Any]) -> Image:
    """Return the picture of a frame where it lies on the stage, turned and mirrored as its pose says."""
    (width, height), (pixel_x, pixel_y) = frame["size_px"], frame["pixel_size_m"]
    half_x, half_y = width * pixel_x * _UM / 2, height * pixel_y * _UM / 2
    x, y = center_m[0] * _UM, -center_m[1] * _UM
    turned = -math.degrees(frame["rotation_rad"])
    mirror = f"{-1 if frame['flip_x'] else 1} {-1 if frame['flip_y'] else 1}"
    transform = f"translate({x:.6g} {y:.6g}) rotate({turned:.6g}) scale({mirror})"
    return Image(f"fluorescence {field}", href, (-half_x, -half_y, half_x, half_y), transform)
