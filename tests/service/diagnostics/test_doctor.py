import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.model import Config
from drivers.microscope import Microscope
from service.cli.commands import run
from service.diagnostics.checks import Level
from service.diagnostics.connection import reached
from service.diagnostics.device_exercise import exercise
from service.diagnostics.doctor import Finding, able, findings, look
from service.session.folders.run_folder import MICROSCOPE_VARIABLE, drive_alone, is_driven
from simulators.clock import FastClock
from tests.drivers.quanta.bench import QuantaBench, quanta_bench

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def looked(config: Config, bench: QuantaBench, folder: Path, driven: bool = False) -> dict[str, Finding]:
    with_server = config.model_copy(update={"quanta": bench.config})
    with reached(with_server, FastClock()) as microscope:
        return {c.name: c for c in look(with_server, microscope, folder, NOW, driven)}


def level(changes: dict[str, object], folder: Path, name: str) -> Finding:
    config = Config.model_validate({"session": {"min_free_disk_gb": 0}} | changes)
    with reached(config, FastClock()) as microscope:
        return next(c for c in look(config, microscope, folder, NOW) if c.name == name)


def test_a_good_microscope_is_ready_and_untouched(tmp_path: Path) -> None:
    config = Config()
    with quanta_bench(config, FastClock()) as bench:
        before = bench.devices.stage.position()
        checks = looked(config, bench, tmp_path)
        # All but that this fluorescence is simulated, and the beam would be real.
        assert {c.name for c in checks.values() if c.level is Level.RED} == {"driver"}
        for name in (
            "stage",
            "chamber",
            "cooling",
            "dwell time",
            "scan",
            "low vacuum",
            "stage range",
            "disk",
        ):
            assert checks[name].level is Level.OK, name
        assert bench.devices.stage.position() == before
        assert not bench.microscope.ground.exposures()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sem", "name"),
    [
        ({"accelerating_voltage_kv": 0.1}, "accelerating voltage"),
        ({"spot_size": 9}, "spot size"),
        ({"beam_shift_range_um": 100}, "beam shift"),
        ({"frame_px": [8000, 8000]}, "scan"),
    ],
)
def test_what_the_machine_does_not_have_is_red(sem: dict[str, object], name: str, tmp_path: Path) -> None:
    config = Config.model_validate({"sem": sem})
    with quanta_bench(Config(), FastClock()) as bench:
        checks = looked(config, bench, tmp_path)
    assert checks[name].level is Level.RED
    assert not able(list(checks.values()))


def test_a_server_that_is_gone_is_red_and_no_crash(tmp_path: Path) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        pass
    checks = looked(Config(), bench, tmp_path)
    assert [name for name, c in checks.items() if c.level is Level.RED] == [
        "driver",
        "server of the SEM",
        "devices",
    ]
    assert "no server answers" in checks["server of the SEM"].says
    assert checks["server of the SEM"].do.startswith("start the server beside the SEM")


def test_a_server_that_is_silent_is_waited_for_once(tmp_path: Path) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        bench.fault("hang", "beam_is_blanked")
        impatient = replace(bench, config=bench.config.model_copy(update={"call_timeout_s": 0.1}))
        checks = looked(Config(), impatient, tmp_path)
    assert "no answer within 0.1 s" in checks["server of the SEM"].says
    assert "dwell time" not in checks


def test_what_of_the_column_is_read_and_what_only_configured(tmp_path: Path) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        bench.machine.held.set("free_working_distance", 6.1e-3)
        says = looked(Config(), bench, tmp_path)["column"].says
    assert "2.5 kV, spot size 3.5, working distance 6.1 mm read back" in says
    assert "as configured, not reported by any device: aperture 30 um, detector vCD" in says


def test_a_beam_that_is_not_blanked_is_red(tmp_path: Path) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        bench.machine.unblank_beam()
        assert looked(Config(), bench, tmp_path)["beam"].level is Level.RED


def test_the_beam_of_a_session_that_runs_is_not_to_be_blanked_by_hand(tmp_path: Path) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        bench.machine.unblank_beam()
        checks = looked(Config(), bench, tmp_path, driven=True)
    assert {c.name for c in checks.values() if c.level is Level.RED} == {"driver"}
    assert checks["beam"].says == "the beam is not blanked"
    assert checks["beam"].do.startswith("nothing while its session scans")
    assert checks["in use"].says == "another ilemtrack is driving the microscope"
    assert "in use" not in looked(Config(), bench, tmp_path)


def test_a_beam_that_is_switched_off_is_told_before_the_session(tmp_path: Path) -> None:
    """It reads back as blanked, and no electron image would be taken."""
    with quanta_bench(Config(), FastClock()) as bench:
        assert looked(Config(), bench, tmp_path)["beam power"].level is Level.OK
        bench.machine.set_beam_power(False)
        checks = looked(Config(), bench, tmp_path)
    assert (checks["beam"].level, checks["beam power"].level) == (Level.OK, Level.WARN)
    assert "switch it on at the SEM" in checks["beam power"].do


def test_a_microscope_that_is_driven_is_seen_without_taking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    config, name = Config(driver="odemis"), os.environ[MICROSCOPE_VARIABLE]
    assert not is_driven(config)
    with drive_alone():
        assert is_driven(config)
        # A simulated one belongs to its run.
        assert not is_driven(Config())
        monkeypatch.setenv(MICROSCOPE_VARIABLE, name[:-1])
        assert not is_driven(config)
        monkeypatch.setenv(MICROSCOPE_VARIABLE, name)
    assert not is_driven(config)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [("2026-11-20", Level.OK), ("2026-01-05", Level.WARN), ("2027-01-01", Level.WARN)],
)
def test_the_age_of_the_calibration(measured: str, expected: Level, tmp_path: Path) -> None:
    check = level({"calibration": {"measured_on": measured}}, tmp_path, "calibration")
    assert check.level is expected


@pytest.mark.parametrize(("rms_um", "expected"), [(1.5, Level.OK), (1.6, Level.WARN)])
def test_residuals_of_the_calibration_beyond_the_guard(
    rms_um: float, expected: Level, tmp_path: Path
) -> None:
    measured = {"measured_on": "2026-11-20", "rms_um": rms_um}
    check = level({"calibration": measured, "planner": {"guard_um": 1.5}}, tmp_path, "calibration")
    assert check.level is expected


def test_a_full_disk_and_a_wrong_clock_are_red(tmp_path: Path) -> None:
    assert level({"session": {"min_free_disk_gb": 1e5}}, tmp_path, "disk").level is Level.RED
    with reached(Config(), FastClock()) as microscope:
        checks = look(Config(), microscope, tmp_path, datetime(2001, 1, 1, tzinfo=UTC))
    assert next(c for c in checks if c.name == "clock").level is Level.RED


@pytest.mark.parametrize(
    ("changes", "name", "says"),
    [
        ({"sem": {"presets_px": [[100, 100]]}}, "plan", "a tile overlap of 2.5 um needs frames"),
        ({"detection": {"detector": "forest:nowhere.onnx"}}, "detector", "nowhere.onnx"),
        ({"detection": {"detector": "nobody"}}, "detector", "no detector named nobody"),
        ({"notify": {"urls_file": "/nowhere/urls"}}, "who is told", "/nowhere/urls"),
    ],
)
def test_what_a_run_would_refuse_is_red(
    changes: dict[str, object], name: str, says: str, tmp_path: Path
) -> None:
    assert level({}, tmp_path, name).level is Level.OK
    found = level(changes, tmp_path, name)
    assert (found.part, found.level) == ("session", Level.RED)
    assert says in found.says
    assert found.do


def test_fields_outside_the_safe_area_are_red(tmp_path: Path) -> None:
    far: dict[str, object] = {"layout": {"kind": "grid", "sections": 1, "first_um": [50_000, 0]}}
    assert level(far, tmp_path, "layout").level is Level.RED


def test_the_exercise_moves_the_stage_back_and_exposes_nothing() -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        devices = bench.devices
        before = devices.stage.position()
        moves: list[tuple[float, float]] = []
        seen = Microscope(devices.camera, devices.light, Watched(bench, moves), devices.sem, devices.chamber)
        checks = exercise(Config().stage, seen)
        assert able(findings(checks))
        assert len(moves) == 2
        assert moves[0] != moves[1] == before
        assert devices.stage.position() == before
        assert not bench.microscope.ground.exposures()


def test_a_stage_that_does_not_move_fails_the_exercise() -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        bench.fault("tiny_moves", 1.0)
        (check,) = exercise(Config().stage, bench.devices)
        assert check.level is Level.RED
        assert "does not move as it should" in check.says


class Watched:
    """A stage that notes where it is sent."""

    def __init__(self, bench: QuantaBench, moves: list[tuple[float, float]]) -> None:
        self._stage, self._moves = bench.devices.stage, moves

    def move_to(self, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        self._moves.append((x_m, y_m))
        return self._stage.move_to(x_m, y_m, timeout_s)

    def position(self) -> tuple[float, float]:
        return self._stage.position()

    def stop(self) -> None:
        self._stage.stop()


def test_the_command(runtime_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path)]
    assert run(["doctor", "--json", "--exercise", *out]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ready"]
    assert document["exercised"]
    assert {row["level"] for row in document["checks"]} == {"ok"}
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text("quanta: {endpoint: 'unix:///nobody/here.sock'}\n")
    assert run(["doctor", "--config", str(nobody), *out]) == 1
    assert "no session can run" in capsys.readouterr().out
    assert run(["doctor", "--out", str(tmp_path / "missing")]) == 2
    assert run(["doctor", "--config", str(tmp_path / "missing.yaml")]) == 2


def test_a_real_beam_is_not_sent_by_simulated_fluorescence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mixed.yaml"
    config.write_text("quanta: {}\n")
    assert run(["run", "--config", str(config), "--out", str(tmp_path / "run")]) == 2
    assert "simulated fluorescence" in capsys.readouterr().err
