"""synth, detect --roi, evaluate and experts as people and programs meet them."""

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.choices import DEFAULT_PROFILE
from config.loading import load
from detection.detect import detect
from detection.evaluation.curves import operating_points
from detection.evaluation.scores import JudgedFrame
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision, Detection, Overlooked, SeenBy
from drivers.recorded.frame import RecordedFrame
from service.analysis.detectors import open_detector
from service.archive.frames import frame_document
from service.cli.consoles import results
from service.errors import InputError
from service.evaluation.documents import read_judged
from service.evaluation.fiji_rois import read_marks
from service.evaluation.fiji_writing import write_boxes
from service.evaluation.roi_marks import by_page
from service.evaluation.synthetic import realistic_config, realistic_frames
from service.evaluation.truth import Truth
from tests.service.saying import Said

TRUE = [BoxPx(10, 10, 40, 40), BoxPx(100, 100, 130, 120)]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "cells.zip"
    write_boxes(path, [(f"r{n}", 0, box) for n, box in enumerate(TRUE)])
    return path


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Finds the first cell, cuts the second, and one that is not there."""
    path = tmp_path / "found.json"
    write_found(path, [(10, 10, 40, 40, 0.95), (101, 100, 130, 120, 0.8), (200, 200, 220, 220, 0.2)])
    return path


def write_found(path: Path, boxes: list[tuple[int, int, int, int, float]], page: int = 0) -> None:
    cells = [
        {"id": f"c{n}", "box_px": box, "image_box_px": box, "confidence": confidence, "reason": ""}
        for n, (*box, confidence) in enumerate(boxes)
    ]
    frame = {"path": "x/cells.tif", "page": page, "shape": [256, 256], "pixel_size_um": 0.2, "cells": cells}
    path.write_text(json.dumps({"v": 1, "detector": "x", "frames": [frame]}))


def test_synth_detect_and_evaluate_go_together(say: Said, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, made, _ = say("synth", out, "--sections", 2, "--seed", 3, "--json")
    assert (status, made["sections"], made["kind"], made["noise"]) == (0, 2, "paper", 20.0)
    status, found, _ = say("detect", out / "sections.ome.tiff", "--roi", out / "roi", "--json")
    assert status == 0
    (tmp_path / "found.json").write_text(json.dumps(found))
    status, document, _ = say("evaluate", "--truth", out, "--detections", tmp_path / "found.json", "--json")
    assert status == 0
    assert document["frames"] == 2
    assert document["true_cells"] == made["cells"]
    kept = [c for f in found["frames"] for c in f["cells"] if c["image_box_px"]]
    assert sum(map(len, by_page(read_marks(out / "roi" / "sections.zip")).values())) == len(kept)


@pytest.mark.parametrize("detector", ["combined", "recall-first"])
def test_a_saved_document_gives_the_curve_of_the_detection_itself(detector: str, tmp_path: Path) -> None:
    specimen = {"brightness_photons": 6.0, "lumps_percent": 0.0}
    frames = list(realistic_frames(realistic_config(5, 2, "cytoplasmic", **specimen)))
    policy = load(DEFAULT_PROFILE).detection.model_copy(update={"detector": detector})
    finder = open_detector(policy)
    entries, judged, truth = [], [], {}
    for number, frame in enumerate(frames):
        found = detect(frame.pixels, frame.pixel_size_um, policy, frame.offset_adu, finder)
        recorded = RecordedFrame(
            Path(f"s{number}.tif"),
            0,
            frame.pixels,
            (frame.pixel_size_um * 1e-6,) * 2,
            offset_adu=frame.offset_adu,
        )
        entries.append(json.loads(json.dumps(frame_document(recorded, found))))
        truth[f"s{number}", 0] = frame.cells
        shape = frame.pixels.shape[0], frame.pixels.shape[1]
        judged.append(JudgedFrame(f"s{number}", shape, frame.pixel_size_um, found.cells, frame.cells))
    cells = [cell for one in judged for cell in one.cells]
    # What widens boxes beyond the margin is read back, too.
    assert any(cell.outer_px or cell.extent_uncertainty_um > 0 for cell in cells)
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"v": 1, "detector": detector, "frames": entries}))
    saved, _ = read_judged(path, Truth(truth, tmp_path))
    of_saved, at_once = (
        operating_points(one, policy, 0.22, session_h=lambda decided: float(sum(map(len, decided))))
        for one in (saved, judged)
    )
    for point, other in zip(of_saved, at_once, strict=True):
        assert asdict(point) == pytest.approx(asdict(other), rel=1e-5)


def test_source_and_decision_are_read_back_and_no_text_is_parsed(tmp_path: Path) -> None:
    box, path = [10, 10, 40, 40], tmp_path / "found.json"
    reason = "kept: seen in S0001 and S0003, doubtful, not imaged: fixed in the camera"
    states: list[dict[str, object]] = [
        {"image_box_px": box, "source": "carried", "decision": "doubtful"},
        {"image_box_px": None, "source": "averaged", "decision": "noise"},
        {"image_box_px": box},
        {"image_box_px": None},
    ]
    cells = [{"id": "c", "box_px": box, "confidence": 0.5, "reason": reason, **state} for state in states]
    frame = {"path": "x/cells.tif", "page": 0, "shape": [256, 256], "pixel_size_um": 0.2, "cells": cells}
    path.write_text(json.dumps({"frames": [frame]}))
    ((judged,), _) = read_judged(path, Truth({("cells", 0): ()}, tmp_path))
    assert [(cell.source, cell.decision) for cell in judged.cells] == [
        (CellSource.CARRIED, Decision.DOUBTFUL),
        (CellSource.AVERAGED, Decision.NOISE),
        (CellSource.FRAME, Decision.KEPT),
        (CellSource.FRAME, Decision.BELOW_FLOOR),
    ]
    cells[0]["decision"] = "perhaps"
    path.write_text(json.dumps({"frames": [frame]}))
    with pytest.raises(InputError, match="is not as `ilemtrack detect --json` prints it"):
        read_judged(path, Truth({("cells", 0): ()}, tmp_path))


def test_what_the_learned_detectors_know_of_a_cell_is_read_back(tmp_path: Path) -> None:
    box, outer = BoxPx(10, 10, 40, 40), BoxPx(5, 5, 50, 50)
    cell = Cell("c0001", box, outer, 0.5, "", outer_px=outer, seen_by=SeenBy.RECALL_FIRST)
    pixels = np.zeros((64, 64), np.uint16)
    recorded = RecordedFrame(Path("cells.tif"), 0, pixels, (2e-7, 2e-7))
    bound = Overlooked(5.0, 8.04321, 0.40217)
    entry = frame_document(recorded, Detection((cell,), 0.5, (), 1.0, bound))
    assert entry["cells"][0]["seen_by"] == "recall_first"
    assert entry["cells"][0]["outer_px"] == [5, 5, 50, 50]
    assert entry["overlooked"] == {"diameter_um": 5.0, "contrast_adu": 8.043, "contrast_sd": 0.4022}
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"frames": [entry]}))
    ((judged,), _) = read_judged(path, Truth({("cells", 0): ()}, tmp_path))
    assert judged.cells == (cell,)
    entry["cells"][0]["outer_px"] = [5, 5, 50, 70]
    path.write_text(json.dumps({"frames": [entry]}))
    with pytest.raises(InputError, match="reaches beyond the frame"):
        read_judged(path, Truth({("cells", 0): ()}, tmp_path))


def test_synth_of_the_realistic_specimen(say: Said, tmp_path: Path) -> None:
    arguments = ("synth", tmp_path / "a", "--kind", "realistic", "--pattern", "nuclear", "--sections", 1)
    status, made, _ = say(*arguments, "--json")
    assert status == 0
    assert (made["kind"], made["pattern"]) == ("realistic", "nuclear")
    assert say(*arguments)[0] == 2
    status, _, said = say("synth", tmp_path / "b", "--kind", "realistic", "--noise", 20)
    assert status == 2
    assert "--noise needs --kind paper" in said


def test_evaluate_prints_the_figures(say: Said, truth: Path, found: Path) -> None:
    status, document, said = say("evaluate", "--truth", truth, "--detections", found, "--json")
    assert (status, said) == (0, "")
    assert document["recall"] == 1
    assert document["precision"] == pytest.approx(2 / 3, abs=1e-5)
    assert document["contained_recall"] == 0.5
    assert document["missed_cells"] == 1
    cells_px, imaged_px = 900 + 600, 900 + 580 + 400
    assert document["imaged_over_cells"] == pytest.approx(imaged_px / cells_px, abs=1e-5)
    assert document["beam_h"] == pytest.approx(imaged_px * 0.04 * 60e-6 / 0.0165**2 / 3600, rel=1e-3)
    assert document["empty_imaged_fraction"] is None
    (dice,) = document["dice"]
    assert (dice["found"], dice["truth"]) == (["c0", "c1", "c2"], ["r0", "r1"])
    assert dice["matrix"] == [[1, 0], [0, round(2 * 580 / (580 + 600), 4)], [0, 0]]
    assert {point["min_confidence"] for point in document["curve"]} >= {0.0, 0.5}


def test_evaluate_prints_tables(say: Said, truth: Path, found: Path) -> None:
    status, text, _ = say("evaluate", "--truth", truth, "--detections", found)
    assert status == 0
    assert "as found, undilated" in text
    assert "[" not in text
    for words in ("recall, D > 0.5", "66.7%", "1 of 2", "0.8 to 0.9", "margin / um", "4 to 8 um across"):
        assert words in text


def test_plots_are_pictures_with_something_on_them(
    say: Said, truth: Path, found: Path, tmp_path: Path
) -> None:
    curve, reliability = tmp_path / "c.png", tmp_path / "r.png"
    plots = ("--curve", curve, "--reliability", reliability)
    status, _, said = say("evaluate", "--truth", truth, "--detections", found, *plots)
    assert (status, said) == (0, "")
    for path in (curve, reliability):
        picture = cv2.imread(str(path))
        assert picture is not None
        assert min(picture.shape[:2]) > 500
        assert (picture < 200).any(axis=2).mean() > 0.005


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON file"),
        ('{"frames": []}', "holds no detections"),
        ('{"frames": [{"path": "a"}]}', "frame 0 is not as `ilemtrack detect --json` prints it"),
        (
            '{"frames": [{"path": "cells.tif", "page": 0, "shape": [256, 256], "pixel_size_um": 1,'
            ' "cells": [{"id": 1}]}]}',
            "cell is not as `ilemtrack detect --json` prints it",
        ),
        (
            '{"frames": [{"path": "cells.tif", "page": 0, "shape": [256, 256], "pixel_size_um": 1, "cells":'
            ' [{"id": 1, "box_px": [0, 0, 9, 9], "image_box_px": null, "confidence": NaN}]}]}',
            "NaN is no number",
        ),
        (
            '{"frames": [{"path": "cells.tif", "page": 0, "shape": [256, 256], "pixel_size_um": 1, "cells":'
            ' [{"id": 1, "box_px": [0, 0, 900, 9], "image_box_px": null, "confidence": 1}]}]}',
            "its box [0, 0, 900, 9] reaches beyond the frame",
        ),
        (
            '{"frames": [{"path": "cells.tif", "page": 0, "shape": [256, 256], "pixel_size_um": 1, "cells":'
            ' [{"id": 1, "box_px": [0, 0, 9, 9], "image_box_px": null, "confidence": 1, "unsure_um": -1}]}]}',
            "its unsure_um is -1.0; it must be from 0 to 100",
        ),
        (
            '{"frames": [{"path": "cells.tif", "page": 0, "shape": [64, 64], "pixel_size_um": 1,'
            ' "cells": []}]}',
            "lies outside of the frame of 64 x 64 pixels",
        ),
    ],
)
def test_wrong_detections_are_one_sentence(
    say: Said, truth: Path, tmp_path: Path, content: str, sentence: str
) -> None:
    (tmp_path / "d.json").write_text(content)
    status, _, said = say("evaluate", "--truth", truth, "--detections", tmp_path / "d.json")
    assert status == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_a_frame_without_truth_is_refused(say: Said, found: Path, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"frames": {"a": [[0, 0, 2, 2]], "b": []}}))
    status, _, said = say("evaluate", "--truth", tmp_path / "t.json", "--detections", found)
    assert status == 2
    assert "has no truth for cells.tif page 0; it has a, b" in said


def test_truth_of_frames_that_were_not_detected_is_told(say: Said, found: Path, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"frames": {"cells": [[0, 0, 2, 2]], "b": []}}))
    status, _, said = say("evaluate", "--truth", tmp_path / "t.json", "--detections", found)
    assert status == 0
    assert "1 frames of the truth have no detections" in said


def test_a_curve_needs_cells(say: Said, found: Path, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"frames": {"cells": []}}))
    arguments = ("evaluate", "--truth", tmp_path / "t.json", "--detections", found)
    status, document, _ = say(*arguments, "--json")
    assert status == 0
    assert document["recall"] is None
    assert document["empty_imaged_fraction"] > 0
    status, _, said = say(*arguments, "--curve", tmp_path / "c.png")
    assert status == 2
    assert "there is no curve to draw" in said


def test_experts_make_the_papers_tables(say: Said, truth: Path, found: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    write_boxes(other, [("a", 0, TRUE[0])])
    status, document, _ = say("experts", truth, other, "--detections", found, "--json")
    assert status == 0
    assert document["dice"] == [[1.0, 0.5], [1.0, 1.0]]
    assert document["mean_between_readers"] == 0.75
    assert [reader["cells"] for reader in document["readers"]] == [2, 1]
    first, second = document["detector"]["readers"]
    assert first["recall"] == second["recall"] == 1
    assert (first["precision"], second["precision"]) == (0.6667, 0.3333)
    status, text, _ = say("experts", truth, other, "--detections", found)
    assert "mean between readers: 75.0%" in text
    assert "Tables 2 and 3" in text


def test_experts_want_two_readers_with_cells(say: Said, truth: Path, tmp_path: Path) -> None:
    assert say("experts", truth)[0] == 2
    write_boxes(tmp_path / "none.zip", [])
    status, _, said = say("experts", truth, tmp_path / "none.zip")
    assert status == 2
    assert "none.zip: contains no ROI" in said
    status, _, said = say("experts", truth, truth)
    assert status == 2
    assert "given twice" in said
    assert "no such file" in say("experts", truth, tmp_path / "nobody.zip")[2]


def test_the_table_of_many_readers_keeps_its_figures(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_width", 80)
    paths = [tmp_path / f"{'a' * 30}{number}.zip" for number in range(11)]
    for number, path in enumerate(paths):
        write_boxes(path, [("r", 0, BoxPx(10, 10, 40 + number, 40))])
    status, text, _ = say("experts", *paths)
    assert status == 0
    rows = [line for line in text.splitlines() if line.lstrip().startswith(tuple("123456789"))]
    assert sum("100" in row for row in rows) == len(paths)
    assert max(map(len, rows)) <= 80
