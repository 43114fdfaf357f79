"""The commands `ilemtrack sections ...`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from config.layout import ListLayout
from config.loading import load
from service.mapping.lists.files import read_list, write_list
from service.mapping.values import MappedSection, PointPair, SectionList, Unit
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, SectionArray
from tests.service.mapping.order.arrays import listed
from tests.service.saying import Said

ARRAY = place_array(
    ArraySettings(
        sections=8,
        arrangement="ribbons",
        ribbon_sections=(4, 4),
        missing_share=0,
        width_px=30,
        height_px=22,
        seed=2,
    )
)


def _list(path: Path, array: SectionArray = ARRAY) -> Path:
    pairs = tuple(
        PointPair(f"L{n}", mark.position_px, (mark.stage_m[0] * 1e6, mark.stage_m[1] * 1e6))
        for n, mark in enumerate(array.landmarks)
    )
    write_list(path, replace(listed(array, seed=1), landmarks=pairs))
    return path


def _landmarks(path: Path, off_um: float = 0.0) -> Path:
    lines = ["name,overview_x_px,overview_y_px,stage_x_um,stage_y_um"]
    for n, mark in enumerate(ARRAY.landmarks):
        x, y = (value * 1e6 for value in mark.stage_m)
        lines.append(f"m{n},{mark.position_px[0]},{mark.position_px[1]},{x + (off_um if n == 2 else 0)},{y}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_convert_changes_the_format_and_takes_to_the_stage(say: Said, tmp_path: Path) -> None:
    source = _list(tmp_path / "a.yaml")
    status, _, err = say("sections", "convert", str(source), str(tmp_path / "a.magc"))
    assert status == 0
    assert "8 sections whose cutting order is not stated, positions in px" in err
    landmarks = _landmarks(tmp_path / "marks.csv")
    status, *_ = say(
        "sections",
        "convert",
        str(tmp_path / "a.magc"),
        str(tmp_path / "b.csv"),
        "--landmarks",
        str(landmarks),
    )
    assert status == 0
    stage = read_list(tmp_path / "b.csv")
    assert stage.unit is Unit.UM
    matrix = ARRAY.stage_of_px * 1e6
    for one in ARRAY.sections:
        (found,) = (s for s in stage.sections if s.id == f"S{one.cut:04d}")
        assert found.center == pytest.approx(matrix[:, :2] @ one.center_px + matrix[:, 2], abs=0.01)


def test_bad_lists_get_one_sentence_and_nothing_is_written(say: Said, tmp_path: Path) -> None:
    source, out = _list(tmp_path / "a.yaml"), tmp_path / "b.yaml"
    (tmp_path / "bad.magc").write_text("[section.0001]\ncenter = 1,2\n")
    marks = tmp_path / "marks.csv"
    marks.write_text(_landmarks(marks).read_text().replace("m1", "m0"))
    one = tmp_path / "one.csv"
    one.write_text("\n".join(_landmarks(one).read_text().splitlines()[:2]))
    bare = tmp_path / "bare.yaml"
    write_list(bare, replace(read_list(source), landmarks=()))
    far = tmp_path / "far.yaml"
    write_list(far, SectionList(Unit.UM, (MappedSection("S0001", (5e5, 0)),)))
    for words, said in (
        (("convert", tmp_path / "bad.magc", out), "line 1: [section.0001] has no polygon"),
        (("convert", source, source), "is the list itself"),
        (("convert", tmp_path / "none.yaml", out), "no such file"),
        (("convert", source, tmp_path / "b.txt"), "is no section list by its name"),
        (("landmarks", one), "there is one landmark"),
        (("layout", bare, "--out", out), "--landmarks takes them to the stage"),
        (("layout", far, "--out", out), "lies outside the safe area of the stage"),
        (("layout", source, "--out", out, "--regions-of", "S0003"), "section S0003 has no regions"),
    ):
        status, _, err = say("sections", *map(str, words))
        assert status == 2
        assert said in err
        assert err.count("\n") == 1
        assert not out.exists()


def test_landmarks_show_their_errors_and_name_a_wrong_one(say: Said, tmp_path: Path) -> None:
    figure = tmp_path / "marks.png"
    status, found, _ = say(
        "sections", "landmarks", str(_landmarks(tmp_path / "good.csv")), "--figure", str(figure), "--json"
    )
    assert status == 0
    assert found["model"] == "similarity"
    assert found["um_per_px"] == pytest.approx(5)
    assert found["leave_one_out_rms_um"] == pytest.approx(0, abs=1e-3)
    assert figure.read_bytes().startswith(b"\x89PNG")
    status, text, err = say("sections", "landmarks", str(_landmarks(tmp_path / "bad.csv", off_um=700)))
    assert status == 1
    assert "does not agree" in text
    assert "m2 does not agree with the others and is left out" in err


def test_order_follows_the_ribbons_and_lists_what_to_look_at(say: Said, tmp_path: Path) -> None:
    source, out = _list(tmp_path / "a.yaml"), tmp_path / "b.yaml"
    status, found, _ = say("sections", "order", str(source), str(out), "--json")
    assert status == 0
    assert [one.id for one in read_list(out).sections] == found["order"]
    assert read_list(out).in_cutting_order
    assert len(found["links"]) == 7
    assert [link["doubt"] for link in found["links"]].count("unknown") == 1
    status, _, err = say("sections", "order", str(source), str(out))
    assert "one ribbon ends, and another begins" in err
    assert "8 sections in cutting order, links to look at: 1" in err


def test_layout_makes_a_configuration_and_shows_what_it_takes(say: Said, tmp_path: Path) -> None:
    source, out = _list(tmp_path / "a.yaml"), tmp_path / "my.yaml"
    status, found, err = say("sections", "layout", str(source), "--out", str(out), "--json")
    assert status == 0
    assert "does not state the order of cutting" in err
    layout = load(out).layout
    # The beam reaches as far beyond the outlines as the fields: what these show can be imaged.
    assert load(out).planner.outline_margin_um == 25
    assert isinstance(layout, ListLayout)
    assert found["sections"] == len(layout.sections) == 8
    assert found["fields"] == sum(len(one.field_centers_um or ()) for one in layout.sections)
    assert found["estimate"]["left_s"] > 0
    assert found["estimate"]["data_left_bytes"] > 0
    status, text, _ = say("config", "check", str(out))
    assert status == 0
    assert f"8 sections with {found['fields']} fields" in text


def test_a_region_of_one_section_is_covered_on_all(say: Said, tmp_path: Path) -> None:
    source = _list(tmp_path / "a.json")
    data = json.loads(source.read_text())
    corners = data["sections"][0]["polygon_px"]
    middle = data["sections"][0]["center_px"]
    small = [[0.5 * (x + middle[0]), 0.5 * (y + middle[1])] for x, y in corners]
    data["sections"][0]["regions_px"] = [small]
    source.write_text(json.dumps(data))
    out, name = tmp_path / "my.yaml", data["sections"][0]["id"]
    whole = say("sections", "layout", str(source), "--out", str(out), "--json")[1]["fields"]
    status, found, _ = say(
        "sections",
        "layout",
        str(source),
        "--out",
        str(out),
        "--json",
        "--regions-of",
        name,
        "--margin-um",
        "0",
    )
    assert status == 0
    assert found["sections"] == 8
    assert 8 <= found["fields"] < whole
    assert yaml.safe_load(out.read_text())["layout"]["kind"] == "list"
