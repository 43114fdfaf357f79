"""The vacuum is what the chamber says when it is asked, and nothing else."""

import math
import threading
from collections.abc import Callable

import pytest

from config.instrument import ChamberConfig
from drivers.chamber import VacuumState
from drivers.chamber_by_hand import ChamberByHand
from drivers.errors import DriverError
from service.acquisition.vacuum import VacuumFound, VacuumWatch, ask_for, look, lost, problem, pump_to
from service.errors import HungDeviceError, VacuumError
from service.model.phases import PauseCause
from service.session.interrupts import Interrupt, InterruptSession
from tests.service.daemons import until

CONFIG = ChamberConfig(
    fluorescence_pressure_pa=200, fluorescence_tolerance_percent=25, beam_max_pressure_pa=0.01
)
HIGH, PARTIAL = VacuumState.HIGH, VacuumState.PARTIAL


class Gauge:
    """A chamber with a state and a pressure; `reaches` is what it comes to when it is pumped."""

    def __init__(
        self, state: VacuumState, pressure_pa: float, reaches: tuple[VacuumState, float] | None = None
    ) -> None:
        self.now = state, pressure_pa
        self.reaches = reaches or self.now
        self.asked: list[tuple[VacuumState, float]] = []
        self.trouble: Exception | None = None

    def state(self) -> VacuumState:
        if self.trouble is not None:
            raise self.trouble
        return self.now[0]

    def pressure_pa(self) -> float:
        return self.now[1]

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        self.asked.append((state, timeout_s))
        self.now = self.reaches

    def stop(self) -> None:
        pass


@pytest.mark.parametrize(
    ("state", "pressure_pa", "wanted", "right"),
    [
        (HIGH, 0.01, HIGH, True),
        (HIGH, 0.0, HIGH, True),
        (HIGH, 0.0101, HIGH, False),
        (HIGH, -1.0, HIGH, False),
        (HIGH, math.nan, HIGH, False),
        (HIGH, math.inf, HIGH, False),
        (VacuumState.CHANGING, 0.001, HIGH, False),
        (PARTIAL, 150.0, PARTIAL, True),
        (PARTIAL, 250.0, PARTIAL, True),
        (PARTIAL, 149.0, PARTIAL, False),
        (PARTIAL, 251.0, PARTIAL, False),
        (PARTIAL, math.nan, PARTIAL, False),
        (HIGH, 200.0, PARTIAL, False),
        (VacuumState.VENTED, 1e5, VacuumState.VENTED, True),
    ],
)
def test_state_and_pressure_are_both_as_wanted_or_there_is_a_problem(
    state: VacuumState, pressure_pa: float, wanted: VacuumState, right: bool
) -> None:
    gauge = Gauge(state, pressure_pa)
    assert (problem(gauge, wanted, CONFIG) is None) is right
    assert (look(gauge, wanted, CONFIG).problem is None) is right


@pytest.mark.parametrize(
    ("pressure_pa", "known_pa"),
    [(0.0, 0.0), (0.004, 0.004), (-1.0, None), (math.inf, None), (math.nan, None)],
)
def test_a_pressure_that_is_none_is_not_known(pressure_pa: float, known_pa: float | None) -> None:
    assert look(Gauge(HIGH, pressure_pa), HIGH, CONFIG).pressure_pa == known_pa


@pytest.mark.parametrize("trouble", [DriverError("gone"), HungDeviceError("gone")])
def test_a_chamber_that_does_not_answer_is_no_vacuum(trouble: Exception) -> None:
    gauge = Gauge(HIGH, 0.001)
    gauge.trouble = trouble
    assert look(gauge, HIGH, CONFIG) == VacuumFound(None, "the chamber does not answer: gone")


def test_what_is_right_already_is_not_pumped() -> None:
    gauge = Gauge(HIGH, 0.001)
    assert pump_to(gauge, HIGH, CONFIG) is False
    assert gauge.asked == []


def test_a_chamber_is_pumped_within_its_time_and_asked_afterwards() -> None:
    gauge = Gauge(PARTIAL, 200.0, reaches=(HIGH, 0.001))
    assert pump_to(gauge, HIGH, CONFIG) is True
    assert gauge.asked == [(HIGH, 60 * CONFIG.change_timeout_min)]
    liar = Gauge(PARTIAL, 200.0, reaches=(HIGH, 0.02))
    with pytest.raises(VacuumError, match=r"the pressure is 0\.02 Pa, too high for the beam \(at most 0\.01"):
        pump_to(liar, HIGH, CONFIG)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (HIGH, "high vacuum, 0.001 Pa (at most 0.01 Pa); its gauge reads 1e+05 Pa, close the high valve;"),
        (PARTIAL, "water vapour, 200 Pa (150 to 250 Pa); its gauge reads 1e+05 Pa, close the partial valve;"),
    ],
)
def test_a_person_is_asked_for_a_pressure_until_they_confirm_it(state: VacuumState, says: str) -> None:
    gauge = [1e5]
    hand = ChamberByHand(CONFIG, lambda: gauge[0], lambda asked: (f"close the {asked.value} valve",))
    hand.confirm(state)
    # Confirmed, but the gauge does not agree.
    with pytest.raises(InterruptSession) as asked:
        ask_for(hand, state, CONFIG)
    assert (asked.value.interrupt, asked.value.cause) == (Interrupt.PAUSE, PauseCause.CHAMBER_BY_HAND)
    assert f"bring the chamber to {says}" in asked.value.reason
    gauge[0] = hand.wanted_pa(state)
    ask_for(hand, state, CONFIG)
    assert lost(hand, state, CONFIG) is None


@pytest.fixture
def stopped() -> list[str]:
    """Threads that stopped the scan."""
    return []


def watch_of(gauge: Gauge, stop: Callable[[], None]) -> VacuumWatch:
    return VacuumWatch(gauge, CONFIG, stop, 0.001)


def test_a_scan_is_stopped_once_when_the_vacuum_is_lost(stopped: list[str]) -> None:
    gauge = Gauge(HIGH, 0.001)
    looks = 0
    read = gauge.pressure_pa

    def counted() -> float:
        nonlocal looks
        looks += 1
        return read()

    gauge.pressure_pa = counted  # type: ignore[method-assign]
    with watch_of(gauge, lambda: stopped.append(threading.current_thread().name)) as watch:
        until(lambda: looks > 3)
        assert (watch.found(), stopped) == (None, [])
        gauge.now = HIGH, 0.5
        until(lambda: bool(stopped))
    until(lambda: not watch._thread.is_alive())
    assert stopped == ["vacuum watch"]
    assert str(watch.found()).startswith("the pressure is 0.5 Pa, too high")


@pytest.mark.parametrize("error", [DriverError("hangs"), HungDeviceError("hangs")])
def test_a_scan_that_cannot_be_stopped_is_said_to_go_on(error: Exception) -> None:
    def stop() -> None:
        raise error

    with watch_of(Gauge(HIGH, 0.5), stop) as watch:
        until(lambda: not watch._thread.is_alive())
    assert str(watch.found()).endswith("; the scan does not stop: hangs")


def test_a_chamber_that_fails_as_nobody_expected_stops_the_scan(stopped: list[str]) -> None:
    """Its watch would have ended without a word, and the scan gone on without it."""
    gauge = Gauge(HIGH, 0.001)

    def fails() -> float:
        raise KeyError("pressure")

    gauge.pressure_pa = fails  # type: ignore[method-assign]
    with watch_of(gauge, lambda: stopped.append("stopped")) as watch:
        until(lambda: bool(stopped))
    assert watch.found() == "the chamber does not answer: unexpected KeyError: 'pressure'"


def test_what_is_lost_after_the_scan_is_not_its_trouble(stopped: list[str]) -> None:
    gauge = Gauge(HIGH, 0.001)
    asked = threading.Event()
    ended = threading.Event()

    def slow() -> VacuumState:
        asked.set()
        assert ended.wait(200)
        return VacuumState.CHANGING

    gauge.state = slow  # type: ignore[method-assign]
    with watch_of(gauge, lambda: stopped.append("stopped")) as watch:
        assert asked.wait(200)
    ended.set()
    until(lambda: not watch._thread.is_alive())
    assert (watch.found(), stopped) == (None, [])
    assert watch._thread.daemon, "a chamber that hangs keeps no program from its end"
