"""Every way in which a Quanta-style server misbehaves, and what comes of it."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from config.model import Config
from drivers.chamber import VacuumState
from drivers.errors import (
    BeamOffError,
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.guards.interlock import Interlock
from drivers.quanta.found_settings import QuantaFound
from drivers.quanta.microscope import quanta_devices
from drivers.sem import BeamSettings, ScanImage, ScanRequest
from service.acquisition.vacuum import pump_to
from service.errors import UnsafeError, VacuumError
from service.safety.safe_state import make_safe
from simulators.clock import FastClock
from simulators.quanta.scan_area import ScanAreaCalls
from tests.drivers.patience import Patience
from tests.drivers.quanta.bench import QuantaBench, quanta_bench

CONFIG = Config.model_validate({"fluorescence": {"frame_px": [128, 96]}, "sem": {"beam_shift_range_um": 8}})
PLACE = (0.3e-3, -0.2e-3)


@pytest.fixture
def bench() -> Iterator[QuantaBench]:
    with quanta_bench(CONFIG, FastClock(), call_timeout_s=1.0) as bench:
        bench.quanta.stage.move_to(*PLACE, 60)
        yield bench


@pytest.fixture
def pumped(bench: QuantaBench) -> QuantaBench:
    bench.quanta.chamber.go_to(VacuumState.HIGH, 3600)
    return bench


def scan(bench: QuantaBench, nonce: str = "n", size_px: tuple[int, int] = (64, 48)) -> ScanImage:
    return bench.quanta.sem.scan(
        ScanRequest(size_px, CONFIG.sem.pixel_size_m, CONFIG.sem.dwell_s, nonce), 600
    )


def assert_blanked(bench: QuantaBench) -> None:
    assert bench.quanta.sem.is_blanked()
    assert bench.microscope.devices.sem.is_blanked()


def test_what_was_found_at_the_start_is_put_back_and_the_beam_stays_blanked(pumped: QuantaBench) -> None:
    call = pumped.quanta.client.call
    call("set_dwell_time", value=2e-6)
    call("set_scanning_size", value=300e-6)
    call("set_ht_voltage", value=7000.0)
    call("set_resolution", width=1024, height=884)
    call("set_scan_mode", mode="external")
    found = QuantaFound(pumped.quanta.client, Interlock())
    before = found.values()
    pumped.quanta.sem.set_beam(BeamSettings.configured(CONFIG.sem), 60)
    scan(pumped)
    assert QuantaFound(pumped.quanta.client, Interlock()).values() != before
    result = found.put_back(30)
    assert (result.left, result.complete) == ((), True)
    assert {"SEM scan mode", "SEM resolution", "SEM ht voltage", "SEM dwell time"} <= set(result.done)
    assert QuantaFound(pumped.quanta.client, Interlock()).values() == before
    assert_blanked(pumped)


@pytest.mark.parametrize(
    "method", ["set_dwell_time", "set_channel_state", "get_channel_state", "get_latest_image"]
)
def test_a_call_that_hangs_ends_blanked_and_the_next_scan_works(pumped: QuantaBench, method: str) -> None:
    pumped.fault("hang", method)
    with pytest.raises(DeviceTimeoutError, match=method):
        scan(pumped)
    assert_blanked(pumped)
    pumped.fault("hang", None)
    assert scan(pumped, "next").nonce == "next"


@pytest.mark.parametrize(
    "method", ["set_dwell_time", "set_channel_state", "get_channel_state", "get_latest_image"]
)
def test_a_connection_that_breaks_ends_blanked_and_is_opened_anew(pumped: QuantaBench, method: str) -> None:
    pumped.fault("drop", method)
    with pytest.raises(DeviceLostError, match=r"closed|broke"):
        scan(pumped)
    assert_blanked(pumped)
    pumped.fault("drop", None)
    assert scan(pumped, "next").nonce == "next"


def test_an_image_is_asked_for_again_where_the_connection_breaks(
    pumped: QuantaBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ground is exposed: the image is all that is left of it, and the server still has it."""
    client = pumped.quanta.client
    call = client.call
    broken: list[str] = []

    def breaks(method: str, **params: object) -> Any:
        if method == "get_latest_image" and pumped.microscope.ground.exposures() and len(broken) < 2:
            broken.append(method)
            raise DeviceLostError("the connection broke")
        return call(method, **params)

    monkeypatch.setattr(client, "call", breaks)
    assert scan(pumped).nonce == "n"
    assert len(broken) == 2
    assert len(pumped.microscope.ground.exposures()) == 1


def test_a_request_to_stop_that_comes_late_is_a_frame_that_may_be_exposed_twice(
    pumped: QuantaBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = pumped.quanta.client
    call = client.call

    def slow(method: str, **params: object) -> Any:
        if params.get("state") == "stop":
            pumped.clock.sleep(ScanRequest((64, 48), 0.0, CONFIG.sem.dwell_s, "").beam_s)
        return call(method, **params)

    monkeypatch.setattr(client, "call", slow)
    with pytest.raises(DeviceTimeoutError, match="may have exposed the ground twice"):
        scan(pumped)
    assert_blanked(pumped)


def test_blanking_does_not_wait_for_a_call_that_hangs() -> None:
    never = Patience(lambda: False)
    with quanta_bench(CONFIG, FastClock(), call_timeout_s=60, now_s=never) as bench:
        bench.quanta.chamber.go_to(VacuumState.HIGH, 3600)
        bench.machine.unblank_beam()
        bench.fault("hang", "get_stage_position")
        hanging = threading.Thread(target=_swallow, args=(bench.quanta.stage.position,))
        hanging.start()
        bench.quanta.sem.blank()
        assert_blanked(bench)
        assert hanging.is_alive()
    hanging.join(200)
    assert not hanging.is_alive()


def _swallow(call: Any) -> None:
    with pytest.raises(DriverError):
        call()


def test_a_server_that_is_not_there_says_so() -> None:
    with quanta_bench(CONFIG, FastClock()) as bench:
        pass
    with pytest.raises(DeviceLostError, match="no server answers at tcp://127"):
        bench.quanta.stage.position()
    with pytest.raises(DriverError, match="no server answers"):
        bench.quanta.sem.blank()
    with pytest.raises(UnsafeError, match="blanking the beam"):
        make_safe(bench.devices)


@pytest.mark.parametrize(
    ("fault", "says"), [("stale_frame", "before the scan"), ("orphan_frame", "another scan")]
)
def test_a_frame_of_another_scan_is_refused(pumped: QuantaBench, fault: str, says: str) -> None:
    scan(pumped, "first")
    pumped.fault(fault)
    with pytest.raises(DriverError, match=says):
        scan(pumped, "second")
    assert_blanked(pumped)
    pumped.fault(fault, None)
    assert scan(pumped, "third").nonce == "third"


def test_a_scan_that_an_earlier_program_left_is_ended_first(pumped: QuantaBench) -> None:
    client, channel = pumped.quanta.client, "electron1"
    client.call("set_resolution", width=512, height=442)
    client.call("set_scanning_size", value=8e-6)
    client.call("set_dwell_time", value=1e-3)
    client.call("unblank_beam")
    client.call("set_channel_state", channel=channel, state="run")
    assert client.call("get_channel_state", channel=channel) == "running"
    image = scan(pumped, "ours")
    assert image.nonce == "ours"
    assert image.pixels.shape == (48, 64)
    assert_blanked(pumped)


def test_the_stage_counts_where_a_frame_carries_a_stale_position(
    pumped: QuantaBench, caplog: pytest.LogCaptureFixture
) -> None:
    pumped.quanta.stage.move_to(0.0, 0.0, 60)
    pumped.fault("stale_position")
    image = scan(pumped)
    assert math.dist(image.center_m, (0.0, 0.0)) < 20e-9
    assert "the frame reports the position" in caplog.text


def test_a_stage_that_says_too_early_that_it_stands_is_waited_for(bench: QuantaBench) -> None:
    # A stage slower than configured: when the driver first looks, it is half way.
    slow = CONFIG.model_copy(
        update={"simulator": CONFIG.simulator.model_copy(update={"stage_speed_mm_per_s": 0.5})}
    )
    with quanta_bench(slow, FastClock()) as slow_bench:
        slow_bench.fault("stage_says_stopped")
        back = slow_bench.quanta.stage.move_to(2e-3, 1e-3, 60)
        assert math.dist(back, (2e-3, 1e-3)) < 1e-8
        assert math.dist(slow_bench.microscope.devices.stage.position(), (2e-3, 1e-3)) < 1e-8


def test_a_tiny_move_happens_by_a_detour(bench: QuantaBench) -> None:
    bench.fault("tiny_moves", 0.9e-6)
    target = PLACE[0] + 0.4e-6, PLACE[1]
    assert math.dist(bench.quanta.stage.move_to(*target, 60), target) < 1e-8


def test_a_move_that_does_not_happen_is_no_arrival(bench: QuantaBench) -> None:
    bench.fault("tiny_moves", 1.0)
    with pytest.raises(DeviceTimeoutError, match=r"100\.0 um off"):
        bench.quanta.stage.move_to(PLACE[0] + 100e-6, PLACE[1], 5)


def test_a_pump_that_lies_is_found_out_by_the_gauge(bench: QuantaBench) -> None:
    bench.quanta.chamber.go_to(VacuumState.PARTIAL, 3600)
    bench.fault("pump_lies")
    with pytest.raises(DeviceTimeoutError, match=r"'vacuum' at 200 Pa"):
        bench.quanta.chamber.go_to(VacuumState.HIGH, 600)
    assert bench.quanta.chamber.state() is VacuumState.PARTIAL
    with pytest.raises((VacuumError, DriverError)):
        pump_to(bench.quanta.chamber, VacuumState.HIGH, CONFIG.chamber)
    with pytest.raises(NotReadyError, match="no beam"):
        scan(bench)
    assert_blanked(bench)


def test_a_vacuum_error_ends_the_wait_at_once(bench: QuantaBench) -> None:
    bench.fault("vacuum_error")
    assert bench.quanta.chamber.state() is VacuumState.ERROR
    with pytest.raises(DriverError, match="reports an error"):
        bench.quanta.chamber.go_to(VacuumState.HIGH, 3600)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("dwell_time", 5e-5, "dwell time 5e-05 s"), ("scanning_size", 1e-6, "field width")],
)
def test_a_setting_that_is_cut_in_silence_is_refused_blanked(
    pumped: QuantaBench, name: str, value: float, says: str
) -> None:
    pumped.fault("clip", {name: value})
    with pytest.raises(OutOfRangeError, match=says):
        scan(pumped)
    assert_blanked(pumped)
    assert not pumped.microscope.ground.exposures()


def test_a_column_setting_that_is_cut_is_refused(bench: QuantaBench) -> None:
    bench.fault("clip", {"ht_voltage": 1000.0})
    with pytest.raises(OutOfRangeError, match="accelerating voltage 1000 V instead of 2500 V"):
        bench.quanta.sem.set_beam(BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD"), 60)


def test_the_column_is_read_as_it_stands_and_what_nobody_tells_is_named(bench: QuantaBench) -> None:
    bench.machine.held.set("ht_voltage", 5000.0)
    bench.machine.held.set("free_working_distance", 6.1e-3)
    found = bench.quanta.sem.beam()
    assert found == BeamSettings(5000.0, 3.5, 30e-6, 6.1e-3, "vCD")
    assert found.as_configured == ("aperture_m", "detector")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (BeamSettings(2500.0, 3.5, 40e-6, 5.8e-3, "vCD"), "aperture is changed by hand"),
        (BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "ETD"), "detector is chosen by hand"),
    ],
)
def test_what_is_set_by_hand_is_not_claimed(bench: QuantaBench, wanted: BeamSettings, says: str) -> None:
    with pytest.raises(OutOfRangeError, match=says):
        bench.quanta.sem.set_beam(wanted, 60)


def test_a_blanker_that_does_not_blank_switches_the_beam_off(pumped: QuantaBench) -> None:
    pumped.fault("blanker_stuck")
    pumped.machine.unblank_beam()
    with pytest.raises(DriverError, match="the blanker does not blank; the beam was switched off"):
        pumped.quanta.sem.blank()
    assert_blanked(pumped)
    pumped.fault("blanker_stuck", None)
    for beam_off in (lambda: scan(pumped), lambda: pumped.quanta.sem.set_beam(pumped.quanta.sem.beam(), 60)):
        with pytest.raises(BeamOffError, match="only a person switches it on"):
            beam_off()


def test_a_blanker_that_sticks_in_a_scan_is_an_error_and_the_beam_is_off(pumped: QuantaBench) -> None:
    unblank = pumped.machine.unblank_beam

    def stick() -> None:
        unblank()
        pumped.machine.held.fault("blanker_stuck", True)

    pumped.machine.unblank_beam = stick  # type: ignore[method-assign]
    with pytest.raises(DriverError, match="the blanker does not blank"):
        scan(pumped)
    assert_blanked(pumped)
    with pytest.raises(UnsafeError, match="does not blank"):
        make_safe(pumped.devices)


def test_a_refusal_after_the_beam_was_on_is_not_one(pumped: QuantaBench) -> None:
    """Callers repeat what was refused, and this ground may be exposed."""

    def refuse(channel: str, state: str) -> None:
        raise NotReadyError(f"{channel} does not {state}")

    pumped.machine.set_channel_state = refuse  # type: ignore[method-assign]
    with pytest.raises(DriverError, match="does not run") as failure:
        scan(pumped)
    assert failure.type is DriverError
    assert_blanked(pumped)


def test_a_scan_without_end_is_given_up_blanked(pumped: QuantaBench) -> None:
    pumped.fault("scan_without_end")
    with pytest.raises(DeviceTimeoutError, match="did not end"):
        pumped.quanta.sem.scan(ScanRequest((64, 48), 16.5e-9, 60e-6, "n"), 5)
    assert_blanked(pumped)
    pumped.fault("scan_without_end", None)
    assert scan(pumped, "next").nonce == "next"


def test_a_data_bar_is_cut_off(pumped: QuantaBench) -> None:
    plain = scan(pumped).pixels.shape
    pumped.fault("databar", CONFIG.sem.databar_px)
    image = scan(pumped)
    assert image.pixels.shape == plain
    assert image.pixels.any(axis=1).all()


def test_a_data_bar_of_another_height_is_refused(pumped: QuantaBench) -> None:
    pumped.fault("databar", 5)
    with pytest.raises(DriverError, match=r"\[53, 64\]"):
        scan(pumped)
    assert_blanked(pumped)


def test_nothing_beyond_the_scan_is_exposed(pumped: QuantaBench) -> None:
    size_px = (100, 60)
    image = scan(pumped, size_px=size_px)
    (exposure,) = pumped.microscope.ground.exposures()
    x0, y0, x1, y1 = exposure.rect_m
    assert (x1 - x0) == pytest.approx(size_px[0] * CONFIG.sem.pixel_size_m)
    assert (y1 - y0) == pytest.approx(size_px[1] * CONFIG.sem.pixel_size_m)
    # The stage stands a little off where it says; the frame cannot know.
    assert math.dist(((x0 + x1) / 2, (y0 + y1) / 2), image.center_m) < 1e-6


@pytest.mark.parametrize(
    "method", ["stage_info", "resolution_info", "beam_shift_info", "get_stage_position", "dwell_time_info"]
)
@pytest.mark.parametrize("answer", [None, 5, [], {}, {"range": "x"}])
def test_an_answer_of_another_form_is_an_error_of_the_driver_and_blanked(
    pumped: QuantaBench, monkeypatch: pytest.MonkeyPatch, method: str, answer: object
) -> None:
    call = pumped.quanta.client.call

    def changed(name: str, **params: object) -> object:
        return answer if name == method else call(name, **params)

    monkeypatch.setattr(pumped.quanta.client, "call", changed)
    moves = method in ("stage_info", "get_stage_position")
    with pytest.raises(DriverError, match=method):
        pumped.quanta.stage.move_to(*PLACE, 60) if moves else scan(pumped)
    assert_blanked(pumped)
    assert not pumped.microscope.ground.exposures()


def test_a_focus_that_hangs_ends_blanked_and_the_next_scan_works(pumped: QuantaBench) -> None:
    request = ScanRequest((64, 48), CONFIG.sem.pixel_size_m, CONFIG.sem.dwell_s, "n")
    pumped.fault("hang", "is_autofocusing")
    with pytest.raises(DeviceTimeoutError, match="is_autofocusing"):
        pumped.quanta.sem.autofocus(request, 300)
    assert_blanked(pumped)
    pumped.fault("hang", None)
    assert scan(pumped, "next").nonce == "next"


BEAM = Config.model_validate(
    {
        "fluorescence": {"frame_px": [128, 96]},
        "sem": {"beam_reach_um": [101, 67], "max_scan_px": [3072, 2048], "dwell_us": 0.1},
        "simulator": {"specimen": {"cells_per_field": 0}, "stage_error_um": 0, "beam_error_um": 0},
    }
)
BESIDE_M = (20.01e-6, -11.37e-6)


@pytest.fixture
def moving_beam() -> Iterator[QuantaBench]:
    with quanta_bench(BEAM, FastClock(), call_timeout_s=5.0) as bench:
        bench.quanta.stage.move_to(*PLACE, 60)
        bench.quanta.chamber.go_to(VacuumState.HIGH, 3600)
        yield bench


def scan_beside(bench: QuantaBench, size_px: tuple[int, int]) -> ScanImage:
    request = ScanRequest(size_px, BEAM.sem.pixel_size_m, BEAM.sem.dwell_s, "n", BESIDE_M)
    return bench.quanta.sem.scan(request, 600)


def test_a_scan_larger_than_a_frame_lies_beside_the_axis_where_its_image_says(
    moving_beam: QuantaBench,
) -> None:
    image = scan_beside(moving_beam, (2500, 1700))
    assert image.pixels.shape == (1700, 2500)
    assert math.dist(image.center_m, (PLACE[0] + BESIDE_M[0], PLACE[1] + BESIDE_M[1])) < 12e-9
    (exposure,) = moving_beam.microscope.ground.exposures()
    x0, y0, x1, y1 = exposure.rect_m
    assert math.dist(((x0 + x1) / 2, (y0 + y1) / 2), image.center_m) < 1e-9
    assert (x1 - x0, y1 - y0) == pytest.approx((2500 * 16.5e-9, 1700 * 16.5e-9))
    left, top, width, height = moving_beam.quanta.client.call("get_selected_area")
    assert (width, height) == (2500, 1700)
    assert left > (6144 - 2500) / 2
    assert top > (4096 - 1700) / 2


def test_an_area_that_is_moved_in_silence_is_refused_blanked(
    moving_beam: QuantaBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_area = ScanAreaCalls.set_selected_area

    def clipped(calls: ScanAreaCalls, left: int, top: int, width: int, height: int) -> None:
        set_area(calls, min(left, 500), top, width, height)

    monkeypatch.setattr(ScanAreaCalls, "set_selected_area", clipped)
    with pytest.raises(OutOfRangeError, match="area of the scan"):
        scan_beside(moving_beam, (400, 300))
    assert_blanked(moving_beam)
    assert not moving_beam.microscope.ground.exposures()


def test_a_machine_without_reduced_areas_has_no_reach(moving_beam: QuantaBench) -> None:
    whole = moving_beam.config.model_copy(update={"reduced_area": False})
    client = moving_beam.quanta.client
    driven = quanta_devices(BEAM, whole, moving_beam.clock, client=client)
    assert driven.sem.beam_reach_m() == (0.0, 0.0)
    assert moving_beam.quanta.sem.beam_reach_m() == pytest.approx((101e-6, 67e-6))
