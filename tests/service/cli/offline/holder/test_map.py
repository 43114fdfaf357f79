"""The command `ilemtrack map`."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detection.overview.find import find_sections
from detection.overview.values import Doubt, ShapeDoubt
from service.cli.commands import run
from service.mapping.lists.files import read_list
from tests.detection.overview.pictures import PLACES, drawn, outlines


@pytest.fixture(scope="module")
def overview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("overview") / "wafer.png"
    cv2.imwrite(str(path), drawn(outlines()))
    return path


def test_the_document_the_list_and_the_picture_show_the_sections(
    overview: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    landmarks = tmp_path / "landmarks.csv"
    landmarks.write_text(
        "name,overview_x_px,overview_y_px,stage_x_um,stage_y_um\n"
        "a,0,0,0,0\nb,100,0,200,0\nc,0,100,0,-200\nd,100,100,200,-200\n"
    )
    out = tmp_path / "sections.yaml"
    arguments = ["map", str(overview), "--json", "--out", str(out), "--overlay", str(tmp_path / "pictures")]
    assert run([*arguments, "--landmarks", str(landmarks)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["v"] == 1
    assert document["size_px"] == [270, 200]
    assert [one["id"] for one in document["sections"]] == [f"S{number:04d}" for number in range(1, 7)]
    first = document["sections"][0]
    assert set(first) == {"id", "polygon_px", "center_px", "angle_deg", "confidence"}
    assert np.array(first["polygon_px"]).shape == (4, 2)
    assert np.array(document["stage"][0]["polygon_um"]) == pytest.approx(
        np.array(first["polygon_px"]) * (2, -2), abs=0.1
    )
    listed = read_list(out)
    assert len(listed.sections) == len(PLACES)
    assert len(listed.landmarks) == 4
    picture = cv2.imread(str(tmp_path / "pictures" / "wafer-sections.png"))
    assert picture is not None
    assert picture.shape == (400, 540, 3)


def test_people_are_told_which_files_were_written(
    overview: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, pictures = tmp_path / "sections.csv", tmp_path / "pictures"
    assert run(["map", str(overview), "--out", str(out), "--overlay", str(pictures)]) == 0
    assert capsys.readouterr().err == f"wrote {out}, {pictures / 'wafer-sections.png'}\n"


def test_an_overview_without_sections_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bare.png"
    cv2.imwrite(str(path), drawn([]))
    assert run(["map", str(path)]) == 2
    assert "no sections were found" in capsys.readouterr().err


def test_outlines_that_are_no_quadrilaterals_are_refused(
    overview: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outline = tmp_path / "mine.yaml"
    outline.write_text("sections:\n  - {id: S0001, polygon_px: [[0, 0], [9, 0], [9, 9]]}\n")
    assert run(["map", str(overview), "--outline", str(outline)]) == 2
    assert "needs an outline of four corners" in capsys.readouterr().err


def test_people_get_what_is_doubtful_in_words(
    overview: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = find_sections(drawn(outlines()))
    *sure, last = whole.sections
    unsure = replace(last, doubt=Doubt.INCOMPLETE)
    found = replace(whole, sections=tuple(sure), doubtful=(unsure,), shape_doubt=ShapeDoubt.FEW)
    monkeypatch.setattr("detection.overview.find.find_sections", lambda *_: found)
    landmarks = tmp_path / "landmarks.csv"
    landmarks.write_text(
        "name,overview_x_px,overview_y_px,stage_x_um,stage_y_um\n"
        "a,0,0,0,0\nb,100,0,200,0\nc,0,100,0,-200\nd,100,100,200,-200\n"
    )
    assert run(["map", str(overview), "--landmarks", str(landmarks)]) == 0
    first, shape, one, marks = capsys.readouterr().out.splitlines()
    x, y = last.center_px
    assert first == "5 sections, 1 doubtful"
    assert shape.startswith("The shape is doubtful: ")
    assert one.startswith(f"D1 at {x:.0f}, {y:.0f} px: ")
    assert marks.startswith("2 um per px; landmarks fit to ")
    monkeypatch.setattr("detection.overview.find.find_sections", lambda *_: replace(whole, shape_doubt=None))
    assert run(["map", str(overview)]) == 0
    assert capsys.readouterr().out == "6 sections, 0 doubtful\n"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run(["map", str(overview), "--overlay", str(blocked / "pictures")]) == 2
    assert "cannot be written" in capsys.readouterr().err
