"""The command `ilemtrack preview`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.layout import ListLayout
from config.loading import load
from drivers.chamber import VacuumState
from service.cli.live.holder import preview
from simulators.devices.chamber import SimulatedChamber
from tests.service.saying import Said

SETTINGS: dict[str, Any] = {
    "layout": {"kind": "grid", "sections": 2, "fields": [4, 2], "pitch_um": 500},
    "fluorescence": {"frame_px": [128, 128], "pixel_size_nm": 400},
    "session": {"min_free_disk_gb": 0},
    "simulator": {"specimen": {"cells_per_field": 0.3, "seed": 11}},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(SETTINGS))
    return path


def test_a_dry_run_states_what_the_preview_bleaches(config: Path, say: Said) -> None:
    status, found, text = say("preview", "--config", config, "--dry-run", "--json")
    assert status == 0
    assert found["fields"] == 16
    assert found["cost"]["of_a_frame"] == pytest.approx(0.25)
    assert "bleaches as 25% of a fluorescence frame does" in text


def test_the_preview_writes_a_configuration_with_the_fields_that_hold_cells(
    config: Path, say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "preview"
    status, found, text = say("preview", "--config", config, "--out", out, "--json")
    assert status == 0
    assert found["exposures"] == 16
    assert found["kept"] + len(found["left_out"]) == 16
    assert 0 < len(found["left_out"]) < 15
    assert f"left out: {found['left_out'][0]['field']}, brightest spot" in text
    layout = load(found["config"]).layout
    assert isinstance(layout, ListLayout)
    assert sum(len(one.field_centers_um or ()) for one in layout.sections) == found["kept"]
    # Again: nothing is left to take, and the same fields are chosen.
    status, again, _ = say("preview", "--config", config, "--out", out, "--json")
    assert (again["exposures"], again["left_out"]) == (0, found["left_out"])
    monkeypatch.setattr(preview, "_MOST_LISTED", 1)
    status, said, text = say("preview", "--config", config, "--out", out)
    assert (status, said) == (0, "")
    assert text.count("left out: ") == 1
    assert f"and {len(found['left_out']) - 1} more; --json lists all" in text


def test_a_preview_needs_a_folder_and_says_what_it_costs(config: Path, say: Said) -> None:
    status, _, text = say("preview", "--config", config)
    assert status == 2
    assert "--out names the folder of the preview; --dry-run needs none" in text
    status, said, text = say("preview", "--config", config, "--dry-run")
    assert (status, said) == (0, "")
    assert text.startswith("16 previews: about ")


def test_without_water_vapour_no_preview_counts(
    config: Path, say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedChamber, "state", lambda _: VacuumState.HIGH)
    status, _, text = say("preview", "--config", config, "--out", tmp_path / "preview")
    assert status == 1
    assert "no preview: the chamber says high" in text
    assert not list((tmp_path / "preview").rglob("*.tiff"))
