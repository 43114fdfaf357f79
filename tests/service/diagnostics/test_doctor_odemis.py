"""Findings of the doctor at a microscope behind Odemis, whole or not; it only looks."""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.model import Config
from drivers.clock import SystemClock
from drivers.odemis.survey.survey import survey
from drivers.offers import Fit
from service.cli.commands import run
from service.diagnostics.checks import Level
from service.diagnostics.connection import reached
from service.diagnostics.doctor import PARTS, Finding, able, look
from service.diagnostics.preflight import device_checks
from service.errors import InputError
from service.session.hardware import hardware
from simulators.odemis_backend.backend import OdemisBackend
from tests.forked import forked_workers, odemis_backend

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "driver": "odemis",
    "layout": {"kind": "grid", "sections": 2, "fields": [1, 1], "pitch_um": 100},
    "session": {"min_free_disk_gb": 0},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[OdemisBackend]:
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder, forked_workers():
        backend = odemis_backend(Path(folder), Config.model_validate(SETTINGS), clock="real")
        yield backend
        backend.close()


@pytest.fixture
def backend(shared: OdemisBackend) -> Iterator[OdemisBackend]:
    shared.reset(config_of(shared.python))
    yield shared
    shared.faults.write()


def config_of(python: object, **changes: Any) -> Config:
    return Config.model_validate(SETTINGS | {"odemis": {"python": str(python), "quick_s": 2}} | changes)


def told(config: Config, folder: Path) -> list[Finding]:
    with reached(config, SystemClock()) as microscope:
        found = look(config, microscope, folder, NOW)
    for one in found:
        assert bool(one.do) == (one.level is not Level.OK), one
    return found


def one_of(found: list[Finding], part: str, name: str) -> Finding:
    (one,) = (f for f in found if (f.part, f.name) == (part, name))
    return one


def test_one_that_is_dead_is_no_question_of_roles(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(killed=["ccd"])
    found = told(config_of(backend.python), tmp_path)
    assert "/var/log/odemis.log" in one_of(found, "microscope", "roles").do
    # It says "above".
    reds = [f.name for f in sorted(found, key=lambda f: PARTS.index(f.part)) if f.level is Level.RED]
    assert reds[-1] == "devices"


def test_the_objective_is_asked_for_where_it_is_to_be_focused(backend: OdemisBackend, tmp_path: Path) -> None:
    assert one_of(told(config_of(backend.python), tmp_path), "objective", "focus").level is Level.OK
    backend.faults.write(missing=["focus"])
    config = config_of(backend.python, fluorescence={"autofocus_um": 10})
    assert "odemis.roles.focus" in one_of(told(config, tmp_path), "microscope", "roles").says
    assert able(told(config_of(backend.python), tmp_path))


def test_a_whole_microscope_is_told_with_its_ranges(backend: OdemisBackend, tmp_path: Path) -> None:
    found = told(config_of(backend.python), tmp_path)
    assert [f for f in found if f.level is Level.RED] == []
    for part, name, words in (
        ("microscope", "version", "Odemis 3.8.0"),
        ("stage", "axis x", "-13 to 13 mm, safe area -12 to 12 mm"),
        ("light", "source 1", "478-498 nm, up to 2 W"),
        ("light", "excitation", "0.5 W/cm2 at 488 nm takes 50 mW of source 1"),
        ("filter", "bands", "2: 500-550 nm"),
        ("camera", "exposure time", "10 us to 600 s; 2 s wanted"),
        ("camera", "EM gain", "(301 values); 100 wanted"),
        ("camera", "pixel size", "178.0 nm by sensor and magnification"),
        ("sem", "dwell time", "100 ns to 10 ms; 60 us wanted"),
        ("sem", "spot size", "1 to 7; 3.5 wanted"),
        ("chamber", "positions", "vacuum (0.001 Pa), low-vacuum (200 Pa), vented (100000 Pa)"),
        ("chamber", "chosen positions", "low-vacuum for fluorescence; vacuum for the beam"),
        ("microscope", "corrections", "Odemis keeps none"),
        ("computer", "other clocks", "same clock"),
    ):
        assert words in one_of(found, part, name).says


def test_the_doctor_leaves_beam_and_light_as_they_are(backend: OdemisBackend, tmp_path: Path) -> None:
    """Another program may be in the middle of a scan."""
    backend.ask("set", "e-beam", "blanker", False)
    backend.ask("set", "light", "power", [0.0, 0.05, 0.0])
    found = told(config_of(backend.python), tmp_path)
    assert one_of(found, "sem", "beam").level is Level.RED
    assert one_of(found, "light", "light").level is Level.RED
    truth = backend.truth()
    assert truth["light"]
    assert not truth["blanked"]


def test_what_did_not_start_and_what_is_missing(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(missing=["bs-detector"], ghosts={"BSD": "HwError: no answer on /dev/comedi0"})
    found = told(config_of(backend.python), tmp_path)
    assert "no detector of electron images was found" in one_of(found, "microscope", "roles").says
    ghost = one_of(found, "microscope", "ghost")
    assert ghost.level is Level.RED
    assert "BSD did not start: HwError: no answer on /dev/comedi0" in ghost.says
    assert one_of(found, "stage", "axis y").level is Level.OK
    assert one_of(found, "computer", "disk").level is Level.OK


def test_a_component_that_is_dead_does_not_hide_the_others(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(killed=["ccd"])
    found = told(config_of(backend.python), tmp_path)
    assert "ccd does not answer: CommunicationError" in one_of(found, "microscope", "roles").says
    assert one_of(found, "filter", "bands").level is Level.OK
    assert not able(found)


def test_corrections_of_odemis_are_shown(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(corrections={"ccd": {"Centre position cor": [1e-6, -2e-6]}})
    found = told(config_of(backend.python), tmp_path)
    correction = one_of(found, "microscope", "corrections")
    assert correction.level is Level.WARN
    assert "does not use: shift -1, 2 um" in correction.says
    used = config_of(backend.python, calibration={"shift_um": [-1, 2]})
    assert one_of(told(used, tmp_path), "microscope", "corrections").level is Level.OK


@pytest.mark.parametrize(
    ("changes", "part", "name"),
    [
        ({"fluorescence": {"excitation_nm": 700}}, "light", "excitation"),
        ({"fluorescence": {"power_density_w_per_cm2": 50}}, "light", "excitation"),
        ({"fluorescence": {"exposure_s": 600, "pixel_size_nm": 200}}, "camera", "pixel size"),
        ({"stage": {"safe_x_mm": [-20, 20]}}, "stage", "axis x"),
        ({"sem": {"spot_size": 9}}, "sem", "spot size"),
        ({"sem": {"dwell_us": 0.05}}, "sem", "dwell time"),
    ],
)
def test_what_the_machine_does_not_have(
    backend: OdemisBackend, tmp_path: Path, changes: dict[str, Any], part: str, name: str
) -> None:
    found = told(config_of(backend.python, **changes), tmp_path)
    assert one_of(found, part, name).level is Level.RED
    assert not able(found)


def test_preflight_and_run_refuse_what_doctor_refuses_before_any_pump_or_light(
    backend: OdemisBackend, runtime_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.faults.write(without={"ccd": ["emGain"]})
    backend.ask("set", "e-beam", "blanker", None)
    wrong = {
        "fluorescence": {"pixel_size_nm": 89, "em_gain": 120},
        "odemis": {"python": str(backend.python), "emission_nm": 900},
    }
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | wrong))
    assert run(["preflight", "--config", str(path), "--out", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert run(["run", "--config", str(path), "--out", str(tmp_path / "run")]) == 2
    refused = capsys.readouterr().err
    for says in (
        "camera, pixel size: 178.0 nm by sensor and magnification",
        "filter, bands: ",
        "camera, EM gain: it has none",
    ):
        assert says in shown
        assert says in refused
    assert not (tmp_path / "run").exists()
    truth = backend.truth()
    assert truth["chamber"] == "vented"
    assert not truth["light"]
    # Closed meanwhile, and put back.
    assert backend.ask("get", "e-beam", "blanker") is None


@pytest.mark.parametrize(("watts", "level"), [(1e-5, Level.RED), (0.1, Level.WARN), (0.02, Level.OK)])
def test_the_power_of_the_light_is_plausible(
    backend: OdemisBackend, tmp_path: Path, watts: float, level: Level
) -> None:
    odemis = {"python": str(backend.python), "light_w_for_1_w_per_cm2": watts}
    found = told(config_of(backend.python, odemis=odemis), tmp_path)
    assert one_of(found, "light", "light_w_for_1_w_per_cm2").level is level


@pytest.mark.parametrize(
    ("version", "fit"), [("3.8", Fit.YES), ("3.80.1", Fit.DOUBTFUL), ("unknown", Fit.DOUBTFUL)]
)
def test_a_version_that_was_not_tried(backend: OdemisBackend, version: str, fit: Fit) -> None:
    config = config_of(backend.python)
    with reached(config, SystemClock()) as microscope:
        assert microscope.odemis is not None
        (one,) = (o for o in survey(config, microscope.odemis, version) if o.name == "version")
    assert one.fit is fit


def test_a_back_end_that_is_down(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        backend = odemis_backend(Path(folder), Config.model_validate(SETTINGS), clock="real")
        backend.close()
        found = told(config_of(backend.python), tmp_path)
        # What `run` and `preflight` say of it.
        with pytest.raises(InputError, match=r"^Odemis is not running; start it$"):
            hardware(config_of(backend.python), SystemClock())
    one = one_of(found, "microscope", "Odemis")
    assert one.says == "Odemis is not running; start it"
    assert "odemis-start" in one.do
    assert one_of(found, "session", "layout").level is Level.OK


def test_a_back_end_that_is_starting_is_waited_for_a_while(
    backend: OdemisBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.faults.write(ghosts={"BSD": "starting"})
    monkeypatch.setattr("drivers.odemis.microscope._STARTS_S", 0.0)
    one = one_of(told(config_of(backend.python), tmp_path), "microscope", "Odemis")
    assert one.says == "Odemis is starting; not there yet: BSD"
    monkeypatch.setattr("drivers.odemis.microscope._STARTS_S", 60.0)
    waits: list[float] = []

    def waited(seconds: float) -> None:
        waits.append(seconds)
        backend.faults.write()

    monkeypatch.setattr("drivers.odemis.microscope.time.sleep", waited)
    assert able(told(config_of(backend.python), tmp_path))
    assert 1.0 in waits


def test_an_automatic_blanker_is_ready_and_is_automatic_again_after_an_exercise(
    backend: OdemisBackend, runtime_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.ask("set", "e-beam", "blanker", None)
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"odemis": {"python": str(backend.python)}}))
    where = ["--config", str(path), "--out", str(tmp_path)]
    assert run(["doctor", *where]) == 0
    assert "the blanker is automatic" in capsys.readouterr().out
    assert backend.ask("get", "e-beam", "blanker") is None
    assert run(["doctor", "--exercise", *where]) == 0
    said = capsys.readouterr()
    assert "put back as found at the start: e-beam blanker (automatic)" in said.err
    assert said.out.count("the beam is blanked") + said.out.count("blanked\n") == 1
    assert backend.ask("get", "e-beam", "blanker") is None


def test_a_python_without_odemis(tmp_path: Path) -> None:
    found = told(config_of(sys.executable), tmp_path)
    one = one_of(found, "microscope", "Odemis")
    assert "does not start Odemis: ModuleNotFoundError" in one.says
    assert "odemis.python" in one.do
    assert one_of(found, "computer", "disk").level is Level.OK


def test_the_command(
    backend: OdemisBackend,
    runtime_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"odemis": {"python": str(backend.python)}}))
    where = ["--config", str(path), "--out", str(tmp_path)]
    assert run(["doctor", *where]) == 0
    text = capsys.readouterr().out
    assert text.endswith("a session can run\n")
    assert "chamber\n" in text
    assert run(["doctor", "--json", *where]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"v", "profile", "ready", "exercised", "checks", "odemis"}
    assert {frozenset(row) for row in document["checks"]} == {
        frozenset(("part", "name", "level", "says", "do"))
    }
    assert {row["level"] for row in document["checks"]} <= {"ok", "warn", "missing"}
    assert document["odemis"]["parts"]["camera"]["settings"]["exposureTime"]["range"] == [1e-5, 600]
    request.getfixturevalue("hardware_taken")
    assert run(["doctor", "--exercise", *where]) == 2
    assert "another ilemtrack on this computer drives the microscope" in capsys.readouterr().err
    assert run(["doctor", "--json", *where]) == 0
    levels = {row["name"]: row["level"] for row in json.loads(capsys.readouterr().out)["checks"]}
    assert levels["in use"] == "warn"


def test_a_camera_of_one_size_says_which(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(fixed_frame=True)
    assert one_of(told(config_of(backend.python), tmp_path), "camera", "frame").level is Level.OK
    other = config_of(backend.python, fluorescence={"frame_px": [256, 256]})
    frame = one_of(told(other, tmp_path), "camera", "frame")
    assert (frame.level, frame.do) == (Level.RED, "set fluorescence.frame_px to [512, 512]")


def test_without_a_lens_the_pixel_size_is_not_said_to_fit(backend: OdemisBackend, tmp_path: Path) -> None:
    backend.faults.write(missing=["lens"])
    size = one_of(told(config_of(backend.python), tmp_path), "camera", "pixel size")
    assert size.level is Level.WARN
    assert "nothing proves fluorescence.pixel_size_nm = 178" in size.says


def test_the_command_takes_over_the_alignment_of_odemis_and_the_session_then_uses_it(
    backend: OdemisBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.faults.write(corrections={"ccd": {"Centre position cor": [1e-6, -2e-6], "Rotation cor": -4e-3}})
    path, out = tmp_path / "my.yaml", tmp_path / "taken.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"odemis": {"python": str(backend.python)}}))
    plain = hardware(config_of(backend.python), SystemClock())[0]
    warned = [check for check in device_checks(plain, config_of(backend.python)) if check.level is Level.WARN]
    assert any("does not use: shift -1, 2 um, rotation 4 mrad" in check.says for check in warned)
    assert run(["calibrate", "--from-odemis", "--config", str(path), "--out", str(out)]) == 0
    assert "taken over from Odemis: shift -1, 2 um" in capsys.readouterr().err
    taken = yaml.safe_load(out.read_text())
    taken["odemis"] |= {"python": str(backend.python), "quick_s": 2}
    config = Config.model_validate(SETTINGS | taken)
    assert hardware(config, SystemClock())[0].cautions == ()
