"""Edits of the cells of the field that is shown, by mouse and keyboard."""

import asyncio
from collections.abc import Mapping
from typing import Any

from nicegui import ui
from nicegui.events import KeyEventArguments

from service.console.ask import LONGEST_REASON, Question, ask, clean
from service.console.parts import button
from service.console.pictures.field_view import FieldView
from service.console.pictures.picture import Box
from service.console.review.asked_boxes import AskedBoxes, BoxPx, box_of
from service.console.view import View
from service.model.review import EditKind
from service.words.review import EDITS

_STEP_UM = 0.5
"""Distance by which the buttons move each side of a box. Chosen by hand."""
_KEYS = "Keys: A accept, R reject, U undo, D draw, N next, P previous, L larger, S smaller; arrows + - 0 move"

_EDITABLE = ("accept", "reject", "larger", "smaller")


class Edits:
    """Buttons and keys that edit cells.

    Parameters
    ----------
    view : View
    shown : FieldView
    """

    def __init__(self, view: View, shown: FieldView) -> None:
        self._view, self._shown = view, shown
        self._drawing = False
        # One step after the other: keys come faster than answers.
        self._growing = asyncio.Lock()
        self._asked = AskedBoxes()
        self._reason: ui.input | None = None
        self._buttons = {
            "previous": button("Previous cell", lambda: shown.step(-1)),
            "next": button("Next cell", lambda: shown.step(1)),
            "accept": button("Accept", lambda: self._mark("accept")),
            "reject": button("Reject", lambda: self._mark("reject")),
            "draw": button("Draw a box", self._turn),
            "larger": button("Larger", lambda: self._grow(1)),
            "smaller": button("Smaller", lambda: self._grow(-1)),
        }
        self._track = ui.checkbox("Whole track").props("dense")
        self._buttons["undo"] = button("Undo", self._undo)
        for one in self._buttons.values():
            one.props("dense").classes("edit")
        shown.picture.on_drawn(self._draw)
        shown.picture.on_resized(self._resize)
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])
        self._may = False

    def ask_reason(self) -> None:
        """Make the input of a reason, and the list of keys."""
        self._reason = ui.input("Reason for your edits (optional)").props("outlined dense clearable")
        self._reason.props(f"maxlength={LONGEST_REASON}")
        ui.label(_KEYS).classes("muted keys")

    def reason(self) -> str:
        """Return the reason that is recorded with what a person changes now; empty for none."""
        return "" if self._reason is None else clean(self._reason.value)

    def show(self, review: Mapping[str, Any]) -> None:
        """Offer what is possible now."""
        self._asked.drop_shown(self._shown_box)
        self._may = bool(review["open"]) and self._view.may_change
        last = review["next_undo"]
        chosen = self._shown.chosen_cell is not None
        for name, one in self._buttons.items():
            needs = name != "undo" or last is not None
            may = self._may or name in ("previous", "next")
            one.set_enabled(may and needs and (chosen or name not in _EDITABLE))
        what = f"{EDITS[EditKind(last['kind'])]} by {last['by']}" if last else ""
        self._buttons["undo"].set_text(f"Undo: {what}" if what else "Undo")
        self._shown.picture.set_tool("draw" if self._drawing and self._may else "look", self._may)
        self._buttons["draw"].set_text("Stop drawing" if self._drawing else "Draw a box")

    async def _key(self, event: KeyEventArguments) -> None:
        held = event.modifiers
        if not event.action.keydown or held.ctrl or held.alt or held.meta:
            return
        match event.key.name.lower():
            case "n":
                self._shown.step(1)
            case "p":
                self._shown.step(-1)
            case "d":
                self._turn()
            case "a":
                await self._mark("accept")
            case "r":
                await self._mark("reject")
            case "l":
                await self._grow(1)
            case "s":
                await self._grow(-1)
            case "u":
                await self._undo()

    def _turn(self) -> None:
        self._drawing = not self._drawing and self._may
        self._shown.picture.set_tool("draw" if self._drawing else "look", self._may)
        self._buttons["draw"].set_text("Stop drawing" if self._drawing else "Draw a box")

    async def _mark(self, kind: str) -> None:
        cell = self._shown.chosen_cell
        if cell is not None:
            await self._edit({"kind": kind, "cell": cell["cell"], "whole_track": bool(self._track.value)})

    async def _draw(self, box: Box) -> None:
        if self._shown.data is not None:
            await self._edit(
                {"kind": "draw", "field": self._shown.data.name, "box_px": [int(s) for s in box]}
            )

    async def _resize(self, name: str, box: Box) -> None:
        await self._set_box(name, box_of(box))

    async def _grow(self, by: int) -> None:
        async with self._growing:
            cell, data = self._shown.chosen_cell, self._shown.data
            if cell is None or data is None:
                return
            width, height = data.whole[2], data.whole[3]
            step = by * max(1, round(_STEP_UM / data.pixel_um))
            x0, y0, x1, y1 = self._asked.now(cell["cell"], box_of(cell["box_px"]))
            box = box_of(
                (max(0, x0 - step), max(0, y0 - step), min(width, x1 + step), min(height, y1 + step))
            )
            if box[0] < box[2] and box[1] < box[3]:
                await self._set_box(cell["cell"], box)

    def _shown_box(self, name: str) -> BoxPx | None:
        cell = None if self._shown.data is None else self._shown.data.cell(name)
        return None if cell is None else box_of(cell["box_px"])

    async def _set_box(self, name: str, box: BoxPx) -> None:
        shown = self._shown_box(name)
        if await self._edit({"kind": "resize", "cell": name, "box_px": list(box)}) and shown is not None:
            self._asked.note(name, shown, box)

    async def _edit(self, edit: dict[str, Any]) -> bool:
        """Make an edit; return True if it was made."""
        if not (self._may and await named(self._view)):
            return False
        return await self._view.change("review.edit", quiet=True, edits=[edit], **self._who())

    async def _undo(self) -> None:
        if self._may and await named(self._view):
            self._asked.forget()
            await self._view.change("review.undo", quiet=True, **self._who())

    def _who(self) -> dict[str, str]:
        return {"by": self._view.person, "reason": self.reason()}


async def named(view: View) -> bool:
    """Ask for the person's name once; return True if it is known.

    Edits that come while the question is open wait for its answer.
    """
    if view.person:
        return True
    is_asked = view.naming.locked()
    async with view.naming:
        if not (view.person or is_asked):
            await ask(
                view,
                Question(
                    "Your edits are recorded with your name",
                    "Until the beam begins, each of them can be undone.",
                    "Go on",
                ),
            )
    return bool(view.person)
