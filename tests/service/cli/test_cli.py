"""The command line as people and programs meet it: documents, sentences, exit statuses."""

import json
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from config.loading import dump, load
from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hits import Hit
from service.cli import commands
from service.errors import StoreError
from service.report.summary import summarise
from service.session.folders.run_folder import RunFolder
from service.session.layout import sections_and_fields, with_layout
from service.store.store import Store
from tests.service.annotations import annotations_of
from tests.service.saying import Said
from tests.service.sessions import small_config

pytestmark = pytest.mark.usefixtures("runtime_dir", "frames_once")

SUMMARY = {
    "v",
    "run",
    "end_state",
    "sections",
    "fields",
    "left_out_fields",
    "cells",
    "jobs",
    "beam_s",
    "session_s",
    "idle_s",
    "raster_session_s",
    "alternatives",
    "data_bytes",
    "contained_recall",
    "tracks",
    "focus",
    "overviews",
    "failed_fields",
    "undone_jobs",
    "clipped_cells",
    "frameless_cells",
    "stitched_cells",
    "raster_sections",
    "below_floor_cells",
    "left_out_cells",
    "beside_cells",
    "reviewed_cells",
    "helping_jobs",
    "images",
    "trends",
    "flagged_images",
    "missing_images",
    "retaken",
    "remarks",
    "found_sections",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A configuration of a small session."""
    path = tmp_path / "small.yaml"
    path.write_text(dump(small_config(planner={"method": "exact"})), encoding="utf-8")
    return path


def frame_with_cells(seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Three discs on a noisy background."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:256, 0:256]
    image = np.full((256, 256), 400.0)
    for x, y in ((60, 70), (180, 90), (120, 190)):
        image[(columns - x) ** 2 + (rows - y) ** 2 < 30**2] += 800
    return rng.normal(image, 40).astype(np.uint16)


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    path = tmp_path / "cells.ome.tiff"
    metadata = {"axes": "YX", "PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    tifffile.imwrite(path, frame_with_cells(), ome=True, metadata=metadata)
    return path


def test_dry_run_prints_the_document_and_leaves_the_images(say: Said, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, document, _ = say("dry-run", "--config", small, "--out", out, "--json")
    assert status == 0
    assert set(document) == SUMMARY
    assert document["v"] == 1
    assert document["end_state"] == "done"
    assert (document["sections"], document["fields"]) == (2, 2)
    assert set(document["jobs"]) == {"done", "skipped", "failed", "needs_review"}
    assert document["jobs"]["done"] == len(list((out / "em").rglob("*.ome.tiff"))) > 0
    assert len(list((out / "fm").rglob("*.ome.tiff"))) == 2
    assert document["data_bytes"] == sum(p.stat().st_size for p in out.rglob("*.tiff"))
    assert 0 <= document["idle_s"] <= document["session_s"]
    assert {p.name for p in out.iterdir()} >= {"session.sqlite", "config.yaml", "log.jsonl"}
    for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines():
        assert "event" in json.loads(line)


def test_dry_run_without_json_says_where_everything_is(say: Said, small: Path, tmp_path: Path) -> None:
    status, text, _ = say("dry-run", "--config", small, "--out", tmp_path / "run")
    assert status == 0
    assert str(tmp_path / "run") in text
    assert "would take" in text


def test_the_seed_decides_what_is_seen(say: Said, small: Path, tmp_path: Path) -> None:
    def session(name: str, seed: int) -> Any:
        where = ("--config", small, "--sections", 1, "--out", tmp_path / name)
        status, document, _ = say("dry-run", *where, "--seed", seed, "--json")
        assert status == 0
        return document

    first, again, other = session("a", 3), session("b", 3), session("c", 4)
    assert first["cells"] == again["cells"]
    frames = [tifffile.imread(tmp_path / name / "fm/S0001/F000.ome.tiff") for name in "abc"]
    np.testing.assert_array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])
    assert other["end_state"] == "done"


def test_dry_run_takes_sections_and_fields_from_the_command_line(
    say: Said, small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    _, document, _ = say("dry-run", "--config", small, "--sections", 1, "--fields", 2, "--out", out, "--json")
    assert (document["sections"], document["fields"]) == (1, 2)


def test_detect_prints_the_document(say: Said, frame: Path, tmp_path: Path) -> None:
    status, document, _ = say("detect", frame, "--json", "--overlay", tmp_path / "pictures")
    assert status == 0
    assert set(document) == {"v", "detector", "frames"}
    assert document["detector"] == "combined"
    (one,) = document["frames"]
    assert set(one) == {
        "path",
        "page",
        "shape",
        "pixel_size_um",
        "cells",
        "imaged_fraction",
        "warnings",
        "elapsed_ms",
    }
    assert (one["path"], one["page"], one["shape"]) == (str(frame), 0, [256, 256])
    assert one["pixel_size_um"] == pytest.approx(0.178)
    assert [cell["id"] for cell in one["cells"]] == ["c0001", "c0002", "c0003"]
    for cell in one["cells"]:
        assert set(cell) == {
            "id",
            "box_px",
            "confidence",
            "image_box_px",
            "reason",
            "source",
            "decision",
            "outer_px",
            "seen_by",
            "brightness_adu",
        }
        box, image = BoxPx(*cell["box_px"]), BoxPx(*cell["image_box_px"])
        assert image.x0 <= box.x0 < box.x1 <= image.x1
        assert image.y0 <= box.y0 < box.y1 <= image.y1
    (picture,) = (tmp_path / "pictures").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_detect_with_the_detector_of_the_paper(say: Said, frame: Path) -> None:
    status, document, _ = say("detect", frame, "--detector", "paper", "--json")
    assert status == 0
    assert document["detector"] == "paper"
    assert document["frames"][0]["cells"]


def test_replay_prints_the_document(say: Said, frame: Path, small: Path, tmp_path: Path) -> None:
    stack = tmp_path / "stack.tiff"
    tifffile.imwrite(stack, np.stack([frame_with_cells(seed) for seed in (1, 2)]), photometric="minisblack")
    out = tmp_path / "run"
    status, document, _ = say(
        "replay", frame, stack, "--pixel-size-nm", 178, "--config", small, "--out", out, "--json"
    )
    assert status == 0
    assert set(document) == SUMMARY
    assert (document["sections"], document["fields"]) == (3, 3)
    assert document["cells"] >= 9
    assert document["contained_recall"] is None
    assert document["jobs"]["done"] == len(list((out / "em").rglob("*.tiff"))) > 0
    notes = annotations_of(out / "fm" / "S0001" / "F000.ome.tiff")
    assert notes["ilemtrack.microscope"] == "recorded frames and a simulated SEM"
    assert "ilemtrack.pressure_pa" not in notes, "nobody knows that of a recorded frame"


def test_frames_that_are_no_neighbours_are_not_linked(
    say: Said, frame: Path, small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = ("replay", frame, "--config", small, "--out", out, "--no-serial", "--json")
    status, document, _ = say(*arguments)
    assert status == 0
    assert document["cells"]
    assert document["tracks"] == 0
    assert (out / "report.html").is_file()
    assert [path.name for path in (out / "pictures").iterdir()] == ["S0001.png"]
    # A run that is taken up again is still not linked.
    assert load(out / "config.yaml").detection.serial is False


def test_the_summary_names_the_fields_that_failed(
    say: Said, monkeypatch: pytest.MonkeyPatch, small: Path, tmp_path: Path
) -> None:
    class Broken:
        def find(self, _: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
            raise DetectionError("the detector has no licence")

    monkeypatch.setattr("service.analysis.worker.open_detector", lambda _: Broken())
    status, text, _ = say("dry-run", "--config", small, "--out", tmp_path / "run")
    assert status == 1
    assert (
        "failed fields    2 (S0001/F000, S0002/F000): detection failed: the detector has no licence" in text
    )


def test_what_was_recorded_can_be_replayed(say: Said, small: Path, tmp_path: Path) -> None:
    say("dry-run", "--config", small, "--out", tmp_path / "run", "--json")
    frames = sorted((tmp_path / "run" / "fm").rglob("*.tiff"))
    status, document, _ = say("replay", *frames, "--config", small, "--out", tmp_path / "again", "--json")
    assert status == 0
    assert document["fields"] == 2


def test_the_real_frames_are_replayed(
    say: Said, real_frames: list[Path], small: Path, tmp_path: Path
) -> None:
    status, document, _ = say("replay", *real_frames, "--config", small, "--out", tmp_path / "run", "--json")
    assert status == 0
    assert document["end_state"] == "done"
    assert (document["sections"], document["fields"]) == (3, 3)
    # 50 cells are clear to the eye in these frames.
    assert document["cells"] >= 40
    assert document["jobs"]["done"] > 0


def test_plan_prints_the_document(say: Said, tmp_path: Path) -> None:
    boxes = {
        "v": 1,
        "section": "S0001",
        "fields": [{"id": "F000", "rect_m": [0, 0, 91e-6, 91e-6]}],
        "boxes": [{"id": "c0001", "rect_m": [40e-6, 40e-6, 50e-6, 48e-6]}],
    }
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(boxes), encoding="utf-8")
    status, document, _ = say("plan", path, "--json")
    assert status == 0
    assert set(document) == {
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
        "left_out",
    }
    (planned,) = document["frames"]
    assert planned["covers"] == ["c0001"]
    assert set(document["totals"]) == {
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
    }
    status, text, _ = say("plan", path)
    assert status == 0
    assert "1 frame, " in text
    assert "full raster" in text


def test_a_plan_is_drawn(say: Said, tmp_path: Path) -> None:
    path, picture = tmp_path / "boxes.json", tmp_path / "plan.png"
    boxes = {
        "v": 1,
        "section": "S0001",
        "fields": [{"id": "F000", "rect_m": [0, 0, 91e-6, 91e-6]}],
        "boxes": [
            {"id": "c0001", "rect_m": [40e-6, 40e-6, 50e-6, 48e-6]},
            {"id": "c0002", "rect_m": [200e-6, 40e-6, 210e-6, 48e-6]},
        ],
    }
    path.write_text(json.dumps(boxes), encoding="utf-8")
    status, document, _ = say("plan", path, "--figure", picture, "--json")
    assert status == 0
    assert document["skipped"] == [{"box": "c0002", "reason": "outside the saved fluorescence"}]
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, _, told = say("plan", path, "--figure", tmp_path / "no" / "plan.png")
    assert status == 2
    assert "cannot be written" in told


def test_nothing_to_image_is_said(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    field = {"id": "F000", "rect_m": [0, 0, 91e-6, 91e-6]}
    path.write_text(json.dumps({"v": 1, "section": "S0001", "fields": [field], "boxes": []}))
    status, text, told = say("plan", path, "--figure", tmp_path / "plan.png")
    assert status == 0
    assert "nothing to image" in told
    assert "0 frames" in text


def test_an_estimate_of_a_session_that_has_not_begun_is_a_full_raster(say: Said, small: Path) -> None:
    status, document, _ = say("estimate", "--config", small, "--json")
    assert status == 0
    assert (document["extent"], document["measured"]) == ("full raster", [])
    (raster,) = document["ways"]
    assert raster["method"] == "raster"
    assert document["frames_left"] == raster["frames"] > 0
    parts = document["fluorescence_s"] + document["pumping_s"] + document["electron_s"]
    assert document["left_s"] == pytest.approx(parts)
    status, text, _ = say("estimate", "--config", small)
    assert status == 0
    assert "at most: no section is planned yet" in text


def test_an_estimate_of_boxes_has_the_totals_of_their_plan(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    box = {"id": "c0001", "rect_m": [40e-6, 40e-6, 50e-6, 48e-6]}
    field = {"id": "F000", "rect_m": [0, 0, 91e-6, 91e-6]}
    path.write_text(json.dumps({"v": 1, "section": "S0001", "fields": [field], "boxes": [box]}))
    _, planned, _ = say("plan", path, "--json")
    status, found, _ = say("estimate", path, "--json")
    assert status == 0
    assert found["totals"] == planned["totals"]
    assert [way["method"] for way in found["alternatives"]] == ["exact", "per-box", "raster"]
    assert "full raster" in say("estimate", path)[1]


def test_an_estimate_needs_one_thing_to_be_about(say: Said, small: Path) -> None:
    status, _, told = say("estimate", "--config", small, "--connect", "ipc:///nowhere")
    assert status == 2
    assert "--connect asks a daemon" in told
    assert say("estimate")[0] == 3


def write_frame(path: Path, kind: str) -> None:
    """Write a file that cannot be used, or write none."""
    good = frame_with_cells()
    match kind:
        case "missing":
            pass
        case "truncated":
            tifffile.imwrite(path, good, resolution=(1, 1))
            path.write_bytes(path.read_bytes()[:5000])
        case "no TIFF":
            path.write_text("hello", encoding="utf-8")
        case "RGB":
            tifffile.imwrite(path, np.full((64, 64, 3), (9, 5, 0), np.uint8), photometric="rgb")
        case "float":
            tifffile.imwrite(path, good.astype(np.float32) / 4)
        case "NaN":
            tifffile.imwrite(path, np.full((64, 64), np.nan, np.float32))
        case "no pixel size":
            tifffile.imwrite(path, good)
        case _:
            raise ValueError(kind)


@pytest.mark.parametrize("command", ["detect", "replay"])
@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("missing", "no such file"),
        ("truncated", "truncated"),
        ("no TIFF", "not a TIFF"),
        ("RGB", "colour"),
        ("float", "float32"),
        ("NaN", "float32"),
        ("no pixel size", "--pixel-size-nm"),
    ],
)
def test_a_bad_image_gets_one_sentence_and_leaves_nothing(
    say: Said, tmp_path: Path, command: str, kind: str, word: str
) -> None:
    path, out = tmp_path / "bad.tiff", tmp_path / "out"
    write_frame(path, kind)
    extra = ["--out", out] if command == "replay" else ["--overlay", out]
    status, text, said = say(command, path, *extra)
    assert status == 2
    assert said.startswith("ilemtrack: ")
    assert said.count("\n") == 1
    assert str(path) in said
    assert word in said
    assert text == ""
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["dry-run", "--config", "nowhere.yaml"], "no such file"),
        (["dry-run", "--sections", "0"], "--sections"),
        (["dry-run", "--colour", "red"], "--colour"),
        (["detect", "x.tiff", "--detector", "magic"], "magic"),
        (["plan", "nowhere.json"], "no such file"),
        (["resume", "nowhere"], "no folder of an ilemtrack run"),
        (["run", "--config", "quanta250-secom"], "odemis.python"),
        (["config", "check", "nowhere.yaml"], "no such file"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_gets_one_sentence_and_status_2(
    say: Said, arguments: list[str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, text, said = say(*arguments)
    assert status == 2
    assert word in said
    assert said.count("\n") == 1
    assert text == ""
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_configuration_with_an_unknown_key_or_an_impossible_number(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    for text, word in (("sem: {dwel_us: 60}", "sem.dwel_us"), ("sem: {dwell_us: -1}", "0.025 to 10000")):
        path.write_text(text, encoding="utf-8")
        status, _, said = say("dry-run", "--config", path, "--out", tmp_path / "run")
        assert status == 2
        assert f"{path}: " in said
        assert word in said
        assert not (tmp_path / "run").exists()


def test_fields_outside_the_safe_area_are_refused_before_anything_moves(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "far.yaml"
    path.write_text("layout: {kind: grid, sections: 1, first_um: [13000, 0]}", encoding="utf-8")
    status, _, said = say("dry-run", "--config", path, "--out", tmp_path / "run")
    assert status == 2
    assert "safe area" in said
    assert not (tmp_path / "run").exists()


def test_an_output_folder_that_is_not_empty_is_left_alone(say: Said, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work", encoding="utf-8")
    status, _, said = say("dry-run", "--config", small, "--out", out)
    assert status == 2
    assert "not an empty folder" in said
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]


def test_a_port_in_use(say: Said, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        api = {"endpoint": f"tcp://127.0.0.1:{port}", "events_endpoint": "tcp://127.0.0.1:59999"}
        path = tmp_path / "taken.yaml"
        path.write_text(dump(small_config(api=api)), encoding="utf-8")
        status, _, said = say("dry-run", "--config", path, "--out", tmp_path / "run")
    assert status == 2
    assert str(port) in said
    assert "in use" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", [["status"], ["queue", "list"], ["pause"], ["abort"], ["events"]])
def test_without_a_daemon_the_status_is_3(say: Said, command: list[str]) -> None:
    status, _, said = say(*command)
    assert status == 3
    assert said.startswith("ilemtrack: ")


def test_pictures_of_files_with_one_name_do_not_overwrite_each_other(
    say: Said, frame: Path, tmp_path: Path
) -> None:
    for folder in ("2026.11.23", "2026.11.24"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / frame.name).write_bytes(frame.read_bytes())
    files = sorted(tmp_path.glob("2026*/*.tiff"))
    status, _, said = say("detect", *files, "--overlay", tmp_path / "pictures")
    assert status == 0
    assert f"wrote {tmp_path / 'pictures'}/2026.11.23_cells.png, {tmp_path / 'pictures'}/2026" in said
    pictures = sorted(p.name for p in (tmp_path / "pictures").iterdir())
    assert pictures == ["2026.11.23_cells.png", "2026.11.24_cells.png"]


def test_an_interrupted_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.cli.offline.configuration.schema", interrupted)
    assert commands.run(["config", "schema"]) == 130
    assert capsys.readouterr().err == "ilemtrack: interrupted\n"


def test_names_with_brackets_are_shown_as_they_are(say: Said, frame: Path, tmp_path: Path) -> None:
    odd = frame.rename(tmp_path / "we[i]rd [bold]:x:.ome.tiff")
    status, text, _ = say("detect", odd)
    assert status == 0
    assert "[bold]:x:" in text.replace("\n", "")
    status, _, said = say("detect", tmp_path / "[/b] none.tiff")
    assert status == 2
    assert "[/b] none.tiff" in said


def test_sections_on_each_other_are_refused(say: Said, frame: Path, tmp_path: Path) -> None:
    path = tmp_path / "tight.yaml"
    path.write_text("layout: {kind: grid, sections: 2, pitch_um: 60}", encoding="utf-8")
    status, _, said = say("config", "check", path)
    assert status == 2
    assert "S0001 and S0002 overlap" in said


def test_many_sections_are_laid_out_where_the_stage_may_go(tmp_path: Path) -> None:
    config = with_layout(load("simulator"), 300, None)
    sections, fields = sections_and_fields(config)
    assert (len(sections), len(fields)) == (300, 600)


def test_sections_on_the_command_line_do_not_replace_a_list(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("layout: {kind: list, sections: [{id: S0001, center_um: [0, 0]}]}", encoding="utf-8")
    status, _, said = say("dry-run", "--config", path, "--sections", 2, "--out", tmp_path / "run")
    assert status == 2
    assert "list" in said


def test_a_run_without_its_parts_is_not_taken_up(say: Said, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    say("dry-run", "--config", small, "--out", out, "--json")
    (out / "session.sqlite").unlink()
    status, _, said = say("resume", out)
    assert status == 2
    assert "session.sqlite" in said


def test_a_full_disk_at_the_start_leaves_nothing(
    say: Said, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("database or disk is full")

    monkeypatch.setattr("service.store.store.Store.create", full)
    status, _, said = say("dry-run", "--config", small, "--out", tmp_path / "run")
    assert status == 2
    assert "disk is full" in said
    assert not (tmp_path / "run").exists()


def test_an_unattended_session_does_not_wait_for_a_person(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_text(dump(small_config(session={"min_free_disk_gb": 100_000})), encoding="utf-8")
    status, document, _ = say("dry-run", "--config", path, "--out", tmp_path / "run", "--json")
    assert status == 1
    assert document["end_state"] == "fault"


def test_the_sockets_are_gone_after_a_session(
    say: Said, small: Path, tmp_path: Path, runtime_dir: Path
) -> None:
    say("dry-run", "--config", small, "--out", tmp_path / "run", "--json")
    left = {p.suffix for p in (runtime_dir / "ilemtrack").iterdir()}
    assert left <= {".lock", ".ended"}


def test_version(say: Said) -> None:
    status, text, _ = say("--version")
    assert status == 0
    assert text.startswith("ilemtrack ")


def test_config_commands(say: Said, tmp_path: Path) -> None:
    status, text, _ = say("config", "show", "quanta250-secom")
    assert status == 0
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    status, text, _ = say("config", "check", path)
    assert status == 0
    assert "100 sections with 200 fields" in text
    status, text, _ = say("config", "schema")
    assert status == 0
    assert json.loads(text)["additionalProperties"] is False


def test_settings_that_no_plan_can_be_made_with_are_refused_before_anything_moves(
    say: Said, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text("sem: {pixel_size_nm: 1, frame_px: [128, 207]}", encoding="utf-8")
    for words in (("config", "check", path), ("dry-run", "--config", path, "--out", tmp_path / "run")):
        status, _, told = say(*words)
        assert status == 2
        assert "tile overlap" in told
    assert not (tmp_path / "run" / "session.sqlite").exists()


def test_cells_at_the_edge_of_the_fluorescence_are_named(say: Said, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert say("dry-run", "--config", small, "--out", out, "--json")[0] == 0
    with closing(Store.open(out / "session.sqlite")) as store:
        summary = summarise(small_config(), store, RunFolder(out), None)
        boxes = {cell.id: cell.image_rect_m for cell in store.specimen.cells()}
        ground = {field.section: field.rect_m for field in store.specimen.fields()}
    assert summary.clipped_cells
    for cell, why in summary.clipped_cells.items():
        assert "edge of the saved fluorescence" in why
        (x0, y0, x1, y1), box = ground[cell.partition("/")[0]], boxes[cell]
        assert box is not None
        assert min(box[0] - x0, box[1] - y0, x1 - box[2], y1 - box[3]) < 5e-6
