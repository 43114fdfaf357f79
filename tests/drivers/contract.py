"""Contract of every microscope, whatever drives it. Each check takes a `Bench`."""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pytest

from config.model import Config
from drivers.chamber import VacuumState
from drivers.clock import Clock
from drivers.errors import (
    DeviceTimeoutError,
    DisturbedError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.fluorescence import FmSettings
from drivers.microscope import Microscope
from drivers.sem import BeamSettings, ScanRequest

PUSH_M = 60e-6
"""By so much another program moves the stage."""


class BenchEvent(Protocol):
    """Something that comes true while a call runs."""

    def wait(self, timeout: float | None = None) -> bool: ...


class BenchClock(Clock, Protocol):
    """The clock of a microscope under test: `simulators.clock.HeldClock`, here or in another process."""

    @property
    def held(self) -> BenchEvent: ...

    def hold_next(self, seconds: float) -> None: ...

    def release(self) -> None: ...


@dataclass(frozen=True)
class Bench:
    """A microscope under test.

    `places_m` are two stage positions with something to see in fluorescence. What another program does to the
    stage moves it by `PUSH_M` from the first of them.
    """

    config: Config
    clock: BenchClock
    devices: Microscope
    places_m: tuple[tuple[float, float], tuple[float, float]]
    in_scans: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """Actions of another program in mid-scan, by the words that must report them."""
    in_exposures: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """The same in mid-exposure, with the light on."""

    @property
    def settings(self) -> FmSettings:
        fm = self.config.fluorescence
        return FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)

    def request(
        self,
        nonce: str = "n1",
        size_px: tuple[int, int] = (96, 64),
        beam_shift_m: tuple[float, float] = (0.0, 0.0),
    ) -> ScanRequest:
        sem = self.config.sem
        return ScanRequest(size_px, sem.pixel_size_m, sem.dwell_s, nonce, beam_shift_m)

    def to_high_vacuum(self) -> None:
        self.devices.chamber.go_to(VacuumState.HIGH, 3600)


Check = Callable[[Bench], None]
CHECKS: list[Check] = []


def _check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def _while_held(bench: Bench, seconds: float, call: Callable[[], object], then: Callable[[], None]) -> object:
    """Run `call` in a thread until it sleeps, do `then` meanwhile, and return its result or its error."""

    def stop() -> None:
        bench.devices.sem.stop()
        bench.devices.camera.stop()
        bench.devices.stage.stop()
        bench.devices.chamber.stop()

    return _meanwhile(bench, seconds, call, then, stop)


def _while_disturbed(
    bench: Bench, seconds: float, call: Callable[[], object], meddle: Callable[[], object]
) -> object:
    """Run `call` in a thread until it sleeps, let another program meddle, and let it go on to its end."""
    return _meanwhile(bench, seconds, call, meddle, bench.clock.release)


def _meanwhile(
    bench: Bench,
    seconds: float,
    call: Callable[[], object],
    then: Callable[[], object],
    end: Callable[[], object],
) -> object:
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(call())
        except DriverError as error:
            outcome.append(error)

    bench.clock.hold_next(seconds)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert bench.clock.held.wait(200), f"the call did not block: {outcome}"
        then()
    finally:
        end()
        thread.join(200)
    assert not thread.is_alive()
    return outcome[0]


# Safe state


@_check
def safe_when_new(bench: Bench) -> None:
    assert bench.devices.sem.is_blanked()
    assert not bench.devices.light.is_on()


@_check
def blank_and_off_are_idempotent(bench: Bench) -> None:
    for _ in range(3):
        bench.devices.sem.blank()
        bench.devices.light.off()
        bench.devices.sem.stop()
        bench.devices.camera.stop()
        bench.devices.stage.stop()
        bench.devices.chamber.stop()
    assert bench.devices.sem.is_blanked()
    assert not bench.devices.light.is_on()


@_check
def a_stop_does_not_reach_the_next_call(bench: Bench) -> None:
    bench.to_high_vacuum()
    bench.devices.sem.stop()
    bench.devices.stage.stop()
    bench.devices.camera.stop()
    bench.devices.chamber.stop()
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    bench.devices.camera.expose(bench.settings, 60)
    assert bench.devices.sem.scan(bench.request(), 60).nonce == "n1"
    bench.devices.chamber.go_to(VacuumState.PARTIAL, 3600)


# Light and camera


@_check
def light_reads_back(bench: Bench) -> None:
    fm = bench.config.fluorescence
    bench.devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 5)
    assert bench.devices.light.is_on()
    bench.devices.light.off()
    assert not bench.devices.light.is_on()


@_check
def light_refuses_nonsense(bench: Bench) -> None:
    fm = bench.config.fluorescence
    for excitation_nm, power in ((math.nan, 0.5), (fm.excitation_nm, math.nan), (fm.excitation_nm, -1.0)):
        with pytest.raises(OutOfRangeError):
            bench.devices.light.on(excitation_nm, power, 5)
    assert not bench.devices.light.is_on()


@_check
def a_frame_says_what_it_is(bench: Bench) -> None:
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    begin_s = bench.clock.now_s()
    frame = bench.devices.camera.expose(bench.settings, 60)
    columns, rows = bench.config.fluorescence.frame_px
    assert frame.pixels.shape == (rows, columns)
    assert frame.pixels.dtype in (np.dtype("u1"), np.dtype("u2"))
    assert math.dist(frame.pose.center_m, bench.places_m[0]) < 2e-6
    assert frame.settings.excitation_nm == bench.settings.excitation_nm
    assert frame.taken_at_s == begin_s
    assert bench.clock.now_s() >= begin_s + bench.settings.exposure_s


@_check
def the_camera_leaves_light_and_stage_alone(bench: Bench) -> None:
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    before = bench.devices.stage.position()
    bench.devices.camera.expose(bench.settings, 60)
    assert not bench.devices.light.is_on()
    assert bench.devices.stage.position() == before


@_check
def the_camera_refuses_nonsense(bench: Bench) -> None:
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    for exposure_s in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(OutOfRangeError):
            bench.devices.camera.expose(FmSettings(exposure_s, 100, 488, 0.5), 60)


@_check
def an_exposure_can_be_stopped_and_repeated(bench: Bench) -> None:
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    result = _while_held(
        bench, 1.0, lambda: bench.devices.camera.expose(bench.settings, 60), bench.devices.camera.stop
    )
    assert isinstance(result, InterruptedCallError)
    assert bench.devices.camera.expose(bench.settings, 60).pixels.size


@_check
def an_exposure_has_a_deadline(bench: Bench) -> None:
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    with pytest.raises(DeviceTimeoutError):
        bench.devices.camera.expose(bench.settings, bench.settings.exposure_s / 2)


# Stage


@_check
def a_move_returns_the_read_back(bench: Bench) -> None:
    for place in bench.places_m:
        back = bench.devices.stage.move_to(*place, 60)
        assert back == bench.devices.stage.position()
        assert math.dist(back, place) <= bench.config.stage.arrival_tolerance_um * 1e-6


@_check
def nothing_moves_out_of_range(bench: Bench) -> None:
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    far = bench.config.stage.safe_x_mm[1] * 1e-3 + 1e-6
    for x, y in ((far, 0.0), (0.0, -1.0), (math.nan, 0.0), (0.0, math.inf)):
        with pytest.raises(OutOfRangeError):
            bench.devices.stage.move_to(x, y, 60)
        assert bench.devices.stage.position() == here


@_check
def a_move_can_be_stopped(bench: Bench) -> None:
    start = bench.devices.stage.move_to(*bench.places_m[0], 60)
    target = (start[0] + 2e-3, start[1])
    result = _while_held(
        bench, 0.5, lambda: bench.devices.stage.move_to(*target, 60), bench.devices.stage.stop
    )
    assert isinstance(result, InterruptedCallError)
    here = bench.devices.stage.position()
    assert start[0] < here[0] < target[0]
    bench.clock.sleep(10)
    assert bench.devices.stage.position() == here


@_check
def a_move_has_a_deadline(bench: Bench) -> None:
    x, y = bench.devices.stage.move_to(*bench.places_m[0], 60)
    with pytest.raises(DeviceTimeoutError):
        bench.devices.stage.move_to(x + 5e-3, y, 0.1)


@_check
def no_move_during_an_exposure(bench: Bench) -> None:
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)

    def move() -> None:
        with pytest.raises(NotReadyError):
            bench.devices.stage.move_to(*bench.places_m[1], 60)
        assert bench.devices.stage.position() == here

    _while_held(bench, 1.0, lambda: bench.devices.camera.expose(bench.settings, 60), move)


# Scan


@_check
def the_beam_reads_back_and_stays_blanked(bench: Bench) -> None:
    wanted = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD")
    told = bench.devices.sem.set_beam(wanted, 60)
    assert told == bench.devices.sem.beam() == wanted
    assert told.as_configured == bench.devices.sem.beam().as_configured
    assert bench.devices.sem.is_blanked()
    with pytest.raises(OutOfRangeError):
        bench.devices.sem.set_beam(BeamSettings(math.nan, 3.5, 30e-6, 5.8e-3, "vCD"), 60)
    bench.to_high_vacuum()
    scanned = bench.devices.sem.scan(bench.request(), 60).beam
    assert scanned == wanted
    assert scanned.as_configured == told.as_configured


@_check
def a_scan_is_what_was_asked_for(bench: Bench) -> None:
    bench.to_high_vacuum()
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    for nonce, size_px in (("a", (96, 64)), ("b", (33, 77)), ("c", (1, 1))):
        begin_s = bench.clock.now_s()
        request = bench.request(nonce, size_px)
        image = bench.devices.sem.scan(request, 60)
        assert image.pixels.shape == (size_px[1], size_px[0])
        assert image.pixels.dtype in (np.dtype("u1"), np.dtype("u2"))
        assert image.nonce == nonce
        assert math.dist(image.center_m, here) <= request.pixel_size_m
        assert image.dwell_s == request.dwell_s
        assert image.pixel_size_m == request.pixel_size_m
        assert bench.devices.sem.is_blanked()
        assert bench.clock.now_s() >= begin_s + request.beam_s


@_check
def a_scan_that_does_not_exist_is_refused_blanked(bench: Bench) -> None:
    bench.to_high_vacuum()
    width, height = bench.devices.sem.max_scan_px()
    assert (width, height) == bench.config.sem.specimen_px
    good = bench.request()
    for size_px, pixel_size_m, dwell_s in (
        ((width + 1, height), good.pixel_size_m, good.dwell_s),
        ((width, height + 1), good.pixel_size_m, good.dwell_s),
        ((0, 5), good.pixel_size_m, good.dwell_s),
        ((5, 5), math.nan, good.dwell_s),
        ((5, 5), -1e-9, good.dwell_s),
        ((5, 5), good.pixel_size_m, math.nan),
        ((5, 5), good.pixel_size_m, 100.0),
    ):
        with pytest.raises(OutOfRangeError):
            bench.devices.sem.scan(ScanRequest(size_px, pixel_size_m, dwell_s, "x"), 60)
        assert bench.devices.sem.is_blanked()


@_check
def a_beam_shift_moves_the_image_and_not_the_stage(bench: Bench) -> None:
    bench.to_high_vacuum()
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    most_m = bench.devices.sem.max_beam_shift_m()
    assert most_m >= 0
    for shift_m in ((0.0, 0.0), (most_m, 0.0), (-0.6 * most_m, 0.799 * most_m)):
        image = bench.devices.sem.scan(bench.request(beam_shift_m=shift_m), 60)
        lies_m = here[0] + shift_m[0], here[1] + shift_m[1]
        assert math.dist(image.center_m, lies_m) <= bench.config.sem.pixel_size_m
        assert bench.devices.stage.position() == here


@_check
def a_beam_shift_that_does_not_exist_is_refused_blanked(bench: Bench) -> None:
    bench.to_high_vacuum()
    beyond_m = max(bench.devices.sem.max_beam_shift_m(), *bench.devices.sem.beam_reach_m()) + 1e-7
    for shift_m in ((beyond_m, 0.0), (0.0, -beyond_m), (0.75 * beyond_m, 0.75 * beyond_m), (math.nan, 0.0)):
        with pytest.raises(OutOfRangeError):
            bench.devices.sem.scan(bench.request(beam_shift_m=shift_m), 60)
        assert bench.devices.sem.is_blanked()


@_check
def the_beam_places_a_scan_where_it_reaches_and_not_the_stage(bench: Bench) -> None:
    bench.to_high_vacuum()
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    width_m, height_m = bench.devices.sem.beam_reach_m()
    request = bench.request()
    half_x, half_y = (n * request.pixel_size_m / 2 for n in request.size_px)
    room_m = max(0.0, width_m / 2 - half_x), max(0.0, height_m / 2 - half_y)
    # 33.3 nm are no whole number of pixels.
    for shift_m in ((room_m[0], room_m[1]), (-room_m[0], 0.0), (0.4 * room_m[0] - 33.3e-9, -room_m[1])):
        if not (width_m and height_m):
            break
        image = bench.devices.sem.scan(bench.request(beam_shift_m=shift_m), 60)
        lies_m = here[0] + shift_m[0], here[1] + shift_m[1]
        assert math.dist(image.center_m, lies_m) <= 0.02 * request.pixel_size_m + 12e-9
        assert bench.devices.stage.position() == here


@_check
def an_overview_wider_than_the_reach_is_scanned_on_the_axis(bench: Bench) -> None:
    """Its coarse pixels need another field than images; afterwards images are scanned as before."""
    bench.to_high_vacuum()
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    overview = bench.config.sem.overview
    for request in (
        ScanRequest((880, 820), overview.pixel_size_m, overview.dwell_s, "overview"),
        bench.request("image"),
    ):
        image = bench.devices.sem.scan(request, 600)
        assert image.pixels.shape == request.size_px[::-1]
        assert image.pixel_size_m == pytest.approx(request.pixel_size_m, rel=1e-3)
        assert image.nonce == request.nonce
        assert image.dwell_s == pytest.approx(request.dwell_s)
        assert math.dist(image.center_m, here) <= 12e-9
        assert bench.devices.sem.is_blanked()


@_check
def no_scan_without_high_vacuum(bench: Bench) -> None:
    for state in (VacuumState.PARTIAL, VacuumState.VENTED):
        bench.devices.chamber.go_to(state, 3600)
        begin_s = bench.clock.now_s()
        with pytest.raises(NotReadyError):
            bench.devices.sem.scan(bench.request(), 60)
        assert bench.devices.sem.is_blanked()
        assert bench.clock.now_s() == begin_s


@_check
def a_scan_can_be_stopped(bench: Bench) -> None:
    bench.to_high_vacuum()
    request = bench.request(size_px=(600, 600))

    def stop() -> None:
        assert not bench.devices.sem.is_blanked()
        bench.devices.sem.stop()
        assert bench.devices.sem.is_blanked()

    result = _while_held(bench, request.beam_s, lambda: bench.devices.sem.scan(request, 600), stop)
    assert isinstance(result, InterruptedCallError)
    assert bench.devices.sem.is_blanked()
    assert bench.devices.sem.scan(bench.request("again"), 60).nonce == "again"


@_check
def blank_ends_a_scan(bench: Bench) -> None:
    bench.to_high_vacuum()
    request = bench.request(size_px=(600, 600))
    result = _while_held(
        bench, request.beam_s, lambda: bench.devices.sem.scan(request, 600), bench.devices.sem.blank
    )
    assert isinstance(result, InterruptedCallError)
    assert bench.devices.sem.is_blanked()


@_check
def a_scan_has_a_deadline_and_blanks(bench: Bench) -> None:
    bench.to_high_vacuum()
    with pytest.raises(DeviceTimeoutError):
        bench.devices.sem.scan(bench.request(size_px=(600, 600)), 5)
    assert bench.devices.sem.is_blanked()


@_check
def nothing_else_during_a_scan(bench: Bench) -> None:
    bench.to_high_vacuum()
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    request = bench.request(size_px=(600, 600))

    def others() -> None:
        with pytest.raises(NotReadyError):
            bench.devices.stage.move_to(*bench.places_m[1], 60)
        with pytest.raises(NotReadyError):
            bench.devices.sem.scan(bench.request("second"), 60)
        with pytest.raises(NotReadyError):
            bench.devices.chamber.go_to(VacuumState.PARTIAL, 3600)
        assert bench.devices.stage.position() == here
        assert bench.devices.chamber.state() is VacuumState.HIGH
        assert not bench.devices.sem.is_blanked()

    _while_held(bench, request.beam_s, lambda: bench.devices.sem.scan(request, 600), others)
    assert bench.devices.sem.is_blanked()


@_check
def a_scan_that_another_program_disturbs_is_not_taken_for_a_good_one(bench: Bench) -> None:
    bench.to_high_vacuum()
    request = bench.request(size_px=(200, 200))
    for words, meddle in bench.in_scans.items():
        here = bench.devices.stage.move_to(*bench.places_m[0], 60)
        result = _while_disturbed(bench, request.beam_s, lambda: bench.devices.sem.scan(request, 600), meddle)
        assert isinstance(result, DisturbedError), f"{words}: {result!r}"
        assert words in str(result)
        assert bench.devices.sem.is_blanked()
        # Where the beam may have been: from the old place through the new one.
        assert math.dist(result.positions_m[0], here) < 1e-6
        moved = max(math.dist(place, here) for place in result.positions_m)
        assert (moved > 0.9 * PUSH_M) == words.startswith("the stage moved by 60")
    assert bench.devices.sem.scan(bench.request("after"), 60).nonce == "after"


@_check
def an_exposure_that_another_program_disturbs_is_refused_and_can_be_repeated(bench: Bench) -> None:
    fm = bench.config.fluorescence
    for words, meddle in bench.in_exposures.items():
        bench.devices.stage.move_to(*bench.places_m[0], 60)
        bench.devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 5)
        result = _while_disturbed(
            bench, fm.exposure_s, lambda: bench.devices.camera.expose(bench.settings, 60), meddle
        )
        assert isinstance(result, DriverError), f"{words}: {result!r}"
        assert words in str(result)
    bench.devices.stage.move_to(*bench.places_m[0], 60)
    bench.devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 5)
    assert bench.devices.camera.expose(bench.settings, 60).pixels.size
    bench.devices.light.off()


# Focus


@_check
def an_automatic_focus_is_kept_and_ends_blanked(bench: Bench) -> None:
    focus = bench.devices.focus
    if focus is None:
        return
    bench.to_high_vacuum()
    bench.devices.stage.move_to(*bench.places_m[1], 60)
    found_m = focus.autofocus(bench.request(), 300)
    assert 0 < found_m < 0.1
    assert bench.devices.sem.is_blanked()
    assert bench.devices.sem.scan(bench.request("after"), 60).beam.working_distance_m == found_m
    focus.set_focus(6e-3)
    assert bench.devices.sem.is_blanked()
    assert bench.devices.sem.scan(bench.request("set"), 60).beam.working_distance_m == 6e-3
    with pytest.raises(OutOfRangeError):
        focus.set_focus(math.nan)


@_check
def no_focus_without_high_vacuum(bench: Bench) -> None:
    focus = bench.devices.focus
    if focus is None:
        return
    bench.devices.chamber.go_to(VacuumState.PARTIAL, 3600)
    with pytest.raises(NotReadyError):
        focus.autofocus(bench.request(), 300)
    assert bench.devices.sem.is_blanked()


# Chamber


@_check
def the_chamber_reads_back(bench: Bench) -> None:
    chamber, limits = bench.devices.chamber, bench.config.chamber
    chamber.go_to(VacuumState.PARTIAL, 3600)
    assert chamber.state() is VacuumState.PARTIAL
    off = abs(chamber.pressure_pa() / limits.fluorescence_pressure_pa - 1)
    assert off * 100 <= limits.fluorescence_tolerance_percent
    chamber.go_to(VacuumState.HIGH, 3600)
    assert chamber.state() is VacuumState.HIGH
    assert 0 < chamber.pressure_pa() <= limits.beam_max_pressure_pa
    chamber.go_to(VacuumState.VENTED, 3600)
    assert chamber.state() is VacuumState.VENTED
    assert chamber.pressure_pa() > 1e4


@_check
def going_where_the_chamber_is_takes_no_time(bench: Bench) -> None:
    bench.to_high_vacuum()
    begin_s = bench.clock.now_s()
    bench.to_high_vacuum()
    assert bench.clock.now_s() == begin_s


@_check
def a_chamber_is_sent_to_real_states_only(bench: Bench) -> None:
    for state in (VacuumState.CHANGING, VacuumState.ERROR):
        with pytest.raises(OutOfRangeError):
            bench.devices.chamber.go_to(state, 3600)


@_check
def a_pump_down_can_be_stopped_and_repeated(bench: Bench) -> None:
    chamber = bench.devices.chamber
    chamber.go_to(VacuumState.PARTIAL, 3600)
    result = _while_held(bench, 1, lambda: chamber.go_to(VacuumState.HIGH, 3600), chamber.stop)
    assert isinstance(result, InterruptedCallError)
    held_pa = chamber.pressure_pa()
    assert bench.config.chamber.high_vacuum_pa < held_pa < bench.config.chamber.fluorescence_pressure_pa
    assert chamber.state() not in (VacuumState.HIGH, VacuumState.PARTIAL)
    bench.clock.sleep(3600)
    assert chamber.pressure_pa() == held_pa
    bench.to_high_vacuum()
    assert chamber.state() is VacuumState.HIGH


@_check
def a_pump_down_has_a_deadline(bench: Bench) -> None:
    with pytest.raises(DeviceTimeoutError):
        bench.devices.chamber.go_to(VacuumState.HIGH, 1.0)
    assert bench.devices.chamber.state() is VacuumState.CHANGING
    with pytest.raises(NotReadyError):
        bench.devices.sem.scan(bench.request(), 60)
