"""Long lists are read page by page, and pictures are kept, but not without end."""

from collections.abc import Coroutine
from typing import Any, cast

import pytest

from service.console.pictures import cached, served
from service.console.pictures.field_data import (
    FieldData,
    read_electron_images,
    read_field,
    read_names,
    read_pages,
)
from service.console.pictures.section_data import read_section
from service.console.pictures.sections import read_sections
from service.console.view import View
from service.model.jobs import JobState
from tests.service.console.answers import Answering, paged
from tests.service.console.consoles import run_alone


def test_all_pages_of_a_list_are_read_in_order() -> None:
    fields = [[{"field": "S0001/F000"}, {"field": "S0001/F001"}], [{"field": "S0002/F000"}]]
    view = Answering(
        fields_list=paged("fields", fields),
        fields_boxes=paged("boxes", [[{"cell": 1}], [{"cell": 2}, {"cell": 3}], [{"cell": 4}]]),
        sections_list=paged("sections", [[{"section": "S0001"}], [{"section": "S0002"}]]),
    )
    shown = cast(View, view)
    assert run_alone(read_names(shown)) == ["S0001/F000", "S0001/F001", "S0002/F000"]
    rows = run_alone(read_pages(shown, "fields.boxes", "boxes", "S0001/F000"))
    assert [row["cell"] for row in rows] == [1, 2, 3, 4]
    assert [row["section"] for row in run_alone(read_sections(shown))] == ["S0001", "S0002"]


def test_a_list_without_end_is_left_after_some_pages() -> None:
    endless: dict[str, Any] = {
        "fields_list": lambda **_: {"fields": [{"field": "S0001/F000"}], "after": 1},
        "fields_boxes": lambda **_: {"boxes": [1], "after": 1},
        "sections_list": lambda **_: {"sections": [{}], "after": 1},
    }
    view = cast(View, Answering(**endless))
    read: list[Coroutine[Any, Any, list[Any]]] = [
        read_names(view),
        read_pages(view, "fields.boxes", "boxes", "F"),
        read_sections(view),
    ]
    assert all(0 < len(run_alone(one)) <= 200 for one in read)


def field_row(sha256: str | None) -> dict[str, Any]:
    return {"field": "S0001/F000", "sha256": sha256, "rect_m": [0.0, 0.0, 1e-4, 1e-4]}


@pytest.mark.parametrize("frame", [None, {"size_px": [200, 100]}])
def test_a_field_has_a_picture_once_its_frame_is_saved(frame: dict[str, Any] | None) -> None:
    view = Answering(
        fields_get=lambda **_: {"row": field_row(None if frame is None else "a" * 64), "frame": frame},
        fields_image=lambda **_: {"base64": "cGljdHVyZQ=="},
        fields_boxes=paged("boxes", [[]]),
        fields_frames=paged("frames", [[]]),
    )
    found = run_alone(read_field(cast(View, view), "S0001/F000"))
    assert found.whole == ((0.0, 0.0, 1.0, 1.0) if frame is None else (0.0, 0.0, 200.0, 100.0))
    assert (found.fluorescence is None) == (frame is None)
    asked = [method for method, _ in view.asked]
    assert asked.count("fields.image") == (frame is not None)


def test_a_section_shows_the_ground_of_fields_that_are_still_to_come() -> None:
    rows = [field_row(None), field_row("b" * 64) | {"field": "S0001/F001"}]
    view = Answering(
        fields_list=paged("fields", [rows]),
        fields_get=lambda **_: {"row": rows[1], "frame": None},
        fields_boxes=paged("boxes", [[]]),
        fields_frames=paged("frames", [[]]),
    )
    found = run_alone(read_section(cast(View, view), "S0001"))
    assert [one.id for one in found.fields] == ["field S0001/F000", "field S0001/F001"]
    assert found.fluorescence == []
    assert [params for method, params in view.asked if method == "fields.get"] == [{"field": "S0001/F001"}]


def frame(job: str, state: JobState, sha256: str | None) -> dict[str, Any]:
    return {"job": job, "state": state.value, "sha256": sha256, "box_px": [1.0, 2.0, 30.0, 40.0]}


def test_electron_images_lie_over_a_field_where_they_were_taken() -> None:
    view = Answering(queue_image=lambda **params: {"base64": params["job"]})
    frames = [frame("J000001", JobState.DONE, "1" * 64), frame("J000002", JobState.QUEUED, None)]
    data = FieldData("S0001/F000", field_row(None), (0.0, 0.0, 99.0, 99.0), None, [], frames)
    run_alone(read_electron_images(cast(View, view), data))
    (one,) = data.electron
    assert (one.id, one.box) == ("electron J000001", (1.0, 2.0, 30.0, 40.0))
    assert one.href.endswith("J000001")
    # A second time it comes out of the memory.
    run_alone(read_electron_images(cast(View, view), data))
    assert len(view.asked) == 1


def test_pictures_that_are_long_past_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cached, served):
        monkeypatch.setattr(module, "_MOST_KEPT", 2)
    monkeypatch.setattr(cached, "_kept", type(cached._kept)())
    monkeypatch.setattr(served, "_KEPT", type(served._KEPT)())
    view = Answering(queue_image=lambda **_: {"base64": "eA=="})
    for sha256 in ("a", "b", "a", "c", "a", "b"):
        run_alone(cached.image(cast(View, view), "queue.image", sha256))
    # The last two used are known: `b` is asked for again, `a` is not.
    assert len(view.asked) == 4
    addresses = [served.address_of(jpeg) for jpeg in (b"one", b"two", b"three")]
    answers = [served._answer(address.rpartition("/")[2]).status_code for address in addresses]
    assert answers == [404, 200, 200]
