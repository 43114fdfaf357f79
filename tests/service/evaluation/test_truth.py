"""Ground truth as people bring it: ROI zips, label images, JSON, folders."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, Detection
from service.errors import InputError
from service.evaluation.fiji_rois import read_marks
from service.evaluation.fiji_writing import write_boxes, write_found, write_outlines
from service.evaluation.pairing import paired
from service.evaluation.roi_marks import ImagePage, by_page
from service.evaluation.truth import Truth, read_truth
from tests.examples import examples

DISC = (np.hypot(*np.mgrid[-6:7, -4:5] / np.array([6.4, 4.4])[:, None, None]) <= 1).astype(bool)


def of(truth: Truth, image: str, *pages: int) -> tuple[tuple[TrueCell, ...] | None, ...]:
    return paired(truth, [ImagePage(Path(image), page, (300, 300)) for page in pages]).cells


@pytest.fixture
def disc() -> TrueCell:
    return TrueCell.of_mask("disc", DISC, (20, 30))


def test_outlines_come_back_as_the_same_pixels(tmp_path: Path, disc: TrueCell) -> None:
    write_outlines(tmp_path / "r.zip", [("a", 0, disc), ("b", 3, disc)])
    pages = by_page(read_marks(tmp_path / "r.zip"))
    assert list(pages) == [0, 3]
    for cells in pages.values():
        assert cells[0].box == disc.box
        assert cells[0].mask is not None
        np.testing.assert_array_equal(cells[0].mask, disc.mask)


@examples(30)
@given(
    x0=st.integers(0, 3000), y0=st.integers(0, 3000), width=st.integers(1, 900), height=st.integers(1, 900)
)
def test_boxes_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, x0: int, y0: int, width: int, height: int
) -> None:
    path = tmp_path_factory.mktemp("rois") / "r.zip"
    box = BoxPx(x0, y0, x0 + width, y0 + height)
    write_boxes(path, [("a", 2, box)])
    (cell,) = by_page(read_marks(path))[2]
    assert (cell.id, cell.box, cell.area_px) == ("a", box, box.area_px)


def test_shapes_of_fiji_count_by_their_bounding_box(tmp_path: Path) -> None:
    oval = roifile.ImagejRoi()
    oval.roitype, oval.name = roifile.ROI_TYPE.OVAL, "oval"
    oval.left, oval.top, oval.right, oval.bottom = 10, 20, 31, 40
    freehand = roifile.ImagejRoi.frompoints([[5, 5], [15, 5], [10, 25]], name="free")
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        for roi in (oval, freehand):
            archive.writestr(f"{roi.name}.roi", roi.tobytes())
    cells = {cell.id: cell for cell in by_page(read_marks(tmp_path / "r.zip"))[0]}
    assert cells["oval"].box == BoxPx(10, 20, 31, 40)
    assert cells["oval"].area_px == pytest.approx(np.pi / 4 * 21 * 20, rel=0.04)
    assert cells["free"].box == BoxPx(5, 5, 15, 25)
    assert cells["free"].area_px == pytest.approx(100, rel=0.15)


def test_a_line_is_no_cell(tmp_path: Path) -> None:
    line = roifile.ImagejRoi()
    line.roitype, line.name = roifile.ROI_TYPE.LINE, "nerve"
    (tmp_path / "r.roi").write_bytes(line.tobytes())
    with pytest.raises(InputError, match="nerve is a line; a cell is marked by a closed shape"):
        by_page(read_marks(tmp_path / "r.roi"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"x" * 100])
def test_a_damaged_zip_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.zip").write_bytes(content)
    with pytest.raises(InputError, match="is no Fiji ROI file, or a damaged one"):
        read_truth(tmp_path / "r.zip")


def test_a_page_without_rois_is_a_page_without_cells(tmp_path: Path, disc: TrueCell) -> None:
    write_outlines(tmp_path / "stack.zip", [("a", 1, disc)])
    truth = read_truth(tmp_path / "stack.zip")
    assert [len(cells or ()) for cells in of(truth, "x/stack.ome.tiff", 0, 1)] == [0, 1]
    assert [len(cells or ()) for cells in of(truth, "other.tiff", 0, 1)] == [0, 1]
    pages = [ImagePage(Path(name), 1, (64, 64)) for name in ("other.tiff", "stack.tiff")]
    other, named = paired(truth, pages).cells
    assert other is None
    assert len(named or ()) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_every_value_of_a_label_image_is_a_cell(tmp_path: Path, dtype: Any) -> None:
    labels = np.zeros((2, 40, 50), dtype=dtype)
    labels[0, 5:10, 20:24] = 3
    labels[0, 6, 21] = 0
    labels[1, 0:4, 0:4] = 100
    labels[1, 30:33, 44:50] = 2
    tifffile.imwrite(tmp_path / "cells.tif", labels, photometric="minisblack")
    truth = read_truth(tmp_path / "cells.tif")
    (cell,) = truth.frames["cells", 0]
    assert (cell.id, cell.box, cell.area_px) == ("L0003", BoxPx(20, 5, 24, 10), 19)
    assert {c.box for c in truth.frames["cells", 1]} == {BoxPx(0, 0, 4, 4), BoxPx(44, 30, 50, 33)}


def test_a_picture_is_no_label_image(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 20), np.float32))
    with pytest.raises(InputError, match="page 0 is no label image"):
        read_truth(tmp_path / "a.tif")
    many = np.arange(200 * 200, dtype=np.uint16).reshape(200, 200)
    tifffile.imwrite(tmp_path / "b.tif", many)
    with pytest.raises(InputError, match="it is a picture, not labels"):
        read_truth(tmp_path / "b.tif")


def test_json_of_boxes_by_frame_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "eye.json"
    marks = {"clear": [[1, 2, 3, 4]], "dim": [[5, 6, 9, 9]], "artefact": [[0, 0, 2, 2]]}
    path.write_text(json.dumps({"v": 1, "frames": {"fl01": marks, "fl02": [[1, 1, 2, 2]]}}))
    truth = read_truth(path)
    (cells,) = of(truth, "fl01_rollball_clahe.ome.tiff", 0)
    assert cells is not None
    assert [(cell.kind, cell.counted) for cell in cells] == [
        ("clear", True),
        ("dim", True),
        ("artefact", False),
    ]
    assert of(truth, "fl03.tiff", 0) == (None,)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "has no frames"),
        ({"frames": [{"page": 0}]}, "frame 0 names no image"),
        ({"frames": [{"path": "a.tif", "cells": [{}]}]}, "cell 0 needs a box_px of four whole numbers"),
        ({"frames": {"a": [[3, 3, 3, 9]]}}, "is empty"),
        ({"frames": {"a": [[-3, 3, 5, 9]]}}, "does not lie in an image"),
        ({"frames": {"a": [[1, 2, 3]]}}, "four whole numbers"),
        (
            {"frames": [{"path": "a.tif", "cells": [{"box_px": [0, 0, 2, 2], "rows_px": [[0, 0, 9]]}]}]},
            "lies outside of its box",
        ),
        (
            {"frames": [{"path": "a.tif", "cells": [{"box_px": [0, 0, 2, 2], "contrast_to_noise": "x"}]}]},
            "contrast_to_noise is a number",
        ),
    ],
)
def test_wrong_json_is_one_sentence(tmp_path: Path, document: Any, sentence: str) -> None:
    (tmp_path / "t.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=sentence) as raised:
        read_truth(tmp_path / "t.json")
    assert "t.json" in str(raised.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "none.zip", "no such file or folder"),
        (lambda folder: folder, "holds no truth"),
        (lambda folder: _written(folder / "a.txt", "x"), "the truth is a Fiji ROI zip"),
        (lambda folder: _written(folder / "a.json", "{"), "is no JSON file"),
        (lambda folder: _written(folder / "a.tif", "II"), "is not a TIFF file"),
        (lambda folder: _written(folder / "a.png", "PNG"), "is a damaged PNG file"),
    ],
)
def test_what_is_no_truth_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_truth(make(tmp_path))


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_folder_of_files_named_like_the_images(tmp_path: Path, disc: TrueCell) -> None:
    write_outlines(tmp_path / "one.zip", [("a", 0, disc)])
    tifffile.imwrite(tmp_path / "two.tif", np.diag([1, 2, 1, 2, 1, 2, 1, 2]).astype(np.uint8))
    truth = read_truth(tmp_path)
    assert (set(truth.frames), set(truth.marks)) == ({("two", 0)}, {"one"})
    write_outlines(tmp_path / "two.zip", [("a", 0, disc)])
    with pytest.raises(InputError, match="two files mark two"):
        read_truth(tmp_path)


def test_found_boxes_are_written_by_image(tmp_path: Path) -> None:
    box, kept, dropped = BoxPx(10, 10, 20, 20), BoxPx(8, 8, 22, 22), BoxPx(40, 40, 50, 50)
    cells = (Cell("c0001", box, kept, 0.9, ""), Cell("c0002", dropped, None, 0.01, ""))
    detection = Detection(cells, 0.1, (), 1.0)
    write_found(tmp_path, [(Path("a/s.tif"), 0, detection), (Path("a/s.tif"), 4, detection)])
    found, imaged = by_page(read_marks(tmp_path / "s.zip")), by_page(read_marks(tmp_path / "s_to_image.zip"))
    assert {page: [cell.box for cell in cells] for page, cells in found.items()} == {0: [box], 4: [box]}
    assert [cell.box for cell in imaged[4]] == [kept]
    with pytest.raises(InputError, match=r"would both be written to s\.zip"):
        write_found(tmp_path, [(Path("a/s.tif"), 0, detection), (Path("b/s.tif"), 0, detection)])
