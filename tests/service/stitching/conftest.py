import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.session.folders.run_folder import open_existing
from service.stitching.run import Asked, Stitched, stitch_run
from tests.remembered import Remembered, remembering
from tests.service.sessions import small_config
from tests.service.stitching.sessions import Truth, record


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that has ended, its truth, and its stitched images."""

    folder: Path
    truth: Truth
    stitched: Stitched

    def copy(self, to: Path) -> Path:
        """Return a copy of the run for a test that changes it."""
        shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns("pictures"))
        return to


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, remembered: Remembered) -> Recorded:
    """Three sections of a field with cells of several tiles; the stage is off by up to 1 um."""
    config = small_config(
        layout={"kind": "grid", "sections": 3, "fields": [1, 1], "pitch_um": 300},
        sem={"pixel_size_nm": 50, "max_scan_px": [300, 300]},
        planner={"method": "exact"},
        simulator={"specimen": {"cells_per_field": 4, "seed": 5}, "stage_error_um": 0.33},
    )
    folder = tmp_path_factory.mktemp("stitching") / "run"
    with remembering(remembered):
        truth = record(folder, config)
    opened, info = open_existing(folder)
    return Recorded(folder, truth, stitch_run(opened, info, opened.stitched, Asked()))
