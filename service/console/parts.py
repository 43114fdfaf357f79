"""Small parts that several pages use."""

from collections.abc import Callable
from typing import Any, Literal

from nicegui import ui

Look = Literal["primary", "quiet", "danger"]


def button(text: str, on_click: Callable[[], Any] | None = None, look: Look = "quiet") -> ui.button:
    """Make a button in the colours of ``style.css``."""
    made = ui.button(text, color=None, on_click=on_click)
    return made.props("no-caps unelevated" if look == "primary" else "no-caps outline").classes(look)
