"""`ilemtrack detect --serial` as people and programs meet it."""

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from detection.registration.rigid import Rigid
from drivers.recorded.frame import RecordedFrame
from service.archive.stack import section_names
from service.cli.commands import run
from service.errors import InputError
from service.pictures.overlay import track_colour
from tests.detection.stacks import PIXEL_UM, Block

TURNS_DEG = (0, 70, 200, -40)
SHIFTS_UM = ((0.0, 0.0), (8.0, -5.0), (-6.0, 9.0), (3.0, 7.0))


def laid(index: int) -> Rigid:
    return Rigid(math.radians(TURNS_DEG[index]), SHIFTS_UM[index])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pages, each a section of one block, turned and shifted."""
    block = Block(8, cells=90)
    pages = [block.section("", 1 + 0.15 * n, laid(n), n).pixels for n in range(4)]
    path = tmp_path_factory.mktemp("stack") / "stack.ome.tiff"
    metadata = {"axes": "TYX", "PhysicalSizeX": PIXEL_UM, "PhysicalSizeY": PIXEL_UM}
    tifffile.imwrite(path, np.stack(pages), ome=True, metadata=metadata, photometric="minisblack")
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serial") / "pictures"


@pytest.fixture(scope="module")
def document(stack: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Output of the command, made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        printed: list[Any] = []
        patch.setattr("service.cli.offline.detecting.print_json", printed.append)
        assert run(["detect", "--serial", str(stack), "--overlay", str(pictures), "--json"]) == 0
    return json.loads(json.dumps(printed[0], allow_nan=False))


def test_the_document_has_tracks_and_links(document: Any) -> None:
    assert set(document) == {"v", "detector", "frames"}
    assert [frame["page"] for frame in document["frames"]] == [0, 1, 2, 3]
    for index, frame in enumerate(document["frames"]):
        for cell in frame["cells"]:
            assert set(cell) - {"unsure_um", "outer_px", "seen_by"} == {
                "id",
                "box_px",
                "confidence",
                "image_box_px",
                "reason",
                "source",
                "decision",
                "brightness_adu",
                "tracks",
            }
        serial = frame["serial"]
        assert set(serial) == {"section", "link", "rotation_deg", "shift_um", "bad"}
        assert serial["section"] == f"S{index + 1:04d}"
        assert serial["link"] == (f"S{index:04d}" if index else None)
        assert serial["bad"] is False
    assert document["frames"][0]["serial"]["rotation_deg"] is None


def test_the_motion_takes_a_section_to_the_one_before(document: Any) -> None:
    for index, frame in enumerate(document["frames"][1:], start=1):
        true = laid(index - 1).inverse().after(laid(index))
        serial = frame["serial"]
        found = Rigid(math.radians(serial["rotation_deg"]), tuple(serial["shift_um"]))
        assert found.distance_um(true, 40) < 2 * PIXEL_UM


def test_a_cell_has_one_name_in_all_sections(document: Any) -> None:
    names = [{name for cell in frame["cells"] for name in cell["tracks"]} for frame in document["frames"]]
    assert len(set.intersection(*names)) >= 10


def test_pictures_show_a_track_in_its_colour_in_all_sections(document: Any, pictures: Path) -> None:
    assert {path.name for path in pictures.iterdir()} == {
        "stack.png",
        "stack_0001.png",
        "stack_0002.png",
        "stack_0003.png",
        "montage.png",
    }
    names = [{one for cell in frame["cells"] for one in cell["tracks"][:1]} for frame in document["frames"]]
    everywhere = sorted(set.intersection(*names))[:5]
    assert everywhere
    for path in pictures.iterdir():
        picture = cv2.imread(str(path))
        assert picture is not None
        for name in everywhere:
            # Lines of the montage are smoothed, but thick enough to have the very colour in their middle.
            assert (picture == track_colour(name)[::-1]).all(axis=-1).any(), (path.name, name)


def test_without_the_option_the_document_is_as_it_was(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["detect", str(stack), "--overlay", str(tmp_path / "out"), "--json"]) == 0
    for frame in json.loads(capsys.readouterr().out)["frames"]:
        assert "serial" not in frame
        assert all("tracks" not in cell for cell in frame["cells"])
    assert not (tmp_path / "out" / "montage.png").exists()


def test_the_table_names_sections_and_tracks(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["detect", "--serial", str(stack)]) == 0
    text = capsys.readouterr().out
    assert "S0004" in text
    assert "T0001" in text


def test_pages_of_different_pixel_size_get_one_sentence(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.ome.tiff"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    tifffile.imwrite(other, tifffile.imread(stack, key=0), ome=True, metadata=metadata)
    out = tmp_path / "out"
    assert run(["detect", "--serial", str(stack), str(other), "--overlay", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("ilemtrack: ")
    assert said.err.count("\n") == 1
    assert f"{other} page 0 has 178 nm per pixel, but {stack} page 0 has 356 nm per pixel" in said.err
    assert said.out == ""
    assert not out.exists()


def recorded(page: int, shape: tuple[int, int] = (64, 64), section: str | None = None) -> RecordedFrame:
    pixels = np.zeros(shape, np.uint16)
    return RecordedFrame(Path("a.tiff"), page, pixels, (1e-7, 1e-7), section=section)


def test_sections_that_have_names_keep_them_and_others_are_numbered() -> None:
    assert section_names([recorded(0, section="S0009"), recorded(1, section="S0004")]) == ("S0009", "S0004")
    assert section_names([recorded(0, section="S0009"), recorded(1)]) == ("S0001", "S0002")


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([recorded(0), recorded(1, (64, 80))], "page 1 has 80 x 64 pixels"),
        ([recorded(0, section="S0001"), recorded(1, section="S0001")], "page 1 is of section S0001"),
    ],
)
def test_frames_that_are_no_stack_are_refused(frames: list[RecordedFrame], words: str) -> None:
    with pytest.raises(InputError, match=words):
        section_names(frames)


def test_a_forest_is_looked_for_with_serial_too(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["detect", "--serial", str(stack), "--detector", "forest:nowhere.onnx"]) == 2
    assert "nowhere.onnx" in capsys.readouterr().err
