"""Exports while a session runs, after a kill, of damaged files, into folders that cannot be used."""

import errno
import hashlib
import json
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import tifffile

from planner.geometry.rects import center
from service.cluster.workers import Here
from service.errors import InputError, NotNowError
from service.export.exporting import Exported, ExportProgress, export
from service.export.folder import ExportFolder
from service.export.items import ExportFormat
from service.export.reading import section_contents
from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.jobs import JobState
from service.report.html import pictures
from service.report.html.sections import shown
from tests.service.conftest import Start
from tests.service.export.importer import import_project
from tests.service.export.killed import STEPS, killed
from tests.service.export.runs import POSE, MadeRun, made_run, noise
from tests.service.saying import Said

EXCITATION_NM = 488


def exported(made: MadeRun, out: Path, *sections: str) -> Exported:
    return export(made.folder, made.info, ExportFormat.RENDER_WS, out, sections)


def content(folder: Path) -> dict[str, str]:
    """Return a digest of each file of a folder, but for what SQLite and locks leave."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith((".lock", "-shm", "export.jsonl"))
    }


def test_a_later_export_adds_what_was_done_since(made: MadeRun, tmp_path: Path) -> None:
    first = exported(made, tmp_path / "out")
    assert (first.written, first.kept) == (4, 0)
    before = content(tmp_path / "out")
    again = exported(made, tmp_path / "out")
    assert (again.written, again.kept, again.pixel_bytes) == (0, 4, 0)
    assert content(tmp_path / "out") == before
    made.expose("S0001", noise((12, 12), 5), (0, 0))
    more = exported(made, tmp_path / "out")
    assert (more.written, more.kept) == (1, 4)
    assert before.items() < content(tmp_path / "out").items()


def test_of_a_frame_taken_again_the_last_good_image_is_exported_and_reported(made: MadeRun) -> None:
    store, name = made.store, made.expose("S0001", noise((12, 12), 5), (0.0, 0.0))
    first, (row,) = store.queue.job(name), store.ledger.exposures(job=name)
    store.images.add(CheckedImage(row.id, name, str(first.image), str(first.sha256)))
    with closing(sqlite3.connect(made.folder.store)) as database, database:
        database.execute("UPDATE job SET state = 'queued' WHERE id = ?", (name,))
    # The second scan came to a worse end, a micrometre beside the first.
    beside_m = (row.rect_m[0] + 1e-6, row.rect_m[1], row.rect_m[2] + 1e-6, row.rect_m[3])
    later, file = store.ledger.arm(name, beside_m, 1e-6), "em/S0001/again.ome.tiff"
    store.ledger.done(later.id)
    sha256 = made.image(file, noise((12, 12), 6), 0.02)
    store.queue.set_state(name, JobState.SAVED, image=file, sha256=sha256)
    blurred = Check(CheckKind.FOCUS, 0.3, 0.6, bad=True)
    store.images.add(CheckedImage(later.id, name, file, sha256, (blurred,)))
    store.queue.set_state(name, JobState.DONE)
    section = store.specimen.sections()[0]
    images = section_contents(store, made.folder.path, section).images
    (image,) = (one for one in images if one.job.id == name)
    assert (image.source, image.sha256) == (first.image, first.sha256)
    assert image.center_m == pytest.approx(center(row.rect_m))
    frames = [one for one in shown(store, section, {}, 1e-9, (None, 100)).frames if one.job == name]
    assert [one.picture for one in frames] == [pictures.electron(made.files[name], 100), None]


def test_an_export_of_some_sections_grows_by_others(made: MadeRun, tmp_path: Path) -> None:
    made.save_frame("S0002/F000", noise((40, 50), 5, "uint16"), POSE)
    assert exported(made, tmp_path / "out", "S0002").sections == ("S0002",)
    assert {tile.section for tile in import_project(tmp_path / "out")} == {"S002"}
    assert exported(made, tmp_path / "out", "S0001").sections == ("S0001", "S0002")


def test_what_changed_in_the_run_is_made_again(made: MadeRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(made.folder, made.info, ExportFormat.FIJI, out)
    with sqlite3.connect(made.folder.store) as connection:
        connection.execute("UPDATE cell SET box_px = '[1, 2, 30, 31]' WHERE id = 'S0001/F000/c0001'")
    connection.close()
    again = export(made.folder, made.info, ExportFormat.FIJI, out)
    assert again.written == 1, "the ROIs of cells as found"


def test_the_run_is_never_touched(made: MadeRun, tmp_path: Path) -> None:
    before = content(made.folder.path)
    exported(made, tmp_path / "out")
    assert content(made.folder.path) == before
    made.close()
    before = content(made.folder.path)
    names = sorted(path.name for path in made.folder.path.iterdir())
    made.folder.path.chmod(0o555)
    exported(made, tmp_path / "out2")
    made.folder.path.chmod(0o755)
    assert content(made.folder.path) == before
    assert sorted(path.name for path in made.folder.path.iterdir()) == names


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_export_goes_on(step: str, made: MadeRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert killed(lambda: exported(made, out), step, 2) == -signal.SIGKILL
    # What is in place is whole.
    for tile in import_project(out):
        assert tile.pixels.size
    exported(made, out)
    exported(made, tmp_path / "undisturbed")
    assert content(out) == content(tmp_path / "undisturbed")
    assert exported(made, out).written == 0


def test_a_cut_or_lost_file_of_an_export_is_made_again(made: MadeRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(made, out)
    whole = content(out)
    (out / "S001/EM-grid/tile-00001x00000.tif").write_bytes(b"")
    (out / "S001/EM-grid/tile-00002x00000.tif").unlink()
    assert exported(made, out).written == 2
    assert content(out) == whole


def test_damaged_and_lost_images_are_left_out_with_a_reason(made: MadeRun, tmp_path: Path) -> None:
    path = made.files["J000001"]
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    made.files["J000002"].unlink()
    result = exported(made, tmp_path / "out")
    assert [one.image for one in result.left_out] == ["J000001", "J000002"]
    assert "not the one that was saved" in result.left_out[0].reason
    assert [tile.stack for tile in import_project(tmp_path / "out")] == ["exc_488nm"]
    path.write_bytes(good)
    assert [one.image for one in exported(made, tmp_path / "out").left_out] == ["J000002"]


def test_a_collection_names_no_image_that_is_left_out(made: MadeRun, tmp_path: Path) -> None:
    made.files["J000001"].unlink()
    export(made.folder, made.info, ExportFormat.OME_ZARR, tmp_path / "out")
    xml = (tmp_path / "out" / "S0001.ome.zarr" / "OME" / "METADATA.ome.xml").read_text()
    assert "J000002" in xml
    assert "J000001" not in xml


def test_folders_that_cannot_be_used_are_refused(made: MadeRun, tmp_path: Path) -> None:
    run, out = made.folder.path, tmp_path / "out"
    for inside in (run, run / "export", run / "em" / ".." / "x"):
        with pytest.raises(InputError, match="inside the folder of the run"):
            exported(made, inside)
    link = tmp_path / "link"
    link.symlink_to(run)
    with pytest.raises(InputError, match="inside the folder of the run"):
        exported(made, link / "export")
    with pytest.raises(InputError, match="neither empty nor an export"):
        exported(made, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        exported(made, tmp_path / "file")
    with pytest.raises(InputError, match="no section of that name, only S0001 to S0002"):
        exported(made, out, "S9999")
    assert not out.exists()
    exported(made, out)
    with pytest.raises(InputError, match="is an export as render-ws"):
        export(made.folder, made.info, ExportFormat.FIJI, out)
    other = made_run(tmp_path / "other")
    with pytest.raises(InputError, match="export of another run"):
        exported(other, out)
    other.close()
    with ExportFolder(out, made.info.run, "render-ws"), pytest.raises(NotNowError, match="another ilemtrack"):
        exported(made, out)
    (out / "export.jsonl").write_text("nonsense\n")
    with pytest.raises(InputError, match="is damaged"):
        exported(made, out)


def test_files_of_two_runs_are_refused(made: MadeRun, tmp_path: Path) -> None:
    other = replace_run(made)
    with pytest.raises(InputError, match=r"session\.sqlite of run"):
        exported(other, tmp_path / "out")


def replace_run(made: MadeRun) -> MadeRun:
    return replace(made, info=made.info.model_copy(update={"run": "another"}))


def test_a_full_disk_ends_it_with_one_sentence(
    made: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write = tifffile.imwrite

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(InputError, match="No space left on device"):
        exported(made, out)
    assert not list(out.rglob("*.tif"))
    monkeypatch.setattr(tifffile, "imwrite", write)
    assert exported(made, out).written == 4


def test_a_session_keeps_the_space_that_it_needs(
    made: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    text = made.folder.config.read_text().replace("min_free_disk_gb: 0", "min_free_disk_gb: 20")
    with sqlite3.connect(made.folder.store) as connection:
        connection.execute("UPDATE run SET config_yaml = ?", (text,))
    with pytest.raises(
        InputError, match=r"1\.00 GB are free, .* and the session keeps 20 GB free; with more room"
    ):
        exported(made, tmp_path / "out")
    connection.execute("UPDATE run SET phase = 'done'")
    connection.commit()
    connection.close()
    assert exported(made, tmp_path / "out").ended


@pytest.mark.usefixtures("frames_once", "unpictured")
def test_the_images_of_a_session_state_all_that_exports_need(start: Start, tmp_path: Path) -> None:
    session = start()
    out = {kind: tmp_path / kind for kind in ExportFormat}
    for kind, path in out.items():
        result = export(session.folder, session.info, kind, path)
        assert result.ended
        assert not result.left_out
    tiles = import_project(out[ExportFormat.RENDER_WS])
    fields, jobs = session.store.specimen.fields(), session.store.queue.jobs(JobState.DONE)
    fluorescence = [tile for tile in tiles if tile.stack == f"exc_{EXCITATION_NM}nm"]
    assert (len(fluorescence), len(tiles)) == (len(fields), len(fields) + len(jobs))
    assert all(tile.camera for tile in tiles)
    assert max(abs((tile.taken_at - datetime.now()).total_seconds()) for tile in tiles) < 86_400
    documents = [json.loads(path.read_text()) for path in out[ExportFormat.OME_ZARR].rglob("em/J*/zarr.json")]
    images = [one["attributes"] for one in documents if one["node_type"] == "group"]
    assert len(images) == len(jobs)
    for image in images:
        assert image["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] == [
            0.1,
            0.1,
        ]
        assert float(image["ilemtrack"]["facts"]["ilemtrack.dwell_s"]) > 0


def test_progress_ends_at_all_bytes(made: MadeRun, tmp_path: Path) -> None:
    seen: list[ExportProgress] = []
    export(made.folder, made.info, ExportFormat.RENDER_WS, tmp_path / "out", report=seen.append)
    sizes = sum(path.stat().st_size for path in made.files.values())
    assert [one.done_bytes for one in seen] == sorted(one.done_bytes for one in seen)
    assert seen[0].done_bytes == 0
    assert (seen[-1].done_bytes, seen[-1].all_bytes) == (sizes, sizes)


def test_the_command_says_what_it_did(made: MadeRun, say: Said) -> None:
    status, document, _ = say("export", made.folder.path, "--format", "render-ws", "--json")
    assert status == 0
    assert document["export"] == f"{made.folder.path}-render-ws"
    assert (document["written"], document["kept"], document["ended"]) == (4, 0, False)
    status, printed, said = say("export", made.folder.path, "--format", "render-ws", "--section", "S0001")
    assert (status, printed.strip()) == (0, f"{made.folder.path}-render-ws")
    assert "4 were there" in said
    assert "has not ended" in said
    made.files["J000001"].unlink()
    status, _, said = say(
        "export", made.folder.path, "--format", "render-ws", "--out", f"{made.folder.path}x"
    )
    assert status == 1
    assert "warning: J000001 is left out" in said
    status, _, said = say("export", made.folder.path, "--format", "tiff")
    assert status == 2
    assert "formats are ome-zarr, render-ws, fiji" in said
    assert say("export", made.folder.path / "no", "--format", "fiji")[0] == 2


@pytest.mark.parametrize("kind", [ExportFormat.OME_ZARR, ExportFormat.RENDER_WS])
def test_an_export_by_workers_is_the_same(made: MadeRun, tmp_path: Path, kind: ExportFormat) -> None:
    alone = export(made.folder, made.info, kind, tmp_path / "alone")
    shared = export(made.folder, made.info, kind, tmp_path / "shared", workers=Here())
    assert shared == alone
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
    again = export(made.folder, made.info, kind, tmp_path / "shared", workers=Here())
    assert (again.written, again.kept) == (0, alone.written)
    assert not list((tmp_path / "shared").glob(".work"))


def test_an_image_that_a_worker_cannot_read_is_left_out(made: MadeRun, tmp_path: Path) -> None:
    first = next(iter(made.files.values()))
    first.write_bytes(b"damaged")
    found = export(made.folder, made.info, ExportFormat.OME_ZARR, tmp_path / "out", workers=Here())
    (left_out,) = found.left_out
    assert str(first) in left_out.reason
    assert found.written > 3
