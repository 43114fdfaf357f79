"""Ground that the electron beam has touched, and fluorescence that it must not touch yet.

All in stage coordinates as fluorescence sees them. The ledger is the record: its rows are written before the
beam is on, so all ground that may have been exposed is in it.
"""

from drivers.pose import RectM
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown
from service.model.jobs import ExposureState, JobKind, JobState
from service.model.specimen import Field, FieldState
from service.store.store import Store

_ROUNDING_M = 1e-11
"""Allowance for the rounding of a planned frame to whole pixels: the planner merges edges within 1e-13 m, and
stage and beam are many orders of magnitude coarser."""


def touched(store: Store, ground_m: RectM) -> bool:
    """Return True if the beam, with its halo, touched or may have touched some of this ground."""
    return bool(store.ledger.exposed_rects(touching=ground_m))


def imaged(store: Store, section: str) -> tuple[RectM, ...]:
    """Return the ground of a section that finished jobs have scanned, without the halo.

    Ground that only an overview has seen is `touched`, and not imaged.
    """
    finished = store.queue.jobs(section=section, state=JobState.DONE)
    done = [job.id for job in finished if job.kind is not JobKind.OVERVIEW]
    return tuple(
        row.rect_m
        for job in done
        for row in store.ledger.exposures(job=job)
        if row.state is ExposureState.CLOSED
    )


def waiting(store: Store, ground_m: RectM) -> list[Field]:
    """Return fields of any section with fluorescence still to be taken there."""
    return store.specimen.fields(state=FieldState.PENDING, touching=ground_m)


def unsaved(store: Store, section: str, frame_m: RectM, reach_m: float) -> str | None:
    """Return the fluorescence that a frame would destroy unsaved, None if there is none.

    Invariant 1, fluorescence first: every field that the frame, grown by `reach_m`, touches was taken, and
    all of that ground is saved. A failed field does not hold a frame whose ground its neighbours have saved.

    Parameters
    ----------
    store : Store
    section : str
        Section of the frame; its own fields are tried first.
    frame_m : RectM
    reach_m : float
        Distance around the frame that the beam may bleach, guard and halo, m.
    """
    reach_m = max(0.0, reach_m - _ROUNDING_M)
    reach = grown(frame_m, reach_m)
    pending = waiting(store, reach)
    if pending:
        return pending[0].id
    saved = [field for field in store.specimen.fields(touching=reach) if field.image is not None]
    own = [field.rect_m for field in saved if field.section == section]
    for rects in (own, [field.rect_m for field in saved]):
        if Ground(rects, reach_m).allows(frame_m):
            return None
    return "the ground around it"
