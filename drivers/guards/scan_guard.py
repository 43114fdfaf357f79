"""The guard around a scan, the same for every SEM: when to refuse one, and what a failure may claim."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from drivers.chamber import Chamber, VacuumState
from drivers.errors import DisturbedError, DriverError, NotReadyError, OutOfRangeError
from drivers.guards.conditions import Conditions, disturbance, swept
from drivers.sem import ScanImage, ScanRequest

_ROUNDING = 1e-9
"""Relative; a shift of the full range may come out longer by the rounding of its two components."""


def require_scan(
    request: ScanRequest, largest_px: tuple[int, int], max_shift_m: float, reach_m: tuple[float, float]
) -> None:
    """Refuse a scan that is larger than the scan generator allows, or where the beam does not reach.

    Parameters
    ----------
    request : ScanRequest
    largest_px : (int, int)
        Width and height of the largest scan, px.
    max_shift_m : float
        Longest beam shift, m.
    reach_m : (float, float)
        Width and height of the ground around the stage position in which scans may lie, m; zeros for none.

    Raises
    ------
    OutOfRangeError
    """
    (width, height), (most_width, most_height) = request.size_px, largest_px
    if not (1 <= width <= most_width and 1 <= height <= most_height):
        raise OutOfRangeError(
            f"a scan of {width} x {height} px is not within 1 x 1 to {most_width} x {most_height}"
        )
    if within_reach(request, reach_m):
        return
    shift_m = math.hypot(*request.beam_shift_m)
    if not shift_m <= max_shift_m * (1 + _ROUNDING):
        reach = f", and the scan is not inside {reach_m[0] * 1e6:g} x {reach_m[1] * 1e6:g} um" * any(reach_m)
        raise OutOfRangeError(
            f"a beam shift of {shift_m * 1e6:g} um is more than the {max_shift_m * 1e6:g} um available{reach}"
        )


def within_reach(request: ScanRequest, reach_m: tuple[float, float]) -> bool:
    """Return True if all of a scan lies inside the reach of the beam, centred on the stage position."""
    return all(
        abs(shift_m) + size * request.pixel_size_m / 2 <= side_m / 2 * (1 + _ROUNDING)
        for shift_m, size, side_m in zip(request.beam_shift_m, request.size_px, reach_m, strict=True)
    )


def require_high_vacuum(chamber: Chamber | None, max_pressure_pa: float) -> None:
    """Refuse the beam unless the chamber reads high vacuum and the pressure agrees.

    Parameters
    ----------
    chamber : Chamber or None
        None where the SEM was never connected to one.
    max_pressure_pa : float
        Highest pressure for the beam, Pa.

    Raises
    ------
    NotReadyError
    DriverError
        State or pressure cannot be read.
    """
    if chamber is None:
        raise NotReadyError("the SEM is connected to no chamber")
    state, pressure_pa = chamber.state(), chamber.pressure_pa()
    if state is not VacuumState.HIGH or not pressure_pa <= max_pressure_pa:
        raise NotReadyError(
            f"no beam in a chamber that is {state} at {pressure_pa:.3g} Pa; it needs high vacuum below"
            f" {max_pressure_pa:g} Pa"
        )


def require_undisturbed(
    seen: Sequence[Conditions], image: ScanImage | None, cause: DriverError | None = None
) -> None:
    """Refuse a scan in whose course another program changed the microscope.

    Parameters
    ----------
    seen : sequence of Conditions
        Before the scan, and all others that were seen until after it.
    image : ScanImage or None
        Its image, where there is one.
    cause : DriverError, optional
        The failure of a scan without an image.

    Raises
    ------
    DisturbedError
    """
    told = disturbance(seen)
    if told is not None:
        places_m, field_m = swept(seen)
        raise DisturbedError(
            told if cause is None else f"{told}; {cause}", places_m, image, field_m
        ) from cause


@contextmanager
def beam_on() -> Iterator[None]:
    """Mark the part of a call in which the beam may reach the specimen.

    By contract a refusal (`OutOfRangeError`, `NotReadyError`) says that nothing was exposed, and callers try
    again. Hardware that refuses a step inside the block refuses too late.

    Raises
    ------
    DriverError
        In place of a refusal, which is its cause.
    """
    try:
        yield
    except (OutOfRangeError, NotReadyError) as error:
        raise DriverError(str(error)) from error
