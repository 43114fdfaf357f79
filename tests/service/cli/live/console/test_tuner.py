"""Detectors on trial, as values; the worker's process is that of the browser's test."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from config.loading import load
from service.cli.live.console import worker_program
from service.cli.live.console.computer import ThisComputer
from service.cli.live.console.tuner_profile import save
from service.cli.live.console.tuner_trial import Trials, settings_of
from service.console.computer.trials import FrameChoice, Trial, Value
from service.errors import InputError
from tests.detection.synthetic import make_section

FRAME = "s.ome.tiff"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder of the worker, with a frame of six cells."""
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    pixels = make_section(0, size_px=256, cells=6, bell=0).pixels
    tifffile.imwrite(tmp_path / FRAME, pixels, ome=True, metadata=metadata)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(folder: Path) -> Iterator[ThisComputer]:
    made = ThisComputer(folder)
    yield made
    made.close()


def trial(configuration: str = "simulator", frame: str = FRAME, **settings: Value) -> dict[str, Any]:
    return asdict(Trial(FrameChoice(frame), configuration, {"detector": "recall-first"} | settings))


def test_settings_have_unit_and_range_of_their_model(folder: Path) -> None:
    found = {one.key: one for one in settings_of("simulator")}
    assert found["dilate_um"].says == "Margin around every detected cell, µm."
    assert (found["dilate_um"].low, found["dilate_um"].high, found["dilate_um"].value) == (0, 20, 0.5)
    assert found["detector"].options[:4] == ("combined", "network", "recall-first", "paper")
    assert not found["denoise"].is_used_by("recall-first")
    assert found["side_quantile"].is_used_by("combined:my.onnx")
    assert "serial" not in found


def test_a_margin_changes_the_last_step_only(folder: Path) -> None:
    trials = Trials()
    narrow, wide = trials.steps(trial()), trials.steps(trial(dilate_um=2.0))
    assert narrow.cells == wide.cells >= 3
    assert narrow.imaged_fraction < wide.imaged_fraction
    assert narrow.panels[:-1] == wide.panels[:-1]
    assert narrow.panels[-1] != wide.panels[-1]
    assert sum(len(group.boxes_px) for group in wide.panels[-1].groups) == wide.cells
    picture = cv2.imdecode(
        np.frombuffer(base64.b64decode(wide.panels[0].png), np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert picture is not None
    assert picture.shape == (256, 256)
    json.dumps(asdict(wide))


def test_electron_images_are_priced_for_all_fields_of_the_configuration(folder: Path) -> None:
    trials = Trials()
    quick, exact = trials.cost(trial(), quick=True), trials.cost(trial(), quick=False)
    assert (quick.method, exact.method) == ("greedy", "exact")
    assert exact.total_s <= quick.total_s * 1.001
    assert exact.raster_s >= exact.total_s
    assert exact.fields == 6


def test_a_detector_without_steps_shows_its_result(folder: Path) -> None:
    found = Trials().steps(trial(detector="paper"))
    assert len(found.panels) == 1
    assert "no steps to show" in found.warnings[-1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dilate_um": 99.0}, "dilate_um"),
        ({"detector": "none-such"}, "no detector named none-such"),
        ({"frame": "missing.tif"}, "cannot be read"),
        ({"configuration": "missing.yaml"}, "no such file"),
    ],
)
def test_what_a_person_can_mend_is_a_sentence(folder: Path, given: dict[str, Any], says: str) -> None:
    assert says in worker_program.answer("steps", {"trial": trial(**given)})["refused"]


def test_a_profile_keeps_all_else_and_is_loaded_again(folder: Path) -> None:
    """Its secrets too, and its mode; an existing file stays unless a person says so."""
    notify = 'notify: {urls: ["mailtos://anna:secret@example.com"]}'
    Path("base.yaml").write_text(
        f"v: 1\nsem: {{dwell_us: 7}}\ndetection: {{min_confidence: 0.2}}\n{notify}\n"
    )
    Path("base.yaml").chmod(0o600)
    assert save(trial("base.yaml", dilate_um=1.5), "dim-cells", "Anna\n", replace=False) == "dim-cells.yaml"
    made, base = load("dim-cells.yaml"), load("base.yaml")
    assert (made.detection.dilate_um, made.detection.min_confidence) == (1.5, 0.2)
    assert made.model_copy(update={"detection": base.detection}) == base
    assert Path("dim-cells.yaml").stat().st_mode & 0o777 == 0o600
    assert Path("dim-cells.yaml").read_text().startswith("# Made from base.yaml by Anna on ")
    with pytest.raises(InputError, match=r"dim-cells\.yaml exists"):
        save(trial(), "dim-cells", "Anna", replace=False)
    assert load("dim-cells.yaml") == made
    save(trial("dim-cells.yaml", dilate_um=2.5), "dim-cells", "Anna", replace=True)
    assert load("dim-cells.yaml").detection.dilate_um == 2.5
    assert load("dim-cells.yaml").sem.dwell_us == 7
    assert "anna:secret" in Path("dim-cells.yaml").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["base.yaml", "dim-cells.yaml", FRAME]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "simulator", "a" * 61, "x.yaml"])
def test_a_profile_has_a_plain_name_of_its_own(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"letters|comes with"):
        save(trial(), name, "Anna", replace=True)
    assert [path.name for path in folder.iterdir()] == [FRAME]


def test_only_images_and_configurations_that_are_offered_are_read(here: ThisComputer, folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "b.png").touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "c.png").touch()
    (folder / "notes.txt").touch()
    assert here.tuner.images() == [FRAME, "more/b.png"]
    for frame in ("/etc/passwd", "notes.txt", "../x.tif", ".hidden/c.png", ""):
        with pytest.raises(InputError, match=r"no image|choose a frame"):
            here.tuner.steps(Trial(FrameChoice(frame), "simulator", {}))
    with pytest.raises(InputError, match="no configuration"):
        here.tuner.settings("/etc/passwd")
    kept = here.tuner.keep("S0001/F000", (folder / FRAME).read_bytes())
    assert Path(kept).read_bytes() == (folder / FRAME).read_bytes()
    here.tuner.close()
    assert not Path(kept).exists()


def test_a_session_is_estimated_before_it_begins(folder: Path) -> None:
    Path("two.yaml").write_text("layout: {kind: grid, sections: 2, fields: [2, 2], pitch_um: 400}\n")
    found = worker_program.answer("estimate", {"configuration": "two.yaml", "sections": None})["is"]
    assert (found.sections, found.fields) == (2, 8)
    assert 0 < found.fluorescence_s < found.most_s
    assert found.most_bytes > 0
    assert [name for name, _ in found.outlines_m] == ["S0001", "S0002"]
    more = worker_program.answer("estimate", {"configuration": "two.yaml", "sections": 300})["is"]
    assert more.sections == 300
    refused = worker_program.answer("estimate", {"configuration": "no.yaml", "sections": None})
    assert "no such file" in refused["refused"]
