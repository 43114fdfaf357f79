"""`ilemtrack review`, against real sockets and files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.transport.endpoints import run_endpoints
from service.model.phases import SessionEvent
from service.model.review import Verdict
from service.store.store import Store
from tests.service.api.api_session import api_server
from tests.service.planning.review.review_store import review_store
from tests.service.saying import Said

CELL = "S0001/F000/c0001"


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Store]:
    store = review_store(tmp_path / "run", plan=False)
    yield store
    store.close()


@pytest.fixture
def at(reviewed: Store, runtime: object) -> Iterator[tuple[str, str]]:
    where = run_endpoints("run-1")
    server = api_server(reviewed, where)
    server.start()
    yield ("--connect", where.requests)
    server.stop()


def test_cells_are_rejected_drawn_and_listed_and_the_last_edit_is_undone(
    at: tuple[str, str], reviewed: Store, say: Said
) -> None:
    assert say("review", "list", *at)[1].startswith("nobody has edited anything\n")
    status, said, _ = say("review", "reject", CELL, "-m", "debris", "--by", "anna", *at)
    assert (status, said) == (0, "run-1: 1 cell rejected; S0001 planned again now\n")
    assert say("review", "draw", "S0001/F000", "240", "20", "270", "45", "--by", "ben", *at)[0] == 0
    assert say("review", "resize", "S0001/F000/p0001", "230", "20", "270", "45", *at)[0] == 0
    assert say("review", "accept", "S0001/F000/c0002", "--track", *at)[0] == 0
    assert say("review", "undo", *at)[1].startswith("run-1: undone: step 4 of ")
    status, said, _ = say("review", "list", *at)
    assert status == 0
    lines = [line.split() for line in said.splitlines()]
    assert [line[:3] for line in lines[1:4]] == [
        ["1", "reject", CELL],
        ["2", "draw", "S0001/F000/p0001"],
        ["3", "resize", "S0001/F000/p0001"],
    ]
    assert "0 accepted, 1 rejected, 0 drawn, 1 resized by people" in said
    _, page, _ = say("review", "list", "--json", *at)
    assert [row["undone_by"] is None for row in page["edits"]] == [True, True, True, False, False]
    assert page["edits"][0]["reason"] == "debris"
    verdicts = {cell.id: cell.verdict for cell in reviewed.specimen.cells() if cell.verdict is not None}
    assert verdicts == {CELL: Verdict.REJECTED, "S0001/F000/p0001": Verdict.RESIZED}


def test_margins_are_tried_before_they_are_set(at: tuple[str, str], reviewed: Store, say: Said) -> None:
    rev = reviewed.requests.rev()
    status, said, _ = say("review", "margins", "--min-confidence", ".25", "--preview", *at)
    assert status == 0
    assert said.splitlines()[0].startswith("4 cells imaged in place of 6, how long the ")
    assert said.splitlines()[1] == "no longer imaged: 2 (S0001/F000/c0003, S0002/F000/c0003)"
    assert reviewed.requests.rev() == rev
    status, said, _ = say("review", "margins", "--min-confidence", ".25", "--by", "anna", *at)
    assert said.splitlines()[-1] == "run-1: the margins of 2 cells change; 2 sections planned again now"
    assert "threshold 0.25 (by anna)" in say("review", "list", *at)[1]


def test_what_cannot_be_is_one_sentence(at: tuple[str, str], reviewed: Store, say: Said) -> None:
    status, said, told = say("review", "draw", "S0001/F000", "10", "10", "400", "40", *at)
    assert (status, said) == (2, "")
    assert "must lie inside the saved fluorescence of S0001/F000: 300 x 200 px" in told
    reviewed.apply(SessionEvent.REVIEW_CONFIRMED)
    status, _, told = say("review", "reject", CELL, *at)
    assert status == 2
    assert "cells are edited in the review" in told
