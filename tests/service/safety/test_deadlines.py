import dataclasses
import os
import subprocess
import sys
import threading
import time
import weakref
from functools import partial
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.errors import InterruptedCallError
from drivers.microscope import Microscope
from service.errors import HungDeviceError, UnsafeError
from service.safety.deadlines import Guard, Limits, guarded, timeout_of
from service.safety.safe_state import make_safe
from service.safety.timed_call import TimedCall
from simulators.microscope import SimulatedMicroscope
from tests.places import ROOT
from tests.service.sessions import small_config

QUICK = Limits(grace_s=0.05, quick_s=0.05, stopped_s=0.05)


@pytest.fixture
def release() -> Any:
    """Ends what hangs in a test, at its end at the latest."""
    event = threading.Event()
    yield event
    event.set()


def test_driver_and_guard_together_wait_as_long_as_promised() -> None:
    assert timeout_of(100) + Limits().grace_s == pytest.approx(1.2 * 100 + 20)


def test_what_a_call_returns_or_raises_reaches_the_caller() -> None:
    guard = Guard("the device", Limits())
    assert guard.long("a call", lambda: 7, 1.0) == 7
    with pytest.raises(InterruptedCallError, match="stopped"):
        guard.quick("a call", _raise)


def _raise() -> None:
    raise InterruptedCallError("stopped")


def test_a_hung_device_is_left_alone_until_its_call_returns(release: threading.Event) -> None:
    guard = Guard("the camera", dataclasses.replace(QUICK, quick_s=60))
    ended = threading.Event()

    def call() -> str:
        release.wait(30)
        ended.set()
        return "late"

    with pytest.raises(HungDeviceError, match="the camera hangs: the exposure did not return"):
        guard.long("the exposure", call, 0.0)
    with pytest.raises(HungDeviceError, match="the exposure has not returned yet"):
        guard.long("the exposure", lambda: "fresh", 0.0)
    # Reading and stopping reach the device all the same.
    assert guard.quick("reading", lambda: "read") == "read"
    release.set()
    assert ended.wait(200)
    # What came late is thrown away.
    assert _once_free(guard) == "fresh"


def _once_free(guard: Guard) -> str:
    for _ in range(60_000):
        try:
            return guard.long("the exposure", lambda: "fresh", 10.0)
        except HungDeviceError:
            time.sleep(0.001)
    raise AssertionError("the device stays hung")


def test_a_call_whose_device_was_told_to_stop_has_to_return_soon(release: threading.Event) -> None:
    guard = Guard("the stage", dataclasses.replace(QUICK, grace_s=600))
    begun = threading.Event()
    raised: list[BaseException] = []

    def hang() -> None:
        begun.set()
        release.wait(600)

    def move() -> None:
        try:
            guard.long("the move", hang, 600.0)
        except HungDeviceError as error:
            raised.append(error)

    runner = threading.Thread(target=move)
    runner.start()
    assert begun.wait(200)
    guard.hurry()
    runner.join(200)
    assert not runner.is_alive()
    assert "the stage hangs" in str(raised[0])


def test_a_jump_of_the_clock_is_no_waiting(monkeypatch: pytest.MonkeyPatch, release: threading.Event) -> None:
    real = time.monotonic
    jumped = [0.0]

    def jumping() -> float:
        jumped[0] += 3600
        return real() + jumped[0]

    monkeypatch.setattr("service.safety.timed_call.time.monotonic", jumping)
    call = TimedCall("call", lambda: release.wait(0.9))
    assert call.wait(60)


def _thread(calls: int) -> set[int]:
    """Return the threads that make some calls, one after the other."""
    guard = Guard("the device", Limits())
    return {guard.quick("a call", threading.get_ident) for _ in range(calls)}


def test_calls_share_threads_and_one_that_hangs_keeps_its_own(release: threading.Event) -> None:
    held: list[int] = []

    def hang() -> None:
        held.append(threading.get_ident())
        release.wait(30)

    with pytest.raises(HungDeviceError):
        Guard("the camera", QUICK).long("the exposure", hang, 0.0)
    threads = _thread(200)
    # A thread may still be on its way back when the next call is made.
    assert len(threads) < 50
    assert threads.isdisjoint(held)
    assert threading.get_ident() not in threads


def test_a_thread_has_the_name_of_its_call_and_keeps_nothing_of_it() -> None:
    class Pixels:
        """Something large."""

    pixels = Pixels()
    gone = weakref.ref(pixels)

    def scan(_: Pixels) -> str:
        return threading.current_thread().name

    call = TimedCall("the SEM: the scan", partial(scan, pixels))
    assert call.wait(30)
    assert call.outcome() == "the SEM: the scan"
    del call, pixels
    until_s = time.monotonic() + 30
    while gone() is not None and time.monotonic() < until_s:
        time.sleep(0.001)
    assert gone() is None


def test_a_forked_process_makes_calls_on_threads_of_its_own() -> None:
    """Those of the process that it was forked from are not there."""
    _thread(3)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if TimedCall("call", lambda: 7).wait(30) else 1
        finally:
            # Not back into the tests, whatever happens.
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def devices() -> Microscope:
    return SimulatedMicroscope(small_config(), SystemClock()).devices


class Hanging:
    """A device that answers no call."""

    def __init__(self, release: threading.Event) -> None:
        self._release = release

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self._release.wait(60)


def test_a_device_that_hangs_does_not_keep_the_beam_on(
    devices: Microscope, release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.safety.safe_state._WITHIN_S", 0.3)
    blanked = threading.Event()

    class Sem:
        def __getattr__(self, name: str) -> Any:
            if name == "blank":
                blanked.set()
            return getattr(devices.sem, name)

    hanging: Any = Hanging(release)
    sem: Any = Sem()
    with pytest.raises(UnsafeError, match=r"stopping the camera, .*: no answer"):
        make_safe(dataclasses.replace(devices, camera=hanging, stage=hanging, chamber=hanging, sem=sem))
    assert blanked.wait(200)


def test_the_program_ends_though_a_call_never_returns() -> None:
    code = (
        "import threading\n"
        "from service.safety.deadlines import Guard, Limits\n"
        "guard = Guard('the SEM', Limits(grace_s=0.0))\n"
        "try:\n    guard.long('the scan', threading.Event().wait, 0.1)\n"
        "except Exception as error:\n    print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HungDeviceError"


def test_guarded_devices_are_the_same_devices(devices: Microscope) -> None:
    safe = guarded(devices)
    assert safe.stage.move_to(1e-4, 2e-4, 60) == devices.stage.position()
    assert safe.sem.is_blanked()
    assert safe.sem.max_scan_px() == devices.sem.max_scan_px()
    assert not safe.light.is_on()
    assert safe.chamber.state() is devices.chamber.state()
