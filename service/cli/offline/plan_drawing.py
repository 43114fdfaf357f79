"""The picture of a plan, from the plan and its document."""

from collections.abc import Mapping
from typing import Any

from planner.checks import outline_polygon
from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.required import required
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM
from planner.settings import settings_from
from planner.values import Box, Field
from service.cli.estimate_tables import compared
from service.pictures.plan.drawing import Drawing
from service.planning.request import PlannedRequest
from service.words.quantities import duration
from service.words.ways import NAMES


def drawing_of(made: PlannedRequest, document: Mapping[str, Any]) -> Drawing:
    """Return the drawing of a plan; `document` is the document of `ilemtrack plan`."""
    request, planned = made.request, made.plans[0]
    missed = {item.box for item in planned.skipped}
    in_part = {item.box for item in planned.clipped}
    stitched = {item.box for item in planned.stitched}
    totals = document["totals"]
    count = f"{totals['frames']} SEM frame" + ("" if totals["frames"] == 1 else "s")
    return Drawing(
        title=f"{request.section}: {count}, {duration(totals['total_s'])}",
        fields=[field.rect_m for field in request.fields],
        cells=[box.rect_m for box in request.boxes if box.id not in missed],
        required=_required(made),
        frames=[frame.rect_m for frame in planned.frames],
        stops=[frame.stage_m for frame in planned.frames],
        exposed=request.exposed_m,
        unsaved=request.unsaved_m,
        skipped=[box.rect_m for box in request.boxes if box.id in missed],
        clipped=[box.rect_m for box in request.boxes if box.id in in_part],
        stitched=[box.rect_m for box in request.boxes if box.id in stitched],
        outline=request.outline_m,
        start_m=request.start_m,
        dose_per_nm2=totals["dose_per_nm2"],
        ways=[
            (
                NAMES[way["method"]] + (" (drawn)" if way["chosen"] else ""),
                str(way["frames"]),
                duration(way["electron_s"]),
            )
            for way in document["alternatives"]
        ],
        remark=compared(document["alternatives"]) or "",
    )


def _required(made: PlannedRequest) -> list[RectM]:
    """Ground that must be imaged, clipped to where the beam may go."""
    request, config = made.request, made.config
    settings = settings_from(config.planner, config.sem, config.stage)
    outline = None
    if request.outline_m is not None:
        outline = outline_polygon(request.outline_m).buffer(settings.outline_margin_m)
    fields = [Field(field.id, field.rect_m) for field in request.fields]
    ground = Ground(
        [field.rect_m for field in fields], settings.guard_m + settings.halo_m, request.unsaved_m, outline
    )
    boxes = [Box(box.id, box.rect_m) for box in request.boxes]
    demand = required(boxes, fields, Framing(ground, settings), Imaged(request.exposed_m))
    return [region.rect_m for region in demand.regions]
