"""Pictures in the folder of a run: every section with its cells, and montages of linked sections."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detection.serial.section import as_detection
from service.analysis.linking import Found
from service.logs import get_logger
from service.pictures.montage import Shown, draw_montage, shown
from service.pictures.overlay import draw_overlay, write_png
from service.pictures.saving import save_or_log
from service.session.folders.run_folder import RunFolder

log = get_logger(__name__)

IN_A_MONTAGE = 12
"""Sections in one montage, so that a tile stays readable (chosen by hand); longer runs have several."""


class RunPictures:
    """Draws sections as they are finished.

    Nothing depends on the pictures: failures to draw or write them are only logged.

    Parameters
    ----------
    folder : RunFolder
    sections : int
        Of the run.
    """

    def __init__(self, folder: RunFolder, sections: int) -> None:
        self._folder = folder.pictures
        self._one_montage = sections <= IN_A_MONTAGE
        self._shown: list[Shown] = []

    def add(self, found: Found) -> None:
        """Draw a section; if it was not linked, draw each field by itself."""
        for frame, detection in found.alone:
            name = found.section if len(found.alone) == 1 else frame.field.id.replace("/", "_")
            size_um = frame.pose.pixel_size_m[0] * 1e6
            self._draw(name, partial(draw_overlay, frame.pixels, detection, size_um))
        if found.serial is None or found.mosaic is None:
            return
        serial, whole = found.serial, found.mosaic.whole
        tracks = [one.tracks for one in serial.cells]
        self._draw(
            found.section,
            lambda: draw_overlay(whole.pixels, as_detection(serial), whole.pixel_size_um, tracks),
        )
        self._shown.append(shown(whole.pixels, serial, whole.pixel_size_um))
        if len(self._shown) == IN_A_MONTAGE:
            self.finish()

    def finish(self) -> None:
        """Draw the montage of the sections since the last one."""
        if not self._shown:
            return
        sections, self._shown = self._shown, []
        first, last = sections[0].section.section, sections[-1].section.section
        name = "montage" if self._one_montage else f"montage_{first}-{last}"
        self._draw(name, lambda: draw_montage(sections))

    def _draw(self, name: str, draw: Callable[[], NDArray[np.uint8]]) -> None:
        # After a restart all sections come again.
        if not (self._folder / f"{name}.png").exists():
            save_or_log(self._folder, name, lambda path: write_png(path, draw()))
