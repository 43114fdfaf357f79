import base64
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from config.loading import load
from service.cli.live.console import holder_lists, holder_stage
from service.cli.live.console.computer import ThisComputer
from service.cli.live.console.worker import Worker
from service.cli.live.console.worker_program import answer
from service.console.computer.holder import HolderMap, SessionSettings
from service.console.holder import edits
from service.errors import InputError
from service.mapping.lists.files import read_list
from service.mapping.values import Unit

DOCUMENT = {
    "v": 1,
    "overview": "wafer.png",
    "size_px": [400, 300],
    "sections": [
        {"id": "S0001", "polygon_px": [[50, 50], [90, 50], [90, 90], [50, 90]], "angle_deg": 90},
        {"id": "S0002", "polygon_px": [[110, 50], [150, 50], [150, 90], [110, 90]], "confidence": 0.8},
    ],
    "shape": {"examples": 2, "doubt": {"reason": "parts", "says": "look at the overlay"}},
    "doubtful": [
        {"id": "D0001", "polygon_px": [[200, 50], [240, 50], [240, 90], [200, 90]], "angle_deg": 90,
         "reason": "cut", "says": "the picture ends there"},
    ],
}  # fmt: skip
LANDMARKS = "overview_x_px,overview_y_px,stage_x_um,stage_y_um\n0,0,0,0\n400,0,800,0\n0,300,0,-600\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder of the program, with a document of `ilemtrack map` and landmarks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    (tmp_path / "landmarks.csv").write_text(LANDMARKS, encoding="utf-8")
    return tmp_path


def as_dict(shown: HolderMap) -> dict[str, object]:
    """Return a list as it comes to the program: as JSON."""
    found: dict[str, object] = json.loads(json.dumps(asdict(shown)))
    return found


def test_a_document_of_map_is_read_with_its_doubtful_outlines_and_saved_the_same() -> None:
    shown = holder_lists.read("found.json")
    assert [one.id for one in shown.sections] == ["S0001", "S0002"]
    assert [(one.id, one.doubt) for one in shown.doubtful] == [("D0001", "the picture ends there")]
    assert (shown.overview, shown.shape_doubt) == ("wafer.png", "look at the overlay")
    assert holder_lists.save(as_dict(shown), "again.json", False) == "again.json"
    assert holder_lists.read("again.json") == shown


def test_what_was_corrected_is_in_the_saved_list(folder: Path) -> None:
    shown, name = edits.accepted(holder_lists.read("found.json"), "D0001")
    shown = edits.removed(edits.moved(shown, name, (5.0, 7.0)), "S0001")
    shown = replace(edits.placed(shown, name, 1), in_cutting_order=True)
    for ending in ("yaml", "json", "csv", "magc", "mass.json"):
        holder_lists.save(as_dict(shown), f"sections.{ending}", False)
        found = read_list(folder / f"sections.{ending}")
        assert {one.id for one in found.sections} == {"S0002", "S0003"}
        moved = next(one for one in found.sections if one.id == "S0003")
        assert moved.center == pytest.approx((225.0, 77.0))
        assert moved.outline is not None
        assert moved.outline[0] == pytest.approx((205.0, 57.0))
    assert [one.id for one in read_list(folder / "sections.yaml").sections] == ["S0003", "S0002"]


def test_a_file_that_exists_is_replaced_only_if_that_is_said(folder: Path) -> None:
    shown, before = holder_lists.read("found.json"), (folder / "found.json").read_bytes()
    with pytest.raises(InputError, match=r"found\.json exists"):
        holder_lists.save(as_dict(shown), "found.json", False)
    assert (folder / "found.json").read_bytes() == before
    holder_lists.save(as_dict(edits.removed(shown, "S0001")), "found.json", True)
    assert [one.id for one in holder_lists.read("found.json").sections] == ["S0002"]
    assert sorted(path.name for path in folder.iterdir()) == ["found.json", "landmarks.csv"]


@pytest.mark.parametrize(
    "name", ["../out.yaml", "a/b.yaml", ".hidden.yaml", "list.txt", "", "-x.yaml", "list"]
)
def test_lists_are_written_into_the_folder_under_plain_names_only(name: str) -> None:
    with pytest.raises(InputError, match="a name has"):
        holder_lists.save(as_dict(holder_lists.read("found.json")), name, True)


def test_a_list_that_cannot_be_saved_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(InputError, match="no section to save"):
        holder_lists.save(as_dict(HolderMap("px")), "empty.yaml", False)
    stage = replace(holder_lists.read("found.json"), unit="um")
    with pytest.raises(InputError, match="holds pixels"):
        holder_lists.save(as_dict(stage), "stage.magc", False)
    assert sorted(path.name for path in folder.iterdir()) == ["found.json", "landmarks.csv"]


def test_a_stage_list_is_shown_with_y_downwards_and_saved_as_it_was(folder: Path) -> None:
    text = "sections:\n- {id: S0001, polygon_um: [[0, 10], [10, 10], [10, 0], [0, 0]], angle_deg: 90}\n"
    (folder / "stage.yaml").write_text(text, encoding="utf-8")
    shown = holder_lists.read("stage.yaml")
    assert (shown.unit, shown.sections[0].outline[0], shown.sections[0].center) == ("um", (0, -10), (5, -5))
    holder_lists.save(as_dict(edits.turned(shown, "S0001", 90.0)), "turned.yaml", False)
    (one,) = read_list(folder / "turned.yaml").sections
    assert one.rotation_deg == pytest.approx(90.0)
    assert one.outline is not None
    # The first edge ran along X; now it runs along Y, up.
    assert [c for corner in one.outline[:2] for c in corner] == pytest.approx([0, 0, 0, 10], abs=1e-9)


def test_a_list_that_is_too_long_for_a_browser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder_lists, "MOST_SHOWN", 1)
    with pytest.raises(InputError, match="has 2 sections; the page shows at most 1"):
        holder_lists.read("found.json")


def test_damaged_doubtful_outlines_are_named(folder: Path) -> None:
    broken = DOCUMENT | {"doubtful": [{"id": "D1", "polygon_px": [[0, 0], ["a", 1]]}]}
    (folder / "broken.json").write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.json: doubtful outline 1 of the list"):
        holder_lists.read("broken.json")


def test_the_safe_area_lies_where_the_landmarks_say() -> None:
    found = holder_lists.landmarks("landmarks.csv")
    given = [{"id": one.id, "overview_px": one.overview_px, "stage_um": one.stage_um} for one in found]
    safe = holder_stage.safe_area("px", given, "simulator")
    x0, _, x1, y1 = (side * 1e6 for side in load("simulator").stage.safe_area_m)
    assert safe.corners[2] == pytest.approx((x1 / 2, -y1 / 2)), "2 um per pixel, Y up"
    assert safe.corners[0][0] == pytest.approx(x0 / 2)
    assert "2 µm per pixel" in safe.says
    assert holder_stage.safe_area("px", [], "simulator").corners == ()
    assert holder_stage.safe_area("um", [], "simulator").corners[2] == pytest.approx((x1, -y1))


def test_a_saved_list_with_landmarks_makes_a_configuration(folder: Path) -> None:
    shown = replace(holder_lists.read("found.json"), landmarks=holder_lists.landmarks("landmarks.csv"))
    holder_lists.save(as_dict(shown), "sections.yaml", False)
    settings = {"configuration": "simulator", "name": "wafer_7", "margin_um": 5.0, "overlap_percent": 10.0}
    says = holder_stage.configure("sections.yaml", settings, False)
    assert "2 sections" in says
    assert "order of the list is taken" in says
    made = load(folder / "wafer_7.yaml")
    assert made.layout.kind == "list"
    with pytest.raises(InputError, match=r"wafer_7\.yaml exists"):
        holder_stage.configure("sections.yaml", settings, False)
    with pytest.raises(InputError, match="choose landmarks"):
        holder_stage.configure("found.json", settings | {"name": "other"}, False)
    for name in ("../x", "", "sections"):
        with pytest.raises(InputError):
            holder_stage.configure("sections.yaml", settings | {"name": name}, True)


def test_an_overview_becomes_a_picture_of_bounded_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder_stage, "LONGEST_PX", 100)
    pixels = np.zeros((150, 200, 3), dtype=np.uint16)
    pixels[:, :100, 0] = 60_000
    assert cv2.imwrite(str(folder / "colour.tiff"), pixels[:, :, ::-1])
    found = holder_stage.picture("colour.tiff")
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(found.jpeg), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert (found.size_px, decoded.shape) == ((200, 150), (75, 100, 3))
    blue, green, red = decoded[40, 20].tolist()
    assert red > 200 > 60 > max(blue, green)


def test_only_offered_files_are_opened(tmp_path: Path) -> None:
    here = ThisComputer(tmp_path)
    assert here.holder.lists() == ["found.json", "landmarks.csv"]
    for name in ("/etc/passwd", "../x.yaml", ""):
        with pytest.raises(InputError, match=r"there is no file|choose a file"):
            here.holder.read(name)
        with pytest.raises(InputError, match=r"there is no file|choose a file"):
            here.holder.picture(name)
        with pytest.raises(InputError, match=r"there is no file|choose a file"):
            here.holder.configure(name, SessionSettings("simulator", "x", 0, 0), False)


def test_what_the_page_asks_for_goes_to_the_program_and_back_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(_: Worker, what: str, **given: Any) -> Any:
        reply = json.loads(json.dumps(answer(what, json.loads(json.dumps(given))), default=asdict))
        return reply["is"]

    monkeypatch.setattr(Worker, "ask", ask)
    here = ThisComputer(tmp_path)
    shown = here.holder.read("found.json")
    assert shown == holder_lists.read("found.json")
    found = here.holder.landmarks("landmarks.csv")
    assert (found[1].overview_px, found[1].stage_um) == ((400.0, 0.0), (800.0, 0.0))
    shown = replace(shown, landmarks=found)
    assert len(here.holder.safe_area(shown, "simulator").corners) == 4
    assert here.holder.save(shown, "kept.yaml", False) == "kept.yaml"
    assert read_list(tmp_path / "kept.yaml").unit is Unit.PX
    says = here.holder.configure("kept.yaml", SessionSettings("simulator", "made", 5, 10), False)
    assert says.startswith("made.yaml: 2 sections")
    assert "made.yaml" in here.configurations()
