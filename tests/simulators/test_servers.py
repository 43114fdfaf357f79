"""The process with one microscope behind both servers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.loading import load
from simulators.servers import main, small
from tests.places import ROOT
from tests.simulators.servers import profile, servers


def refused(*arguments: object) -> str:
    """Start it with something wrong; gives the last line that it says."""
    command = [sys.executable, "-m", "simulators.servers", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


def test_what_hardware_keeps_outlives_the_servers() -> None:
    with servers(profile()) as rig:
        rig.ask("set", "light", "power", [0.0, 0.05, 0.0])
        rig.ask("move", "stage", {"x": 1e-4, "y": -2e-4}, 10)
        rig.ask("move", "chamber", {"vacuum": 1e-3}, 10)
        assert rig.truth()["light"]
        rig.kill()
        rig.start()
        truth = rig.truth()
        assert truth["position_m"] == (1e-4, -2e-4)
        assert rig.quanta("get_stage_position") == {"x": 1e-4, "y": -2e-4}
        assert (truth["chamber"], rig.quanta("get_vacuum_state")) == ("high", "vacuum")
        assert rig.ask("get", "chamber", "pressure") == rig.quanta("get_pressure") == 8e-4
        # The sources are switched off by a back-end that starts, and it says so.
        assert not truth["light"]
        assert rig.ask("get", "light", "power") == [0.0, 0.0, 0.0]
        said = refused("--folder", rig.folder, "--port", 0)
        assert "another simulated microscope is running there" in said


Refuse = Callable[..., str]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Start it in this process with something wrong; gives the last line that it says."""

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["servers", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err.splitlines()[-1]

    return call


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--config", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("--port", 99999), "--port 99999"),
        (("--folder", "/dev/null/x"), "--folder /dev/null/x"),
        (("--folder", "x" * 120), "too long for a socket"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    refuse: Refuse, arguments: tuple[object, ...], says: str
) -> None:
    assert says in refuse(*arguments)


def test_a_folder_with_something_else_in_it_is_left_alone(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "microscope.jsonl").write_text("my diary\n")
    assert "not a line of a microscope's memory" in refuse("--folder", tmp_path, "--port", 0)
    assert (tmp_path / "microscope.jsonl").read_text() == "my diary\n"


def test_a_small_session_is_one() -> None:
    config = small(load("quanta250-secom"))
    layout = config.layout
    assert layout.kind == "grid"
    assert (layout.sections, layout.fields) == (2, (1, 1))
    assert config.sem.pixel_size_nm * config.sem.frame_px[0] > 90_000
    listed = {"kind": "list", "sections": [{"id": "S0001", "center_um": [0, 0]}]}
    own = config.model_validate(config.model_dump(mode="json") | {"layout": listed})
    assert small(own).layout == own.layout
