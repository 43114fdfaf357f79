"""From annotated frames to a forest to boxes, as people do it; plug-ins and denoising on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from config.loading import dump
from detection.evaluation.truth import TrueCell
from detection.forest.onnx_file import model_bytes
from detection.image.boxes import BoxPx
from service.evaluation.training import masks_of, write_model
from tests.detection.forests import small_forest
from tests.detection.synthetic import Section, make_section
from tests.service.saying import Said
from tests.service.sessions import small_config

pytestmark = pytest.mark.usefixtures("runtime_dir", "frames_once")


def save(path: Path, section: Section, pixel_size_um: float = 0.178) -> Path:
    metadata = {"axes": "YX", "PhysicalSizeX": pixel_size_um, "PhysicalSizeY": pixel_size_um}
    tifffile.imwrite(path, section.pixels, ome=True, metadata=metadata)
    return path


def save_labels(path: Path, section: Section) -> Path:
    labels = np.zeros(section.pixels.shape, np.uint8)
    for number, mask in enumerate(section.masks, start=1):
        labels[mask] = number
    tifffile.imwrite(path, labels)
    return path


@pytest.fixture
def model(say: Said, tmp_path: Path) -> Path:
    """A forest trained on a label image of one frame."""
    section = make_section(1, size_px=200, cells=5)
    image, truth = save(tmp_path / "s1.ome.tiff", section), save_labels(tmp_path / "s1.tif", section)
    path = tmp_path / "cells.onnx"
    status, document, said = say("train", image, "--truth", truth, "--out", path, "--json")
    assert status == 0, said
    assert document["v"] == 1
    assert document["frames"] == 1
    assert document["cells"] == len(np.unique(tifffile.imread(truth))) - 1
    assert document["pixel_size_um"] == 0.178
    assert document["calibration"]["hits"] >= document["calibration"]["real"] > 0
    return path


def test_a_forest_finds_cells_where_it_belongs(say: Said, model: Path, tmp_path: Path) -> None:
    name = f"forest:{model}"
    section = make_section(2, size_px=300, cells=5)
    image = save(tmp_path / "s2.ome.tiff", section)
    status, document, _ = say("detect", image, "--detector", name, "--json")
    assert status == 0
    assert document["detector"] == name
    assert document["frames"][0]["cells"]
    coarse = save(tmp_path / "coarse.ome.tiff", section, 0.3)
    status, _, said = say("detect", coarse, "--detector", name)
    assert status == 2
    assert f"{coarse} page 0" in said
    assert "--any-pixel-size" in said
    status, document, _ = say("detect", coarse, "--detector", name, "--any-pixel-size", "--json")
    assert status == 0
    assert "look at what it finds" in document["frames"][0]["warnings"][0]


def test_a_session_runs_with_a_forest(say: Said, tmp_path: Path) -> None:
    model = tmp_path / "cells.onnx"
    write_model(model, model_bytes(small_forest()))
    config = small_config()
    with_forest = config.detection.model_copy(update={"detector": f"forest:{model}", "any_pixel_size": True})
    path = tmp_path / "small.yaml"
    path.write_text(dump(config.model_copy(update={"detection": with_forest})), encoding="utf-8")
    status, document, _ = say(
        "dry-run", "--config", path, "--sections", 1, "--out", tmp_path / "run", "--json"
    )
    assert status == 0
    assert document["end_state"] == "done"
    assert str(model.absolute()) in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["forest:missing.onnx", "nobodys-detector"])
def test_a_session_without_its_detector_never_begins(say: Said, name: str, tmp_path: Path) -> None:
    config = small_config()
    changed = config.detection.model_copy(update={"detector": name})
    path = tmp_path / "small.yaml"
    path.write_text(dump(config.model_copy(update={"detection": changed})), encoding="utf-8")
    status, _, said = say("dry-run", "--config", path, "--out", tmp_path / "run")
    assert status == 2
    assert name.removeprefix("forest:") in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("detector", "sentence"),
    [
        (
            "nonsense",
            "no detector named nonsense; there are combined, network, recall-first, paper, forest:MODEL",
        ),
        ("No Name", "--detector No Name: no such detector"),
        ("forest:", "no such detector"),
        ("forest:missing.onnx", "missing.onnx: the forest cannot be read (No such file or directory)"),
        ("forest:{folder}", "the forest cannot be read (is a folder, not a file)"),
        ("forest:{image}", "it is no forest of `ilemtrack train`"),
    ],
)
def test_a_detector_that_is_not_there_is_said(
    say: Said, detector: str, sentence: str, tmp_path: Path
) -> None:
    image = save(tmp_path / "s.ome.tiff", make_section(3, size_px=64))
    detector = detector.format(folder=tmp_path, image=image)
    status, _, said = say("detect", image, "--detector", detector)
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_denoising_is_chosen_on_the_command_line(say: Said, tmp_path: Path) -> None:
    image = save(tmp_path / "s.ome.tiff", make_section(4, size_px=256, noise_sd=60))
    found = [
        say("detect", image, "--detector", "paper", "--denoise", method, "--json")[1]["frames"][0]["cells"]
        for method in ("none", "nl-means")
    ]
    assert found[0] != found[1]


def test_training_says_what_is_wrong(say: Said, tmp_path: Path) -> None:
    section = make_section(5, size_px=128, cells=3)
    image, truth = save(tmp_path / "a.ome.tiff", section), save_labels(tmp_path / "a.tif", section)
    other = save(tmp_path / "b.ome.tiff", section)
    out = tmp_path / "m.onnx"
    beyond = tmp_path / "beyond.json"
    beyond.write_text(json.dumps({"frames": {"a": [[200, 0, 500, 20]]}}), encoding="utf-8")
    even = tmp_path / "even.ome.tiff"
    tifffile.imwrite(
        even,
        np.full((128, 128), 9, np.uint16),
        ome=True,
        metadata={"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2},
    )
    for arguments, sentence in (
        ((image, "--truth", truth, "--out", tmp_path), "must be a file"),
        ((image, "--truth", truth, "--out", tmp_path / "no" / "m.onnx"), "must be a file"),
        ((image, "--truth", tmp_path / "none.zip", "--out", out), "no such file"),
        ((image, other, "--truth", truth, "--out", out), "b.ome.tiff page 0"),
        ((image, "--truth", beyond, "--out", out), "0 lies outside of the frame of 128 x 128 pixels"),
        ((even, "--truth", truth, "--out", out), "all pixels have the value 9"),
    ):
        status, _, said = say("train", *arguments)
        assert status == 2
        assert sentence in said
        assert said.count("\n") == 1
    assert not list(tmp_path.glob("m.onnx*"))


def test_of_a_box_the_ellipse_is_the_cell() -> None:
    outline = np.zeros((4, 4), np.bool_)
    outline[1:3, 1:3] = True
    cells = [
        TrueCell("a", BoxPx(0, 0, 20, 10)),
        TrueCell("b", BoxPx(22, 0, 26, 4), mask=outline),
        TrueCell("c", BoxPx(30, 0, 34, 4), counted=False),
        TrueCell("d", BoxPx(36, 0, 40, 4), mask=outline, counted=False),
    ]
    inside, unknown = masks_of(cells, (12, 40))
    assert inside[5, 10]
    assert not inside[0, 0]
    assert unknown[0, 0]
    assert inside[:10, :20].sum() == pytest.approx(np.pi / 4 * 200, rel=0.03)
    assert (inside | unknown)[:10, :20].all()
    assert not inside[:, 20:].sum() - 4
    np.testing.assert_array_equal(unknown[:4, 22:26], False)
    assert unknown[:4, 30:34].all()
    np.testing.assert_array_equal(unknown[:4, 36:40], outline)
    assert not (inside & unknown).any()
