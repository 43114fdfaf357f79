"""Refusals of a scan before the beam, and the claims of one that fails."""

from dataclasses import dataclass

import numpy as np
import pytest

from drivers.chamber import VacuumState
from drivers.errors import DisturbedError, DriverError, NotReadyError, OutOfRangeError
from drivers.guards.conditions import Conditions
from drivers.guards.scan_guard import (
    beam_on,
    require_high_vacuum,
    require_scan,
    require_undisturbed,
    within_reach,
)
from drivers.sem import BeamSettings, ScanImage, ScanRequest

UM = 1e-6
NO_REACH = (0.0, 0.0)


def request(
    size_px: tuple[int, int] = (100, 50), shift_um: tuple[float, float] = (0.0, 0.0), pixel_um: float = 0.1
) -> ScanRequest:
    return ScanRequest(size_px, pixel_um * UM, 1e-6, "n", (shift_um[0] * UM, shift_um[1] * UM))


@pytest.mark.parametrize("size_px", [(1, 1), (400, 300), (1, 300), (400, 1)])
def test_a_scan_may_be_as_large_as_the_generator_allows(size_px: tuple[int, int]) -> None:
    require_scan(request(size_px), (400, 300), 0.0, NO_REACH)


@pytest.mark.parametrize("size_px", [(0, 300), (400, 0), (401, 300), (400, 301), (-1, 5)])
def test_a_larger_scan_is_refused(size_px: tuple[int, int]) -> None:
    with pytest.raises(OutOfRangeError) as refused:
        require_scan(request(size_px), (400, 300), 1.0, (1.0, 1.0))
    assert str(refused.value) == f"a scan of {size_px[0]} x {size_px[1]} px is not within 1 x 1 to 400 x 300"


def test_a_beam_shift_counts_by_its_length() -> None:
    require_scan(request(shift_um=(3, -4)), (400, 300), 5 * UM, NO_REACH)
    # Rounding of its components.
    require_scan(request(shift_um=(3, 4 + 1e-10)), (400, 300), 5 * UM, NO_REACH)
    for far in ((3.001, 4), (-5.001, 0), (float("nan"), 0)):
        with pytest.raises(
            OutOfRangeError, match=r"^a beam shift of (5(\.00\d*)?|nan) um is more than the 5 um available$"
        ):
            require_scan(request(shift_um=far), (400, 300), 5 * UM, NO_REACH)


def test_all_of_a_scan_lies_within_the_reach_of_the_beam() -> None:
    """100 x 50 pixels of .1 um: 10 x 5 um, in a reach of 30 x 25 um: the shift is up to 10 um either way."""
    reach_m = (30 * UM, 25 * UM)
    for x in (-10, 0, 10):
        for y in (-10, 0, 10):
            assert within_reach(request(shift_um=(x, y)), reach_m)
            require_scan(request(shift_um=(x, y)), (400, 300), 0.0, reach_m)
    for far in ((10.01, 0), (-10.01, 0), (0, 10.01), (0, -10.01), (float("nan"), 0)):
        assert not within_reach(request(shift_um=far), reach_m)
        with pytest.raises(OutOfRangeError) as refused:
            require_scan(request(shift_um=far), (400, 300), 2 * UM, reach_m)
        assert "more than the 2 um available, and the scan is not inside 30 x 25 um" in str(refused.value)
    assert not within_reach(request((301, 50)), reach_m)
    assert not within_reach(request(pixel_um=0.31), reach_m)


@dataclass
class Gauge:
    """A chamber that reads what it is made with."""

    reads: VacuumState
    pascal: float

    def state(self) -> VacuumState:
        return self.reads

    def pressure_pa(self) -> float:
        return self.pascal

    def go_to(self, target: VacuumState, timeout_s: float) -> None:
        raise AssertionError(target, timeout_s)

    def stop(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("state", list(VacuumState))
@pytest.mark.parametrize("pressure_pa", [1e-4, 1e-3, 1.1e-3, float("nan")])
def test_the_beam_needs_high_vacuum_by_state_and_by_pressure(state: VacuumState, pressure_pa: float) -> None:
    if state is VacuumState.HIGH and pressure_pa <= 1e-3:
        require_high_vacuum(Gauge(state, pressure_pa), 1e-3)
        return
    with pytest.raises(NotReadyError) as refused:
        require_high_vacuum(Gauge(state, pressure_pa), 1e-3)
    assert str(refused.value) == (
        f"no beam in a chamber that is {state} at {pressure_pa:.3g} Pa; it needs high vacuum below 0.001 Pa"
    )


def test_no_beam_without_a_chamber() -> None:
    with pytest.raises(NotReadyError, match="the SEM is connected to no chamber"):
        require_high_vacuum(None, 1.0)


def test_a_disturbed_scan_says_where_the_beam_was_and_keeps_its_image() -> None:
    still = Conditions((1.0, 2.0), (3.0, 4.0))
    moved = Conditions((1.5, 2.0), (3.0, 4.0))
    image = ScanImage(
        np.zeros((1, 1), np.uint16), (0.0, 0.0), 1e-8, 1e-6, "n", BeamSettings(1e4, 3.0, 3e-5, 5e-3, "ETD")
    )
    require_undisturbed([still, still], image)
    with pytest.raises(DisturbedError) as found:
        require_undisturbed([still, moved], image)
    assert str(found.value) == (
        "another program changed the microscope meanwhile: the stage moved by 500000.0 um"
    )
    assert found.value.positions_m == ((1.0, 2.0), (1.5, 2.0))
    assert found.value.image is image
    assert found.value.field_m == (3.0, 4.0)
    assert found.value.__cause__ is None
    cause = DriverError("broke off")
    with pytest.raises(DisturbedError, match=r"meanwhile: the stage moved .*; broke off$") as found:
        require_undisturbed([still, moved], None, cause)
    assert found.value.__cause__ is cause


@pytest.mark.parametrize("kind", [OutOfRangeError, NotReadyError])
def test_a_refusal_under_the_beam_claims_nothing(kind: type[DriverError]) -> None:
    refusal = kind("too late")
    with pytest.raises(DriverError, match="too late") as found, beam_on():
        raise refusal
    assert type(found.value) is DriverError
    assert found.value.__cause__ is refusal
