"""The command `ilemtrack overview`, and `ilemtrack map` on what it takes."""

import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from drivers.errors import DriverError
from drivers.microscope import Microscope
from service.cli.commands import run
from service.mapping.lists.files import read_list
from service.session import hardware as connecting
from service.session.folders.run_folder import drive_alone
from simulators.devices.camera import SimulatedCamera
from simulators.devices.stage import SimulatedStage
from tests.forked import ILEMTRACK, Forked
from tests.service.daemons import until
from tests.service.mapping.tiles.simulated import CENTERS_UM, SETTINGS, settings
from tests.service.saying import Said

GROUND = ("--x-mm", "-0.2", "0.2", "--y-mm", "-0.15", "0.15")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return _written(tmp_path / "my.yaml", SETTINGS)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Microscope]:
    """The devices that commands connect to, in order."""
    found: list[Microscope] = []
    real = connecting.hardware

    def connect(*arguments: Any) -> Any:
        devices, server = real(*arguments)
        found.append(devices)
        return devices, server

    monkeypatch.setattr(connecting, "hardware", connect)
    return found


def _written(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_dry_run_states_time_and_dose_and_connects_to_nothing(
    config: Path, connected: list[Microscope], say: Said
) -> None:
    status, found, _ = say("overview", "--config", config, *GROUND, "--dry-run", "--json")
    assert status == 0
    assert found["tiles"] == found["rows"] * found["columns"] == 12
    assert found["light"] == {"kind": "reflected", "wavelength_nm": 594}
    assert found["cost"]["dose_j_per_cm2"] == pytest.approx(2e-4)
    assert found["cost"]["time_s"] > 0
    status, _, text = say("overview", "--config", config, *GROUND, "--dry-run")
    assert "12 tiles, 4 x 3, over 0.4 x 0.3 mm" in text
    assert "0.02% of the dose of a fluorescence frame" in text
    assert not connected


def test_the_overview_is_taken_and_map_finds_the_sections_on_the_stage(
    config: Path, connected: list[Microscope], say: Said, tmp_path: Path
) -> None:
    out = tmp_path / "holder"
    status, found, _ = say("overview", "--config", config, "--out", out, *GROUND, "--json")
    assert status == 0
    assert found["stitching"]["tiles"] == found["exposures"] == 12
    (devices,) = connected
    assert not devices.light.is_on()
    assert devices.sem.is_blanked()
    listed = tmp_path / "sections.yaml"
    status, document, _ = say("map", found["overview"], "--out", listed, "--json")
    assert status == 0
    assert document["stage_from"] == "overview"
    centers = sorted(tuple(one["center_um"]) for one in document["stage"])
    for here, there in zip(centers, sorted(CENTERS_UM), strict=True):
        assert here == pytest.approx(there, abs=4)
    # The list knows its way to the stage.
    status, layout, _ = say(
        "sections", "layout", listed, "--config", config, "--out", tmp_path / "run.yaml", "--json"
    )
    assert status == 0
    assert layout["sections"] == len(CENTERS_UM)
    assert len(read_list(listed).landmarks) == 4
    # Again: nothing is left to take.
    status, again, text = say("overview", "--config", config, "--out", out, *GROUND, "--json")
    assert (status, again["exposures"], len(connected)) == (0, 0, 1)
    assert "12 of 12 tiles are there already" in text


def test_ctrl_c_leaves_the_light_off_and_the_command_goes_on_later(
    config: Path,
    connected: list[Microscope],
    say: Said,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, calls = SimulatedCamera.expose, []

    def expose(camera: SimulatedCamera, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(camera, *arguments)

    monkeypatch.setattr(SimulatedCamera, "expose", expose)
    out = tmp_path / "holder"
    status, _, text = say("overview", "--config", config, "--out", out, *GROUND)
    assert status == 130
    assert "the same command goes on" in text
    stopped = connected[0]
    assert not stopped.light.is_on()
    assert stopped.sem.is_blanked()
    assert len(list((out / "tiles").iterdir())) == 2
    status, found, _ = say("overview", "--config", config, "--out", out, *GROUND, "--json")
    assert (status, found["exposures"]) == (0, 10)


def test_tiles_that_fail_are_named_and_taken_by_the_next_call(
    config: Path, say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SimulatedStage.move_to

    def move_to(stage: SimulatedStage, x_m: float, y_m: float, timeout_s: float) -> tuple[float, float]:
        if x_m > 0.1e-3 and y_m > 0.05e-3:
            raise DriverError("the stage is stuck")
        return real(stage, x_m, y_m, timeout_s)

    monkeypatch.setattr(SimulatedStage, "move_to", move_to)
    out = tmp_path / "holder"
    status, found, text = say("overview", "--config", config, "--out", out, *GROUND, "--json")
    assert status == 1
    assert found["missed"] == [{"tile": "T00003", "reason": "the stage is stuck"}]
    assert "T00003: the stage is stuck" in text
    monkeypatch.undo()
    status, found, _ = say("overview", "--config", config, "--out", out, *GROUND, "--json")
    assert (status, found["exposures"], found["missed"]) == (0, 1, [])


def test_what_cannot_be_done_is_refused_in_one_sentence(
    config: Path, connected: list[Microscope], say: Said, tmp_path: Path
) -> None:
    full, other = tmp_path / "full", tmp_path / "other"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    other.mkdir()
    (other / "overview.json").write_text("{}")
    parked = _written(
        tmp_path / "parked.yaml",
        settings(odemis={"blanking": "parked"}, chamber={"by_hand": True}) | {"driver": "odemis"},
    )
    busy = tmp_path / "busy"
    busy.mkdir()
    for words, says in (
        (("--config", config, *GROUND), "--out names the folder"),
        (("--config", config, "--out", full, *GROUND), "holds no overview; name another folder"),
        (("--config", config, "--out", other, *GROUND), "holds an overview of other ground or light"),
        (("--config", config, "--out", config, *GROUND), "cannot be made"),
        (("--config", config, "--out", busy, *GROUND), "another ilemtrack is at work on this overview"),
        (("--config", config, "--out", tmp_path / "a", "--x-mm", "-20", "1"), "leaves the safe area"),
        (("--config", parked, "--out", tmp_path / "b", *GROUND), "needs a beam that is blanked"),
    ):
        with FileLock(busy / ".lock"):
            status, _, text = say("overview", *words)
        assert (status, text.count("\n")) == (2, 1)
        assert says in text
    assert not connected


def test_no_overview_is_taken_beside_a_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = _written(tmp_path / "real.yaml", settings() | {"driver": "odemis"})
    with drive_alone():
        assert run(["overview", "--config", str(real), "--out", str(tmp_path / "a"), *GROUND]) == 2
    assert "another ilemtrack on this computer drives the microscope" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_light_that_a_killed_program_left_on_is_refused_and_switched_off(
    config: Path, say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Microscope] = []
    real = connecting.hardware

    def connect(*arguments: Any) -> Any:
        devices, server = real(*arguments)
        devices.light.on(594, 0.01, 5)
        found.append(devices)
        return devices, server

    monkeypatch.setattr(connecting, "hardware", connect)
    status, _, text = say("overview", "--config", config, "--out", tmp_path / "holder", *GROUND)
    assert status == 2
    assert "the light is on" in text
    assert not found[0].light.is_on()


STUCK = f"""
import pathlib, time
from simulators.devices.camera import SimulatedCamera
real, calls = SimulatedCamera.expose, []
def expose(camera, *arguments):
    calls.append(1)
    if len(calls) == 4:
        pathlib.Path("exposing").touch()
        time.sleep(600)
    return real(camera, *arguments)
SimulatedCamera.expose = expose
{ILEMTRACK}
"""
"""`ilemtrack` in the middle of its fourth exposure."""


def test_a_program_killed_in_an_exposure_goes_on_with_the_same_command(
    config: Path, say: Said, tmp_path: Path
) -> None:
    out = tmp_path / "holder"
    tiles = out / "tiles"
    command = ("overview", "--config", config, "--out", out, *GROUND)
    program = Forked(STUCK.replace("exposing", str(tmp_path / "exposing")), *command)
    try:
        until(lambda: (tmp_path / "exposing").exists() or program.poll() is not None)
        program.kill()
        assert program.wait(200) == -signal.SIGKILL, program.said()
    finally:
        program.close()
    kept = {path.name: path.read_bytes() for path in tiles.iterdir()}
    assert sorted(kept) == [f"T{n:05d}.ome.tiff" for n in range(3)]
    # A power failure may leave half of the last tile, too.
    (tiles / "T00002.ome.tiff").write_bytes(kept.pop("T00002.ome.tiff")[:1000])
    status, found, text = say(*command, "--json")
    assert (status, found["exposures"], found["missed"]) == (0, 10, []), text
    assert "2 of 12 tiles are there already" in text
    assert found["stitching"]["tiles"] == 12
    assert {name: (tiles / name).read_bytes() for name in kept} == kept
    assert sorted(path.name for path in tiles.iterdir()) == [f"T{n:05d}.ome.tiff" for n in range(12)]
