"""Ways to image in figures: from plans, and as documents have them."""

from collections.abc import Sequence

from config.base import Frozen
from config.instrument import SemConfig
from planner.cost import Pace, total_s, work_of
from planner.dose import scan_dose
from planner.values import Basis, Plan
from service.model.work import Way


class WayFigures(Frozen):
    """Time, data and dose of imaging the same cells in one way."""

    method: str
    chosen: bool
    frames: int
    beam_s: float
    electron_s: float
    """Beam, overhead and moves, and the focus of each section where the session focuses."""
    data_bytes: int
    exposed_m2: float
    mean_dose_per_nm2: float
    raster_sections: int = 0
    """Sections of which this way takes the full raster, since nothing is faster."""


def ways_of(
    plans: Sequence[Plan], approach_m: tuple[float, float], start_m: tuple[float, float] | None = None
) -> tuple[Way, ...]:
    """Return the ways that plans of a section stand for, the chosen one first.

    Parameters
    ----------
    plans : sequence of Plan
        Of one section; the first is the chosen one.
    approach_m, start_m
        As for `planner.cost.work_of`.
    """
    return tuple(
        Way(
            method=plan.method,
            chosen=number == 0,
            work=work_of(plan.frames, approach_m, start_m),
            exposed_m2=plan.totals.exposed_m2,
            raster_sections=int(plan.basis is Basis.RASTER and plan.method != "raster"),
        )
        for number, plan in enumerate(plans)
    )


def figures_of(way: Way, pace: Pace, sem: SemConfig) -> WayFigures:
    """Return a way in figures."""
    dose = scan_dose(sem.beam_current_pa * 1e-12, sem.dwell_s, sem.pixel_size_m)
    # Beam time of a single scan of that area; beam time beyond it adds to the dose.
    once_s = way.exposed_m2 * sem.dwell_s / sem.pixel_size_m**2
    return WayFigures(
        method=way.method,
        chosen=way.chosen,
        frames=way.work.frames,
        beam_s=way.work.beam_s,
        electron_s=total_s(way.work, pace),
        data_bytes=data_bytes(way.work.pixels, sem),
        exposed_m2=way.exposed_m2,
        raster_sections=way.raster_sections,
        mean_dose_per_nm2=dose.electrons_per_nm2 * way.work.beam_s / once_s if once_s else 0.0,
    )


def data_bytes(pixels: int, sem: SemConfig) -> int:
    """Return the size of electron images of so many pixels."""
    return pixels * sem.image_bits // 8
