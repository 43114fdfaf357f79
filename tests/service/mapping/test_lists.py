"""Section lists: every format is read and written, and an error names line and field."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from service.errors import InputError
from service.mapping.lists.files import read_list, write_list
from service.mapping.values import MappedSection, PointPair, SectionList, Unit, rotation_of

SQUARE = ((100.0, 100.0), (160.0, 90.0), (170.0, 150.0), (110.0, 160.0))
ONE = MappedSection(
    "S0007",
    (135.0, 125.0),
    9.462322,
    SQUARE,
    (((120.0, 110.0), (130.0, 110.0), (130.0, 120.0)),),
    ((140.0, 120.0), (150.0, 130.0)),
    (120.0, 150.0),
)
TWO = MappedSection("S0003", (235.0, 125.0), 9.462322, tuple((x + 100, y) for x, y in SQUARE))
LIST = SectionList(
    Unit.PX, (ONE, TWO), True, ("S0003", "S0007"), (PointPair("L0", (5.0, 6.0)), PointPair("L1", (50.0, 6.0)))
)

OLD_MAGC = """\
[sections]
number = 2

[sections.0000]
polygon = 2455.707,1462.273,2520.933,1450.934,2530.778,1511.82,2466.108,1523.542
center = 2493.312,1487.095
area = 4086
angle = 99.862
compression = 1

[sections.0001]
polygon = 2403.135,1427.167,2453.882,1385.272,2491.24,1433.246,2441.299,1475.29

[rois.0000]
template = 0
polygon = 2490.296,1464.188,2502.254,1462.109,2503.875,1472.818,2492.248,1474.719

[landmarks]
number = 1

[landmarks.0000]
location = 1128.25,2709.5

[serialorder]
serialorder = []

[tsporder]
tsporder = 1,0
"""


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.magc", "a.mass.json"])
def test_a_list_is_read_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    write_list(tmp_path / name, LIST)
    assert read_list(tmp_path / name) == LIST


def test_a_table_keeps_sections_and_regions_in_their_order(tmp_path: Path) -> None:
    write_list(tmp_path / "a.csv", LIST)
    found = read_list(tmp_path / "a.csv")
    plain = [replace(one, focus_points=(), magnet=None) for one in LIST.sections]
    assert list(found.sections) == plain


def test_stage_positions_are_kept_in_formats_that_can_hold_them(tmp_path: Path) -> None:
    stage = replace(LIST, unit=Unit.UM, landmarks=())
    write_list(tmp_path / "a.yaml", stage)
    assert read_list(tmp_path / "a.yaml") == stage
    with pytest.raises(InputError, match="holds pixels of the overview"):
        write_list(tmp_path / "a.magc", stage)


def test_older_magc_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.magc").write_text(OLD_MAGC)
    found = read_list(tmp_path / "a.magc")
    assert [one.id for one in found.sections] == ["S0000", "S0001"]
    assert found.sections[0].rotation_deg == pytest.approx(rotation_of(99.862))
    # The published angle is that of the first edge, turned by 90 degrees.
    assert found.sections[0].rotation_deg == pytest.approx(9.862, abs=0.001)
    assert found.sections[1].rotation_deg == pytest.approx(129.542 - 90, abs=0.01)
    assert len(found.sections[0].regions) == 1
    assert not found.in_cutting_order
    assert found.stage_order == ("S0001", "S0000")
    assert found.landmarks == (PointPair("L0", (1128.25, 2709.5)),)


def test_the_document_of_map_is_a_list_and_its_further_keys_are_passed_over(tmp_path: Path) -> None:
    corners = [[0, 0], [10, 0], [10, 10], [0, 10]]
    one = {"id": "S0001", "polygon_px": corners, "center_px": [5, 5], "angle_deg": 90.0, "confidence": 0.9}
    (tmp_path / "map.json").write_text(json.dumps({"v": 1, "overview": "a.png", "sections": [one]}))
    assert read_list(tmp_path / "map.json").sections[0].rotation_deg == 0


def test_a_table_of_centres_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;center_x_um;center_y_um\n1;10.5;20\n2;30;-4e1\n")
    found = read_list(tmp_path / "a.csv")
    assert [(one.id, one.center) for one in found.sections] == [("S0001", (10.5, 20)), ("S0002", (30, -40))]
    assert found.unit is Unit.UM


MAGC = "[section.0001]\npolygon = 0,0,10,0,10,10,0,10\n"
CSV = "id,x1_px,y1_px,x2_px,y2_px,x3_px,y3_px\n"
YAML = "sections:\n- id: S0001\n  polygon_px: [[0, 0], [10, 0], [10, 10]]\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.magc", "", "line 1: has no sections"),
        ("a.magc", "[section.0001]\ncenter = 1,2\n", r"line 1: \[section.0001\] has no polygon"),
        ("a.magc", MAGC + "\n" + MAGC, r"line 4: \[section.0001\] is there twice; it is also in line 1"),
        ("a.magc", MAGC + "angle = north\n", r"line 3: \[section.0001\] angle: 'north' is not a number"),
        ("a.magc", MAGC + "polygon = 1\n", "line 3: .*polygon is there twice; it is also in line 2"),
        ("a.magc", MAGC + "center = 90,5\n", "line 3: .*outside of the polygon"),
        ("a.magc", MAGC.replace("10,10,0,10", "0,10,10,10"), r"line 2: .*touches itself at \(5, 5\)"),
        ("a.magc", MAGC.replace(",0,10\n", ",0\n"), "line 2: .*7 numbers"),
        ("a.magc", MAGC.replace("10,10", "nan,10"), "line 2: .*number 5 of 8"),
        ("a.magc", MAGC + "[roi.0009.00]\npolygon = 0,0,1,0,1,1\n", "line 3: .*there is no section 9"),
        ("a.magc", MAGC + "[serial_order]\nserial_order = 1,2\n", "line 4: .*S0002, which is not"),
        ("a.magc", MAGC + "[serial_order]\nserial_order = 1,1\n", "line 4: .*names section S0001 twice"),
        ("a.magc", "polygon = 1\n", "line 1: .*neither a header"),
        ("a.magc", "[section.one]\n", "line 1: .*whole number"),
        ("a.csv", "", "line 1: is empty"),
        ("a.csv", CSV, "line 1: has no sections"),
        ("a.csv", "x,y\n1,2\n", "line 1: has no column id"),
        ("a.csv", "id,x1_px,y1_um\n1,2,3\n", "line 1: must have columns in px or in um"),
        ("a.csv", CSV + "1,0,0,1,0,1,two\n", "line 2: corners?|line 2: y3_px: 'two' is not a number"),
        ("a.csv", CSV + "1,0,0,1,0,1,1\n1,0,0,1,0,1,1\n", "line 3: id: S0001 is there twice; .*line 2"),
        ("a.csv", CSV + "1,0,0,1,,1,1\n", "line 2: y2_px: is missing"),
        ("a.csv", CSV + "1,0,0,1,1,2,2\n", "line 2: corners: has no area"),
        ("a.csv", CSV + "first,0,0,1,0,1,1\n", "line 2: id: 'first' is not the id of a section"),
        ("a.yaml", "sections: 3\n", "line 1: sections: must be a list"),
        ("a.yaml", YAML + YAML[10:], "line 4: section 2 of the list, id: S0001 is there twice; .*section 1"),
        ("a.yaml", YAML.replace("[10, 10]", "[10, ten]"), "line 3: section 1 .*polygon_px: corner 3"),
        ("a.yaml", YAML + "  angle: 3\n", "line 4: section 1 .*angle: unknown key"),
        ("a.yaml", YAML + "cutting_order: [S0001, S0002]\n", "line 4: cutting_order: names section S0002"),
        ("a.yaml", "a: [1\n", r"not valid YAML \(line"),
        ("a.json", "[]", "is no section list"),
        ("a.mass.json", '{"sections": {"1": {"sample": {}}}}', "section 1, sample, polygon: is missing"),
        ("a.mass.json", "{}", "sections: is missing"),
        ("a.txt", "", "is no section list by its name"),
    ],
)  # fmt: skip
def test_an_error_names_line_and_field(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said) as error:
        read_list(tmp_path / name)
    assert "\n" not in str(error.value)
    assert str(tmp_path / name) in str(error.value)


def test_lines_of_json_are_found(tmp_path: Path) -> None:
    data = {"sections": [{"id": "S0001", "polygon_px": [[0, 0], [1, 0], [1, "x"]]}]}
    (tmp_path / "a.json").write_text(json.dumps(data, indent=1))
    with pytest.raises(InputError, match="line 5: section 1"):
        read_list(tmp_path / "a.json")


def test_written_yaml_is_plain(tmp_path: Path) -> None:
    write_list(tmp_path / "a.yaml", LIST)
    data = yaml.safe_load((tmp_path / "a.yaml").read_text())
    assert data["cutting_order"] == ["S0007", "S0003"]
    assert data["sections"][0]["angle_deg"] == pytest.approx(99.462322)
