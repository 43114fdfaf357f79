"""Section lists that are wrong: one sentence names the file, the field or line, and what would be right."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.errors import InputError
from service.mapping.lists.checks import FieldError, ordered, section
from service.mapping.lists.files import read_list
from service.mapping.values import MappedSection, SectionList, Unit

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
GOOD = {"id": "S0001", "polygon_px": SQUARE}


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_list(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said.removeprefix(str(path))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sections": []}, "sections: has 0 sections; 1 to 100000 are read"),
        ({"sections": {}}, "sections: must be a list of sections"),
        ({"sections": [GOOD | {"center_um": [1, 1]}]}, "has positions in px and in um"),
        ({"sections": [{"id": "S0001"}]}, "needs polygon_px or center_px"),
        ({"sections": [GOOD, 5]}, "must hold named values, such as id and polygon_px"),
        ({"sections": [{"polygon_px": SQUARE}]}, "id: is missing"),
        ({"sections": [GOOD | {"regions_px": 5}]}, "regions_px: must be a list"),
        ({"sections": [GOOD], "landmarks": [5]}, "needs overview_px, and stage_um once it is known"),
        ({"sections": [GOOD], "landmarks": [{"id": "L0"}]}, "needs overview_px"),
        ({"sections": [GOOD | {"polygon_px": 5}]}, "a polygon is a list of points [x, y]"),
        ({"sections": [GOOD | {"polygon_px": [[0, 0, 0]] * 3}]}, "corner 1: a point is two numbers, x and y"),
        ({"sections": [GOOD | {"polygon_px": [[0, 0], [1, 0]]}]}, "has 2 corners; a polygon needs three"),
        ({"sections": [GOOD | {"polygon_px": [[0, 0]] * 1001}]}, "has 1001 corners; at most 1000"),
        ({"sections": [GOOD | {"angle_deg": True}]}, "True is not a number"),
        ({"sections": [GOOD | {"angle_deg": [1]}]}, "[1] is not a number"),
        ({"sections": [GOOD | {"angle_deg": 1e10}]}, "is not a number of a position or an angle"),
    ],
)  # fmt: skip
def test_a_document(document: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "list.json", json.dumps(document))


def test_a_polygon_that_is_closed_has_one_corner_less(tmp_path: Path) -> None:
    closed = GOOD | {"polygon_px": [[0, 0], [1, 0], [5, 5], [0, 0]]}
    (tmp_path / "list.json").write_text(json.dumps({"sections": [closed]}), encoding="utf-8")
    (one,) = read_list(tmp_path / "list.json").sections
    assert one.outline == ((0, 0), (1, 0), (5, 5))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("id,x1_px,y1_px\n\n0001,1,2,3\n", "line 3: has 4 values, but there are 3 columns"),
        ("id,x1_px,x1_px\n", "column 'x1_px' is there twice"),
        ("id,colour,x1_px\n", "column 'colour' is unknown"),
        ("id,center_x_px,center_y_px\n,1,2\n", "id: is missing"),
        (
            "id,region,x1_px,y1_px,x2_px,y2_px,x3_px,y3_px\n1,1,0,0,1,0,1,1\n",
            "there is no section S0001 above",
        ),
        ("id,region,center_x_px,center_y_px\n1,,1,2\n1,1,,\n", "region: needs corners"),
        ("id,center_x_px,center_y_px\n\n", "has no sections below the names of the columns"),
    ],
)
def test_a_table(table: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "list.csv", table)


def test_empty_lines_of_a_table_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id;center_x_um;center_y_um\n\n1;5;6\n;;\n2;7;8\n", encoding="utf-8")
    assert [(one.id, one.center) for one in read_list(path).sections] == [
        ("S0001", (5.0, 6.0)),
        ("S0002", (7.0, 8.0)),
    ]


SAMPLE: dict[str, Any] = {"sample": {"polygon": SQUARE, "center": [5, 5]}}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sections": {}}, "sections: has no sections"),
        ({"sections": 5}, "sections: must hold named values"),
        ({"sections": {"1": 5}}, "must hold named values"),
        ({"sections": {"1": {"sample": 5}}}, "sample: must hold named values"),
        ({"sections": {"1": {"sample": {}}}}, "polygon: is missing"),
        ({"sections": {"1": SAMPLE}, "serial_order": 5}, "serial_order: must be a list"),
        ({"sections": {"1": SAMPLE, "2": SAMPLE}, "serial_order": [2]}, "does not name section S0001"),
        ({"sections": {"1": SAMPLE}, "stage_order": [3]}, "names section S0003, which is not in the list"),
        (
            {"sections": {"1": {"sample": {"polygon": SQUARE, "center": [50, 5]}}}},
            "lies outside of the polygon",
        ),
    ],
)
def test_a_file_of_sbemimage(document: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "list.mass.json", json.dumps(document))


def test_a_section_lies_somewhere_and_an_order_has_all() -> None:
    with pytest.raises(FieldError, match="needs a polygon or a center"):
        section(Unit.PX, "S0001", None, None, None)
    two = SectionList(Unit.PX, tuple(MappedSection(f"S000{n}", (0.0, 0.0), None, None) for n in (1, 2)))
    assert [one.id for one in ordered(two, ["S0002", "S0001"]).sections] == ["S0002", "S0001"]
    with pytest.raises(FieldError, match="does not name section S0001; it must name each section once"):
        ordered(two, ["S0002"])
    with pytest.raises(FieldError, match="names section S0002 twice"):
        ordered(two, ["S0002", "S0002"])
