"""What a section would take otherwise: a person chooses with the figures before them."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.estimate import Estimate, Pace, estimate
from planner.geometry.rects import RectM
from planner.plan import plans
from planner.values import Box, Field, Method, Plan, PlanSettings


@dataclass(frozen=True, slots=True)
class Alternative:
    """A method, its plan and what that takes."""

    method: Method
    plan: Plan
    estimate: Estimate


def alternatives(
    section: str,
    fields: Sequence[Field],
    boxes: Sequence[Box],
    settings: PlanSettings,
    pace: Pace,
    start_m: tuple[float, float] | None = None,
    bytes_per_pixel: int = 1,
    beam_current_a: float | None = None,
    *,
    exposed: Sequence[RectM] = (),
    unsaved: Sequence[RectM] = (),
    outline_m: Sequence[tuple[float, float]] | None = None,
) -> tuple[Alternative, ...]:
    """Plan a section with the chosen method, with one frame per box and as a full raster.

    A raster can be cheaper where cells are crowded; but it is not seamless, and it exposes everything.
    Nothing is decided here.

    Parameters
    ----------
    section, fields, boxes, settings, start_m, exposed, unsaved, outline_m
        As for `planner.plan.plan`.
    pace, bytes_per_pixel, beam_current_a
        As for `planner.estimate.estimate`.

    Returns
    -------
    tuple of Alternative
        The chosen method first; every method once.
    """
    chosen: list[Method] = [settings.method]
    others: list[Method] = ["per-box", "raster"]
    chosen += [method for method in others if method != settings.method]
    made = plans(
        section,
        fields,
        boxes,
        settings,
        chosen,
        start_m,
        exposed=exposed,
        unsaved=unsaved,
        outline_m=outline_m,
    )
    return tuple(
        Alternative(one.method, one, estimate(one.frames, pace, start_m, bytes_per_pixel, beam_current_a))
        for one in made
    )


def cheapest(found: Sequence[Alternative]) -> Alternative:
    """Return the alternative of the least total time; of equal ones the first."""
    return min(found, key=lambda one: one.estimate.total_s)
