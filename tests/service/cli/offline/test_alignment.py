"""`ilemtrack align` as people and programs meet it."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from detection.alignment.reasons import NotProven
from detection.alignment.values import Picture, Similarity
from service import wording_overviews
from service.cli.commands import run
from tests.detection.alignment.fields import FM_PX, cells, lit, scanned

CELLS = cells(1, 9)
TRUTH = Similarity((1.3, -2.1), 0.005, 0.992)


def write(path: Path, picture: Picture) -> str:
    size = picture.pixel_size_um
    metadata = {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size}
    tifffile.imwrite(path, np.asarray(picture.pixels), ome=True, metadata=metadata, photometric="minisblack")
    return str(path)


@pytest.fixture
def frame(tmp_path: Path) -> str:
    return write(tmp_path / "frame.ome.tiff", lit(CELLS)[0])


def aligned(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    printed: list[Any] = []
    monkeypatch.setattr("service.cli.offline.alignment.print_json", printed.append)
    assert run(["align", *arguments, "--json"]) == 0
    return printed[0]


def test_the_offset_is_found_proven_and_drawn(
    frame: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overview = write(tmp_path / "overview.ome.tiff", scanned(CELLS, TRUTH))
    drawn = tmp_path / "picture.png"
    document = aligned(monkeypatch, frame, overview, "--overlay", str(drawn))
    assert document["reason"] is None
    assert 0 < document["proven_um"] <= 0.4
    assert np.hypot(*(np.array(document["motion"]["shift_um"]) - TRUTH.shift_um)) < 0.3
    picture = cv2.imread(str(drawn))
    assert picture is not None
    # Lines of both colours over a grey image.
    green, red = picture[..., 1].astype(int), picture[..., 2].astype(int)
    assert (green - red > 60).sum() > 200
    assert (red - green > 60).sum() > 200


def test_what_is_not_proven_has_a_reason(frame: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overview = write(tmp_path / "black.ome.tiff", Picture(np.zeros((440, 440), np.uint8), 0.1))
    document = aligned(monkeypatch, frame, overview)
    assert document["reason"] == "nothing_shown"
    assert document["proven_um"] is None
    assert document["motion"] is None
    assert document["evidence"]["halves_um"] is None
    assert document["says"].startswith("not proven: ")


def test_every_reason_has_a_sentence() -> None:
    said = {wording_overviews.alignment_says(reason, None) for reason in NotProven}
    assert len(said) == len(NotProven)


@pytest.mark.parametrize("which", ["frame", "overview"])
def test_a_missing_file_is_bad_input(
    which: str, frame: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = str(tmp_path / "gone.tiff")
    assert run(["align", *((gone, frame) if which == "frame" else (frame, gone))]) == 2
    assert "gone.tiff" in capsys.readouterr().err


def test_an_image_turned_against_the_stage_is_bad_input() -> None:
    from detection.image.hits import Detection
    from drivers.recorded.frame import RecordedFrame
    from service.archive.alignment import align_recorded
    from service.errors import InputError

    pixels = np.zeros((FM_PX, FM_PX), np.uint16)
    straight = RecordedFrame(Path("a.tiff"), 0, pixels, (178e-9, 178e-9))
    turned = RecordedFrame(Path("b.tiff"), 0, pixels, (100e-9, 100e-9), rotation_rad=0.2)
    with pytest.raises(InputError, match=r"b\.tiff.*rotated"):
        align_recorded(straight, Detection((), 0.0, (), 0.0), turned, 6.0)
