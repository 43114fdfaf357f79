"""The command line on files as they come: what is told, and what is refused."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from service.evaluation.truth import read_truth
from service.export.ome_zarr.images import write_label_image
from service.session.folders.run_folder import RunFolder, discard
from tests.service.saying import Said


def cells(seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Two discs on a noisy background."""
    rows, columns = np.mgrid[0:128, 0:128]
    image = np.full((128, 128), 400.0)
    for x, y in ((40, 40), (90, 80)):
        image[(columns - x) ** 2 + (rows - y) ** 2 < 20**2] += 800
    return np.random.default_rng(seed).normal(image, 40).astype(np.uint16)


def write(path: Path, pixels: np.ndarray[Any, Any], um: float = 0.178, **metadata: Any) -> Path:
    metadata = {"PhysicalSizeX": um, "PhysicalSizeY": um} | metadata
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


def test_a_given_pixel_size_is_used_and_the_file_s_is_told(say: Said, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ome.tif", cells(), um=1.0)
    status, document, said = say("detect", path, "--pixel-size-nm", "178", "--json")
    assert status == 0
    (frame,) = document["frames"]
    assert frame["pixel_size_um"] == 0.178
    assert "the pixel size is 178 nm as given, not 1000 nm as in its OME metadata" in said
    assert frame["warnings"][0] in said


def test_the_channel_with_the_cells_is_chosen_and_named(say: Said, tmp_path: Path) -> None:
    empty = np.random.default_rng(1).normal(400, 40, (128, 128)).astype(np.uint16)
    channels = {"Name": ["DAPI", "GFP"]}
    path = write(tmp_path / "a.ome.tif", np.stack([empty, cells()]), axes="CYX", Channel=channels)
    status, _, said = say("detect", path, "--json")
    assert status == 2
    assert "has 2 channels (DAPI, GFP); choose the one with the cells with --channel" in said
    status, document, _ = say("detect", path, "--json", "--channel", "gfp")
    assert status == 0
    assert document["frames"][0]["channel"] == "GFP"
    _, alone, _ = say("detect", write(tmp_path / "gfp.ome.tif", cells()), "--json")
    assert document["frames"][0]["cells"] == alone["frames"][0]["cells"] != []


def test_serial_sections_out_of_order_are_warned_of_and_a_folder_is_in_order(
    say: Said, tmp_path: Path
) -> None:
    for number in (1, 2, 10):
        write(tmp_path / f"s{number}.ome.tif", cells(number))
    given = sorted(tmp_path.iterdir())
    assert [path.name for path in given][:2] == ["s1.ome.tif", "s10.ome.tif"]
    status, document, said = say("detect", "--serial", *given, "--json")
    assert status == 0
    assert "warning: the images are taken in the order given" in said
    assert [Path(one["path"]).name[:3] for one in document["frames"]] == ["s1.", "s10", "s2."]
    status, document, said = say("detect", "--serial", tmp_path, "--json")
    assert (status, said) == (0, "")
    assert [Path(one["path"]).name[:3] for one in document["frames"]] == ["s1.", "s2.", "s10"]


def test_found_cells_go_into_a_plan_through_a_pipe(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = {"PositionX": 1.5, "PositionY": -2.0, "PositionXUnit": "mm", "PositionYUnit": "mm"}
    path = write(tmp_path / "a.ome.tif", cells(), Plane=positions)
    _, found, _ = say("detect", path, "--json")
    assert found["frames"][0]["pose"]["center_m"] == pytest.approx([1.5e-3, -2e-3])
    piped = io.TextIOWrapper(io.BytesIO(json.dumps(found).encode()))
    monkeypatch.setattr("sys.stdin", piped)
    status, plan, _ = say("plan", "--json")
    assert status == 0
    covered = {name for one in plan["frames"] for name in one["covers"]}
    beyond = {one["box"] for one in plan["skipped"]}
    assert covered
    assert covered | beyond == {cell["id"] for cell in found["frames"][0]["cells"] if cell["image_box_px"]}
    assert all(abs(one["center_m"][0] - 1.5e-3) < 12e-6 for one in plan["frames"])


def test_a_plan_of_frames_without_positions_needs_field(say: Said, tmp_path: Path) -> None:
    _, found, _ = say("detect", write(tmp_path / "a.ome.tif", cells()), "--json")
    path = tmp_path / "found.json"
    path.write_text(json.dumps(found))
    status, _, said = say("plan", path)
    assert status == 2
    assert "give that of its centre with --field X_UM,Y_UM" in said
    status, plan, _ = say("plan", path, "--field", "-100,-50", "--json")
    assert status == 0
    assert all(abs(one["center_m"][1] + 50e-6) < 12e-6 for one in plan["frames"])
    for wrong in ("1", "a,b", "nan,1", "1,2,3"):
        status, _, said = say("plan", path, "--field", wrong)
        assert status == 2
        assert "--field must be two numbers in um, such as 1200,-350.5" in said


def test_a_pipe_without_a_writer_never_holds_a_command_up(say: Said, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    image = write(tmp_path / "a.ome.tif", cells())
    run = tmp_path / "run"
    run.mkdir()
    os.mkfifo(run / "run.json")
    for arguments in (
        ("config", "check", pipe),
        ("detect", pipe),
        ("detect", image, "--config", pipe),
        ("detect", image, "--detector", f"forest:{pipe}"),
        ("plan", pipe),
        ("estimate", pipe),
        ("calibrate", pipe),
        ("evaluate", "--truth", pipe, "--detections", pipe),
        ("evaluate", "--truth", image, "--detections", pipe),
        ("experts", pipe, pipe),
        ("train", image, "--truth", pipe, "--out", tmp_path / "m.onnx"),
        ("resume", run),
    ):
        status, _, said = say(*arguments)
        assert status == 2, arguments
        assert said.count("\n") == 1, said


def test_giant_numbers_and_deep_nesting_in_documents_are_one_sentence(say: Said, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    truth = tmp_path / "t.json"
    truth.write_text('{"frames": {"a": []}}')
    for text in (
        '{"frames": [' + "7" * 5000 + "]}",
        "[" * 100_000,
        '{"v": 1e999, "frames": [1e999]}',
        "\udcff",
    ):
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        for arguments in (
            ("plan", path),
            ("evaluate", "--truth", truth, "--detections", path),
            ("evaluate", "--truth", path, "--detections", path),
        ):
            status, _, said = say(*arguments)
            assert status == 2
            assert said.startswith(f"ilemtrack: {path}")
            assert said.count("\n") == 1


def test_a_run_that_never_began_is_removed_behind_a_link_and_the_link_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    (real / "config.yaml").write_text("x")
    (real / "fm").mkdir()
    (real / "fm" / "log").write_text("x")
    discard(RunFolder(link))
    assert link.is_symlink()
    assert list(real.iterdir()) == []
    (real / "config.yaml").write_text("x")
    discard(RunFolder(real))
    assert not real.exists()


def test_a_mount_point_is_emptied_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("x")

    def busy(path: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    discard(RunFolder(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_config_show_says_what_every_key_means(say: Said) -> None:
    status, text, _ = say("config", "show", "simulator")
    assert status == 0
    assert "  # Dwell time of a pixel, us; from 0.025 to 10000.\n  dwell_us: " in text


def test_a_bad_image_is_a_sentence_and_the_others_are_done(say: Said, tmp_path: Path) -> None:
    good = [write(tmp_path / f"s{n}.ome.tif", cells(n)) for n in (1, 3)]
    (tmp_path / "s2.ome.tif").write_bytes(b"II*\0")
    for more in ((), ("--serial",)):
        labels = tmp_path / f"labels{len(more)}"
        status, document, said = say("detect", tmp_path, "--json", "--labels", labels, *more)
        assert status == 1
        assert [one["path"] for one in document["frames"]] == [str(path) for path in good]
        (failed,) = document["failed"]
        assert failed["path"].endswith("s2.ome.tif")
        assert said.count(failed["says"]) == 1
        (found,) = read_truth(labels / "s1.ome.zarr").frames.values()
        boxes = [cell["box_px"] for cell in document["frames"][0]["cells"]]
        assert sorted(list(cell.box.as_tuple()) for cell in found) == sorted(boxes)
    status, _, said = say("detect", tmp_path / "s2.ome.tif", "--json")
    assert (status, said.count("\n")) == (2, 1)


def test_ome_zarr_has_the_cells_of_the_same_tiff(say: Said, tmp_path: Path) -> None:
    grey = cells()
    write_label_image(tmp_path / "a.zarr", grey, "a", ((0.178, 0.178), (0.0, 0.0)), [], {})
    about = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
    del about["attributes"]["ome"]["image-label"]
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(about))
    status, document, _ = say("detect", tmp_path / "a.zarr", "--json")
    assert status == 0
    _, plain, _ = say("detect", write(tmp_path / "a.ome.tif", grey), "--json")
    assert document["frames"][0]["cells"] == plain["frames"][0]["cells"] != []


def test_warnings_of_several_frames_name_them(say: Said, tmp_path: Path) -> None:
    dark = np.full((64, 64), 500, np.uint16)
    first, second = (write(tmp_path / f"{name}.ome.tif", dark) for name in "ab")
    said = say("detect", first, second)[2]
    for path in (first, second):
        assert f"warning: {path} page 0: all pixels have the value 500" in said
    assert "warning: all pixels have the value 500" in say("detect", first)[2]
