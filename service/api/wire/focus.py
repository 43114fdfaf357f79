"""Parameters and result of the method for the focus."""

from typing import Self

from config.base import Frozen
from service.api.wire.messages import Limit, Number
from service.model import focus as focuses
from service.model.focus import FocusBeam, FocusState


class FocusesParams(Frozen):
    """Selection of focuses; `after` is the last focus of the page before."""

    limit: Limit = 100
    after: Number = 0
    beam: FocusBeam | None = None


class FocusRow(Frozen):
    """Focus on one section.

    Heights are working distances of the beam, or positions of the objective; null if there is none.
    """

    focus: int
    beam: FocusBeam
    section: str
    job: str | None
    place_m: tuple[float, float]
    start_m: float | None
    found_m: float | None
    score: float | None
    """Sharpness; a larger value is sharper."""
    used_m: float | None
    state: FocusState
    """`outlier`: found, but far from the plane through its neighbours."""
    exposures: int
    exposed_s: float
    reason: str | None

    @classmethod
    def of(cls, focus: focuses.Focus) -> Self:
        """Return the row of a focus."""
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
    """Some focuses; `after` asks for the next ones, null at the end."""

    focuses: tuple[FocusRow, ...]
    after: int | None


class FocusSums(Frozen):
    """Sections by the result of their focus, and its exposures so far; `focus.list` has the sections."""

    beam: FocusBeam
    used: int
    outliers: int
    not_found: int
    exposures: int
    exposed_s: float
