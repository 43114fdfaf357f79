"""Parameters and result of the method for the overviews."""

import math
from typing import Self

from config.base import Frozen
from detection.alignment.reasons import NotProven
from service import wording_overviews
from service.api.wire.messages import Limit, Number
from service.model import overviews
from service.model.overviews import NotUsed, OverviewState


class OverviewsParams(Frozen):
    """Selection of overviews; `after` is the last overview of the page before."""

    limit: Limit = 100
    after: Number = 0


class OverviewRow(Frozen):
    """Overview of a stage position, and where it shows that the field lies.

    Null where nothing was found. Only a place with `proven_um` is proven; it holds until the stage moves.
    """

    overview: int
    section: str
    stage_m: tuple[float, float]
    """Stage position, as fluorescence sees it."""
    field: str | None
    job: str | None
    state: OverviewState
    reason: NotProven | NotUsed | None
    says: str
    """State and reason, for people."""
    offset_um: tuple[float, float] | None
    """By how much the SEM sees the stage position off its fluorescence, x and y."""
    rotation_deg: float | None
    scale: float | None
    proven_um: float | None
    """Largest error of that place at any cell that was compared."""

    @classmethod
    def of(cls, row: overviews.Overview) -> Self:
        """Return the row of an overview."""
        motion = None if row.place is None else row.place.motion
        off_m = row.offset_m
        return cls(
            overview=row.id,
            section=row.section,
            stage_m=row.stage_m,
            field=row.field,
            job=row.job,
            state=row.state,
            reason=row.reason,
            says=wording_overviews.overview_says(row.state.value, row.reason, row.proven_m),
            offset_um=None if off_m is None else (off_m[0] * 1e6, off_m[1] * 1e6),
            rotation_deg=None if motion is None else math.degrees(motion.rotation_rad),
            scale=None if motion is None else motion.scale,
            proven_um=None if row.proven_m is None else row.proven_m * 1e6,
        )


class OverviewPage(Frozen):
    """Some overviews; `after` asks for the next ones, null at the end."""

    overviews: tuple[OverviewRow, ...]
    after: int | None
