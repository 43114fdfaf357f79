"""Settings found on a microscope: kept over a crash, put back at an orderly end, left alone after a fault."""

import dataclasses
from typing import Any

import pytest

from drivers.errors import DeviceLostError
from drivers.microscope import Microscope, PutBack
from service.model.phases import SessionEvent
from service.session.found_settings import put_back_at_the_end, remember, sentences
from service.store.store import Store
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from tests.service.sessions import small_config

pytestmark = pytest.mark.usefixtures("frames_once")


class Kept:
    """Settings of hardware that takes them back."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.kept = values
        self.put = 0
        self.result = PutBack(done=("e-beam blanker (automatic)",))

    def values(self) -> dict[str, Any]:
        return self.kept

    def recall(self, values: dict[str, Any]) -> None:
        self.kept = values

    def put_back(self, timeout_s: float) -> PutBack:
        assert timeout_s > 0
        self.put += 1
        return self.result


def microscope(kept: Kept) -> Microscope:
    devices = SimulatedMicroscope(small_config(), FastClock()).devices
    return dataclasses.replace(devices, found=kept)


@pytest.fixture
def automatic() -> Kept:
    return Kept({"blanker": "automatic"})


def test_it_is_put_back_at_the_end_and_said(store: Store, automatic: Kept) -> None:
    devices = microscope(automatic)
    remember(store, devices)
    said = sentences(put_back_at_the_end(store, devices))
    assert said == ["put back as found at the start: e-beam blanker (automatic)"]
    event = store.events.since(store.events.last_seq() - 1)[0]
    assert (event.kind, event.data["done"]) == ("put_back", ["e-beam blanker (automatic)"])


def test_after_a_fault_nothing_is_put_back_and_that_is_said(store: Store, automatic: Kept) -> None:
    devices = microscope(automatic)
    remember(store, devices)
    store.apply(SessionEvent.FAULT, "the beam does not blank")
    assert "stay as they are" in sentences(put_back_at_the_end(store, devices))[0]
    assert automatic.put == 0


def test_what_the_process_that_crashed_had_found_is_put_back_by_the_next(
    store: Store, automatic: Kept
) -> None:
    remember(store, microscope(automatic))
    after_the_crash = Kept({"blanker": "blanked"})
    remember(store, microscope(after_the_crash))
    assert after_the_crash.kept == {"blanker": "automatic"}
    put_back_at_the_end(store, microscope(after_the_crash))
    # A person may have changed it between two sittings.
    later = Kept({"blanker": "open"})
    remember(store, microscope(later))
    assert later.kept == {"blanker": "open"}


def test_what_was_not_put_back_is_for_the_next_process(store: Store, automatic: Kept) -> None:
    automatic.result = PutBack(left=("the blanker stays closed",), complete=False)
    remember(store, microscope(automatic))
    put_back_at_the_end(store, microscope(automatic))
    resumed = Kept({"blanker": "blanked"})
    remember(store, microscope(resumed))
    assert resumed.kept == {"blanker": "automatic"}


def test_a_microscope_that_is_gone_does_not_spoil_the_end(store: Store, automatic: Kept) -> None:
    def gone(timeout_s: float) -> PutBack:
        assert timeout_s
        raise DeviceLostError("Odemis is not running; start it")

    automatic.put_back = gone  # type: ignore[method-assign]
    result = put_back_at_the_end(store, microscope(automatic))
    assert result.left == ("the settings were not put back: Odemis is not running; start it",)
