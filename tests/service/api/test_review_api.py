"""Edits of cells over the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.handler import Handler
from service.model.review import Verdict
from service.store.store import Store
from tests.service.api.api_session import DirectControl
from tests.service.planning.review.review_store import plan_all, review_store

FIRST = "S0001/F000"
REJECT = {"kind": "reject", "cell": f"{FIRST}/c0001"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = review_store(tmp_path / "run")
    yield made
    made.close()


@pytest.fixture
def handler(store: Store) -> Handler:
    return Handler(store, DirectControl(store), "ipc:///events")


def ask(handler: Handler, method: str, request: str = "r1", **params: Any) -> dict[str, Any]:
    message = {"v": 1, "id": request, "method": method, "params": params}
    return dict(json.loads(handler.answer(json.dumps(message).encode())))


def result(handler: Handler, method: str, request: str = "r1", **params: Any) -> Any:
    reply = ask(handler, method, request, **params)
    assert reply["ok"], reply
    return reply["result"]


def code(reply: dict[str, Any]) -> str:
    return str(reply["error"]["code"])


def test_an_edit_is_made_once_and_a_retry_gets_the_same_reply(handler: Handler, store: Store) -> None:
    params = {"edits": [REJECT], "by": "kim", "reason": "debris", "if_rev": store.requests.rev()}
    made = ask(handler, "review.edit", "e1", **params)
    assert made["ok"], made
    seq = store.events.last_seq()
    assert ask(handler, "review.edit", "e1", **params) == made
    assert store.events.last_seq() == seq
    assert code(ask(handler, "review.edit", "e2", **params)) == "stale_revision"
    assert code(ask(handler, "review.undo", "e3", if_run="another")) == "other_run"
    (row,) = result(handler, "review.list")["edits"]
    assert (row["kind"], row["cell"], row["by"], row["reason"]) == ("reject", REJECT["cell"], "kim", "debris")
    now = result(handler, "review.get")
    assert (now["open"], now["rejected"], now["imaged"], now["cells"]) == (True, 1, 5, 10)
    assert now["next_undo"] == row
    box = result(handler, "fields.boxes", field=FIRST)["boxes"][0]
    assert (box["verdict"], box["image_box_px"]) == ("rejected", None)
    assert box["reason"] == "not imaged: rejected by kim: debris"
    result(handler, "review.undo", "u1", by="kim", mine=True)
    (row,) = result(handler, "review.list")["edits"]
    assert row["undone_by"] == "kim"
    assert result(handler, "review.get")["next_undo"] is None


def test_a_preview_changes_nothing_and_says_what_a_policy_does(handler: Handler, store: Store) -> None:
    seq = store.events.last_seq()
    same = result(handler, "review.preview", policy={})
    assert (same["added"], same["dropped"], same["resized"]) == (0, 0, 0)
    assert (same["cells"], same["before"]) == (6, 6)
    assert same["estimate_s"] == pytest.approx(same["electron_s"])
    fewer = result(handler, "review.preview", policy={"min_confidence": 0.5}, field=FIRST)
    assert (fewer["dropped"], fewer["cells"]) == (2, 4)
    assert fewer["estimate_s"] < same["estimate_s"]
    assert fewer["boxes_px"][f"{FIRST}/c0003"] is None
    wider = result(handler, "review.preview", policy={"dilate_um": 3.0})
    assert wider["resized"] == 6
    assert wider["estimate_s"] > same["estimate_s"]
    assert store.events.last_seq() == seq
    result(handler, "review.policy", "p1", policy={"dilate_um": 3.0}, by="kim")
    plan_all(store)
    now = result(handler, "review.get")
    assert (now["dilate_um"], now["policy_by"]) == (3.0, "kim")
    back = result(handler, "review.preview", policy={})
    assert back["resized"] == 6
    assert back["estimate_s"] < back["electron_s"]


def test_edits_come_in_pages(handler: Handler) -> None:
    for number in (1, 2, 3):
        edit = {"kind": "reject", "cell": f"{FIRST}/c000{number}"}
        result(handler, "review.edit", f"e{number}", edits=[edit])
    first = result(handler, "review.list", limit=2)
    second = result(handler, "review.list", limit=2, after=first["after"])
    assert [row["edit"] for page in (first, second) for row in page["edits"]] == [1, 2, 3]
    assert second["after"] is None


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"edits": []}, "bad_params"),
        ({"edits": [{"kind": "policy", "cell": "x"}]}, "bad_params"),
        ({"edits": [{"kind": "draw", "field": FIRST, "box_px": [0, 0, 10.5, 10]}]}, "bad_params"),
        ({"edits": [{"kind": "draw", "field": FIRST, "box_px": [-1, 0, 10, 10]}]}, "bad_params"),
        ({"edits": [REJECT] * 201}, "bad_params"),
        ({"edits": [{"kind": "draw", "field": "S9", "box_px": [0, 0, 10, 10]}]}, "not_found"),
        ({"edits": [REJECT, REJECT]}, "refused"),
        ({"edits": [REJECT], "reason": "a\nb"}, "bad_params"),
    ],
)
def test_edits_that_cannot_be_change_nothing(
    handler: Handler, store: Store, params: dict[str, Any], wanted: str
) -> None:
    assert code(ask(handler, "review.edit", **params)) == wanted
    assert store.review.number() == 0
    assert all(cell.verdict is not Verdict.REJECTED for cell in store.specimen.cells())
