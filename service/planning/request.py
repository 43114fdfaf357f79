"""Input of ``ilemtrack plan``: fields and boxes, and their plans; for its output see `result`."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator
from shapely import Polygon

from config.base import Frozen
from config.loading import explain
from config.model import Config
from planner.errors import PlannerError
from planner.geometry.rects import RectM
from planner.plan import compared_methods, plans
from planner.settings import settings_from
from planner.values import Box, Plan
from planner.values import Field as SavedField
from service.errors import InputError

MAX_FIELDS = 2000
MAX_BOXES = 20_000
FURTHEST_M = 0.2
"""Beyond the range of any stage: a larger number is in micrometres or millimetres. Chosen by hand."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Metres = Annotated[float, Field(strict=True, ge=-FURTHEST_M, le=FURTHEST_M)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Count = Annotated[int, Field(strict=True, ge=0)]


def _rectangle(rect: RectM) -> RectM:
    x0, y0, x1, y1 = rect
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"must have x0 < x1 and y0 < y1, not {list(rect)}")
    return rect


Rect = Annotated[tuple[Metres, Metres, Metres, Metres], AfterValidator(_rectangle)]
Point = tuple[Metres, Metres]


class NamedRect(Frozen):
    """A field or a box: a name and a rectangle in stage metres."""

    id: Name
    rect_m: Rect


class BoxRequest(NamedRect):
    """A box: the cell as found, undilated."""

    keep_m: Rect | None = None
    """Ground that must be imaged with it, where that is more than the cell."""


class NotImaged(Frozen):
    """A cell that nothing is planned for, with the reason."""

    id: Name
    reason: Annotated[str, StringConstraints(max_length=400)]


class SemRequest(Frozen):
    """The SEM to plan for, instead of that of the configuration; its ranges apply here as well."""

    pixel_size_nm: Positive
    dwell_us: Positive
    max_frame_px: tuple[Count, Count]
    """Width and height."""
    databar_px: Count = 0
    """Rows of them that show no specimen."""
    presets_px: Annotated[tuple[tuple[Count, Count], ...], Field(max_length=40)] = ()
    """The only frame sizes of the machine, without data bar; empty where it scans any size."""


class PlanRequest(Frozen):
    """Boxes of a section and the fields in which they were found.

    Attributes
    ----------
    not_imaged : tuple of NotImaged
        Cells that the detection policy leaves out; listed with the skipped boxes.
    outline_m : tuple of (x, y), optional
        Corners of the section.
    start_m : (x, y), optional
        Position of the stage.
    exposed_m, unsaved_m : tuple of RectM
        Ground that was imaged before; ground whose fluorescence is still to be taken.
    """

    v: Annotated[int, Field(strict=True, ge=1, le=1)]
    section: Name
    fields: Annotated[tuple[NamedRect, ...], Field(min_length=1, max_length=MAX_FIELDS)]
    boxes: Annotated[tuple[BoxRequest, ...], Field(max_length=MAX_BOXES)]
    not_imaged: Annotated[tuple[NotImaged, ...], Field(max_length=MAX_BOXES)] = ()
    sem: SemRequest | None = None
    outline_m: Annotated[tuple[Point, ...], Field(min_length=3, max_length=1000)] | None = None
    start_m: Point | None = None
    exposed_m: Annotated[tuple[Rect, ...], Field(max_length=MAX_BOXES)] = ()
    unsaved_m: Annotated[tuple[Rect, ...], Field(max_length=MAX_FIELDS)] = ()

    @model_validator(mode="after")
    def _outline_is_a_polygon(self) -> Self:
        if self.outline_m is not None:
            outline = Polygon(self.outline_m)
            if not outline.is_valid or outline.area == 0:
                raise ValueError("outline_m must be the corners of a polygon that does not cross itself")
        return self


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request, the configuration that it was planned with, and its plans, the chosen one first."""

    request: PlanRequest
    config: Config
    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class PlanOverrides:
    """Values of command line flags that replace those of the configuration; None keeps them."""

    method: str | None = None
    context_um: float | None = None
    guard_um: float | None = None
    overhead_s: float | None = None


def planned_request(
    request: PlanRequest, config: Config, overrides: PlanOverrides | None = None
) -> PlannedRequest:
    """Plan a section.

    Parameters
    ----------
    request : PlanRequest
        Its `sem`, if any, replaces that of the configuration.
    config : Config
    overrides : PlanOverrides, optional
        Replace values of both.

    Raises
    ------
    InputError
        Raised when settings are out of range or contradict each other.
    """
    settled = _settled(config, request.sem, overrides or PlanOverrides())
    try:
        settings = settings_from(settled.planner, settled.sem, settled.stage)
        made = plans(
            request.section,
            [SavedField(field.id, field.rect_m) for field in request.fields],
            [Box(box.id, box.rect_m, box.keep_m) for box in request.boxes],
            settings,
            compared_methods(settings.method),
            request.start_m,
            exposed=request.exposed_m,
            unsaved=request.unsaved_m,
            outline_m=request.outline_m,
        )
    except PlannerError as error:
        raise InputError(str(error)) from None
    return PlannedRequest(request, settled, made)


def _settled(config: Config, sem: SemRequest | None, overrides: PlanOverrides) -> Config:
    """Return the configuration with the values of request and flags, checked against its ranges."""
    values = config.model_dump()
    if sem is not None:
        values["sem"] |= {
            "pixel_size_nm": sem.pixel_size_nm,
            "dwell_us": sem.dwell_us,
            "frame_px": sem.max_frame_px,
            "databar_px": sem.databar_px,
            "presets_px": sem.presets_px,
        }
    for key in ("method", "context_um", "guard_um"):
        if (value := getattr(overrides, key)) is not None:
            values["planner"][key] = value
    if overrides.overhead_s is not None:
        values["sem"]["overhead_s"] = overrides.overhead_s
    # People may ask what a smaller guard would save before the stage is good enough for it.
    values["stage"]["position_error_um"] = min(
        values["stage"]["position_error_um"], values["planner"]["guard_um"]
    )
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise InputError(f"the plan cannot be made with these settings: {explain(error)}") from None
