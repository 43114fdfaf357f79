"""The JSON document that ``ilemtrack plan`` gives."""

from dataclasses import asdict
from typing import Any, Literal

from config.base import Frozen
from planner.alternatives import Alternative
from planner.dose import cell_doses, scan_dose
from planner.estimate import time_of
from planner.geometry.rects import RectM
from planner.values import Box, Method
from service.planning.durations import session_pace
from service.planning.focus_cost import beam_focus
from service.planning.request import PlannedRequest


class PlannedFrame(Frozen):
    """One SEM frame, in the order of the route."""

    id: str
    rect_m: RectM
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    beam_s: float
    covers: tuple[str, ...]
    stage_m: tuple[float, float]
    """Where the stage stands; the beam is shifted from there to the centre."""
    beam_shift_m: tuple[float, float]


class BoxReason(Frozen):
    """A box that no frame images, or that is imaged in part, and why."""

    box: str
    reason: str


class PlanTotals(Frozen):
    """Sums over the plan."""

    frames: int
    beam_s: float
    overhead_s: float
    travel_m: float
    total_s: float
    exposed_m2: float
    bound_beam_s: float
    raster_total_s: float
    stage_moves: int
    travel_s: float
    data_bytes: int
    dose_per_nm2: float
    """Electrons per nm2 of ground that is scanned once."""
    dose_mc_per_cm2: float
    focus_s: float
    """Of the total: the focus of the beam on the section, where the session focuses."""


class BoxDose(Frozen):
    """Electrons per nm2 that a cell gets, overlaps included: mean over it, and the most at any place."""

    box: str
    mean_per_nm2: float
    most_per_nm2: float


class Way(Frozen):
    """What the same boxes take in one way."""

    method: Method
    chosen: bool
    frames: int
    beam_s: float
    electron_s: float
    """Beam, overhead, moves, and the focus on the section where the session focuses."""
    data_bytes: int
    exposed_m2: float
    mean_dose_per_nm2: float


class PlanResult(Frozen):
    """A plan, as it is printed."""

    v: Literal[1] = 1
    method: Method
    optimal: bool
    """Whether it is proven that no other frames about whole boxes take less."""
    frames: tuple[PlannedFrame, ...]
    skipped: tuple[BoxReason, ...]
    clipped: tuple[BoxReason, ...]
    totals: PlanTotals
    alternatives: tuple[Way, ...]
    doses: tuple[BoxDose, ...]


def document_of(made: PlannedRequest) -> dict[str, Any]:
    """Return a plan as the document ``plan, out``, ready for `json.dumps`."""
    sem = made.config.sem
    current_a = sem.beam_current_pa * 1e-12
    chosen = made.found[0]
    dose = scan_dose(current_a, sem.dwell_s, sem.pixel_size_m)
    bytes_per_pixel = sem.image_bits // 8
    pace = session_pace(made.config)

    def focus_s(one: Alternative) -> float:
        # What needs no frame is not focused on.
        return time_of(beam_focus(made.config, pace, min(1, one.estimate.frames)), pace.electron)

    sums = chosen.plan.totals
    totals = asdict(sums) | {
        "focus_s": focus_s(chosen),
        "total_s": sums.total_s + focus_s(chosen),
        "raster_total_s": sums.raster_total_s + time_of(beam_focus(made.config, pace, 1), pace.electron),
        "data_bytes": chosen.estimate.data_bytes * bytes_per_pixel,
        "dose_per_nm2": dose.electrons_per_nm2,
        "dose_mc_per_cm2": dose.mc_per_cm2,
    }
    boxes = [Box(box.id, box.rect_m) for box in made.request.boxes]

    def way(one: Alternative) -> Way:
        once_s = one.plan.totals.exposed_m2 * sem.dwell_s / sem.pixel_size_m**2
        return Way(
            method=one.method,
            chosen=one is chosen,
            frames=one.estimate.frames,
            beam_s=one.estimate.beam_s,
            electron_s=one.estimate.total_s + focus_s(one),
            data_bytes=one.estimate.data_bytes * bytes_per_pixel,
            exposed_m2=one.plan.totals.exposed_m2,
            mean_dose_per_nm2=dose.electrons_per_nm2 * one.estimate.beam_s / once_s if once_s else 0.0,
        )

    result = PlanResult(
        method=chosen.method,
        optimal=chosen.plan.optimal,
        frames=tuple(PlannedFrame.model_validate(asdict(frame)) for frame in chosen.plan.frames),
        skipped=tuple(BoxReason(box=item.box, reason=item.reason) for item in chosen.plan.skipped),
        clipped=tuple(BoxReason(box=item.box, reason=item.reason) for item in chosen.plan.clipped),
        totals=PlanTotals.model_validate(totals),
        alternatives=tuple(map(way, made.found)),
        doses=tuple(
            BoxDose(
                box=one.box,
                mean_per_nm2=one.mean.electrons_per_nm2,
                most_per_nm2=one.most.electrons_per_nm2,
            )
            for one in cell_doses(boxes, chosen.plan.frames, current_a)
        ),
    )
    return result.model_dump(mode="json")
