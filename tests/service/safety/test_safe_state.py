"""Reports on a microscope that cannot be made safe."""

import threading
from dataclasses import replace

import pytest

from drivers.clock import SystemClock
from drivers.errors import DeviceLostError
from drivers.microscope import Microscope
from service.errors import UnsafeError
from service.safety.safe_state import make_safe, stop_devices
from simulators.microscope import SimulatedMicroscope
from tests.service.sessions import small_config


class Gone:
    """A device whose server is down; one of its calls fails later than that of another."""

    def __init__(self, fails: threading.Event, waits_for: threading.Event) -> None:
        self._fails, self._waits_for = fails, waits_for

    def blank(self) -> None:
        assert self._waits_for.wait(60)
        self.stop()

    def stop(self) -> None:
        self._fails.set()
        raise DeviceLostError("nobody answers")

    def is_blanked(self) -> bool:
        raise DeviceLostError("nobody answers")


@pytest.fixture
def devices() -> Microscope:
    return SimulatedMicroscope(small_config(), SystemClock()).devices


def test_a_safe_microscope_is_no_word_worth(devices: Microscope) -> None:
    make_safe(devices)
    assert stop_devices(devices) == []


def test_one_cause_is_one_sentence_whatever_fails_first(
    devices: Microscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that were another at each attempt would be told to people at each attempt."""
    # However slow this computer is, the failure comes before it is given up.
    monkeypatch.setattr("service.safety.safe_state._WITHIN_S", 100.0)
    stage = threading.Event()
    free = threading.Event()
    free.set()
    lost = replace(devices, sem=Gone(free, stage), stage=Gone(stage, free))  # type: ignore[arg-type]
    with pytest.raises(UnsafeError) as caught:
        make_safe(lost)
    steps = "blanking the beam, stopping the scan, stopping the stage, reading the blanker"
    assert str(caught.value) == f"{steps}: nobody answers"
