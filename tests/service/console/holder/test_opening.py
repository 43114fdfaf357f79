"""Opening of lists and overviews, without a browser: the widgets are left out."""

from types import SimpleNamespace
from typing import Any

import pytest

from service.console.computer.holder import HolderMap, Landmark
from service.console.holder import opening
from service.console.holder.draft import Draft
from service.console.holder.opening import Opening
from service.errors import InputError
from tests.service.console.answers import at_once
from tests.service.console.consoles import run_alone
from tests.service.console.holder.test_edits import SHOWN, square

LANDMARKS = (Landmark("A", (1.0, 2.0), (3.0, 4.0)),)
FOUND = HolderMap("px", (square("S0001", 20, 20),))


class Editor:
    """The list that is shown, as `Opening` uses an editor."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    @property
    def shown(self) -> HolderMap:
        return self.draft.now

    def open(self, draft: Draft) -> None:
        self.draft = draft

    def change(self, new: HolderMap) -> None:
        self.draft.change(new)


class Files:
    """Files of which only the sections found and the landmarks count."""

    def __init__(self, editor: Editor, meanwhile: HolderMap | None = None) -> None:
        self._editor, self._meanwhile = editor, meanwhile

    def find(self, _: str) -> HolderMap:
        if self._meanwhile is not None:
            self._editor.change(self._meanwhile)
        return FOUND

    def landmarks(self, _: str) -> tuple[Landmark, ...]:
        return LANDMARKS


def opening_of(editor: Editor, files: Files, landmarks: str) -> Any:
    made: Any = Opening.__new__(Opening)
    made._view = SimpleNamespace(computer=SimpleNamespace(holder=files), in_thread=at_once)
    made._editor = editor
    made._overview, made._landmarks = SimpleNamespace(value="o.png"), SimpleNamespace(value=landmarks)
    made._says = SimpleNamespace(set_text=lambda _: None)
    made._find = made._open = SimpleNamespace(disable=lambda: None, enable=lambda: None)

    async def nothing() -> None:
        pass

    made.show_stage = nothing
    return made


def test_a_folder_that_cannot_be_read_is_said() -> None:
    def unreadable() -> list[str]:
        raise InputError("/data: cannot be read")

    said: list[str] = []
    files: Any = SimpleNamespace(lists=unreadable)
    made = opening_of(Editor(Draft(SHOWN, "a.json")), files, "")
    made._says = SimpleNamespace(set_text=said.append)
    run_alone(made.offer())
    assert said == ["/data: cannot be read"]


@pytest.mark.parametrize(("chosen", "landmarks"), [("l.csv", LANDMARKS), ("", ())])
def test_nothing_is_to_undo_after_sections_were_found(chosen: str, landmarks: tuple[Landmark, ...]) -> None:
    editor = Editor(Draft(SHOWN, "a.json"))
    run_alone(opening_of(editor, Files(editor), chosen)._found())
    assert (editor.shown.sections, editor.shown.landmarks) == (FOUND.sections, landmarks)
    assert not editor.draft.can_undo


def test_landmarks_that_a_person_chooses_later_are_a_change_of_theirs() -> None:
    editor = Editor(Draft(FOUND, "a.json"))
    card = opening_of(editor, Files(editor), "l.csv")
    run_alone(card._read_landmarks())
    assert (editor.shown.landmarks, editor.draft.can_undo) == (LANDMARKS, True)
    run_alone(card._read_landmarks())
    editor.draft.undo()
    assert (editor.shown, editor.draft.can_undo) == (FOUND, False)


@pytest.mark.parametrize("drops", [True, False])
def test_changes_made_while_sections_are_found_are_not_dropped_unasked(
    drops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = HolderMap("px", SHOWN.sections[:1])
    editor = Editor(Draft(SHOWN, "a.json"))

    async def answer(*_: object) -> object:
        return object() if drops else None

    monkeypatch.setattr(opening, "ask", answer)
    run_alone(opening_of(editor, Files(editor, changed), "")._found())
    assert editor.shown == (FOUND if drops else changed)
