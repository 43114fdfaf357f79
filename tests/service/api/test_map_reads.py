"""Sections on the map, frames over a field, electron images, and one cell through its sections."""

import base64
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.pose import box_to_rect
from service.api.handler import Handler
from service.image_files.images import SavedImage
from service.model.jobs import ExposureState, JobState, ScanEnd
from service.store.store import Store
from tests.service.api.api_session import DirectControl
from tests.service.api.test_handler import ask, code, result
from tests.service.planning.review.review_store import place, review_store

FIELD = "S0002/F000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = review_store(tmp_path / "run")
    yield made
    made.close()


@pytest.fixture
def handler(store: Store) -> Handler:
    return Handler(store, DirectControl(store), "ipc:///events")


def imaged(store: Store, path: Path) -> str:
    """Have the first job of the second section exposed and done, with an image."""
    import tifffile

    job = store.queue.jobs(section="S0002")[0]
    row = store.ledger.arm(job.id, job.rect_m, 1e-7)
    store.ledger.finish(row.id, ScanEnd(ExposureState.CLOSED, JobState.EXPOSED))
    name = f"em/S0002/{job.id}.ome.tiff"
    (path / name).parent.mkdir(parents=True)
    pixels = np.zeros((400, 600), dtype=np.uint8)
    pixels[:200, 300:] = 200
    tifffile.imwrite(path / name, pixels)
    saved = SavedImage(path / name, "a" * 64, 1)
    store.queue.set_state(job.id, JobState.SAVED, image=name, sha256=saved.sha256)
    store.queue.set_state(job.id, JobState.DONE)
    return job.id


def test_sections_have_what_a_map_needs(handler: Handler, store: Store) -> None:
    before = result(handler, "sections.list")["sections"]
    assert [row["state"] for row in before] == ["planned", "planned"]
    assert before[0]["rect_m"] == list(store.specimen.fields()[0].rect_m)
    assert before[0]["fields"] == {"planned": 1}
    imaged(store, store.folder)
    rows = {row["section"]: row for row in result(handler, "sections.list")["sections"]}
    assert (rows["S0001"]["state"], rows["S0002"]["state"]) == ("planned", "imaging")
    assert rows["S0002"]["jobs"]["done"] == 1


def test_frames_lie_over_the_fluorescence_where_their_cells_are(handler: Handler, store: Store) -> None:
    done = imaged(store, store.folder)
    frames = result(handler, "fields.frames", field=FIELD)["frames"]
    boxes = {row["cell"]: row for row in result(handler, "fields.boxes", field=FIELD)["boxes"]}
    detail = result(handler, "fields.get", field=FIELD)
    assert detail["frame"] == {
        "size_px": [300, 200],
        "pixel_size_m": [2e-7, 2e-7],
        "rotation_rad": 0.0,
        "flip_x": True,
        "flip_y": False,
    }
    assert len(frames) == len(store.queue.jobs(section="S0002"))
    covers = {job.id: job.covers for job in store.queue.jobs(section="S0002")}
    for row in frames:
        for cell in covers[row["job"]]:
            inner, outer = boxes[cell]["box_px"], row["box_px"]
            assert all(outer[n] <= inner[n] and outer[n + 2] >= inner[n + 2] for n in (0, 1))
        where = place("S0002")
        assert box_to_rect(where.pose, where.shape, row["box_px"]) == pytest.approx(row["rect_m"], abs=1e-12)
    (touched,) = [row for row in frames if row["exposed_px"]]
    assert (touched["job"], touched["state"], touched["sha256"]) == (done, "done", "a" * 64)
    assert touched["exposed_px"][0][0] == pytest.approx(touched["box_px"][0] - 0.5)


def test_the_image_of_a_job_comes_as_a_small_picture_or_a_part_of_it(handler: Handler, store: Store) -> None:
    done = imaged(store, store.folder)
    small = result(handler, "queue.image", job=done, max_side_px=64)
    assert (small["size_px"], small["sha256"]) == ([60, 40], "a" * 64)
    part = result(handler, "queue.image", job=done, box_px=[200, 100, 400, 300])
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(part["base64"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (200, 200)
    assert (picture[:100, 100:] == 255).all()
    assert not picture[100:].any()
    other = next(job.id for job in store.queue.jobs(JobState.QUEUED))
    assert code(ask(handler, "queue.image", job=other)) == "not_found"
    assert code(ask(handler, "queue.image", job=done, box_px=[900, 0, 950, 10])) == "storage"


def test_a_cell_is_found_in_all_its_sections(handler: Handler) -> None:
    rows = result(handler, "targets.cells", target="T0001")["boxes"]
    assert [row["cell"] for row in rows] == ["S0001/F000/c0001", "S0002/F000/c0001"]
    alone = result(handler, "targets.cells", target="S0002/F000/c0003")["boxes"]
    assert [row["cell"] for row in alone] == ["S0002/F000/c0003"]
    assert code(ask(handler, "targets.cells", target="T9")) == "not_found"


def test_cells_are_counted_again_where_something_has_changed(handler: Handler, store: Store) -> None:
    found = len(store.specimen.cells())
    assert result(handler, "cells.count") == {"found": found, "imaged": 0, "in_review": 0}
    done = store.queue.job(imaged(store, store.folder))
    whole = [cell for cell in store.specimen.cells() if cell.jobs and set(cell.jobs) == {done.id}]
    other = store.queue.jobs(section="S0001")[0]
    store.ledger.failed(store.ledger.arm(other.id, other.rect_m, 1e-7).id, "the scan broke off")
    for asked in (handler, Handler(store, DirectControl(store), "ipc:///events")):
        counts = result(asked, "cells.count")
        assert counts == {"found": found, "imaged": len(whole), "in_review": len(other.covers)}
    assert len(whole) > 0 < len(other.covers)


def test_a_job_names_the_fields_beneath_it(handler: Handler, store: Store) -> None:
    job = store.queue.jobs(section="S0002")[0]
    assert result(handler, "queue.get", job=job.id)["fields"] == [FIELD]
