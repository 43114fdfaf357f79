"""A picture with shapes over it, with zoom and pan; people choose, draw and resize shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nicegui import ui
from nicegui.events import GenericEventArguments

from service.console.parts import button

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in the units of the picture, y downwards."""

Tool = Literal["look", "draw", "edit", "add"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a picture; `href` is a data address, `transform` one of SVG, applied to the box."""

    id: str
    href: str
    box: Box
    transform: str = ""

    def message(self) -> dict[str, Any]:
        """Return what the browser gets."""
        found: dict[str, Any] = {"id": self.id, "href": self.href, "box": list(self.box)}
        return found | ({"transform": self.transform} if self.transform else {})


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape over a picture.

    Attributes
    ----------
    id : str
    look : str
        Classes of ``style.css``.
    title : str
        Shown while the pointer rests on it.
    box : Box or None
    points : tuple of (float, float)
        Corners, in place of a box.
    text : str
        Written in its middle where there is room.
    is_open : bool
        The points are a path and no outline.
    movable : bool
        With the tool ``edit`` the chosen shape is moved and turned.
    """

    id: str
    look: str
    title: str
    box: Box | None = None
    points: tuple[tuple[float, float], ...] = ()
    text: str = ""
    is_open: bool = False
    movable: bool = False

    def message(self) -> dict[str, Any]:
        """Return what the browser gets."""
        found: dict[str, Any] = {"id": self.id, "look": self.look, "title": self.title}
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        if self.box is not None:
            found["box"] = list(self.box)
            xs, ys = [self.box[0], self.box[2]], [self.box[1], self.box[3]]
        else:
            found["points"] = " ".join(f"{x:.7g},{y:.7g}" for x, y in self.points)
        if self.is_open:
            found["open"] = True
        if self.movable:
            middle = [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2]
            found |= {"middle": middle, "reach": max(max(xs) - min(xs), max(ys) - min(ys)) / 2}
        if self.text:
            found |= {
                "text": self.text,
                "at": [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2],
                "size": max(xs) - min(xs),
            }
        return found


class Picture(ui.element, component=Path(__file__).with_name("picture.js")):
    """A picture with shapes over it.

    Parameters
    ----------
    label : str
        For people who cannot see it.
    group : str
        Pictures of a group show the same part; empty for none.
    """

    def __init__(self, label: str, group: str = "") -> None:
        super().__init__()
        self._props |= {
            "label": label,
            "whole": [0, 0, 1, 1],
            "images": [],
            "shapes": [],
            "chosen": "",
            "tool": "look",
            "editable": False,
            "group": group,
        }

    def show(self, whole: Box, images: Sequence[Image], shapes: Sequence[Shape]) -> None:
        """Show images and shapes; `whole` is what fills the picture at first."""
        x0, y0, x1, y1 = whole
        self._props["whole"] = [x0, y0, x1 - x0, y1 - y0]
        self._props["images"] = [one.message() for one in images]
        self._props["shapes"] = [shape.message() for shape in shapes]
        self.update()

    def set_chosen(self, name: str) -> None:
        """Mark a shape as chosen; none for an empty name."""
        self._props["chosen"] = name
        self.update()

    def set_tool(self, tool: Tool, editable: bool) -> None:
        """Let people look or draw; `editable` gives the chosen shape handles."""
        self._props |= {"tool": tool, "editable": editable}
        self.update()

    def zoom(self, factor: float) -> None:
        """Zoom about the middle."""
        self.run_method("zoom", factor)

    def fit(self) -> None:
        """Show all of it."""
        self.run_method("fit")

    def show_shape(self, name: str) -> None:
        """Bring a shape into the middle."""
        self.run_method("show", name)

    def on_choose(self, handle: Callable[[str], Any]) -> None:
        """Call `handle` with the identifier of a shape that is clicked; empty for the ground."""
        self.on("choose", lambda event: handle(str(_given(event).get("id", ""))))

    def on_drawn(self, handle: Callable[[Box], Any]) -> None:
        """Call `handle` with a box that was drawn."""
        self.on("drawn", lambda event: handle(_box(event)))

    def on_resized(self, handle: Callable[[str, Box], Any]) -> None:
        """Call `handle` with the identifier and the new box of a shape."""
        self.on("resized", lambda event: handle(str(_given(event).get("id", "")), _box(event)))

    def on_placed(self, handle: Callable[[float, float], Any]) -> None:
        """Call `handle` with a place that is clicked with the tool ``add``."""
        self.on("placed", lambda event: handle(*(float(v) for v in _given(event)["at"])))

    def on_moved(self, handle: Callable[[str, float, float], Any]) -> None:
        """Call `handle` with the identifier of a shape and the distance by which it is to be moved.

        The person has seen where they put it: what has moved it since they took it is not added.
        """

        def moved(event: GenericEventArguments) -> None:
            given = _given(event)
            name, (x, y) = str(given["id"]), (float(v) for v in given["by"])
            now = next((one.get("middle") for one in self._props["shapes"] if one["id"] == name), None)
            if now is not None and given.get("from") is not None:
                x, y = x + float(given["from"][0]) - now[0], y + float(given["from"][1]) - now[1]
            handle(name, x, y)

        self.on("moved", moved)

    def on_turned(self, handle: Callable[[str, float], Any]) -> None:
        """Call `handle` with the identifier of a shape and the turn, degrees counter-clockwise."""
        self.on("turned", lambda event: handle(str(_given(event)["id"]), float(_given(event)["degrees"])))


def bare_picture(label: str, group: str = "") -> Picture:
    """Make a picture without buttons; see `Picture`."""
    with ui.element("div").classes("picture-place"):
        return Picture(label, group)


def picture_with_zoom(label: str, group: str = "") -> Picture:
    """Make a picture with buttons that zoom; see `Picture`."""
    with ui.element("div").classes("picture-place"):
        picture = Picture(label, group)
        with ui.element("div").classes("zoom"):
            for text, label, act in (
                ("+", "Zoom in", lambda: picture.zoom(1.4)),
                ("\N{MINUS SIGN}", "Zoom out", lambda: picture.zoom(1 / 1.4)),
                ("All", "Show all of it", picture.fit),
            ):
                # An outlined button has no ground of its own, whatever the style says.
                button(text, act).props(f"dense unelevated aria-label='{label}'", remove="outline")
    return picture


def _given(event: GenericEventArguments) -> dict[str, Any]:
    return event.args if isinstance(event.args, dict) else {}


def _box(event: GenericEventArguments) -> Box:
    x0, y0, x1, y1 = (float(side) for side in _given(event)["box"])
    return x0, y0, x1, y1
