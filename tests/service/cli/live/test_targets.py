"""`ilemtrack targets`, against real sockets and files."""

from collections.abc import Iterator

import pytest

from service.api.transport.endpoints import run_endpoints
from service.model.jobs import JobState
from service.model.phases import Phase, SessionEvent
from service.store.store import Store
from tests.service.api.api_session import api_server
from tests.service.saying import Said
from tests.service.store.stores import queue_jobs


@pytest.fixture
def endpoint(store: Store, runtime: object) -> Iterator[str]:
    queue_jobs(store, 3)
    for event in (
        SessionEvent.START,
        SessionEvent.PREFLIGHT_PASSED,
        SessionEvent.PARTIAL_VACUUM_REACHED,
        SessionEvent.REVIEW_NEEDED,
    ):
        store.apply(event)
    where = run_endpoints("run-1")
    server = api_server(store, where)
    server.start()
    yield where.requests
    server.stop()


def test_a_preview_changes_nothing_and_a_choice_is_listed_with_who_made_it(
    endpoint: str, store: Store, say: Said
) -> None:
    at = ("--connect", endpoint)
    rev = store.requests.rev()
    status, said, _ = say("targets", "sample", "1", "--seed", "3", "--preview", *at)
    assert status == 0
    assert said.startswith("1 of 3 cells would be imaged, at most ")
    assert "left out: 2 (S0001/F000/c000" in said
    assert store.requests.rev() == rev
    status, said, _ = say("targets", "sample", "1", "--seed", "3", "-m", "enough", "--by", "anna", *at)
    assert status == 0
    assert said.splitlines()[-1] == ("run-1: 1 of 3 cells are chosen; the sections are planned again now")
    assert store.queue.counts_in_use() == {JobState.WITHDRAWN: 3}
    _, page, _ = say("targets", "list", "--json", *at)
    assert (page["by"], page["reason"], page["rule"]["choose"]) == ("anna", "enough", "sample")
    assert [row["left_out"] for row in page["targets"]].count("not_in_sample") == 2
    status, said, _ = say("targets", "list", *at)
    assert "left out by choice: not in the random sample" in said
    assert "1 of 3 cells chosen (by anna: enough): electron images being planned" in said
    assert say("targets", "all", "--by", "ben", *at)[0] == 0
    assert {cell.left_out for cell in store.specimen.cells()} == {None}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tracks", "T0001"), "there is no track T0001"),
        (("brightest", "2"), "the brightness of no cell is known"),
        (("all", "--min-size-um", "9", "--max-size-um", "8"), "min_size_um must not be above max_size_um"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_one_sentence(
    endpoint: str, say: Said, words: tuple[str, ...], says: str
) -> None:
    status, said, told = say("targets", *words, "--connect", endpoint)
    assert (status, said) == (2, "")
    assert says in told


def test_after_the_review_a_choice_is_refused(endpoint: str, store: Store, say: Said) -> None:
    store.apply(SessionEvent.REVIEW_CONFIRMED)
    status, _, told = say("targets", "all", "--min-size-um", "1", "--connect", endpoint)
    assert status == 2
    assert "cells are chosen in the review" in told


def test_a_choice_for_a_program_says_if_it_was_made(endpoint: str, store: Store, say: Said) -> None:
    at = ("--connect", endpoint)
    _, tried, _ = say("targets", "sample", "1", "--preview", "--json", *at)
    assert (tried["chosen"], "made" in tried) == (1, False)
    _, made, _ = say("targets", "sample", "1", "--by", "anna", "--json", *at)
    assert (made["chosen"], made["made"]["run"]) == (1, "run-1")


def test_a_short_list_says_that_there_is_more(endpoint: str, say: Said) -> None:
    _, said, _ = say("targets", "list", "--limit", "2", "--connect", endpoint)
    assert said.splitlines()[-1] == "more with a larger --limit"
    assert said.count("S0001/F000/c") == 2
    _, said, _ = say("targets", "list", "--limit", "3", "--connect", endpoint)
    assert "--limit" not in said


def test_continue_ends_a_review(endpoint: str, store: Store, say: Said) -> None:
    status, said, _ = say("continue", "--by", "anna", "--connect", endpoint)
    assert status == 0
    assert said.startswith("run-1: ")
    assert store.status().phase is Phase.TO_HIGH_VACUUM


def test_events_are_lines_or_documents(endpoint: str, store: Store, say: Said) -> None:
    _, said, _ = say("events", "--connect", endpoint)
    lines = said.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(store.events.since(0)) + 1))
    _, late, _ = say("events", "--since", len(lines) - 1, "--connect", endpoint)
    assert late.splitlines() == lines[-1:]
