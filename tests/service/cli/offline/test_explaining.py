"""`detect --explain`: a picture of the steps, or a sentence where there are none."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from detection.network import shipped
from tests.detection.combined.networks import seeing_network
from tests.detection.synthetic import make_section
from tests.service.saying import Said


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "s.ome.tiff"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    pixels = make_section(0, size_px=256, cells=6, bell=0).pixels
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


def test_the_steps_of_recall_first_are_drawn_beside_the_table(say: Said, image: Path, tmp_path: Path) -> None:
    arguments = ("detect", image, "--detector", "recall-first", "--explain", tmp_path / "steps", "--json")
    status, document, said = say(*arguments)
    assert (status, said) == (0, "")
    assert document["frames"][0]["cells"]
    assert [path.name for path in (tmp_path / "steps").iterdir()] == ["s.png"]
    picture = cv2.imread(str(tmp_path / "steps" / "s.png"))
    assert picture is not None
    # Five panels in two rows of three.
    assert picture.shape[1] > picture.shape[0] > 1000


@pytest.mark.parametrize("name", ["combined", "network"])
def test_the_steps_of_the_learned_detectors_are_drawn(
    say: Said, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    network = seeing_network()
    monkeypatch.setattr(shipped, "shipped_network", lambda: network)
    arguments = ("detect", image, "--detector", name, "--explain", tmp_path / "steps", "--json")
    status, document, _ = say(*arguments)
    assert status == 0
    seen_by = {cell.get("seen_by") for cell in document["frames"][0]["cells"]}
    assert seen_by == {None} if name == "network" else seen_by <= {"both", "network", "recall_first"}
    picture = cv2.imread(str(tmp_path / "steps" / "s.png"))
    assert picture is not None
    assert np.ptp(picture, axis=2).max() > 100


def test_detectors_and_frames_without_steps_say_so(say: Said, image: Path, tmp_path: Path) -> None:
    arguments = ("detect", image, "--detector", "paper", "--explain", tmp_path / "steps")
    status, _, said = say(*arguments)
    assert status == 0
    assert "the detector paper has no steps to show; combined, network and recall-first have" in said
    assert not list((tmp_path / "steps").iterdir())
    dark = tmp_path / "dark.tif"
    tifffile.imwrite(dark, np.full((64, 64), 7, np.uint16))
    options = ("--detector", "recall-first", "--pixel-size-nm", 178, "--explain", tmp_path / "steps")
    assert "no steps to show, as all its pixels are the same" in say("detect", dark, *options)[2]


def test_serial_sections_have_no_steps_of_a_single_frame(say: Said, image: Path, tmp_path: Path) -> None:
    status, _, said = say("detect", image, "--serial", "--explain", tmp_path / "steps")
    assert status == 2
    assert "leave out --serial" in said


def test_a_frame_without_cells_says_what_would_have_been_seen(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "empty.tif"
    tifffile.imwrite(path, make_section(0, cells=0, bell=0).pixels)
    arguments = ("detect", path, "--detector", "recall-first", "--pixel-size-nm", 178)
    status, document, _ = say(*arguments, "--json")
    assert status == 0
    (frame,) = document["frames"]
    assert frame["overlooked"]["diameter_um"] == 5.0
    assert frame["overlooked"]["contrast_adu"] == pytest.approx(8, rel=0.2)
    assert frame["overlooked"]["contrast_sd"] == pytest.approx(0.4, rel=0.2)
    assert "no cells: a disc of 5 um and 0.4 noise deviations (8" in say(*arguments)[2]


def test_hits_that_are_not_imaged_are_counted_and_a_frame_with_nothing_else_says_so(
    say: Said, image: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text("detection: {detector: recall-first, min_confidence: 1}\n")
    status, out, said = say("detect", image, "--config", strict)
    assert status == 0
    counted = re.search(
        r"(\d+) cells, (\d+) of them below the floor and not imaged, 0.0% of the frame", str(out)
    )
    assert counted
    assert counted[1] == counted[2]
    assert "warning: nothing is imaged: all hits are below the floor" in said
