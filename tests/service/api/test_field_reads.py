import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from service.api.handler import Handler
from service.model.jobs import JobState
from service.model.specimen import FieldState
from service.store.store import Store
from tests.service.api.api_session import DirectControl
from tests.service.api.test_handler import ask, code, result
from tests.service.store.stores import queue_jobs

FIELD = "S0001/F000"


@pytest.fixture
def handler(store: Store) -> Handler:
    queue_jobs(store, 3)
    store.queue.set_state("J000002", JobState.SKIPPED, reason="by hand")
    return Handler(store, DirectControl(store), "ipc:///events")


def _frame(store: Store, shape: tuple[int, int] = (300, 600)) -> Path:
    path = store.folder / f"fm/{FIELD}.ome.tiff"
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, 200, dtype=np.uint16)
    pixels[100:200, 300:450] = 4000
    tifffile.imwrite(path, pixels)
    return path


def test_a_field_and_what_came_of_it(handler: Handler) -> None:
    found = result(handler, "fields.get", field=FIELD)
    assert found["row"]["state"] == FieldState.PLANNED
    assert (found["cells"], found["planned"], found["done"]) == (3, 3, 0)
    assert code(ask(handler, "fields.get", field="S0009/F000")) == "not_found"


def test_pages_of_cells_go_through_all_of_them_once(handler: Handler) -> None:
    first = result(handler, "fields.boxes", field=FIELD, limit=2)
    second = result(handler, "fields.boxes", field=FIELD, limit=2, after=first["after"])
    rows = first["boxes"] + second["boxes"]
    assert [row["cell"] for row in rows] == [f"{FIELD}/c000{n}" for n in (1, 2, 3)]
    assert second["after"] is None
    assert [row["jobs"] for row in rows] == [["J000001"], ["J000002"], ["J000003"]]
    assert rows[0]["reason"] == "kept: confident"
    assert result(handler, "fields.boxes", field="S0001/F001")["boxes"] == []
    assert code(ask(handler, "fields.boxes", field=FIELD, after="S0001/F000/c0009")) == "not_found"


def test_the_small_picture_shows_the_frame(handler: Handler, store: Store) -> None:
    _frame(store)
    found = result(handler, "fields.image", field=FIELD, max_side_px=200)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(found["base64"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (100, 200)
    assert found["size_px"] == [200, 100]
    assert (found["low_adu"], found["high_adu"]) == (200, 4000)
    assert picture[50, 125] == 255
    assert picture[10, 10] == 0


def test_the_file_comes_in_pieces(handler: Handler, store: Store) -> None:
    path = _frame(store)
    pieces, offset = b"", 0
    for _ in range(20):
        found = result(handler, "fields.image", field=FIELD, form="file", offset=offset, length=100_000)
        pieces += base64.b64decode(found["base64"])
        if found["after"] is None:
            break
        offset = found["after"]
    assert pieces == path.read_bytes()
    assert found["size_bytes"] == len(pieces)
    beyond = result(handler, "fields.image", field=FIELD, form="file", offset=10**12)
    assert (beyond["base64"], beyond["after"]) == ("", None)


@pytest.mark.parametrize("content", [None, b"", b"II*\x00", b"no picture at all"])
def test_a_frame_that_is_lost_is_told(handler: Handler, store: Store, content: bytes | None) -> None:
    path = _frame(store)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert code(ask(handler, "fields.image", field=FIELD)) == "storage"


def test_a_field_without_a_frame_has_none(handler: Handler) -> None:
    assert code(ask(handler, "fields.image", field="S0001/F001")) == "not_found"
    assert code(ask(handler, "fields.image", field=FIELD, max_side_px=100_000)) == "bad_params"
