"""The sections of a holder over their overview, corrected by mouse and keyboard."""

from collections.abc import Callable
from dataclasses import replace

from nicegui import ui
from nicegui.events import KeyEventArguments

from service.console.computer.holder import HolderMap, HolderSection, SafeArea
from service.console.holder import edits
from service.console.holder.draft import Draft
from service.console.holder.drawing import shapes_of, step_of, whole_of
from service.console.inputs.number import NumberInput
from service.console.parts import button
from service.console.pictures.picture import Image, Picture
from service.console.view import View

_TURN_DEG = 1.0
"""Turn by a key, degrees. Chosen by hand."""
_KEYS = (
    "Keys: N next, P previous, Shift and arrows move, [ ] turn, A accept, D add, Delete remove, U undo;"
    " arrows + - 0 move the picture"
)
_ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}
NOWHERE = SafeArea((), "")


class Editor:
    """The list that is shown, its picture, and what a person may do with it.

    Parameters
    ----------
    view : View
    picture : Picture
    on_change : callable
        Called after each change of the list.
    """

    def __init__(self, view: View, picture: Picture, on_change: Callable[[], None]) -> None:
        self._view, self._picture, self._on_change = view, picture, on_change
        self.draft = Draft(HolderMap("px"), "")
        self._image: tuple[str, tuple[int, int]] | None = None
        self._safe = NOWHERE
        self._chosen, self._adding = "", False
        self._opened = 0
        picture.on_choose(self._choose)
        picture.on_moved(lambda name, x, y: self._do(edits.moved(self.shown, name, (x, y))))
        picture.on_turned(lambda name, degrees: self._do(edits.turned(self.shown, name, degrees)))
        picture.on_placed(self._add)
        self._buttons = {
            "previous": button("Previous", lambda: self._step(-1)),
            "next": button("Next", lambda: self._step(1)),
            "add": button("Add a section", self._turn_adding),
            "accept": button("Accept", self._accept),
            "remove": button("Remove", self._remove),
            "undo": button("Undo", self._undo),
        }
        for one in self._buttons.values():
            one.props("dense").classes("edit")
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])

    def describe(self) -> None:
        """Make the card of the chosen section."""
        self._doubt = ui.label().classes("decide").props("role=status")
        self._sum = ui.label().classes("effect").props("role=status")
        self._heading = ui.label().classes("card-title")
        self._says = ui.label().classes("muted")
        with ui.element("div").classes("holder-numbers"):
            self._place = NumberInput("Place in order", low=1, whole=True)
            self._angle = NumberInput("Turned by, °", low=-180, high=180)
        for made, handle in ((self._place, self._put), (self._angle, self._turn_to)):
            made.props("outlined dense").on_entered(handle)
        self._ordered = ui.checkbox("The list is in the order of cutting", on_change=self._set_ordered)
        self._ordered.props("dense")
        ui.label(_KEYS).classes("muted keys")
        self.refresh()

    @property
    def shown(self) -> HolderMap:
        """The list with all changes."""
        return self.draft.now

    def open(self, draft: Draft) -> None:
        """Show another list."""
        self.draft, self._chosen, self._adding = draft, "", False
        self._opened += 1
        self.refresh()

    def set_picture(self, address: str, size_px: tuple[int, int]) -> None:
        """Show the overview under the sections."""
        self._image = address, size_px
        self.refresh()

    def set_safe_area(self, safe: SafeArea) -> None:
        """Show the safe area of the stage."""
        self._safe = safe
        self.refresh()

    def change(self, new: HolderMap) -> None:
        """Make a change that can be undone."""
        self._do(new)

    def refresh(self) -> None:
        """Show everything anew."""
        shown, image = self.shown, self._image if self.shown.unit == "px" else None
        images = [] if image is None else [Image("overview", image[0], (0.0, 0.0, image[1][0], image[1][1]))]
        whole = whole_of(shown, None if image is None else image[1], self._safe.corners)
        self._picture.show(whole, images, shapes_of(shown, self._safe.corners))
        self._picture.set_chosen(self._chosen)
        self._picture.set_tool("add" if self._adding else "edit", True)
        self._describe()
        self._on_change()

    def _describe(self) -> None:
        shown, one = self.shown, self.shown.find(self._chosen)
        out = edits.outside(shown, self._safe.corners)
        count = f"{len(shown.sections)} sections" + (
            f", {len(shown.doubtful)} doubtful" if shown.doubtful else ""
        )
        leaving = f"; {len(out)} leave the safe area of the stage" if out else ""
        self._sum.set_text(f"{count}{leaving}. {self._safe.says}" if shown.sections or shown.doubtful else "")
        self._doubt.set_text(f"The shape of the sections is doubtful: {shown.shape_doubt}.")
        self._doubt.set_visibility(bool(shown.shape_doubt))
        place = shown.sections.index(one) + 1 if one in shown.sections else None
        self._heading.set_text("Choose a section in the picture" if one is None else one.id)
        self._says.set_text(_facts(one, one is not None and one.id in out))
        turned = None if one is None or one.rotation_deg is None else round(one.rotation_deg, 2)
        # Sections of another list may have the same names.
        meant = "" if one is None else f"{self._opened} {one.id}"
        self._place.show(meant, place)
        self._angle.show(meant, turned)
        self._place.set_enabled(place is not None)
        self._angle.set_enabled(turned is not None)
        self._ordered.set_value(shown.in_cutting_order)
        self._ordered.set_enabled(bool(shown.sections))
        can_add = edits.common_shape(shown) is not None
        for name, may in {
            "previous": bool(shown.sections or shown.doubtful),
            "next": bool(shown.sections or shown.doubtful),
            "add": can_add,
            "accept": one is not None and place is None,
            "remove": one is not None,
            "undo": self.draft.can_undo,
        }.items():
            self._buttons[name].set_enabled(may)
        self._buttons["add"].set_text("Stop adding" if self._adding else "Add a section")

    def _do(self, new: HolderMap) -> None:
        self.draft.change(new)
        self.refresh()

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._picture.set_chosen(name)
        self._describe()

    def _step(self, by: int) -> None:
        """Go to the next section; the doubtful ones come first, as they wait for a decision."""
        names = [one.id for one in (*self.shown.doubtful, *self.shown.sections)]
        if not names:
            return
        at = names.index(self._chosen) + by if self._chosen in names else 0
        self._choose(names[at % len(names)])
        self._picture.show_shape(self._chosen)

    def _turn_adding(self) -> None:
        self._adding = not self._adding and edits.common_shape(self.shown) is not None
        self.refresh()

    def _add(self, x: float, y: float) -> None:
        grown, name = edits.added(self.shown, (x, y))
        self._chosen = name or self._chosen
        self._do(grown)

    def _accept(self) -> None:
        taken, name = edits.accepted(self.shown, self._chosen)
        self._chosen = name
        self._do(taken)

    def _remove(self) -> None:
        gone, self._chosen = self._chosen, ""
        self._do(edits.removed(self.shown, gone))

    def _undo(self) -> None:
        self.draft.undo()
        if self.shown.find(self._chosen) is None:
            self._chosen = ""
        self.refresh()

    def _meant(self, meant: str) -> str:
        """Return the section that a number was typed for; empty if its list is not open any more."""
        opened, _, name = meant.partition(" ")
        return name if opened == str(self._opened) else ""

    def _put(self, meant: str, place: float) -> None:
        self._do(edits.placed(self.shown, self._meant(meant), int(place)))

    def _turn_to(self, meant: str, degrees: float) -> None:
        name = self._meant(meant)
        one = self.shown.find(name)
        if one is None or one.rotation_deg is None:
            return
        by = degrees - round(one.rotation_deg, 2)
        if by:
            self._do(edits.turned(self.shown, name, by))

    def _set_ordered(self) -> None:
        if bool(self._ordered.value) != self.shown.in_cutting_order:
            self._do(replace(self.shown, in_cutting_order=bool(self._ordered.value)))

    def _key(self, event: KeyEventArguments) -> None:
        held = event.modifiers
        if not event.action.keydown or held.ctrl or held.alt or held.meta:
            return
        name = event.key.name
        if held.shift and name in _ARROWS:
            step, (x, y) = step_of(self.shown), _ARROWS[name]
            self._do(edits.moved(self.shown, self._chosen, (x * step, y * step)))
            return
        match name.lower():
            case "n":
                self._step(1)
            case "p":
                self._step(-1)
            case "d":
                self._turn_adding()
            case "a":
                self._accept()
            case "[":
                self._do(edits.turned(self.shown, self._chosen, _TURN_DEG))
            case "]":
                self._do(edits.turned(self.shown, self._chosen, -_TURN_DEG))
            case "delete" | "backspace":
                self._remove()
            case "u":
                self._undo()


def _facts(one: HolderSection | None, leaves: bool) -> str:
    if one is None:
        return ""
    x, y = one.center
    said = f"At {x:.0f}, {y:.0f}."
    said += f" Doubtful: {one.doubt}." if one.doubt else ""
    said += " It leaves the safe area of the stage." if leaves else ""
    return said + ("" if one.outline else " Its outline is not known.")
