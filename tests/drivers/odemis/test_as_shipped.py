"""SECOMs as Odemis publishes them: a DAQ scanner, no blanker, no chamber, other detectors."""

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from config.model import Config
from drivers.chamber import VacuumState
from drivers.chamber_by_hand import ChamberByHand
from drivers.errors import DriverError, InterruptedCallError, NotReadyError, OutOfRangeError
from drivers.fluorescence import FmSettings
from drivers.microscope import Microscope
from drivers.odemis.errors import MicroscopeIncompleteError
from drivers.odemis.microscope import odemis_microscope
from drivers.odemis.survey.survey import survey
from drivers.offers import Fit, Offer
from drivers.sem import ScanRequest
from tests.drivers.contract import (
    Bench,
    Check,
    a_scan_can_be_stopped,
    a_scan_has_a_deadline_and_blanks,
    a_scan_is_what_was_asked_for,
    blank_ends_a_scan,
    no_scan_without_high_vacuum,
    nothing_else_during_a_scan,
    safe_when_new,
)
from tests.drivers.odemis.bench import PLACES_M, OdemisRig, rig
from tests.drivers.test_contract import SETTINGS

DAQ: dict[str, Any] = {
    "without": {"e-beam": ["blanker", "horizontalFoV", "accelVoltage", "spotSize", "external"]},
    "missing": ["chamber"],
}
"""Settings and parts that the Quanta with a DAQ card of Odemis' examples lacks."""

PARKED: dict[str, Any] = {"blanking": "parked", "hfw_at_magnification_1_mm": 250}
REQUEST = ScanRequest((64, 32), 100e-9, 1e-5, "mark")


@pytest.fixture
def odemis(shared: OdemisRig) -> Iterator[OdemisRig]:
    yield shared
    shared.client.close()
    shared.backend.faults.write()


def config_of(odemis: OdemisRig, *, by_hand: bool = True, **changes: Any) -> Config:
    document = odemis.config.model_dump(mode="json")
    document["odemis"] |= changes
    document["chamber"]["by_hand"] = by_hand
    document["sem"] |= {"pixel_size_nm": 100}
    document["driver"] = "odemis"
    return Config.model_validate(document)


def started(odemis: OdemisRig, config: Config, **faults: Any) -> Microscope:
    """Connect to a microscope with these faults, as when the program starts."""
    odemis.backend.reset(odemis.config)
    odemis.backend.faults.write(**faults)
    odemis.client.close()
    # The workers are told at their start how the beam is blanked.
    for lane in (odemis.client._long, odemis.client._quick):
        lane._config = config.odemis
    return odemis_microscope(config, odemis.clock, odemis.client)


def hand(devices: Microscope) -> ChamberByHand:
    assert devices.chamber_by_hand is not None
    return devices.chamber_by_hand


def pumped(odemis: OdemisRig, devices: Microscope) -> None:
    """A person pumps, and says so."""
    odemis.backend.ask("move", "chamber", {"vacuum": 1e-3}, 1e9)
    hand(devices).confirm(VacuumState.HIGH)


def offers(config: Config, odemis: OdemisRig) -> list[Offer]:
    return list(survey(config, odemis.client.long("describe", 30).result, "3.8.0"))


def test_a_secom_with_a_daq_scanner_and_no_chamber_scans_what_was_asked_for(odemis: OdemisRig) -> None:
    devices = started(odemis, config_of(odemis, **PARKED), **DAQ)
    pumped(odemis, devices)
    image = devices.sem.scan(REQUEST, 600)
    assert image.pixels.shape == (32, 64)
    assert image.pixel_size_m == pytest.approx(100e-9, rel=1e-3)
    (rect_m, fraction), *others = odemis.backend.truth()["ground"]
    assert not others
    assert rect_m[2] - rect_m[0] == pytest.approx(6.4e-6, rel=1e-3)
    assert fraction == pytest.approx(1)
    # The field at this magnification is 4096 pixels wide.
    assert odemis.backend.ask("get", "e-beam", "magnification") == pytest.approx(0.25 / 4096 / 100e-9)


def test_the_person_is_told_the_magnification_that_the_images_assume(odemis: OdemisRig) -> None:
    devices = started(odemis, config_of(odemis, **PARKED), **DAQ)
    magnification, beam_on = hand(devices).beside(VacuumState.HIGH)
    assert "magnification of the SEM to 610.352 (a field 409.6 um wide)" in magnification
    assert "parked beside the field" in beam_on
    assert hand(devices).beside(VacuumState.PARTIAL) == ("switch the beam off at the SEM",)


def test_no_beam_before_a_person_has_confirmed_the_vacuum(odemis: OdemisRig) -> None:
    devices = started(odemis, config_of(odemis, **PARKED), **DAQ)
    with pytest.raises(NotReadyError, match="no beam in a chamber that is changing"):
        devices.sem.scan(REQUEST, 600)
    assert odemis.backend.truth()["exposures"] == 0


def test_a_field_at_magnification_1_that_odemis_does_not_share_is_refused(odemis: OdemisRig) -> None:
    config = config_of(odemis, blanking="parked", hfw_at_magnification_1_mm=300)
    devices = started(odemis, config, **DAQ)
    pumped(odemis, devices)
    with pytest.raises(NotReadyError, match=r"is 300, Odemis calculates with 250 mm \(hfw_nomag"):
        devices.sem.scan(REQUEST, 600)
    assert odemis.backend.truth()["exposures"] == 0


def test_a_stopped_scan_without_a_blanker_is_not_said_to_be_blanked(odemis: OdemisRig) -> None:
    devices = started(odemis, config_of(odemis, **PARKED), **DAQ)
    pumped(odemis, devices)
    devices.sem.scan(REQUEST, 600)
    assert devices.sem.is_blanked()
    odemis.clock.hold_next(5)
    failed: list[BaseException] = []

    def scan() -> None:
        try:
            devices.sem.scan(ScanRequest((64, 32), 100e-9, 5e-3, "next"), 600)
        except DriverError as error:
            failed.append(error)

    thread = threading.Thread(target=scan)
    thread.start()
    assert odemis.clock.held.wait(200)
    with pytest.raises(DriverError, match="no blanker: the scan that was stopped goes on for at most"):
        devices.sem.stop()
    thread.join(200)
    assert [type(error) for error in failed] == [InterruptedCallError]
    assert not devices.sem.is_blanked()
    odemis.clock.sleep(60)
    assert devices.sem.is_blanked()
    devices.sem.blank()


def test_the_sem_never_scans_by_itself_while_its_beam_is_parked(odemis: OdemisRig) -> None:
    faults = {"without": {"e-beam": ["blanker", "horizontalFoV"]}, "missing": ["chamber"]}
    devices = started(odemis, config_of(odemis, **PARKED), **faults)
    assert odemis.backend.ask("get", "e-beam", "external") is True
    odemis.backend.ask("set", "e-beam", "external", None)
    assert not devices.sem.is_blanked()
    devices.sem.blank()
    assert devices.sem.is_blanked()


def test_an_sem_that_blanks_by_itself_has_the_beam_only_during_a_scan(odemis: OdemisRig) -> None:
    devices = started(
        odemis, config_of(odemis, blanking="external"), without={"e-beam": ["blanker"]}, missing=["chamber"]
    )
    assert odemis.backend.ask("get", "e-beam", "external") is False
    pumped(odemis, devices)
    assert devices.sem.scan(REQUEST, 600).pixels.any()
    assert odemis.backend.ask("get", "e-beam", "external") is False
    assert odemis.backend.truth()["blanked"]


def test_a_secom_without_any_detector_of_electron_images_is_refused(odemis: OdemisRig) -> None:
    with pytest.raises(MicroscopeIncompleteError, match="no detector of electron images was found"):
        started(odemis, config_of(odemis), missing=["bs-detector"])


@pytest.mark.parametrize("role", ["se-detector", "cl-detector"])
def test_a_detector_with_another_role_is_found_by_what_the_beam_affects(role: str) -> None:
    roles = {"odemis": {"quick_s": 5, "roles": {"sem_detector": role}}}
    with rig(SETTINGS | roles) as made:
        document = made.config.model_dump(mode="json")
        document["odemis"]["roles"]["sem_detector"] = None
        config = Config.model_validate(document)
        for lane in (made.client._long, made.client._quick):
            lane._config = config.odemis
        devices = odemis_microscope(config, made.clock, made.client)
        devices.chamber.go_to(VacuumState.HIGH, 1e6)
        assert np.asarray(devices.sem.scan(REQUEST, 600).pixels).any()
        (detector,) = [one for one in offers(config, made) if one.name == "detector"]
        assert detector.says.startswith(f"{role} (BSD)")


def test_everything_that_such_a_secom_lacks_is_named_with_the_way_out(odemis: OdemisRig) -> None:
    with pytest.raises(MicroscopeIncompleteError) as refused:
        started(odemis, config_of(odemis, by_hand=False), **DAQ)
    for words in (
        "e-beam has no blanker (odemis.blanking names other ways)",
        "e-beam has no horizontalFoV (odemis.hfw_at_magnification_1_mm",
        "set chamber.by_hand: true",
    ):
        assert words in str(refused.value)


def test_a_beam_that_nothing_blanks_is_warned_about(odemis: OdemisRig) -> None:
    config = config_of(odemis, **PARKED)
    started(odemis, config, **DAQ)
    found = {one.name: one for one in offers(config, odemis)}
    assert found["blanking"].fit is Fit.DOUBTFUL
    assert "burns" in found["blanking"].says
    assert found["magnification"].fit is Fit.DOUBTFUL
    assert found["operation"].fit is Fit.DOUBTFUL


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"odemis": {"blanking": "parked"}}, "parked needs chamber.by_hand"),
        ({"odemis": {"hfw_at_magnification_1_mm": 250}}, "needs chamber.by_hand"),
        (
            {"odemis": PARKED, "chamber": {"by_hand": True}, "session": {"order": "section"}},
            "parked needs session.order: array",
        ),
    ],
)
def test_what_only_a_person_can_vouch_for_is_refused_where_nobody_is_asked(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate({"driver": "odemis"} | changes)


def test_a_gauge_of_odemis_is_read_though_a_person_operates_the_chamber(odemis: OdemisRig) -> None:
    devices = started(odemis, config_of(odemis))
    hand(devices).confirm(VacuumState.HIGH)
    assert devices.chamber.state() is VacuumState.CHANGING
    assert math.isclose(devices.chamber.pressure_pa(), 1e5)
    pumped(odemis, devices)
    assert devices.chamber.state() is VacuumState.HIGH


def test_a_camera_of_one_size_gives_it_and_refuses_others(odemis: OdemisRig) -> None:
    config = config_of(odemis)
    devices = started(odemis, config, fixed_frame=True)
    fm = config.fluorescence
    settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
    frame = devices.camera.expose(settings, 60)
    assert frame.pixels.shape == fm.frame_px[::-1]
    assert (frame.binning, frame.as_configured) == ((1, 1), ())
    small = config.model_copy(update={"fluorescence": fm.model_copy(update={"frame_px": (64, 64)})})
    others = odemis_microscope(small, odemis.clock, odemis.client)
    with pytest.raises(OutOfRangeError, match=r"gives frames of \[\d+, \d+\] px and no others"):
        others.camera.expose(settings, 60)


def test_a_frame_without_a_lens_says_that_its_pixel_size_is_configured(odemis: OdemisRig) -> None:
    config = config_of(odemis)
    devices = started(odemis, config, missing=["lens"])
    fm = config.fluorescence
    settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
    assert devices.camera.expose(settings, 60).as_configured == ("pixel_size",)
    assert any("nothing proves" in text for text in devices.cautions)


def test_a_frame_is_placed_by_the_alignment_that_was_taken_over(odemis: OdemisRig) -> None:
    config = config_of(odemis, camera_rotation_mrad=5, camera_scale=(1.01, 1.01))
    devices = started(odemis, config)
    fm = config.fluorescence
    settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
    pose = devices.camera.expose(settings, 60).pose
    assert pose.rotation_rad == pytest.approx(5e-3)
    assert pose.pixel_size_m == pytest.approx((1.01 * fm.pixel_size_m,) * 2)


OF_THE_BEAM = [
    safe_when_new,
    a_scan_is_what_was_asked_for,
    no_scan_without_high_vacuum,
    a_scan_can_be_stopped,
    blank_ends_a_scan,
    a_scan_has_a_deadline_and_blanks,
    nothing_else_during_a_scan,
]


@pytest.mark.parametrize("check", OF_THE_BEAM, ids=lambda check: check.__name__)
def test_a_daq_scanner_that_the_sem_blanks_keeps_the_contract(odemis: OdemisRig, check: Check) -> None:
    external: dict[str, Any] = {"blanking": "external", "hfw_at_magnification_1_mm": 250}
    config = config_of(odemis, **external)
    without = ["blanker", "horizontalFoV", "accelVoltage", "spotSize"]
    devices = started(odemis, config, without={"e-beam": without}, missing=["chamber"])

    def obey(state: VacuumState, timeout_s: float) -> None:
        """Do as a careful person does who is asked for a pressure."""
        if not devices.sem.is_blanked():
            raise NotReadyError("not while the beam is on")
        keys = {VacuumState.HIGH: 1e-3, VacuumState.PARTIAL: 200.0, VacuumState.VENTED: 1e5}
        odemis.backend.ask("move", "chamber", {"vacuum": keys[state]}, timeout_s)
        hand(devices).confirm(state)

    hand(devices).go_to = obey  # type: ignore[method-assign]
    check(Bench(config, odemis.clock, devices, PLACES_M))


def test_a_scan_larger_than_a_frame_is_scanned_beside_the_axis() -> None:
    sem = {"max_scan_px": [3000, 2400], "beam_reach_um": [67, 58], "dwell_us": 0.1}
    simulator = {"specimen": {"cells_per_field": 0}, "stage_error_um": 0, "beam_error_um": 0}
    with rig(SETTINGS | {"sem": sem, "simulator": simulator}) as odemis:
        bench = odemis.bench()
        bench.to_high_vacuum()
        bench.devices.stage.move_to(1e-3, 2e-3, 60)
        assert bench.devices.sem.max_scan_px() == (3000, 2400)
        image = bench.devices.sem.scan(
            ScanRequest((2900, 2300), 16.5e-9, 1e-7, "large", (9e-6, -9.5e-6)), 600
        )
        assert image.pixels.shape == (2300, 2900)
        x0_m, y0_m, x1_m, y1_m = odemis.backend.truth()["scanned_m"]
        assert image.center_m == (1e-3 + 9e-6, 2e-3 - 9.5e-6)
        assert ((x0_m + x1_m) / 2, (y0_m + y1_m) / 2) == pytest.approx(image.center_m, abs=2e-9)
        assert (x1_m - x0_m, y1_m - y0_m) == pytest.approx((2900 * 16.5e-9, 2300 * 16.5e-9), rel=1e-6)
        beyond = ScanRequest((2900, 2300), 16.5e-9, 1e-7, "beyond", (12e-6, 0.0))
        with pytest.raises(OutOfRangeError, match="not inside 67 x 58 um"):
            bench.devices.sem.scan(beyond, 600)
        assert bench.devices.sem.is_blanked()
