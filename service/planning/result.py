"""The JSON document that ``ilemtrack plan`` prints."""

from dataclasses import asdict, replace
from typing import Any, Literal

from config.base import Frozen
from planner.cost import total_s
from planner.dose import cell_doses, scan_dose
from planner.geometry.rects import RectM
from planner.settings import settings_from
from planner.values import Basis, Box, Method
from service import wording_cells
from service.model.targets import Beside, LeftOut
from service.model.work import ALL_CELLS
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.request import PlannedRequest
from service.planning.targets.beside import beside
from service.planning.ways import WayFigures, figures_of, ways_of


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
    """Position of the stage from which it is scanned; the beam goes from there to the centre."""
    beam_shift_m: tuple[float, float]


class BoxReason(Frozen):
    """A box that is not imaged, or partly imaged, with the reason."""

    box: str
    reason: str


class StitchedBox(Frozen):
    """A box that lies whole in no frame, and the frames to stitch."""

    box: str
    frames: tuple[str, ...]
    overlap_held: bool
    """True if they overlap at every seam by `planner.tile_overlap_um`."""


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
    """Single-scan dose, electrons per nm2."""
    dose_mc_per_cm2: float
    focus_s: float
    """Part of the total: the focus of the beam on the section, where the session focuses."""
    bound_s: float
    """Lower bound of beam time and overhead, of all frames that the planner looks at."""


class LeftOutBox(Frozen):
    """A box that is left out by choice, and the effect of the frames of others on it."""

    box: str
    reason: LeftOut
    beside: Beside


class BoxDose(Frozen):
    """Dose of a cell in electrons per nm2, overlaps included: mean over the cell, and maximum."""

    box: str
    mean_per_nm2: float
    most_per_nm2: float


class PlanResult(Frozen):
    """A plan as it is printed."""

    v: Literal[1] = 1
    method: Method
    optimal: bool
    """True if `bound_s` proves that no other frames take less time."""
    frames: tuple[PlannedFrame, ...]
    skipped: tuple[BoxReason, ...]
    clipped: tuple[BoxReason, ...]
    totals: PlanTotals
    alternatives: tuple[WayFigures, ...]
    doses: tuple[BoxDose, ...]
    basis: Basis
    """cells: frames around cells; trimmed_raster: some are those of a raster, trimmed; raster: a full one."""
    gap: float
    """Share by which beam time and overhead exceed `bound_s`."""
    stitched: tuple[StitchedBox, ...]
    left_out: tuple[LeftOutBox, ...]
    """Boxes left out by choice; they are among `skipped`, too."""


def document_of(made: PlannedRequest) -> dict[str, Any]:
    """Return a plan as a document, ready for `json.dumps`."""
    config, chosen = made.config, made.plans[0]
    sem = config.sem
    current_a = sem.beam_current_pa * 1e-12
    dose = scan_dose(current_a, sem.dwell_s, sem.pixel_size_m)
    pace = session_pace(config)
    focus_cost = FocusCost.of(config, pace)

    def focus_s(frames: int) -> float:
        # A section without frames needs no focus.
        return total_s(focus_cost.beam(min(1, frames)), pace.electron)

    rows = []
    ways = ways_of(made.plans, pace.electron.approach_m, made.request.start_m)
    if made.everything is not None:
        (all_cells,) = ways_of((made.everything,), pace.electron.approach_m, made.request.start_m)
        ways = (*ways, replace(all_cells, method=ALL_CELLS, chosen=False))
    for way in ways:
        figures = figures_of(way, pace.electron, sem)
        electron_s = figures.electron_s + focus_s(figures.frames)
        rows.append(figures.model_copy(update={"electron_s": electron_s}))
    sums = chosen.totals
    totals = asdict(sums) | {
        "focus_s": focus_s(sums.frames),
        "total_s": sums.total_s + focus_s(sums.frames),
        "raster_total_s": sums.raster_total_s + focus_s(1),
        "data_bytes": rows[0].data_bytes,
        "dose_per_nm2": dose.electrons_per_nm2,
        "dose_mc_per_cm2": dose.mc_per_cm2,
    }
    boxes = [Box(box.id, box.rect_m) for box in made.request.boxes]
    reach_m = settings_from(config.planner, sem, config.stage).guard_m + sem.beam_halo_um * 1e-6
    rects = [frame.rect_m for frame in chosen.frames]
    left_out = tuple(
        LeftOutBox(box=box.id, reason=reason, beside=beside(box.rect_m, rects, reach_m))
        for box in boxes
        if (reason := made.left_out.get(box.id)) is not None
    )
    result = PlanResult(
        left_out=left_out,
        method=chosen.method,
        basis=chosen.basis,
        optimal=chosen.optimal,
        gap=chosen.gap,
        frames=tuple(PlannedFrame.model_validate(asdict(frame)) for frame in chosen.frames),
        skipped=(
            *(BoxReason(box=item.box, reason=item.reason) for item in chosen.skipped),
            *(BoxReason(box=item.id, reason=item.reason) for item in made.request.not_imaged),
            *(
                BoxReason(box=item.box, reason=wording_cells.left_out(item.reason.value, item.beside.value))
                for item in left_out
            ),
        ),
        clipped=tuple(BoxReason(box=item.box, reason=item.reason) for item in chosen.clipped),
        stitched=tuple(StitchedBox.model_validate(asdict(one)) for one in chosen.stitched),
        totals=PlanTotals.model_validate(totals),
        alternatives=tuple(rows),
        doses=tuple(
            BoxDose(
                box=one.box,
                mean_per_nm2=one.mean.electrons_per_nm2,
                most_per_nm2=one.most.electrons_per_nm2,
            )
            for one in cell_doses(boxes, chosen.frames, current_a)
        ),
    )
    return result.model_dump(mode="json")
