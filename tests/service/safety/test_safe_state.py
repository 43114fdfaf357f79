"""Reports on a microscope that cannot be made safe."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.errors import DeviceLostError, NotReadyError
from drivers.microscope import Microscope
from service.errors import UnsafeError
from service.safety import timed_call
from service.safety.deadlines import guarded
from service.safety.safe_state import make_safe, stop_devices
from simulators.microscope import SimulatedMicroscope
from tests.service.daemons import until
from tests.service.sessions import small_config

START = threading.Thread.start


class Gone:
    """A device whose server is down; one of its calls fails later than that of another."""

    def __init__(self, fails: threading.Event, waits_for: threading.Event) -> None:
        self._fails, self._waits_for = fails, waits_for

    def blank(self) -> None:
        assert self._waits_for.wait(200)
        self.stop()

    def stop(self) -> None:
        self._fails.set()
        raise DeviceLostError("nobody answers")

    def is_blanked(self) -> bool:
        raise DeviceLostError("nobody answers")


@pytest.fixture
def devices() -> Microscope:
    return SimulatedMicroscope(small_config(), SystemClock()).devices


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this computer is, no device is late."""
    monkeypatch.setattr("service.safety.safe_state._WITHIN_S", 100.0)


def test_a_safe_microscope_is_no_word_worth(devices: Microscope) -> None:
    make_safe(devices)
    assert stop_devices(devices) == []


def test_one_cause_is_one_sentence_whatever_fails_first(devices: Microscope) -> None:
    """A text that were another at each attempt would be told to people at each attempt."""
    stage = threading.Event()
    free = threading.Event()
    free.set()
    lost = replace(devices, sem=Gone(free, stage), stage=Gone(stage, free))  # type: ignore[arg-type]
    with pytest.raises(UnsafeError) as caught:
        make_safe(lost)
    steps = "blanking the beam, stopping the scan, stopping the stage, reading the blanker"
    assert str(caught.value) == f"{steps}: nobody answers"


class Changed:
    """A device with other answers to some calls."""

    def __init__(self, real: object, calls: dict[str, Callable[[], Any]]) -> None:
        self._real, self._calls = real, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._real, name)


def change(devices: Microscope, part: str, **calls: Callable[[], Any]) -> Microscope:
    changed: Any = Changed(getattr(devices, part), calls)
    return replace(devices, **{part: changed})


def reason(devices: Microscope) -> str:
    with pytest.raises(UnsafeError) as caught:
        make_safe(devices)
    return str(caught.value)


def test_what_is_read_back_counts(devices: Microscope) -> None:
    assert reason(change(devices, "sem", is_blanked=lambda: False)) == "reading the blanker: the beam is on"
    assert reason(change(devices, "light", is_on=lambda: True)) == "reading the light: the light is on"
    both = change(change(devices, "light", is_on=lambda: True), "sem", is_blanked=lambda: False)
    assert reason(both) == "reading the blanker: the beam is on; reading the light: the light is on"


def test_if_nothing_can_be_read_for_one_reason_that_is_what_is_said(devices: Microscope) -> None:
    def gone() -> None:
        raise DeviceLostError("nobody answers")

    unread = change(change(devices, "light", is_on=gone), "sem", is_blanked=gone)
    assert reason(unread) == "beam and light are not known to be off: nobody answers"
    other = change(unread, "stage", stop=lambda: 1 / 0)
    assert reason(other) == (
        "stopping the stage: unexpected ZeroDivisionError: division by zero;"
        " reading the blanker, reading the light: nobody answers"
    )


def test_an_error_without_words_has_the_name_of_its_kind(devices: Microscope) -> None:
    def fails() -> None:
        raise DeviceLostError

    assert stop_devices(change(devices, "camera", stop=fails)) == ["stopping the camera: DeviceLostError"]


def test_a_device_that_hangs_holds_up_neither_the_others_nor_the_end_of_the_program(
    devices: Microscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.safety.safe_state._WITHIN_S", 0.2)
    over = threading.Event()
    outlives_the_program = []
    done = []

    def hangs() -> None:
        outlives_the_program.append(not threading.current_thread().daemon)
        over.wait(100)

    hung = change(devices, "stage", stop=hangs)
    watched = {
        ("sem", "blank"): "beam", ("sem", "stop"): "scan", ("light", "off"): "light",
        ("camera", "stop"): "camera", ("chamber", "stop"): "pumps",
    }  # fmt: skip
    for (part, call), name in watched.items():
        real = getattr(getattr(hung, part), call)

        def noted(real: Callable[[], None] = real, name: str = name) -> None:
            real()
            done.append(name)

        hung = change(hung, part, **{call: noted})
    # On a loaded computer others may be late, too, and are named with it.
    said = "; ".join(stop_devices(hung))
    assert re.search("stopping the stage[^;]*: no answer within 0.2 s", said)
    until(lambda: bool(outlives_the_program))
    over.set()
    assert outlives_the_program == [False]
    until(lambda: set(done) == {"beam", "scan", "light", "camera", "pumps"})


def test_a_slow_device_is_waited_for(devices: Microscope) -> None:
    ended = []

    def slow() -> None:
        time.sleep(0.05)
        ended.append(True)

    assert stop_devices(change(devices, "stage", stop=slow)) == []
    assert ended == [True]


@pytest.fixture
def no_more_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes all threads without a call away, and refuses new ones, as a limit of processes does."""

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def out_of_them() -> None:
        monkeypatch.setattr(timed_call._Worker, "idle", [])
        monkeypatch.setattr(threading.Thread, "start", refused)

    return out_of_them


def test_the_beam_is_blanked_where_the_computer_starts_no_more_threads(
    devices: Microscope, no_more_threads: Callable[[], None]
) -> None:
    done: list[str] = []

    def fails() -> None:
        raise DeviceLostError("nobody answers")

    noted = change(devices, "sem", blank=lambda: done.append("blank"), stop=lambda: done.append("stop"))
    noted = change(change(noted, "stage", stop=fails), "light", off=lambda: done.append("off"), is_on=bool)
    no_more_threads()
    assert stop_devices(guarded(noted)) == ["stopping the stage: nobody answers"]
    assert done == ["blank", "stop", "off"]
    make_safe(guarded(devices))
    with pytest.raises(UnsafeError, match="reading the blanker: the beam is on"):
        make_safe(guarded(change(devices, "sem", is_blanked=lambda: False)))


def test_what_may_expose_is_not_begun_where_the_computer_starts_no_more_threads(
    devices: Microscope, no_more_threads: Callable[[], None]
) -> None:
    no_more_threads()
    with pytest.raises(NotReadyError, match="starts no more threads"):
        guarded(devices).light.on(488.0, 0.1, 1.0)
    assert not devices.light.is_on()


def test_threads_that_the_computer_gave_before_it_refused_one_are_kept(
    no_more_threads: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_more_threads()
    left = [START] * 3

    def some(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()(thread)

    monkeypatch.setattr(threading.Thread, "start", some)
    timed_call.keep_ready()
    assert len(timed_call._Worker.idle) == 3


def test_threads_for_a_safe_state_are_kept_ready(
    devices: Microscope, no_more_threads: Callable[[], None]
) -> None:
    on: list[str] = []
    noted = change(devices, "sem", blank=lambda: on.append(threading.current_thread().name))
    no_more_threads()
    kept = timed_call._Worker.idle
    with pytest.MonkeyPatch.context() as as_before:
        as_before.setattr(threading.Thread, "start", START)
        timed_call.keep_ready()
    assert len(kept) == 16
    assert stop_devices(guarded(noted)) == []
    assert on == ["the SEM: blanking"]
