import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from planner.plan import plan
from planner.settings import settings_from
from planner.values import Box, Field
from service.errors import InputError
from service.planning.boxes_file import MAX_FILE_BYTES, read_boxes
from service.planning.request import PlanOverrides, PlanRequest, planned_request
from service.planning.result import document_of

UM = 1e-6
SETTINGS = settings_from(Config().planner, Config().sem, Config().stage)


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "v": 1,
        "section": "S0001",
        "fields": [{"id": "F000", "rect_m": [0.0, 0.0, 91 * UM, 91 * UM]}],
        "boxes": [
            {"id": "c0001", "rect_m": [20 * UM, 20 * UM, 30 * UM, 28 * UM]},
            {"id": "c0002", "rect_m": [120 * UM, 20 * UM, 130 * UM, 28 * UM]},
        ],
    }
    return base | changes


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def request(**changes: Any) -> PlanRequest:
    return PlanRequest.model_validate(document(**changes))


def plan_document(
    request: PlanRequest, config: Config, overrides: PlanOverrides | None = None
) -> dict[str, Any]:
    return document_of(planned_request(request, config, overrides))


def test_the_document_has_exactly_the_keys_of_the_contract(tmp_path: Path) -> None:
    result = plan_document(read_boxes(written(tmp_path, document())), Config())
    assert list(result) == [
        "v",
        "method",
        "optimal",
        "frames",
        "skipped",
        "clipped",
        "totals",
        "alternatives",
        "doses",
        "basis",
        "gap",
        "stitched",
    ]
    assert (result["v"], result["method"]) == (1, "exact")
    (frame,) = result["frames"]
    assert list(frame) == [
        "id",
        "rect_m",
        "center_m",
        "size_px",
        "pixel_size_m",
        "dwell_s",
        "beam_s",
        "covers",
        "stage_m",
        "beam_shift_m",
    ]
    assert list(result["totals"]) == [
        "frames",
        "beam_s",
        "overhead_s",
        "travel_m",
        "total_s",
        "exposed_m2",
        "bound_beam_s",
        "raster_total_s",
        "stage_moves",
        "travel_s",
        "data_bytes",
        "dose_per_nm2",
        "dose_mc_per_cm2",
        "focus_s",
        "bound_s",
    ]
    assert result["skipped"] == [{"box": "c0002", "reason": "outside the saved fluorescence"}]
    assert json.loads(json.dumps(result)) == result


def test_the_document_says_what_the_planner_decided() -> None:
    result = plan_document(request(), Config())
    boxes = [Box(b["id"], b["rect_m"]) for b in document()["boxes"]]
    planned = plan("S0001", [Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))], boxes, SETTINGS)
    assert result["totals"] == asdict(planned.totals) | {
        "data_bytes": 1031 * 910,
        "dose_per_nm2": pytest.approx(137.55, abs=0.01),
        "dose_mc_per_cm2": pytest.approx(2.204, abs=0.001),
        "focus_s": 0,
    }
    frame = result["frames"][0]
    assert frame["rect_m"] == list(planned.frames[0].rect_m)
    assert frame["covers"] == ["c0001"]
    # 10 + 2 * 3.5 um by 8 + 2 * 3.5 um at 16.5 nm.
    assert frame["size_px"] == [1031, 910]
    assert frame["beam_s"] == pytest.approx(1031 * 910 * 60e-6)


def test_a_session_that_focuses_takes_longer_whatever_way_it_images() -> None:
    config = Config.model_validate({"session": {"autofocus": True}})
    plain, found = plan_document(request(), Config()), plan_document(request(), config)
    sem = config.sem
    move_s = SETTINGS.move_s
    focus_s = 256 * 256 * sem.dwell_s + sem.autofocus_s + sem.overhead_s + move_s
    assert found["totals"]["focus_s"] == pytest.approx(focus_s)
    for key in ("total_s", "raster_total_s"):
        assert found["totals"][key] == pytest.approx(plain["totals"][key] + focus_s)
    for new, old in zip(found["alternatives"], plain["alternatives"], strict=True):
        assert new["electron_s"] == pytest.approx(old["electron_s"] + focus_s)
    empty = plan_document(request(boxes=[]), config)
    assert empty["totals"]["focus_s"] == 0


def test_the_sem_of_the_request_goes_first_and_has_no_data_bar_unless_it_says_so() -> None:
    tall = [{"id": "c1", "rect_m": [20 * UM, 20 * UM, 30 * UM, 20 * UM + 1050 * 16.5e-9 - 7 * UM]}]
    sem = {"pixel_size_nm": 16.5, "dwell_us": 10, "max_frame_px": [1536, 1103]}
    whole = plan_document(request(boxes=tall, sem=sem), Config())
    assert [f["size_px"][1] for f in whole["frames"]] == [1050]
    assert whole["frames"][0]["dwell_s"] == pytest.approx(10e-6)
    with_bar = plan_document(request(boxes=tall, sem=sem | {"databar_px": 79}), Config())
    assert len(with_bar["frames"]) == 2
    assert len(plan_document(request(boxes=tall), Config())["frames"]) == 2


def test_flags_go_before_the_configuration() -> None:
    overrides = PlanOverrides(context_um=0, guard_um=1, overhead_s=7)
    result = plan_document(request(), Config(), overrides)
    assert result["frames"][0]["size_px"] == [728, 607]
    assert result["totals"]["overhead_s"] == 7
    raster = plan_document(request(), Config(), PlanOverrides(method="raster"))
    assert raster["method"] == "raster"
    assert raster["totals"]["total_s"] == pytest.approx(raster["totals"]["raster_total_s"])


def test_a_smaller_guard_than_the_stage_allows_may_be_asked_for() -> None:
    wide = plan_document(request(), Config())
    tight = plan_document(request(), Config(), PlanOverrides(guard_um=0.2))
    assert tight["totals"]["beam_s"] < wide["totals"]["beam_s"]


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (PlanOverrides(method="fastest"), "planner.method"),
        (PlanOverrides(guard_um=float("nan")), "planner.guard_um"),
        (PlanOverrides(context_um=-1), "planner.context_um"),
        (PlanOverrides(overhead_s=-1), "sem.overhead_s"),
    ],
)
def test_a_bad_flag_is_named(overrides: PlanOverrides, named: str) -> None:
    with pytest.raises(InputError, match=named):
        plan_document(request(), Config(), overrides)


def test_frames_too_small_for_the_tile_overlap_are_refused() -> None:
    sem = {"pixel_size_nm": 1, "dwell_us": 10, "max_frame_px": [128, 128]}
    with pytest.raises(InputError, match="tile overlap"):
        plan_document(request(sem=sem), Config())


def test_alternatives_come_with_the_plan_the_chosen_one_first() -> None:
    result = plan_document(request(), Config(), PlanOverrides(method="greedy"))
    assert [way["method"] for way in result["alternatives"]] == ["greedy", "per-box", "raster"]
    assert [way["chosen"] for way in result["alternatives"]] == [True, False, False]
    totals = result["totals"]
    assert result["alternatives"][0]["electron_s"] == pytest.approx(totals["total_s"])
    assert result["alternatives"][2]["electron_s"] == pytest.approx(totals["raster_total_s"])
    assert result["alternatives"][2]["data_bytes"] > totals["data_bytes"]


def test_every_box_has_its_dose() -> None:
    result = plan_document(request(), Config())
    once = result["totals"]["dose_per_nm2"]
    by_box = {one["box"]: one for one in result["doses"]}
    assert by_box["c0001"]["mean_per_nm2"] == pytest.approx(once)
    assert by_box["c0001"]["most_per_nm2"] == pytest.approx(once)
    assert by_box["c0002"]["most_per_nm2"] == 0


def test_outline_start_exposed_and_unsaved_ground_may_be_given() -> None:
    box = {"id": "c0003", "rect_m": [60 * UM, 60 * UM, 70 * UM, 68 * UM]}
    boxes = [document()["boxes"][0], box]
    plain = plan_document(request(boxes=boxes, start_m=[90 * UM, 90 * UM]), Config())
    assert [frame["covers"] for frame in plain["frames"]] == [["c0003"], ["c0001"]]
    exposed = plan_document(request(boxes=boxes, exposed_m=[plain["frames"][0]["rect_m"]]), Config())
    assert [item["box"] for item in exposed["skipped"]] == ["c0003"]
    unsaved = plan_document(request(boxes=boxes, unsaved_m=[box["rect_m"]]), Config())
    assert [item["box"] for item in unsaved["skipped"]] == ["c0003"]
    left = [[0, 0], [40 * UM, 0], [40 * UM, 91 * UM], [0, 91 * UM]]
    outlined = plan_document(request(boxes=boxes, outline_m=left), Config())
    assert [item["box"] for item in outlined["skipped"]] == ["c0003"]


def test_a_machine_of_presets_gets_only_those_sizes() -> None:
    sizes = [[512, 442], [1024, 884], [1536, 1024]]
    sem = {"pixel_size_nm": 16.5, "dwell_us": 60, "max_frame_px": [1536, 1103], "presets_px": sizes}
    result = plan_document(request(sem=sem), Config())
    assert result["frames"]
    assert all(frame["size_px"] in sizes for frame in result["frames"])


def test_a_frame_larger_than_the_section_is_said_of_the_box() -> None:
    small = [{"id": "F000", "rect_m": [0.0, 0.0, 30 * UM, 30 * UM]}]
    boxes = [{"id": "c1", "rect_m": [10 * UM, 10 * UM, 20 * UM, 20 * UM]}]
    sem = {
        "pixel_size_nm": 16.5,
        "dwell_us": 60,
        "max_frame_px": [6144, 4096],
        "presets_px": [[6144, 4096]],
    }
    result = plan_document(request(fields=small, boxes=boxes, sem=sem), Config())
    assert result["frames"] == []
    assert [item["box"] for item in result["skipped"]] == ["c1"]
    assert "size" in result["skipped"][0]["reason"]


RECT = '{"id": "c1", "rect_m": [0, 0, %s, 1e-5]}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("[]", "must be an object"),
        ("{", "is no JSON file"),
        ("[" * 200_000, "nested too deeply"),
        ('{"v": 1, "v": 1}', "key 'v' twice"),
        ('{"v": 1, "section": "S0001", "fields": [], "boxes": []}', "fields: "),
        (json.dumps(document(v=2)), "v: "),
        (json.dumps(document(v=True)), "v: "),
        (json.dumps(document(colour="red")), "colour: unknown key"),
        (json.dumps(document(boxes=[{"id": "c1", "rect_m": [0, 0, 1e-5]}])), "boxes.0.rect_m"),
        (
            json.dumps(document(boxes=[{"id": "c1", "rect_m": [0, 0, "1e-5", 1e-5]}])),
            r"boxes.0.rect_m.2: .*1e-5",
        ),
        (json.dumps(document(boxes=[{"id": "c1", "rect_m": [0, 0, True, 1e-5]}])), r"boxes.0.rect_m.2"),
        (json.dumps(document(boxes=[{"id": "c1", "rect_m": [1e-5, 0, 1e-5, 1e-5]}])), "x0 < x1"),
        (
            json.dumps(document(boxes=[{"id": "c1", "rect_m": [0, 0, 91.0, 91.0]}])),
            "less than or equal to 0.2",
        ),
        (json.dumps(document(boxes=[{"id": "", "rect_m": [0, 0, 1e-5, 1e-5]}])), "boxes.0.id"),
        (json.dumps(document(boxes=document()["boxes"][:1] * 2)), "'c0001' comes twice"),
        (json.dumps(document(fields=document()["fields"] * 2)), "'F000' comes twice"),
        (json.dumps(document(boxes=[])).replace("[]", "[" + RECT % "NaN" + "]"), "NaN is no number"),
        (
            json.dumps(document(boxes=[])).replace("[]", "[" + RECT % "-Infinity" + "]"),
            "-Infinity is no number",
        ),
        (json.dumps(document(boxes=[])).replace("[]", "[" + RECT % "1e999" + "]"), "boxes.0.rect_m.2"),
        (json.dumps(document(sem={"pixel_size_nm": 16.5})), "sem.dwell_us"),
        (json.dumps(document(outline_m=[[0, 0], [1e-5, 0]])), "outline_m: "),
        (
            json.dumps(document(outline_m=[[0, 0], [1e-5, 1e-5], [1e-5, 0], [0, 1e-5]])),
            "does not cross itself",
        ),
        (json.dumps(document(exposed_m=[[1e-5, 0, 0, 1e-5]])), r"exposed_m.0: must have x0 < x1"),
        (json.dumps(document(start_m=[1.0, 0])), r"start_m.0: .*0.2"),
        (
            json.dumps(document(sem={"pixel_size_nm": 0, "dwell_us": 1, "max_frame_px": [64, 64]})),
            "sem.pixel_size_nm",
        ),
    ],
)
def test_bad_input_gets_one_sentence_with_file_and_key(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_boxes(written(tmp_path, content))
    text = str(caught.value)
    assert text.startswith(str(tmp_path / "boxes.json"))
    assert "\n" not in text


def test_a_file_that_is_missing_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_boxes(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(tmp_path)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no text in UTF-8"):
        read_boxes(binary)
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="larger than 32 MB"):
        read_boxes(large)


def test_no_boxes_no_frames() -> None:
    result = plan_document(request(boxes=[]), Config())
    assert (result["frames"], result["skipped"], result["totals"]["total_s"]) == ([], [], 0)
    assert result["totals"]["raster_total_s"] > 0
