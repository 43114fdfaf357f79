"""The estimate of a session that has not begun: time, data, and the places of its sections."""

from datetime import datetime

from nicegui import ui

from service.console.computer.source import Estimate
from service.console.pictures.picture import Picture, picture_with_zoom
from service.console.pictures.places import around, outline
from service.console.view import TROUBLE, View
from service.words.quantities import duration, size


class Outlook:
    """The estimate of a configuration, and its sections on the stage.

    Parameters
    ----------
    view : View
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked: tuple[str, str, int | None] = ("", "", None)
        self.says = ""
        """The estimate in a sentence, empty while there is none."""
        ui.label("What it will take").classes("card-title").props("role=heading aria-level=2")
        self._sum = ui.label().classes("saved").props("aria-live=polite")
        self._detail = ui.label().classes("muted")
        self._picture: Picture = picture_with_zoom("Sections of the configuration on the stage")
        self._picture.classes("outlook")

    async def show(self, configuration: str, kind: str, sections: int | None) -> None:
        """Estimate a session, the last that was asked for."""
        self._asked = asked = (configuration, kind, sections)
        self.says = ""
        self._sum.set_text("Estimating…")
        self._detail.set_text("")
        try:
            found = await self._view.in_thread(self._view.computer.estimate, configuration, kind, sections)
        except TROUBLE as error:
            if self._asked == asked:
                self._sum.set_text("No session can begin with it")
                self._detail.set_text(str(error))
            return
        if self._asked == asked:
            self._write(found)

    def _write(self, found: Estimate) -> None:
        ends = datetime.fromisoformat(found.finish_at).astimezone()
        self.says = (
            f"{found.sections:,} sections, {found.fields:,} fields: at most {duration(found.most_s)} and"
            f" {size(found.most_bytes)}."
        )
        self._sum.set_text(self.says)
        self._detail.set_text(
            f"Fluorescence takes {duration(found.fluorescence_s)}. The rest is the time of a full raster,"
            " which is the most; how much less the cells take is known once they are found. If it began now,"
            f" it would end by {ends:%A %d %B, %H:%M}."
        )
        shapes = [
            outline(name, "section section-waiting", name, corners) for name, corners in found.outlines_m
        ]
        self._picture.show(around(shapes), [], shapes)
