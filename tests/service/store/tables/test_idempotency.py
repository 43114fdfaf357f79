import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.errors import IllegalTransitionError, RequestReusedError, StaleRevisionError
from service.model.phases import Phase, SessionEvent
from service.store.store import Store
from tests.service.store.stores import new_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_store(tmp_path)
    yield made
    made.close()


def start(store: Store) -> dict[str, Any]:
    return {"phase": store.apply(SessionEvent.START).phase, "where": (1, 2)}


def ask(store: Store, request_id: str = "r1", if_rev: int | None = None) -> dict[str, Any]:
    return store.requests.change_once(
        request_id, "run.start", {"if_rev": if_rev}, if_rev, lambda: start(store)
    )


def test_a_retry_gets_the_same_answer_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    first = ask(store)
    seq, rev = store.events.last_seq(), store.requests.rev()
    assert first == {"phase": "preflight", "where": [1, 2]}
    assert ask(store) == first
    store.close()
    again = Store.open(tmp_path / "session.sqlite")
    assert ask(again) == first
    assert (again.events.last_seq(), again.requests.rev()) == (seq, rev)
    again.close()


def test_an_id_is_not_used_for_two_things(store: Store) -> None:
    ask(store)
    with pytest.raises(RequestReusedError, match="r1"):
        store.requests.change_once("r1", "run.pause", {"if_rev": None}, None, dict)
    with pytest.raises(RequestReusedError, match="r1"):
        ask(store, if_rev=0)


def test_two_people_do_not_steer_at_once(store: Store) -> None:
    rev = store.requests.rev()
    store.requests.change_once("other", "run.start", {}, rev, lambda: start(store))
    with pytest.raises(StaleRevisionError, match=f"not {rev}"):
        ask(store, "mine", if_rev=rev)
    # Nothing was kept under its id, so that it is free for another request.
    assert store.requests.change_once("mine", "other", {}, None, dict) == {}


def test_a_retry_is_answered_although_the_revision_moved_on(store: Store) -> None:
    first = ask(store, if_rev=0)
    store.apply(SessionEvent.PREFLIGHT_PASSED)
    assert ask(store, if_rev=0) == first


def test_what_is_refused_leaves_nothing(store: Store) -> None:
    def make() -> dict[str, Any]:
        store.apply(SessionEvent.START)
        store.apply(SessionEvent.RESUME)
        return {}

    with pytest.raises(IllegalTransitionError):
        store.requests.change_once("r1", "run.start", {}, None, make)
    assert (store.status().phase, store.requests.rev(), store.events.last_seq()) == (Phase.IDLE, 0, 0)
    assert store.requests.change_once("r1", "other", {}, None, dict) == {}


def test_a_reply_that_cannot_be_kept_undoes_its_change(store: Store) -> None:
    with pytest.raises(ValueError, match="serialize"):
        store.requests.change_once("r1", "run.start", {}, None, lambda: {**start(store), "x": object()})
    assert (store.status().phase, store.events.last_seq()) == (Phase.IDLE, 0)


def test_the_same_request_from_two_threads_is_done_once(store: Store) -> None:
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [answers[0]] * 4
    assert store.events.last_seq() == 1
