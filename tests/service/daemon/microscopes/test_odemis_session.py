"""A whole session through processes that are really started: command, workers, simulated Odemis."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml

from config.model import Config
from simulators.odemis_backend.backend import OdemisBackend
from tests.forked import ILEMTRACK, odemis_backend
from tests.places import ROOT
from tests.service.daemons import daemons

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


def written(tmp_path: Path, backend: OdemisBackend) -> Path:
    """Write the configuration of a session on a back-end."""
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(QUICK | {"odemis": {"python": str(backend.python)}}))
    return path


@contextmanager
def backend(start: Callable[..., OdemisBackend]) -> Iterator[OdemisBackend]:
    """A back-end that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="ilem-") as folder,
        closing(start(Path(folder), Config.model_validate(QUICK), clock="real")) as made,
    ):
        yield made


def test_a_session_through_odemis(tmp_path: Path, runtime_dir: Path) -> None:
    with backend(OdemisBackend) as odemis:
        # As Odemis starts.
        odemis.ask("set", "e-beam", "blanker", None)
        odemis.ask("set", "ccd", "exposureTime", 0.3)
        command = [sys.executable, "-c", ILEMTRACK, "run", "--json"]
        command += ["--config", str(written(tmp_path, odemis)), "--out", str(tmp_path / "run")]
        environment = os.environ | {"XDG_RUNTIME_DIR": str(runtime_dir)}
        ended = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=200, check=False
        )
        assert ended.returncode == 0, ended.stderr
        # Live images in Odemis would stay black otherwise; it is said, and outlives the end of all workers.
        assert "put back as found at the start: " in ended.stderr
        assert odemis.ask("get", "e-beam", "blanker") is None
        assert odemis.ask("get", "ccd", "exposureTime") == 0.3
        truth = odemis.truth()
    summary = json.loads(ended.stdout)
    assert summary["end_state"] == "done"
    assert summary["cells"] > 0
    images = list((tmp_path / "run" / "em").rglob("*.ome.tiff"))
    assert len(images) == summary["jobs"]["done"] > 0
    assert not truth["light"]
    assert truth["exposures"] == len(images)


def test_a_microscope_that_lacks_something_ends_the_command(tmp_path: Path, runtime_dir: Path) -> None:
    with backend(odemis_backend) as odemis, daemons(runtime_dir) as start:
        odemis.faults.write(missing=["bs-detector"])
        ended = start("run", "--config", written(tmp_path, odemis), "--out", tmp_path / "run", "--json")
        _, err = ended.communicate()
    assert ended.returncode == 2
    assert "no detector of electron images was found (odemis.roles.sem_detector)" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()
