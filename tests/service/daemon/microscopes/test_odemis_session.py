"""A whole session through real processes: command, workers, simulated back-end of Odemis."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.model import Config
from simulators.odemis_backend.backend import OdemisBackend
from tests.places import ROOT

QUICK: dict[str, Any] = {
    "driver": "odemis",
    "layout": {"kind": "grid", "sections": 2, "fields": [1, 1], "pitch_um": 100},
    "fluorescence": {"frame_px": [256, 256], "exposure_s": 0.05},
    "sem": {"pixel_size_nm": 100, "dwell_us": 0.5, "beam_shift_range_um": 5},
    "stage": {"settle_s": 0.0},
    "session": {"min_free_disk_gb": 0},
    "simulator": {
        "specimen": {"cells_per_field": 3, "seed": 5},
        "stage_speed_mm_per_s": 50,
        "stage_settle_s": 0,
        "pump_to_high_vacuum_min": 0.005,
        "pump_to_partial_min": 0.005,
        "scan_overhead_s": 0,
    },
}
"""Two small sections on a microscope whose stage and pumps are quick: seconds of real time."""


@pytest.fixture
def backend() -> Iterator[OdemisBackend]:
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        made = OdemisBackend(Path(folder), Config.model_validate(QUICK), clock="real")
        yield made
        made.close()


def run(tmp_path: Path, runtime_dir: Path, python: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(QUICK | {"odemis": {"python": python}}))
    command = "from service.cli.app import main; main()"
    return subprocess.run(
        [
            sys.executable,
            "-c",
            command,
            "run",
            "--config",
            str(path),
            "--out",
            str(tmp_path / "run"),
            "--json",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime_dir)},
        timeout=200,
        check=False,
    )


def test_a_session_through_odemis(backend: OdemisBackend, tmp_path: Path, runtime_dir: Path) -> None:
    # As Odemis starts.
    backend.ask("set", "e-beam", "blanker", None)
    backend.ask("set", "ccd", "exposureTime", 0.3)
    ended = run(tmp_path, runtime_dir, str(backend.python))
    assert ended.returncode == 0, ended.stderr
    # Live images in Odemis would stay black otherwise; it is said, and outlives the end of all workers.
    assert "put back as found at the start: " in ended.stderr
    assert backend.ask("get", "e-beam", "blanker") is None
    assert backend.ask("get", "ccd", "exposureTime") == 0.3
    summary = json.loads(ended.stdout)
    assert summary["end_state"] == "done"
    assert summary["cells"] > 0
    images = list((tmp_path / "run" / "em").rglob("*.ome.tiff"))
    assert len(images) == summary["jobs"]["done"] > 0
    truth = backend.truth()
    assert not truth["light"]
    assert truth["exposures"] == len(images)


def test_a_microscope_that_lacks_something_ends_the_command(
    backend: OdemisBackend, tmp_path: Path, runtime_dir: Path
) -> None:
    backend.faults.write(missing=["bs-detector"])
    ended = run(tmp_path, runtime_dir, str(backend.python))
    assert ended.returncode == 2
    assert "no detector of electron images was found (odemis.roles.sem_detector)" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
