"""What the method of the focus takes and gives."""

from typing import Self

from config.base import Frozen
from service.api.wire.messages import Limit, Number
from service.model import focus as focuses
from service.model.focus import FocusBeam, FocusState


class FocusesParams(Frozen):
    """Which focuses; `after` is a focus."""

    limit: Limit = 100
    after: Number = 0
    beam: FocusBeam | None = None


class FocusRow(Frozen):
    """A section that was focused on.

    Heights are working distances of the beam, or positions of the objective; null where there is none.
    """

    focus: int
    beam: FocusBeam
    section: str
    job: str | None
    place_m: tuple[float, float]
    start_m: float | None
    found_m: float | None
    score: float | None
    """Sharpness: the larger the sharper."""
    used_m: float | None
    state: FocusState
    """`outlier`: found, but far off the plane of the sections about it."""
    exposures: int
    exposed_s: float
    reason: str | None

    @classmethod
    def of(cls, focus: focuses.Focus) -> Self:
        """Row of a focus as it goes over the wire."""
        return cls(
            focus=focus.id,
            beam=focus.beam,
            section=focus.section,
            job=focus.job,
            place_m=focus.place_m,
            start_m=focus.start_m,
            found_m=focus.found_m,
            score=focus.score,
            used_m=focus.used_m,
            state=focus.state,
            exposures=focus.exposures,
            exposed_s=focus.exposed_s,
            reason=focus.reason,
        )


class FocusPage(Frozen):
    """Some focuses; `after` gets the next ones, null at the end."""

    focuses: tuple[FocusRow, ...]
    after: int | None


class FocusSums(Frozen):
    """Sections by what became of their focus, and its exposures so far; `focus.list` tells which."""

    beam: FocusBeam
    used: int
    outliers: int
    not_found: int
    exposures: int
    exposed_s: float
