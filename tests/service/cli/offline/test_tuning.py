"""The network adapted to a person's marks on the command line, and files that are no networks."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from config.loading import dump
from config.model import Config
from detection.network import shipped
from detection.network.graph import FINER
from detection.network.onnx_file import model_bytes, model_from_bytes
from detection.tuning.tune import tune
from service.analysis.detectors import with_absolute_model
from service.cli.offline import tuning
from service.diagnostics.checks import Level
from service.diagnostics.preflight import settings_checks
from service.evaluation.fiji_writing import write_outlines
from tests.detection.forests import annotate
from tests.detection.network.networks import random_model
from tests.detection.synthetic import make_section
from tests.detection.tuning.test_tune import FEW, adapted, section_of
from tests.service.cli.offline.test_training import save, save_labels
from tests.service.saying import Said
from tests.service.sessions import small_config

STIFF = replace(FEW, ridges=(1e9,), least_gain=0.5)
"""Changes hardly anything, and asks for much."""

pytestmark = pytest.mark.usefixtures("runtime_dir", "quick")


@pytest.fixture
def program_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The network of the program, one that is too sure that there are no cells."""
    path = tmp_path / "program" / "network.onnx"
    path.parent.mkdir()
    good = adapted().model
    assert good is not None
    bias = good.weights["head.bias"].copy()
    bias[: FINER**2] -= 11
    path.write_bytes(model_bytes(replace(good, weights={**good.weights, "head.bias": bias})))
    monkeypatch.setattr(shipped, "PATH", path)
    shipped.shipped_network.cache_clear()
    yield path
    shipped.shipped_network.cache_clear()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps, and a rule that features this simple can meet."""
    lenient = replace(FEW, false_per_gain=2.0, area_per_cell=6.0)
    monkeypatch.setattr(tuning, "tune", partial(tune, settings=lenient))


@pytest.mark.usefixtures("program_file")
def test_the_network_is_adapted_to_label_images_and_finds_cells(say: Said, tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    for folder in (images, labels):
        folder.mkdir()
    for seed in (1, 2, 3):
        save(images / f"s{seed}.ome.tiff", section_of(seed))
        save_labels(labels / f"s{seed}.tif", section_of(seed))
    out = tmp_path / "mine.onnx"
    status, document, said = say("train", "--network", images, "--truth", labels, "--out", out, "--json")
    assert (status, said) == (0, ""), str(document)
    assert (document["v"], document["model"]) == (1, str(out))
    assert (document["frames"], document["folds"]) == (3, 3)
    assert document["after"]["contained"] >= document["before"]["contained"] + 0.4
    note = model_from_bytes(out.read_bytes()).note
    assert note.tuned_cells == document["cells"] == document["after"]["cells"]
    other = save(tmp_path / "other.ome.tiff", section_of(9))
    for kind in ("network", "combined"):
        status, found, said = say("detect", other, "--detector", f"{kind}:{out}", "--json")
        assert (status, found["detector"]) == (0, f"{kind}:{out}"), said
        assert len(found["frames"][0]["cells"]) >= 3


@pytest.mark.usefixtures("program_file")
def test_one_frame_with_outlines_of_fiji_is_enough(say: Said, tmp_path: Path) -> None:
    section = make_section(4, cells=12, size_px=400, brightness=(400, 50), nucleus_share=0)
    image, rois = save(tmp_path / "s1.ome.tiff", section), tmp_path / "s1.zip"
    write_outlines(rois, [(cell.id, 0, cell) for cell in annotate(section).truth])
    out = tmp_path / "mine.onnx"
    status, said, _ = say("train", image, "--truth", rois, "--out", out, "--network")
    assert status == 0, said
    lines = said.splitlines()
    assert lines[0].split()[-2:] == ["before", "after"]
    assert lines[1].startswith("cells imaged whole")
    assert f"{out}: adapted to 12 cells in 1 frames" in lines[-1]
    assert f"--detector combined:{out}" in lines[-1]


def test_where_it_gets_no_better_nothing_is_written(
    say: Said, program_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = adapted().model
    assert first is not None
    program_file.write_bytes(model_bytes(first))
    monkeypatch.setattr(tuning, "tune", partial(tune, settings=STIFF))
    image, truth = (
        save(tmp_path / "s1.ome.tiff", section_of(1)),
        save_labels(tmp_path / "s1.tif", section_of(1)),
    )
    out = tmp_path / "mine.onnx"
    out.write_bytes(b"an earlier one")
    for options in ((), ("--json",)):
        status, said, told = say("train", "--network", image, "--truth", truth, "--out", out, *options)
        assert status == 1
        assert told == f"{tuning.NOT_BETTER}\n"
        assert said["model"] is None if options else "cells imaged whole" in said
        assert out.read_bytes() == b"an earlier one"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("network:", "no such detector"),
        ("combined:missing.onnx", "missing.onnx: the network cannot be read (No such file or directory)"),
        ("network:{folder}", "the network cannot be read (is a folder, not a file)"),
        ("network:{text}", "letter.onnx: it is no network of ilemtrack"),
        ("combined:{text}", "letter.onnx: it is no network of ilemtrack"),
        ("network:{half}", "it is no network of ilemtrack, or a damaged one"),
        ("forest:{whole}", "it is no forest of `ilemtrack train`"),
    ],
)
def test_a_file_of_ones_own_that_is_no_network_is_refused_in_a_sentence(
    say: Said, name: str, sentence: str, tmp_path: Path
) -> None:
    image = save(tmp_path / "s.ome.tiff", section_of(1))
    text, whole, half = (tmp_path / f"{name}.onnx" for name in ("letter", "whole", "half"))
    text.write_text("dear network", encoding="utf-8")
    whole.write_bytes(model_bytes(random_model()))
    half.write_bytes(whole.read_bytes()[:100_000])
    given = name.format(folder=tmp_path, text=text, whole=whole, half=half)
    status, _, said = say("detect", image, "--detector", given)
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("kind", ["network", "combined"])
def test_a_session_with_a_damaged_network_never_begins(say: Said, kind: str, tmp_path: Path) -> None:
    model = tmp_path / "mine.onnx"
    model.write_bytes(model_bytes(random_model())[:-1000])
    config = small_config()
    changed = config.detection.model_copy(update={"detector": f"{kind}:{model}"})
    path = tmp_path / "small.yaml"
    path.write_text(dump(config.model_copy(update={"detection": changed})), encoding="utf-8")
    status, _, said = say("dry-run", "--config", path, "--out", tmp_path / "run")
    assert status == 2
    assert "mine.onnx: it is" in said
    assert not (tmp_path / "run").exists()
    (check,) = (one for one in settings_checks(with_detector(f"{kind}:{model}")) if one.name == "detector")
    assert check.level is Level.RED


def test_without_the_network_of_the_program_people_are_warned(
    say: Said, program_file: Path, tmp_path: Path
) -> None:
    program_file.unlink()
    image, truth = (
        save(tmp_path / "s1.ome.tiff", section_of(1)),
        save_labels(tmp_path / "s1.tif", section_of(1)),
    )
    (check,) = (one for one in settings_checks(with_detector("combined")) if one.name == "detector")
    assert check.level is Level.WARN
    assert check.says.startswith("recall-first is used in place of the network")
    status, document, _ = say("detect", image, "--detector", "combined", "--json")
    assert status == 0
    assert check.says in document["frames"][0]["warnings"]
    assert document["frames"][0]["cells"]
    out = tmp_path / "mine.onnx"
    status, _, said = say("train", "--network", image, "--truth", truth, "--out", out)
    assert status == 2
    assert "there is no network to adapt: its file cannot be read" in said
    assert not out.exists()


@pytest.mark.parametrize("kind", ["forest", "network", "combined"])
def test_the_file_of_a_model_is_kept_by_its_whole_path(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = with_absolute_model(with_detector(f"{kind}:mine:2.onnx"))
    assert kept.detection.detector == f"{kind}:{tmp_path}/mine:2.onnx"
    assert with_absolute_model(with_detector(kind)) == with_detector(kind)


def with_detector(name: str) -> Config:
    return Config.model_validate({"detection": {"detector": name}})
