"""Focusing of a session in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.model.focus import Focus, FocusBeam, FocusState


@dataclass(frozen=True, slots=True)
class Focusing:
    """Results of focusing one beam, and their cost to the specimen.

    Attributes
    ----------
    beam : str
        "electron" or "light".
    used : int
        Sections whose own focus was used.
    outliers, not_found : tuple of str
        Sections whose focus was far off the plane of those around them, or that had none.
    exposures : int
        Exposures to light.
    exposed_s : float
        Time under light or beam.
    """

    beam: str
    used: int
    outliers: tuple[str, ...]
    not_found: tuple[str, ...]
    exposures: int
    exposed_s: float


def focusing(focuses: Sequence[Focus]) -> tuple[Focusing, ...]:
    """Sum up the focuses of each beam; the last focus of a section counts."""
    found = []
    for beam in FocusBeam:
        of_beam = [one for one in focuses if one.beam is beam]
        last = {one.section: one.state for one in of_beam}
        if last:
            found.append(
                Focusing(
                    beam=beam.value,
                    used=sum(state is FocusState.USED for state in last.values()),
                    outliers=tuple(name for name, state in last.items() if state is FocusState.OUTLIER),
                    not_found=tuple(
                        name
                        for name, state in last.items()
                        if state in (FocusState.NOT_FOUND, FocusState.BEGUN)
                    ),
                    exposures=sum(one.exposures for one in of_beam),
                    exposed_s=sum(one.exposed_s for one in of_beam),
                )
            )
    return tuple(found)
