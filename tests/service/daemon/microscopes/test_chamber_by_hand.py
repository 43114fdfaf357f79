"""A session whose chamber a person operates: it asks, waits, takes their word, and asks again."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from drivers.chamber import Chamber, VacuumState
from drivers.chamber_by_hand import ChamberByHand
from drivers.errors import DriverError
from service.model.jobs import JobState
from service.model.phases import PauseCause, Phase
from service.model.specimen import FieldState
from service.session.setup import Setup
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

ASKED = (Phase.PAUSED, PauseCause.CHAMBER_BY_HAND)


class PumpedByHand(ChamberByHand):
    """A chamber whose person also does what they confirm: the simulated SEM needs its vacuum."""

    def __init__(self, chamber: Chamber, gauge: bool) -> None:
        read = (lambda: chamber.pressure_pa()) if gauge else (lambda: None)
        super().__init__(small_config().chamber, read)
        self.chamber = chamber
        self.lies = False

    def confirm(self, state: VacuumState) -> None:
        if not self.lies:
            self.chamber.go_to(state, 1e9)
        super().confirm(state)


def by_hand(gauge: bool = False) -> Any:
    def change(setup: Setup) -> Setup:
        hand = PumpedByHand(setup.devices.chamber, gauge)
        return replace(setup, devices=replace(setup.devices, chamber=hand, chamber_by_hand=hand))

    return change


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path / "run", small_config(), by_hand())
    made.run()
    yield made
    made.end()


def state(session: Session) -> tuple[Phase, PauseCause | None]:
    status = session.store.status()
    return status.phase, status.cause


def hand(session: Session) -> PumpedByHand:
    found = session.setup.devices.chamber_by_hand
    assert isinstance(found, PumpedByHand)
    return found


def test_the_session_says_which_pressure_it_needs_and_waits_for_a_person(session: Session) -> None:
    assert state(session) == ASKED
    assert "200 Pa (160 to 240 Pa)" in str(session.store.status().reason)
    assert not any(field.image for field in session.store.specimen.fields())
    session.go_on(lambda: session.control.resume("anna"))
    assert state(session) == ASKED
    assert "0.001 Pa (at most 0.01 Pa)" in str(session.store.status().reason)
    assert all(field.image for field in session.store.specimen.fields())
    assert not session.store.ledger.exposures()
    session.go_on(lambda: session.control.resume("berta"))
    assert session.store.status().phase is Phase.DONE
    assert session.store.queue.jobs(state=JobState.DONE)


def test_a_confirmed_pressure_is_recorded_as_that_of_the_person(session: Session) -> None:
    for by in ("anna", "berta"):
        session.go_on(partial(session.control.resume, by))
    notes = [e.data for e in session.store.events.since(0) if e.kind == "vacuum_confirmed"]
    assert notes == [{"state": "partial", "by": "anna"}, {"state": "high", "by": "berta"}]


def test_after_a_fault_the_pressure_is_asked_for_again(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(), by_hand())

    def broken(*_: object) -> None:
        raise DriverError("the beam is gone")

    session.run()
    session.go_on()
    sem = session.setup.devices.sem
    good, sem.set_beam = sem.set_beam, broken  # type: ignore[method-assign,assignment]
    session.go_on()
    assert session.store.status().phase is Phase.FAULT
    sem.set_beam = good  # type: ignore[method-assign]
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert state(session) == ASKED
    assert not session.store.ledger.exposures()
    session.go_on()
    assert session.store.status().phase is Phase.DONE
    session.end()


def test_after_a_restart_the_pressure_is_asked_for_again(session: Session) -> None:
    session.go_on()
    session.end()
    again = Session.again(session, by_hand())
    again.run()
    assert state(again) == (Phase.PAUSED, PauseCause.RESTART)
    again.go_on()
    assert state(again) == ASKED
    again.go_on()
    assert again.store.status().phase is Phase.DONE
    session.store, session.thread, session.control = again.store, again.thread, again.control


def test_a_gauge_outweighs_the_word_of_a_person(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(), by_hand(gauge=True))
    session.run()
    session.go_on()
    hand(session).lies = True
    session.go_on()
    assert state(session) == ASKED
    assert "its gauge reads 200 Pa" in str(session.store.status().reason)
    assert not session.store.ledger.exposures()
    hand(session).lies = False
    session.go_on()
    assert session.store.status().phase is Phase.DONE
    session.end()


def test_nobody_is_asked_twice_for_the_same_pressure_without_a_halt() -> None:
    chamber = ChamberByHand(small_config().chamber)
    assert (chamber.state(), chamber.pressure_pa()) == (VacuumState.CHANGING, 1e5)
    chamber.confirm(VacuumState.HIGH)
    assert (chamber.state(), chamber.pressure_pa()) == (VacuumState.HIGH, 1e-3)
    chamber.go_to(VacuumState.HIGH, 1)
    chamber.forget()
    assert chamber.state() is VacuumState.CHANGING


def test_no_fluorescence_once_a_beam_that_nothing_blanks_was_on(tmp_path: Path) -> None:
    """It was parked somewhere beside its frames, on ground that no ledger knows."""
    parked = {"blanking": "parked", "hfw_at_magnification_1_mm": 250}
    document = small_config(odemis=parked, chamber={"by_hand": True}).model_dump(mode="json")
    session = Session(tmp_path / "run", Config.model_validate(document | {"driver": "odemis"}), by_hand())
    sem = session.setup.devices.sem
    scan = sem.scan

    def with_a_field_to_take_again(*args: Any, **kwargs: Any) -> Any:
        sem.scan = scan  # type: ignore[method-assign]
        session.store.specimen.set_field("S0002/F000", FieldState.PENDING, reason="taken again")
        return scan(*args, **kwargs)

    sem.scan = with_a_field_to_take_again  # type: ignore[method-assign]
    session.store.specimen.set_field("S0002/F000", FieldState.FAILED, reason="the camera was off")
    session.run()
    for _ in range(4):
        session.go_on()
    assert session.store.status().phase is Phase.DONE
    (again,) = (field for field in session.store.specimen.fields() if field.id == "S0002/F000")
    assert again.state is FieldState.FAILED
    assert "without a blanker was parked beside its frames" in str(again.reason)
    session.end()
