"""Every way in which Odemis is known to fail: the state afterwards, the sentence, and what happens next."""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.odemis import OdemisConfig
from drivers.chamber import VacuumState
from drivers.clock import SystemClock
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DisturbedError,
    DriverError,
    NotReadyError,
    OutOfRangeError,
    StillBusyError,
)
from drivers.guards.interlock import Interlock
from drivers.microscope import Microscope
from drivers.odemis.client import OdemisClient
from drivers.odemis.errors import MicroscopeIncompleteError, OdemisStartError
from drivers.odemis.focus import OdemisLightFocus
from drivers.odemis.microscope import odemis_microscope
from drivers.sem import BeamSettings, ScanRequest
from service.errors import UnsafeError
from service.safety.safe_state import make_safe
from tests.drivers.contract import Bench
from tests.drivers.odemis.bench import PLACES_M, OdemisRig, rig
from tests.drivers.test_contract import SETTINGS
from tests.forked import Forked


@pytest.fixture
def odemis(shared: OdemisRig) -> Iterator[OdemisRig]:
    shared.backend.faults.write()
    yield shared
    shared.backend.faults.write()


def safe(odemis: OdemisRig) -> bool:
    truth = odemis.backend.truth()
    return bool(truth["blanked"]) and not truth["light"]


def pumped(odemis: OdemisRig) -> Bench:
    bench = odemis.bench()
    bench.to_high_vacuum()
    return bench


# Values and names


def test_a_value_that_does_not_exist_is_refused_and_nothing_is_exposed(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    with pytest.raises(OutOfRangeError, match="outside of the range"):
        bench.devices.sem.scan(ScanRequest((32, 32), 16.5e-9, 5e-8, "n"), 60)
    with pytest.raises(OutOfRangeError, match="outside of the range"):
        bench.devices.sem.set_beam(BeamSettings(2500, 9.0, 30e-6, 5.8e-3, "vCD"), 60)
    assert safe(odemis)
    assert odemis.backend.truth()["exposures"] == 0
    bench.devices.sem.scan(bench.request(), 60)
    assert odemis.backend.truth()["exposures"] == 1


def test_a_power_beyond_the_source_is_refused_dark(odemis: OdemisRig) -> None:
    light = odemis.fresh().light
    with pytest.raises(OutOfRangeError, match="at most 2 W of the source"):
        light.on(488, 50, 10)
    with pytest.raises(
        OutOfRangeError, match="no light source at 700 nm; there are 395-415, 478-498, 584-604"
    ):
        light.on(700, 0.5, 10)
    assert safe(odemis)


BY_HAND = ("aperture_m", "working_distance_m", "detector")


def test_what_odemis_tells_of_the_column_is_read_and_the_rest_named(odemis: OdemisRig) -> None:
    sem = odemis.fresh().sem
    found = sem.beam()
    assert found.accelerating_voltage_v == 5000
    assert found.spot_size == 3
    assert found.as_configured == BY_HAND
    wanted = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD")
    assert sem.set_beam(wanted, 60).as_configured == BY_HAND
    assert sem.beam() == wanted


def test_a_setting_that_this_microscope_has_not_is_never_read(odemis: OdemisRig) -> None:
    """A proxy answers to every name, so what is not there would otherwise be taken for a value."""
    odemis.backend.faults.write(without={"e-beam": ["spotSize", "accelVoltage"], "ccd": ["emGain"]})
    odemis.client.close()
    bench = again(odemis)
    wanted = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD")
    assert bench.sem.set_beam(wanted, 60) == wanted
    assert set(bench.sem.beam().as_configured) == set(BY_HAND) | {"accelerating_voltage_v", "spot_size"}
    with pytest.raises(OutOfRangeError, match=r"no EM gain: set fluorescence\.em_gain to 1"):
        bench.camera.expose(Bench(odemis.config, odemis.clock, bench, ((0, 0), (0, 0))).settings, 60)
    odemis.client.close()


def again(odemis: OdemisRig) -> Microscope:
    """As when the program starts, with the faults that there are."""
    return odemis_microscope(odemis.config, odemis.clock, odemis.client)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"missing": ["ccd"]}, r"no component has the role ccd \(odemis\.roles\.camera\)"),
        ({"missing": ["stage", "chamber"]}, "role stage .*role chamber"),
        (
            {"missing": ["e-beam"], "ghosts": {"SEM E-beam": "HwError"}},
            r"did not start: SEM E-beam \(HwError\)",
        ),
        ({"without": {"e-beam": ["blanker"]}}, "e-beam has no blanker"),
        ({"without": {"chamber": ["pressure"]}}, "chamber has no pressure"),
    ],
)
def test_what_a_session_needs_is_missing(odemis: OdemisRig, faults: dict[str, Any], words: str) -> None:
    odemis.fresh()
    odemis.client.close()
    odemis.backend.faults.write(**faults)
    with pytest.raises(MicroscopeIncompleteError, match=words):
        again(odemis)
    odemis.client.close()


# Components and back-end that die


def test_a_camera_that_is_dead(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    bench.devices.light.on(488, 0.5, 10)
    odemis.backend.faults.write(killed=["ccd"])
    with pytest.raises(DeviceLostError, match=r"CommunicationError.*beam blanked and light off"):
        bench.devices.camera.expose(bench.settings, 60)
    assert safe(odemis)
    odemis.backend.faults.write()
    assert bench.devices.camera.expose(bench.settings, 60).pixels.size


def test_a_light_that_is_dead_is_not_said_to_be_off(odemis: OdemisRig) -> None:
    light = odemis.fresh().light
    odemis.backend.faults.write(killed=["light"])
    with pytest.raises(DeviceLostError, match="CommunicationError"):
        light.off()
    with pytest.raises(DeviceLostError):
        light.is_on()


def test_the_result_of_a_dead_stage_never_comes(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    odemis.backend.faults.write(result_hangs=["stage"])
    with pytest.raises(DeviceTimeoutError, match=r"move had no answer within .* beam blanked and light off"):
        bench.devices.stage.move_to(*bench.places_m[1], 0.5)
    assert safe(odemis)
    odemis.backend.faults.write()
    assert bench.devices.stage.move_to(*bench.places_m[1], 60) == pytest.approx(bench.places_m[1])


def test_an_objective_whose_result_never_comes(odemis: OdemisRig) -> None:
    odemis.fresh()
    focus = OdemisLightFocus(odemis.client, Interlock())
    odemis.backend.faults.write(result_hangs=["focus"])
    with pytest.raises(DeviceTimeoutError, match=r"focus_go_to had no answer .* beam blanked and light off"):
        focus.move_to(10e-6, 0.5)
    assert safe(odemis)
    odemis.backend.faults.write()
    assert focus.move_to(10e-6, 60) == focus.position() == pytest.approx(10e-6)


def test_an_objective_is_not_sent_beyond_its_range_and_not_believed_to_be_there(odemis: OdemisRig) -> None:
    odemis.fresh()
    focus = OdemisLightFocus(odemis.client, Interlock())
    assert focus.range_m() == (-100e-6, 100e-6)
    for z_m in (-101e-6, 101e-6, math.nan):
        with pytest.raises(OutOfRangeError):
            focus.move_to(z_m, 60)
    odemis.backend.faults.write(tiny_moves=5e-6)
    with pytest.raises(DriverError, match=r"was sent to 4\.00 um and stands at 0\.00 um"):
        focus.move_to(4e-6, 60)


@pytest.mark.parametrize(("autofocus_um", "driven"), [(0, False), (10, True)])
def test_the_objective_is_driven_where_it_is_to_be_focused(
    odemis: OdemisRig, autofocus_um: float, driven: bool
) -> None:
    fluorescence = odemis.config.fluorescence.model_copy(update={"autofocus_um": autofocus_um})
    config = odemis.config.model_copy(update={"fluorescence": fluorescence})
    odemis.backend.reset(config)
    devices = odemis_microscope(config, odemis.clock, odemis.client)
    assert (devices.light_focus is not None) == driven
    odemis.client.close()
    odemis.backend.faults.write(missing=["focus"])
    if driven:
        with pytest.raises(MicroscopeIncompleteError, match=r"role focus \(odemis\.roles\.focus\)"):
            odemis_microscope(config, odemis.clock, odemis.client)
    else:
        odemis_microscope(config, odemis.clock, odemis.client)
    odemis.client.close()


def test_a_result_that_times_out_stops_the_stage(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    bench.devices.stage.move_to(0, 0, 60)
    with pytest.raises(DeviceTimeoutError, match="did not arrive within 1 s"):
        bench.devices.stage.move_to(5e-3, 0, 1.0)
    x_m = bench.devices.stage.position()[0]
    assert 0 < x_m < 5e-3
    odemis.clock.sleep(60)
    assert bench.devices.stage.position()[0] == x_m


def test_the_sem_adapter_dies_in_a_scan(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    bench.devices.sem.scan(bench.request(), 60)
    odemis.backend.faults.write(get_hangs=["bs-detector"])
    with pytest.raises(DeviceTimeoutError, match=r"scan had no answer within .* beam blanked"):
        bench.devices.sem.scan(bench.request(), 60)
    assert safe(odemis)
    with pytest.raises(StillBusyError, match="an earlier scan is still running"):
        bench.devices.sem.scan(bench.request(), 8)
    assert safe(odemis)
    # It should have ended by now: no more waiting, somebody has to look.
    odemis.clock.sleep(100)
    with pytest.raises(NotReadyError, match="an earlier scan is still running") as hangs:
        bench.devices.sem.scan(bench.request(), 8)
    assert hangs.type is NotReadyError
    assert safe(odemis)


def test_a_scan_whose_component_is_dead_says_that_the_beam_may_be_on(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    bench.devices.sem.scan(bench.request(), 60)
    odemis.backend.faults.write(killed=["e-beam", "bs-detector"])
    with pytest.raises(DeviceLostError):
        bench.devices.sem.scan(bench.request(), 60)
    with pytest.raises(DeviceLostError):
        bench.devices.sem.is_blanked()


def test_a_pump_whose_result_never_comes(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    odemis.backend.faults.write(result_hangs=["chamber"])
    with pytest.raises(DeviceTimeoutError, match="chamber_go_to had no answer"):
        bench.devices.chamber.go_to(VacuumState.HIGH, 0.5)
    assert bench.devices.chamber.state() is VacuumState.CHANGING
    assert safe(odemis)


def test_a_back_end_that_is_killed() -> None:
    with rig(SETTINGS) as odemis:
        odemis.fresh()
        devices = odemis_microscope(odemis.config, SystemClock(), odemis.client)
        odemis.backend.kill()
        with pytest.raises(DeviceLostError) as lost:
            devices.stage.move_to(1e-4, 0, 5)
        down = "Odemis is not running; start it"
        assert str(lost.value) == f"{down}; not known to be off: the beam and the light"
        with pytest.raises(DeviceLostError, match=f"^{down}$"):
            devices.sem.blank()
        with pytest.raises(UnsafeError) as unsafe:
            make_safe(devices)
        # Six steps and two readings fail for one reason.
        assert str(unsafe.value).count(down) == 1


# Frames of others


def test_a_killed_client_leaves_an_orphan_and_the_next_scan_is_not_given_it(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    odemis.backend.faults.write(undated=True)
    request = bench.request("killed", (600, 600))
    odemis.clock.hold_next(request.beam_s)
    failure: list[BaseException] = []

    def scan() -> None:
        try:
            bench.devices.sem.scan(request, 600)
        except DriverError as error:
            failure.append(error)

    thread = threading.Thread(target=scan)
    thread.start()
    assert odemis.clock.held.wait(200)
    kill_long(odemis)
    thread.join(200)
    assert isinstance(failure[0], DeviceLostError)
    assert "beam blanked" in str(failure[0])
    assert safe(odemis)
    exposures = odemis.backend.truth()["exposures"]
    image = bench.devices.sem.scan(bench.request("mine", (33, 77)), 60)
    assert image.pixels.shape == (77, 33)
    assert image.nonce == "mine"
    assert odemis.backend.truth()["exposures"] == exposures + 1


def test_what_was_found_at_the_start_is_put_back_and_the_blanker_only_if_nothing_scans(
    odemis: OdemisRig,
) -> None:
    odemis.fresh()
    ask = odemis.backend.ask
    for role, name, value in (
        ("ccd", "exposureTime", 0.25),
        ("e-beam", "blanker", None),
        ("e-beam", "accelVoltage", 7e3),
        ("e-beam", "scale", (4.0, 4.0)),
    ):
        ask("set", role, name, value)
    before = {
        name: ask("get", "e-beam", name) for name in ("horizontalFoV", "scale", "resolution", "dwellTime")
    }
    devices = odemis_microscope(odemis.config, odemis.clock, odemis.client)
    assert ask("get", "e-beam", "blanker") is True
    found = devices.found
    assert found is not None
    bench = Bench(odemis.config, odemis.clock, devices, PLACES_M)
    bench.to_high_vacuum()
    bench.devices.light.on(488, 0.5, 10)
    devices.camera.expose(bench.settings, 60)
    devices.light.off()
    devices.sem.set_beam(BeamSettings(2500, 3.5, 30e-6, 5.8e-3, "vCD"), 60)
    devices.sem.scan(bench.request(), 60)
    # A scan that was stopped goes on in Odemis: an open blanker would show it more of the specimen.
    request = bench.request("stopped", (600, 600))
    odemis.clock.hold_next(request.beam_s)
    thread = threading.Thread(target=lambda: scan_quietly(bench, request))
    thread.start()
    assert odemis.clock.held.wait(200)
    kill_long(odemis)
    thread.join(200)
    result = found.put_back(10)
    assert not result.complete
    assert "may still run" in " ".join(result.left)
    assert ask("get", "e-beam", "blanker") is True
    assert ask("get", "ccd", "exposureTime") == 0.25
    devices.sem.scan(bench.request("drains"), 60)
    result = found.put_back(10)
    assert (result.complete, result.left) == (True, ())
    assert "e-beam blanker (automatic)" in result.done
    assert ask("get", "e-beam", "blanker") is None
    assert ask("get", "e-beam", "accelVoltage") == 7e3
    assert {name: ask("get", "e-beam", name) for name in before} == before
    assert ask("get", "filter", "position") == {"band": 4}
    assert not odemis.backend.truth()["light"]


def scan_quietly(bench: Bench, request: ScanRequest) -> None:
    with pytest.raises(DriverError):
        bench.devices.sem.scan(request, 600)


def kill_long(odemis: OdemisRig) -> None:
    """As the system does when it has no memory left."""
    odemis.client._long.kill()


def test_an_orphan_of_the_camera_is_thrown_away(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    bench.devices.light.on(488, 0.5, 10)
    odemis.clock.hold_next(1.0)
    thread = threading.Thread(target=lambda: expose_quietly(bench))
    thread.start()
    assert odemis.clock.held.wait(200)
    bench.devices.camera.stop()
    thread.join(200)
    bench.devices.stage.move_to(*bench.places_m[1], 60)
    frame = bench.devices.camera.expose(bench.settings, 60)
    assert frame.pose.center_m == pytest.approx(bench.places_m[1])


def expose_quietly(bench: Bench) -> None:
    with pytest.raises(DriverError):
        bench.devices.camera.expose(bench.settings, 60)


@pytest.mark.parametrize("faults", [{"undated": True}, {"unmarked": True}])
def test_a_mark_or_a_date_is_enough(odemis: OdemisRig, faults: dict[str, Any]) -> None:
    bench = pumped(odemis)
    odemis.backend.faults.write(**faults)
    assert bench.devices.sem.scan(bench.request(), 60).pixels.size
    assert bench.devices.camera.expose(bench.settings, 60).pixels.size


def test_an_image_at_the_position_of_before_the_move(odemis: OdemisRig) -> None:
    """Proven to be new by its mark, it is kept with the read-back of the stage; unproven, it is refused."""
    bench = pumped(odemis)
    odemis.backend.faults.write(stale_position=[30e-6, 0.0])
    image = bench.devices.sem.scan(bench.request(), 60)
    assert image.center_m == bench.devices.stage.position()
    assert image.remark is not None
    assert "30.0 um from where the stage reads back; its position is stale" in image.remark
    odemis.backend.faults.write(stale_position=[30e-6, 0.0], undated=True, unmarked=True)
    with pytest.raises(DriverError, match=r"30\.0 um .*nothing proves that it is not of an earlier scan"):
        bench.devices.sem.scan(bench.request(), 60)
    with pytest.raises(DriverError, match="it is of another place"):
        bench.devices.camera.expose(bench.settings, 60)
    assert safe(odemis)


def test_what_is_clipped_silently_is_read_back_and_refused(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    odemis.backend.faults.write(clips=[768, 512])
    with pytest.raises(OutOfRangeError, match=r"scans \[768, 512\] pixels, not \[900, 600\]"):
        bench.devices.sem.scan(bench.request(size_px=(900, 600)), 60)
    assert odemis.backend.truth()["exposures"] == 0


def test_a_shifted_scan_lands_where_its_image_says(odemis: OdemisRig) -> None:
    """The scan generator counts rows downwards, the stage counts upwards."""
    bench = pumped(odemis)
    bench.devices.stage.move_to(1e-3, 2e-3, 60)
    image = bench.devices.sem.scan(bench.request(beam_shift_m=(3e-6, -5e-6)), 60)
    x0_m, y0_m, x1_m, y1_m = odemis.backend.truth()["scanned_m"]
    center_m = (x0_m + x1_m) / 2, (y0_m + y1_m) / 2
    assert image.center_m == (1e-3 + 3e-6, 2e-3 - 5e-6)
    # The stage stands off where it says by up to three standard deviations.
    assert math.dist(center_m, image.center_m) < 3.1e-6 * bench.config.simulator.stage_error_um


def test_the_beam_places_a_scan_at_the_edge_of_its_field(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    bench.devices.stage.move_to(1e-3, 2e-3, 60)
    width_m, height_m = bench.devices.sem.beam_reach_m()
    # 4096 x 3536 positions of 16.5 nm, of which 67 x 58 um are configured.
    assert (width_m, height_m) == pytest.approx((67e-6, 58e-6))
    request = bench.request(beam_shift_m=(31e-6, -27e-6))
    image = bench.devices.sem.scan(request, 60)
    x0_m, y0_m, x1_m, y1_m = odemis.backend.truth()["scanned_m"]
    assert image.center_m == (1e-3 + 31e-6, 2e-3 - 27e-6)
    off_m = math.dist(((x0_m + x1_m) / 2, (y0_m + y1_m) / 2), image.center_m)
    assert off_m < 3.1e-6 * bench.config.simulator.stage_error_um + 0.1e-6


def test_a_place_that_is_clipped_in_silence_is_refused_blanked(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    odemis.backend.faults.write(clips_shift=1000)
    with pytest.raises(OutOfRangeError, match="the scan generator set the shift"):
        bench.devices.sem.scan(bench.request(beam_shift_m=(31e-6, 0.0)), 60)
    assert safe(odemis)
    assert odemis.backend.truth()["exposures"] == 0


def test_a_microscope_that_scans_a_few_sizes_only(odemis: OdemisRig) -> None:
    """As through the adapter of Thermo Fisher: the size follows the scale, and nothing is shifted."""
    odemis.fresh()
    odemis.backend.faults.write(presets=True)
    odemis.client.close()
    devices = again(odemis)
    devices.chamber.go_to(VacuumState.HIGH, 3600)
    assert devices.sem.max_beam_shift_m() == 0
    assert devices.sem.beam_reach_m() == (0.0, 0.0)
    image = devices.sem.scan(ScanRequest((1024, 884), 16.5e-9, 1e-6, "n"), 60)
    assert image.pixels.shape == (884, 1024)
    assert image.pixel_size_m == 16.5e-9
    with pytest.raises(
        OutOfRangeError, match=r"scans \[512, 442\] pixels, not \[96, 64\]; .*sem\.presets_px"
    ):
        devices.sem.scan(ScanRequest((96, 64), 16.5e-9, 1e-6, "n"), 60)
    assert odemis.backend.truth()["exposures"] == 1
    odemis.client.close()


# Things that lie


def test_a_pump_that_says_it_is_done(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    odemis.backend.faults.write(pump_lies=True)
    with pytest.raises(
        DriverError, match=r"reports that the chamber has gone to high, but it reads vented at 1e\+05 Pa"
    ):
        bench.devices.chamber.go_to(VacuumState.HIGH, 3600)
    assert bench.devices.chamber.state() is VacuumState.CHANGING
    with pytest.raises(NotReadyError, match="no beam in a chamber"):
        bench.devices.sem.scan(bench.request(), 60)
    odemis.backend.faults.write()
    bench.to_high_vacuum()
    assert bench.devices.sem.scan(bench.request(), 60).pixels.size


def test_a_stage_that_says_it_has_stopped_is_waited_for(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    bench.devices.stage.move_to(0, 0, 60)
    odemis.backend.faults.write(arrives_early=6)
    assert bench.devices.stage.move_to(1e-3, 0, 60) == pytest.approx((1e-3, 0))


def test_a_tiny_move_that_does_not_happen_is_seen_in_the_read_back(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    here = bench.devices.stage.move_to(0, 0, 60)
    odemis.backend.faults.write(tiny_moves=1e-6)
    assert bench.devices.stage.move_to(0.5e-6, 0, 60) == here


def test_a_stop_without_effect_ends_the_call_all_the_same(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    bench.devices.stage.move_to(0, 0, 60)
    odemis.backend.faults.write(runs_on=["stage"])
    odemis.clock.hold_next(1.0)
    failure: list[str] = []

    def move() -> None:
        try:
            bench.devices.stage.move_to(2e-3, 0, 60)
        except DriverError as error:
            failure.append(type(error).__name__)

    thread = threading.Thread(target=move)
    thread.start()
    assert odemis.clock.held.wait(200)
    bench.devices.stage.stop()
    thread.join(200)
    assert failure == ["InterruptedCallError"]


def test_a_blanker_that_does_not_blank(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    odemis.backend.ask("set", "e-beam", "blanker", None)
    assert not bench.devices.sem.is_blanked()
    odemis.backend.faults.write(blanker_stuck=True)
    with pytest.raises(DriverError, match="the blanker does not blank"):
        bench.devices.sem.blank()
    with pytest.raises(DriverError, match="the blanker does not blank"):
        bench.devices.sem.scan(bench.request(), 60)
    assert odemis.backend.truth()["exposures"] == 0


def test_a_blanker_that_does_not_open(odemis: OdemisRig) -> None:
    bench = pumped(odemis)
    bench.devices.sem.scan(bench.request(), 60)
    odemis.backend.faults.write(blanker_stuck=True)
    with pytest.raises(DriverError, match="the blanker does not open"):
        bench.devices.sem.scan(bench.request(), 60)
    assert safe(odemis)


def test_a_light_that_does_not_switch_off(odemis: OdemisRig) -> None:
    light = odemis.fresh().light
    light.on(488, 0.5, 10)
    odemis.backend.faults.write(light_stuck=True)
    with pytest.raises(DriverError, match="the light stays on"):
        light.off()
    assert light.is_on()


def test_a_connection_that_is_silent_is_replaced_by_a_fresh_one(odemis: OdemisRig) -> None:
    devices = odemis.fresh()
    odemis.backend.faults.write(silent=1)
    assert devices.sem.is_blanked()
    odemis.backend.faults.write(silent=1000)
    with pytest.raises(DeviceLostError, match="Odemis does not answer: blank had no answer within 5 s"):
        devices.sem.blank()


# The program itself


def test_a_program_that_is_killed_leaves_beam_and_light_off(odemis: OdemisRig, tmp_path: Path) -> None:
    bench = odemis.bench()
    path = tmp_path / "c.json"
    path.write_text(odemis.config.model_dump_json())
    program = Forked(KILLED, path)
    assert program.wait_for_lines(1) == ["lit"]
    odemis.backend.ask("set", "e-beam", "blanker", False)
    truth = odemis.backend.truth()
    assert truth["light"]
    assert not truth["blanked"]
    program.close()
    end_s = time.monotonic() + 200
    while not safe(odemis) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert safe(odemis)
    assert bench.devices.sem.is_blanked()


KILLED = """
import sys, time
from pathlib import Path
from config.model import Config
from drivers.clock import SystemClock
from drivers.odemis.client import OdemisClient
from drivers.odemis.microscope import odemis_microscope
config = Config.model_validate_json(Path(sys.argv[1]).read_text())
client = OdemisClient(config.odemis)
devices = odemis_microscope(config, SystemClock(), client)
devices.light.on(488, 0.5, 10)
print("lit", flush=True)
time.sleep(600)
"""


def test_a_python_without_odemis_is_named() -> None:
    client = OdemisClient(OdemisConfig(python=sys.executable))
    with pytest.raises(OdemisStartError, match=r"does not start Odemis: ModuleNotFoundError.*odemis"):
        client.start()
    client = OdemisClient(OdemisConfig(python="/nowhere/python"))
    with pytest.raises(OdemisStartError, match="/nowhere/python cannot be run: No such file"):
        client.start()


# Other programs


def test_the_beam_is_blanked_at_once_when_the_stage_moves_in_mid_scan_and_comes_back(
    odemis: OdemisRig,
) -> None:
    """The readings before and after the scan are the same: only the watch in between sees it."""
    bench = pumped(odemis)
    here = bench.devices.stage.move_to(*bench.places_m[0], 60)
    request = bench.request(size_px=(200, 200))
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(bench.devices.sem.scan(request, 600))
        except DriverError as error:
            outcome.append(error)

    odemis.clock.hold_next(request.beam_s)
    scan = threading.Thread(target=run)
    scan.start()
    assert odemis.clock.held.wait(200)
    odemis.backend.ask("push", here[0] + 60e-6, here[1])
    wait_until(lambda: odemis.backend.truth()["blanked"])
    odemis.backend.ask("push", *here)
    odemis.clock.release()
    scan.join(200)
    (found,) = outcome
    assert isinstance(found, DisturbedError)
    assert str(found) == "another program changed the microscope meanwhile: the stage moved by 60.0 um"
    assert any(math.dist(place, (here[0] + 60e-6, here[1])) < 1e-9 for place in found.positions_m)
    assert found.image is not None


def wait_until(true: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 200
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.02)
