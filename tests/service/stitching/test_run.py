"""Stitched images of a run."""

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import ome_types
import pytest
import tifffile
from filelock import FileLock

from detection.registration.rigid import Rigid
from service.image_files.images import read_pixels
from service.model.images.checks import Check, CheckedImage, CheckKind
from service.model.images.scans import scans_of
from service.model.jobs import JobState
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import open_existing
from service.stitching.documents import Registered, SectionDocument, SlicePlace
from service.stitching.grounds import Ground, Run, Wanted
from service.stitching.section import stitch_section
from service.store.store import Store
from tests.service.saying import Said
from tests.service.stitching.conftest import Recorded
from tests.service.stitching.sessions import error_nm


def contents(folder: Path, but: str = "stitched") -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and but not in path.parts and not path.name.endswith(("-shm", "-wal", ".lock"))
    }


def documents(folder: Path) -> list[SectionDocument]:
    found = [SectionDocument.read(path) for path in sorted(folder.glob("S*/section.json"))]
    return [one for one in found if one is not None]


def motion(place: SlicePlace) -> Rigid:
    return Rigid(place.rotation_rad, place.shift_um)


def to_other(one: Rigid, other: Rigid) -> Rigid:
    return other.inverse().after(one)


def test_seams_close_where_tiles_prove_it(recorded: Recorded) -> None:
    """By the true places of the scans, not by what the tiles show."""
    before, after = [], []
    for document in documents(recorded.folder / "stitched"):
        at = {
            tile.job: (tile, center) for tile, center in zip(document.tiles, document.settled_m, strict=True)
        }
        for seam in document.seams:
            if seam.measured_m is not None:
                (one, first), (other, second) = at[seam.first], at[seam.second]
                before.append(recorded.truth.seam_nm(one, other, (one.center_m, other.center_m)))
                after.append(recorded.truth.seam_nm(one, other, (first, second)))
    assert len(after) > 20
    assert median(before) > 300
    assert median(after) < 10
    assert max(after) < 60
    assert recorded.stitched.by_read_back is not None
    assert recorded.stitched.by_read_back.median_nm == pytest.approx(median(before), rel=0.05)


def test_an_image_has_the_pixels_of_its_tiles(recorded: Recorded) -> None:
    (document, *_) = documents(recorded.folder / "stitched")
    fields = [file for file, record in document.images.items() if record.kind == "field"]
    assert fields == ["F000.ome.tiff"]
    record = document.images["F000.ome.tiff"]
    path = recorded.folder / "stitched" / document.section / "F000.ome.tiff"
    image = tifffile.imread(path)
    assert image.shape == record.size_px[::-1]
    assert record.seams.as_stitched is not None
    # Whole pixels of 50 nm: each of two tiles is up to half a pixel off on both axes.
    assert record.seams.as_stitched.worst_nm < 75
    left_m = record.center_m[0] - record.size_px[0] / 2 * 50e-9
    top_m = record.center_m[1] + record.size_px[1] / 2 * 50e-9
    same = []
    for tile, (x, y) in zip(document.tiles, document.settled_m, strict=True):
        column = round((x - tile.size_m[0] / 2 - left_m) / 50e-9)
        row = round((top_m - y - tile.size_m[1] / 2) / 50e-9)
        pixels = read_pixels(recorded.folder / tile.image)
        shown = image[row : row + pixels.shape[0], column : column + pixels.shape[1]]
        same.append((shown == pixels).mean())
        assert np.corrcoef(shown.ravel(), pixels.ravel())[0, 1] > 0.6
    # Where no other tile overlaps, pixels are those of the microscope.
    assert np.mean(same) > 0.3
    ome = ome_types.from_tiff(path)
    (plane,) = ome.images[0].pixels.planes
    assert (plane.position_x, plane.position_y) == pytest.approx(record.center_m, abs=1e-12)


def test_fluorescence_lies_on_the_electrons(recorded: Recorded) -> None:
    for document in documents(recorded.folder / "stitched"):
        overlays = {file: one for file, one in document.images.items() if one.kind == "overlay"}
        assert overlays
        for file, record in overlays.items():
            electrons, light = tifffile.imread(recorded.folder / "stitched" / document.section / file)
            assert electrons.shape == light.shape == record.size_px[::-1]
            assert record.light_by == "calibration"
            assert (light > 0).all()
            assert (
                recorded.folder / "stitched" / document.section / file.replace(".ome.tiff", ".jpg")
            ).is_file()


def test_cells_are_registered_through_sections(recorded: Recorded) -> None:
    folder, info = open_existing(recorded.folder)
    with closing(Store.open(folder.store)) as store:
        run = Run(kept_config(folder, info), store, folder.stitched)
        grounds: dict[str, Ground] = {}
        for section in store.specimen.sections():
            images = stitch_section(run, section.id, Wanted())
            assert images is not None
            assert images.made == 0
            grounds |= images.cells
    errors = []
    for track in recorded.stitched.tracks:
        shown = [place for place in track.slices if place.cell is not None]
        assert sum(place.registered is Registered.REFERENCE for place in track.slices) <= 1
        with tifffile.TiffFile(folder.stitched / "cells" / track.volume) as file:
            volume = file.asarray().reshape(-1, *track.size_px[::-1])
            assert file.series[0].axes[-3:] in {"ZYX", "YX"}
        assert len(volume) == len(track.slices)
        assert [bool(plane.any()) for plane in volume] == [place.cell is not None for place in track.slices]
        by_section = {place.section: place for place in shown}
        for place in shown:
            if place.registered is Registered.ELECTRONS and place.target is not None:
                other = by_section[place.target]
                assert place.cell is not None
                assert other.cell is not None
                found, true = (
                    to_other(one, two)
                    for one, two in (
                        (motion(place), motion(other)),
                        (
                            recorded.truth.to_block(place.section, grounds[place.cell]),
                            recorded.truth.to_block(other.section, grounds[other.cell]),
                        ),
                    )
                )
                errors.append(error_nm(found, true))
    assert len(errors) >= 6
    # Pixels of 50 nm, three times those of a session.
    assert median(errors) < 60


def test_what_is_there_is_not_made_again_and_the_run_stays(
    recorded: Recorded, say: Said, tmp_path: Path
) -> None:
    run = recorded.copy(tmp_path / "run")
    before = contents(run)
    status, found, _ = say("stitch", run, "--json")
    assert status == 0
    assert (found["made"], found["unchanged"]) == (0, recorded.stitched.made)
    gone = run / "stitched" / "S0001" / "F000.ome.tiff"
    gone.unlink()
    (run / "stitched" / "cells" / recorded.stitched.tracks[0].strip).unlink()
    status, found, _ = say("stitch", run, "--json")
    assert (status, found["made"]) == (0, 2)
    assert gone.is_file()
    assert contents(run) == before


def test_a_damaged_image_is_left_out(recorded: Recorded, say: Said, tmp_path: Path) -> None:
    run = recorded.copy(tmp_path / "run")
    with closing(Store.open(run / "session.sqlite")) as store:
        first, second = [job for job in store.queue.jobs(JobState.DONE, "S0001") if job.covers][:2]
    image = run / str(first.image)
    image.write_bytes(image.read_bytes()[:-100])
    (run / str(second.image)).unlink()
    status, found, _ = say("stitch", run, "--json")
    assert status == 0
    assert {job for job, _ in found["left_out"]} == {first.id, second.id}
    cells = {one["name"]: one["whole"] for one in found["images"] if one["kind"] == "cell"}
    touched = {cell for cell in (*first.covers, *second.covers) if cell in cells}
    assert touched
    assert not any(cells[cell] for cell in touched)
    assert not any(first.id in one["jobs"] for one in found["images"])


def test_a_bad_image_is_named_and_the_last_good_one_used(
    recorded: Recorded, say: Said, tmp_path: Path
) -> None:
    run = recorded.copy(tmp_path / "run")
    with closing(Store.open(run / "session.sqlite")) as store:
        job = next(job for job in store.queue.jobs(JobState.DONE, "S0001") if job.covers)
        image = store.images.latest(job.id)
        assert image is not None
        row = store.ledger.of_jobs([job.id])[job.id][-1]
        store.images.judge(image, Check(CheckKind.FOCUS, 0.3, 0.6, bad=True))
        # Of these scans the last came to a worse end than the one before.
        later = [replace(row, id=row.id + n) for n in (1000, 2000)]
        blurred = Check(CheckKind.FOCUS, 0.2, 0.6, bad=True)
        taken = [
            replace(image, exposure=later[0].id, file="good.ome.tiff"),
            replace(image, exposure=later[1].id, checks=(blurred,)),
        ]
        found = scans_of(job, [row, *later], [image, *taken])
        assert [one.file for _, one in found] == ["good.ome.tiff", image.file, image.file]
        assert scans_of(job, [row], []) == [(row, CheckedImage(row.id, job.id, image.file, image.sha256))]
    status, stitched, _ = say("stitch", run, "--field", "S0001/F000", "--json")
    assert status == 0
    (one,) = stitched["images"]
    assert one["bad"] == [job.id]
    file = run / "stitched" / "S0001" / "F000.ome.tiff"
    annotations = ome_types.from_tiff(file).structured_annotations
    assert annotations is not None
    (notes,) = annotations.map_annotations
    assert dict(notes.value)["ilemtrack.jobs_found_bad"] == job.id
    # Its seams are measured again, and the file is made again.
    assert stitched["made"] == 1


def test_some_cells_and_fields_are_made_alone(recorded: Recorded, say: Said, tmp_path: Path) -> None:
    track = recorded.stitched.tracks[0]
    cells = [place.cell for place in track.slices if place.cell is not None]
    out = tmp_path / "out"
    status, found, _ = say("stitch", recorded.folder, "--cell", track.track, "--out", out, "--json")
    assert status == 0
    assert {one["name"] for one in found["images"]} == set(cells)
    assert [one["track"] for one in found["tracks"]] == [track.track]
    assert found["tracks"][0]["fingerprint"] == track.fingerprint
    status, found, _ = say("stitch", recorded.folder, "--field", "S0002/F000", "--out", out, "--json")
    assert status == 0
    assert (found["made"], found["tracks"]) == (1, [])
    assert (out / "S0002" / "F000.ome.tiff").is_file()


def test_people_get_figures(recorded: Recorded, say: Said) -> None:
    status, text, _ = say("stitch", recorded.folder)
    assert status == 0
    lines = {line.split("  ")[0]: line for line in text.splitlines()}
    assert set(lines) >= {"images", "seams", "by the stage", "as stitched", "cells"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--cell", "T9999"), "no cell and no track T9999"),
        (("--field", "S0001/F009"), "no field S0001/F009"),
        (("--out", "/proc/nothing"), "cannot be written"),
    ],
)
def test_what_is_not_there_gets_a_sentence(
    recorded: Recorded, say: Said, arguments: tuple[str, ...], says: str
) -> None:
    status, _, said = say("stitch", recorded.folder, *arguments)
    assert status == 2
    assert says in said


def test_two_do_not_work_in_one_folder(recorded: Recorded, say: Said) -> None:
    with FileLock(recorded.folder / "stitched" / ".lock"):
        status, _, said = say("stitch", recorded.folder)
    assert status == 2
    assert "another ilemtrack is at work" in said


def test_documents_that_are_damaged_are_made_again(recorded: Recorded, say: Said, tmp_path: Path) -> None:
    run = recorded.copy(tmp_path / "run")
    path = run / "stitched" / "S0003" / "section.json"
    path.write_text(json.dumps({"v": 1}), encoding="utf-8")
    status, found, _ = say("stitch", run, "--json")
    assert status == 0
    assert 0 < found["made"] < recorded.stitched.made
    assert SectionDocument.read(path) is not None
