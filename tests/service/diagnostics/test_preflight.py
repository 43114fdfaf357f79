import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.loading import dump
from drivers.errors import DeviceLostError
from drivers.microscope import Microscope
from service.diagnostics.checks import Check, Level
from service.diagnostics.computer_checks import clock_check, disk_checks, forecast_bytes
from service.diagnostics.preflight import (
    device_checks,
    notification_check,
    plan_checks,
)
from service.session.layout import sections_and_fields
from service.watch.notifier import Notifier
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from tests.service.faults import Faulty, raising
from tests.service.saying import Said
from tests.service.sessions import small_config

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def level_of(checks: list[Check], name: str) -> Level:
    (found,) = [check for check in checks if check.name == name]
    assert found.says
    return found.level


@pytest.fixture
def devices() -> Microscope:
    return SimulatedMicroscope(small_config(), FastClock()).devices


def test_a_microscope_that_is_ready(devices: Microscope) -> None:
    checks = list(device_checks(devices, small_config()))
    assert {check.level for check in checks} == {Level.OK}
    assert {check.name for check in checks} == {
        "stage",
        "chamber",
        "beam",
        "light",
        "column",
        "scan size",
        "beam shift",
    }


@pytest.mark.parametrize(
    ("device", "call", "name"),
    [
        ("stage", "position", "stage"),
        ("chamber", "pressure_pa", "chamber"),
        ("sem", "is_blanked", "beam"),
        ("light", "is_on", "light"),
        ("sem", "max_scan_px", "scan size"),
        ("sem", "beam", "column"),
    ],
)
def test_a_device_that_does_not_answer_is_red(devices: Microscope, device: str, call: str, name: str) -> None:
    lost: Any = Faulty(getattr(devices, device), call, raising(DeviceLostError("unplugged")))
    checks = list(device_checks(dataclasses.replace(devices, **{device: lost}), small_config()))
    assert level_of(checks, name) is Level.RED
    assert sum(check.level is Level.RED for check in checks) == 1


def test_a_beam_that_is_on_and_a_scan_that_is_too_large_are_red(devices: Microscope) -> None:
    on: Any = Faulty(devices.sem, "is_blanked", lambda _: False)
    config = small_config(sem={"max_scan_px": [4096, 4096], "databar_px": 0})
    checks = list(device_checks(dataclasses.replace(devices, sem=on), config))
    assert level_of(checks, "beam") is Level.RED
    assert level_of(checks, "scan size") is Level.RED


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        ({}, Level.OK),
        ({"shift_um": [1, 0], "measured_on": "2026-11-20"}, Level.OK),
        ({"shift_um": [1, 0], "measured_on": "2026-09-20"}, Level.WARN),
    ],
)
def test_age_of_the_calibration(calibration: dict[str, Any], expected: Level) -> None:
    config = small_config(calibration=calibration)
    assert (
        level_of(list(plan_checks(config, sections_and_fields(config)[1], TODAY)), "calibration") is expected
    )


def test_a_calibration_of_a_real_microscope_has_a_date() -> None:
    config = small_config().model_copy(update={"driver": "odemis"})
    assert level_of(list(plan_checks(config, [], TODAY)), "calibration") is Level.WARN


def test_the_safe_area_holds_the_fields() -> None:
    _, fields = sections_and_fields(small_config())
    x_mm = fields[0].center_m[0] * 1e3
    wide = small_config()
    cut = small_config(stage={"safe_x_mm": [-1, x_mm + 0.001]})
    beyond = small_config(stage={"safe_x_mm": [-2, -1]})
    assert level_of(list(plan_checks(wide, fields, TODAY)), "safe area") is Level.OK
    assert level_of(list(plan_checks(cut, fields[:1], TODAY)), "safe area") is Level.WARN
    assert level_of(list(plan_checks(beyond, fields, TODAY)), "safe area") is Level.RED


def test_the_forecast_is_that_of_the_frames_and_of_a_full_raster() -> None:
    config = small_config()
    _, fields = sections_and_fields(config)
    fm_bytes, em_bytes = forecast_bytes(config.fluorescence, config.sem, fields)
    assert fm_bytes == 2 * 256 * 256 * 2
    assert em_bytes == pytest.approx(2 * (256 * 178 / 100) ** 2)


@pytest.mark.parametrize(
    ("spare", "expected"), [(-1e3, Level.RED), (1e3, Level.WARN), (1e9, Level.OK)], ids=str
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: float, expected: Level
) -> None:
    config = small_config(session={"min_free_disk_gb": 1})
    _, fields = sections_and_fields(config)
    free = 1e9 + 1.1 * forecast_bytes(config.fluorescence, config.sem, fields)[0] + spare
    monkeypatch.setattr(
        "service.diagnostics.computer_checks.shutil.disk_usage", lambda _: type("Usage", (), {"free": free})
    )
    checks = list(disk_checks(config, tmp_path, fields))
    assert level_of(checks, "disk") is expected
    assert not list(tmp_path.iterdir()), "the sample was left behind"


def test_a_disk_that_cannot_be_written_is_red(tmp_path: Path) -> None:
    assert level_of(list(disk_checks(small_config(), tmp_path / "gone", [])), "disk") is Level.RED
    file = tmp_path / "file"
    file.touch()
    assert level_of(list(disk_checks(small_config(), file, [])), "write speed") is Level.RED


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (NOW, None, Level.OK),
        (NOW, NOW - timedelta(days=1), Level.OK),
        (NOW, NOW + timedelta(seconds=2), Level.OK),
        (NOW, NOW + timedelta(days=3), Level.WARN),
        (datetime(1970, 1, 1, tzinfo=UTC), None, Level.RED),
    ],
)
def test_the_clock_is_sane(now: datetime, last: datetime | None, expected: Level) -> None:
    assert clock_check(now, last).level is expected


def test_somebody_can_be_told() -> None:
    nobody, dead = Notifier([], [], "run"), Notifier(["json://127.0.0.1:9/"], [], "run")
    assert notification_check(nobody).level is Level.WARN
    assert notification_check(dead).level is Level.RED
    for notifier in (nobody, dead):
        notifier.close(10)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(dump(small_config()), encoding="utf-8")
    return path


@pytest.mark.usefixtures("runtime_dir")
def test_the_command_shows_every_point(say: Said, small: Path, tmp_path: Path) -> None:
    status, document, _ = say("preflight", "--config", small, "--out", tmp_path, "--json")
    assert status == 0
    assert document["ready"] is True
    names = {check["name"] for check in document["checks"]}
    assert names >= {"disk", "write speed", "clock", "notifications", "safe area", "calibration", "beam"}
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]
    status, text, _ = say("preflight", "--config", small, "--out", tmp_path)
    assert status == 0
    assert "WARN  notifications" in text


@pytest.mark.usefixtures("runtime_dir")
def test_a_folder_that_cannot_be_written_is_one_red_point_among_the_others(say: Said, small: Path) -> None:
    # Nobody can write there, not even root.
    status, document, _ = say("preflight", "--config", small, "--out", "/proc", "--json")
    assert status == 1
    says = {check["name"]: check for check in document["checks"]}
    assert says["write speed"]["level"] == "red"
    assert says["write speed"]["says"].startswith("/proc: cannot be written")
    assert says["beam"]["level"] == "ok"


@pytest.mark.usefixtures("runtime_dir")
def test_a_run_is_refused_on_a_red_point_and_leaves_nothing(
    say: Said, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILEMTRACK_NOTIFY_URLS", "json://user:hunter2@127.0.0.1:9/")
    status, _, said = say("run", "--config", small, "--out", tmp_path / "run")
    assert status == 2
    assert "preflight: the test message was not delivered" in said
    assert "hunter2" not in said
    assert not (tmp_path / "run").exists()
    status, document, _ = say("preflight", "--config", small, "--out", tmp_path, "--json")
    assert (status, document["ready"]) == (1, False)
