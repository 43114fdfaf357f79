"""What the electron beam has touched in this array, and what fluorescence it must not touch yet.

All in stage coordinates as fluorescence sees them. The ledger is the record: a row is written before the beam
is on, so ground that may have been exposed is in it whatever happened after.
"""

from drivers.pose import RectM
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown
from service.model.jobs import ExposureState, JobState
from service.model.specimen import Field, FieldState
from service.store.store import Store

_ROUNDING_M = 1e-11
"""What rounding to whole pixels may take a planned frame beyond the ground that it was planned on (the
planner counts edges within 1e-13 m as one), and far below what any stage or beam can do."""


def touched(store: Store, ground_m: RectM) -> bool:
    """Whether the beam, with its halo, was on some of this ground, or may have been."""
    return bool(store.ledger.exposed_rects(touching=ground_m))


def imaged(store: Store, section: str) -> tuple[RectM, ...]:
    """Ground of a section that finished jobs have scanned, without the halo: it need not be scanned again."""
    done = [job.id for job in store.queue.jobs(section=section, state=JobState.DONE)]
    return tuple(
        row.rect_m
        for job in done
        for row in store.ledger.exposures(job=job)
        if row.state is ExposureState.CLOSED
    )


def waiting(store: Store, ground_m: RectM) -> list[Field]:
    """Fields, of any section, whose fluorescence is still to be taken there."""
    return store.specimen.fields(state=FieldState.PENDING, touching=ground_m)


def unsaved(store: Store, section: str, frame_m: RectM, reach_m: float) -> str | None:
    """Say what fluorescence a frame would destroy unsaved; None if there is none.

    Invariant 1, fluorescence first: every field that the frame, grown by `reach_m`, touches was taken, and
    all of that ground is saved. A field that failed does not hold a frame whose ground its neighbours have
    saved.

    Parameters
    ----------
    store : Store
    section : str
        Of the frame; its own fields are looked at first.
    frame_m : RectM
    reach_m : float
        How far from the frame the beam may bleach, guard and halo, m.
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
