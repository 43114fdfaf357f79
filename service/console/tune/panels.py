"""The steps of a detector side by side: a picture each, which zoom together."""

from nicegui import ui

from service.console.computer.trials import Panel, Steps
from service.console.pictures.picture import Image, Picture, Shape, bare_picture, picture_with_zoom

_GROUP = "tune"


class Panels:
    """The pictures of the steps."""

    def __init__(self) -> None:
        self._place = ui.element("div").classes("tune-panels")
        self._shown: list[tuple[ui.label, ui.element, Picture]] = []
        self._panels: list[Panel | None] = []

    def show(self, steps: Steps) -> None:
        """Show the steps; the pictures stay, so that the part that is looked at does."""
        if len(steps.panels) != len(self._shown):
            self._make(len(steps.panels))
        width, height = steps.size_px
        for n, (panel, (title, legend, picture)) in enumerate(zip(steps.panels, self._shown, strict=True)):
            if panel == self._panels[n]:
                # Nothing to send: a margin changes the last step alone.
                continue
            self._panels[n] = panel
            title.set_text(f"{n + 1}  {panel.title}")
            whole = (0.0, 0.0, float(width), float(height))
            image = Image("plane", f"data:image/png;base64,{panel.png}", whole)
            picture.show(whole, [image], _shapes(panel))
            _write(legend, panel)

    def _make(self, count: int) -> None:
        self._place.clear()
        self._shown, self._panels = [], [None] * count
        with self._place:
            for number in range(1, count + 1):
                with ui.element("section").classes("card tune-panel"):
                    title = ui.label().classes("tune-title")
                    label = f"Step {number} of the detector"
                    # They zoom together: the buttons of the first are enough.
                    picture = picture_with_zoom(label, _GROUP) if number == 1 else bare_picture(label, _GROUP)
                    legend = ui.element("div").classes("legend")
                self._shown.append((title, legend, picture))


def _shapes(panel: Panel) -> list[Shape]:
    return [
        Shape(
            f"{group.name} {n}",
            f"found found-{group.colour}" + (" found-dashed" if group.dashed else ""),
            group.name,
            box=box,
        )
        for group in panel.groups
        for n, box in enumerate(group.boxes_px)
    ]


def _write(legend: ui.element, panel: Panel) -> None:
    legend.clear()
    with legend:
        if panel.scale:
            ui.label(panel.scale).classes("muted")
        for group in panel.groups:
            with ui.element("div").classes("legend-one"):
                ui.element("span").classes(f"swatch swatch-{group.colour}").props("aria-hidden=true")
                ui.label(f"{group.name} ({len(group.boxes_px)})")
