"""Requests of the review to a daemon, without a browser: the widgets are left out."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from service.console.pictures.field_data import FieldData
from service.console.review import edits
from service.console.review.asked_boxes import AskedBoxes
from service.console.review.choice import Choice
from service.console.review.edits import Edits
from tests.service.console.answers import Answering
from tests.service.console.consoles import run_alone

FIELD = "S0001/F000"


class View(Answering):
    """A page of Anna; `changed` has what she changes."""

    def __init__(self, person: str = "Anna") -> None:
        super().__init__(
            targets_preview=lambda **_: {"chosen": 1, "cells": 3, "added": 0, "dropped": 2, "most_s": 9.0}
        )
        self.person = person
        self.naming = asyncio.Lock()
        self.changed: list[tuple[str, dict[str, Any]]] = []

    async def change(self, method: str, quiet: bool = False, **params: Any) -> bool:  # noqa: ARG002
        self.changed.append((method, params))
        return True


def edits_of(view: View, box: tuple[int, int, int, int] | None, may: bool = True) -> Any:
    """Return the edits of a field of 400 x 300 pixels of 0.1 um with a cell chosen, or none."""
    made: Any = Edits.__new__(Edits)
    row = {"rect_m": (0.0, 0.0, 40e-6, 30e-6)}
    data = FieldData(FIELD, row, (0.0, 0.0, 400.0, 300.0), None, [], [])
    cell = None if box is None else {"cell": f"{FIELD}/c0001", "box_px": list(box)}
    if cell is not None:
        data.cells.append(cell)
    made._view, made._may, made._reason = view, may, None
    made._growing, made._asked = asyncio.Lock(), AskedBoxes()
    made._shown = SimpleNamespace(data=data, chosen_cell=cell)
    made._track = SimpleNamespace(value=True)
    return made


@pytest.fixture(autouse=True)
def unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a question for the name of a person unanswered."""

    async def nobody(*_: object) -> None:
        return None

    monkeypatch.setattr(edits, "ask", nobody)


def boxes(view: View) -> list[list[int]]:
    return [params["edits"][0]["box_px"] for _, params in view.changed]


def test_a_cell_grows_up_to_the_edges_of_its_frame_and_never_shrinks_to_nothing() -> None:
    view = View()
    step = max(1, round(edits._STEP_UM / 0.1))
    run_alone(edits_of(view, (100, 100, 160, 150))._grow(1))
    run_alone(edits_of(view, (0, 1, 400, 300))._grow(1))
    run_alone(edits_of(view, (100, 100, 160, 150))._grow(-1))
    assert boxes(view) == [
        [100 - step, 100 - step, 160 + step, 150 + step],
        [0, max(0, 1 - step), 400, 300],
        [100 + step, 100 + step, 160 - step, 150 - step],
    ]
    run_alone(edits_of(view, (100, 100, 100 + 2 * step, 150))._grow(-1))
    assert len(view.changed) == 3


def test_a_step_begins_at_the_box_that_was_asked_for_last_although_the_picture_is_behind() -> None:
    view, step = View(), max(1, round(edits._STEP_UM / 0.1))
    made = edits_of(view, (100, 100, 160, 150))
    shown = made._shown.chosen_cell

    async def keys() -> None:
        # As fast as they are pressed.
        await asyncio.gather(made._grow(1), made._grow(1), made._grow(-1))
        shown["box_px"] = [100 - step, 100 - step, 160 + step, 150 + step]
        made._asked.drop_shown(made._shown_box)
        await made._resize(shown["cell"], (90.0, 90.0, 170.0, 160.0))
        await made._grow(1)

    run_alone(keys())
    larger, largest = ([100 - n, 100 - n, 160 + n, 150 + n] for n in (step, 2 * step))
    after_drag = [90 - step, 90 - step, 170 + step, 160 + step]
    assert boxes(view) == [larger, largest, larger, [90, 90, 170, 160], after_drag]


def test_after_an_undo_a_step_begins_at_what_is_shown() -> None:
    view, step = View(), max(1, round(edits._STEP_UM / 0.1))
    made = edits_of(view, (100, 100, 160, 150))

    async def keys() -> None:
        await made._grow(1)
        await made._undo()
        await made._grow(1)

    run_alone(keys())
    larger = [100 - step, 100 - step, 160 + step, 150 + step]
    assert [params["edits"][0]["box_px"] for name, params in view.changed if name == "review.edit"] == [
        larger, larger,
    ]  # fmt: skip


def test_without_a_chosen_cell_nothing_is_marked_or_grown() -> None:
    view = View()
    for work in (edits_of(view, None)._mark("reject"), edits_of(view, None)._grow(1)):
        run_alone(work)
    without = edits_of(view, None)
    without._shown.data = None
    run_alone(without._draw((1.0, 2.0, 3.0, 4.0)))
    assert view.changed == []


def test_edits_are_made_in_the_name_of_a_person_and_only_while_the_review_is_open() -> None:
    view = View()
    run_alone(edits_of(view, (1, 2, 30, 40))._mark("reject"))
    edit = {"kind": "reject", "cell": f"{FIELD}/c0001", "whole_track": True}
    assert view.changed == [("review.edit", {"edits": [edit], "by": "Anna", "reason": ""})]
    for closed in (edits_of(view, (1, 2, 30, 40), may=False), edits_of(nameless := View(""), (1, 2, 30, 40))):
        run_alone(closed._mark("reject"))
        run_alone(closed._undo())
    assert (len(view.changed), nameless.changed) == (1, [])


def choice_of(view: View, kind: str) -> Any:
    made: Any = Choice.__new__(Choice)
    made._view, made._reason = view, lambda: "enough"
    made._kind = SimpleNamespace(value=kind)
    made._count = SimpleNamespace(value=7, visible=kind in ("brightest", "sample"))
    made._names = SimpleNamespace(value="T0001, T0004", visible=kind == "tracks")
    made._effect = SimpleNamespace(text="")
    made._effect.set_text = lambda text: setattr(made._effect, "text", text)
    return made


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("all", {"choose": "all"}),
        ("brightest", {"choose": "brightest", "count": 7}),
        ("sample", {"choose": "sample", "count": 7}),
        ("tracks", {"choose": "tracks", "tracks": ["T0001", "T0004"]}),
    ],
)
def test_a_choice_of_cells_is_tried_and_set_by_its_rule(kind: str, rule: dict[str, Any]) -> None:
    view = View()
    made = choice_of(view, kind)
    run_alone(made._try())
    assert view.asked == [("targets.preview", {"rule": rule})]
    assert "1 of 3 cells: 0 more, 2 fewer" in made._effect.text
    run_alone(made._set())
    assert view.changed == [("targets.set", {"rule": rule, "by": "Anna", "reason": "enough"})]
    assert made._effect.text == ""


def test_nobody_chooses_cells_without_a_name() -> None:
    view = View("")
    run_alone(choice_of(view, "all")._set())
    assert view.changed == []
