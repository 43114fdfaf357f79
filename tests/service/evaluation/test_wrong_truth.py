"""Ground truth in JSON that is wrong: one sentence says where and what would be right."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.errors import InputError
from service.evaluation.truth_json import read_boxes

BOX = [10, 20, 30, 50]


def frame(*cells: Any, **more: Any) -> dict[str, Any]:
    return {"frames": [{"path": "a.tif", "cells": list(cells)} | more]}


def cell(**more: Any) -> dict[str, Any]:
    return frame({"id": "c1", "box_px": BOX} | more)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"frames": 5}, "has no frames"),
        ({"frames": [5]}, "frame 0 names no image"),
        (frame(page="1"), "frame 0 needs a whole number as page and a list of cells"),
        ({"frames": [{"path": "a.tif", "cells": {}}]}, "frame 0 needs a whole number as page"),
        ({"frames": {"a.tif": 5}}, "frame a.tif needs a list of boxes, or lists of boxes by kind"),
        ({"frames": {"a.tif": {"cell": 5}}}, "frame a.tif: cell needs a list of boxes"),
        (frame(5), "cell 0 needs a box_px of four whole numbers"),
        (frame({"box_px": [1, 2, 3, True]}), "cell 0 needs a box_px of four whole numbers"),
        (frame({"box_px": [-1, 2, 3, 4]}), "does not lie in an image"),
        (frame({"box_px": [0, 0, 32769, 4]}), "does not lie in an image"),
        (cell(contrast_to_noise=-1), "contrast_to_noise is a number of 0 or more"),
        (cell(counted="yes"), "counted is true or false, and kind is a word"),
        (cell(kind=5), "counted is true or false, and kind is a word"),
        (cell(rows_px=5), "rows_px needs runs of three whole numbers"),
        (cell(rows_px=[[0, 1]]), "rows_px needs runs of three whole numbers"),
        (cell(rows_px=[[0, 5, 5]]), "the run [0, 5, 5] of rows_px lies outside of its box"),
        (cell(rows_px=[[30, 0, 5]]), "the run [30, 0, 5] of rows_px lies outside of its box"),
        (frame({"box_px": [0, 0, 32768, 513], "rows_px": []}), "is 32768 x 513 pixels, which is no cell"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_boxes(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_is_right_is_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    rows = [[0, 0, 20], [29, 19, 20]]
    path.write_text(json.dumps(cell(counted=False, kind="dim", contrast_to_noise=2, rows_px=rows)))
    (found,) = read_boxes(path)["a", 0]
    assert (found.id, found.box.as_tuple(), found.counted, found.kind) == ("c1", tuple(BOX), False, "dim")
    assert found.contrast_to_noise == 2.0
    assert found.mask is not None
    assert found.mask.shape == (30, 20)
    assert (found.mask[0].sum(), found.mask[29].sum(), found.mask.sum()) == (20, 1, 21)
    path.write_text(json.dumps({"frames": {"a.tif": {"cell": [BOX], "artefact": [BOX]}}}))
    assert [(one.id, one.counted, one.kind) for one in read_boxes(path)["a", 0]] == [
        ("cell0000", True, "cell"),
        ("artefact0000", False, "artefact"),
    ]
