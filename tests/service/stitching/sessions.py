"""Sessions with the true place of each electron image."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model import Config
from detection.registration.rigid import Rigid
from drivers.pose import Pose
from drivers.sem import ScanImage, ScanRequest
from service.image_files.images import read_pixels
from service.model.jobs import JobState
from service.stitching.canvas import Piece, pieces_on
from service.stitching.grounds import Ground
from service.stitching.values import Tile
from simulators.devices.sem import SimulatedSem
from simulators.specimen.sections import SectionArray
from tests.service.sessions import Session


@dataclass(slots=True)
class Truth:
    """True centres of scans on the stage, m, by job; and where the sections of the specimen lie."""

    sections: SectionArray
    centers_m: dict[str, tuple[float, float]] = field(default_factory=dict)

    def seam_nm(
        self, one: Tile, other: Tile, centers_m: tuple[tuple[float, float], tuple[float, float]]
    ) -> float:
        """Return how far two tiles lie off each other if they are put at these centres."""
        true = np.subtract(self.centers_m[other.job], self.centers_m[one.job])
        return float(np.hypot(*(np.subtract(centers_m[1], centers_m[0]) - true))) * 1e9

    def to_block(self, section: str, ground: Ground) -> Rigid:
        """Return the motion from the image of a cell, um from its middle, to the plane of its section.

        The image that shows most of its middle counts.
        """
        canvas, place = ground.canvas, self.sections[section]
        width, height = canvas.size_px
        middle = (width // 4, height // 4, width - width // 4, height - height // 4)
        best = max(pieces_on(canvas, ground.placed), key=lambda piece: _shared(piece, middle))
        x = canvas.left_m + (best.left + best.right) / 2 * canvas.pixel_size_m
        y = canvas.top_m - (best.top + best.bottom) / 2 * canvas.pixel_size_m
        off = np.subtract(self.centers_m[best.tile.job], (x, y))
        center_um = (np.array(canvas.center_m) + off) * 1e6 - place.center_um
        turn = Rigid(-place.rotation_rad)
        u, v = turn.apply(center_um[None])[0].tolist()
        return Rigid(-place.rotation_rad, (u, v))


def error_nm(found: Rigid, true: Rigid, radius_um: float = 4.0) -> float:
    """Return the root mean square distance of two motions over a square of a cell, nm."""
    points = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * radius_um
    return float(np.sqrt((np.hypot(*(found.apply(points) - true.apply(points)).T) ** 2).mean())) * 1e3


def record(folder: Path, config: Config, limit_s: float = 1200.0) -> Truth:
    """Run a simulated session to its end, and return where its scans truly were."""
    width, height = config.fluorescence.field_size_m
    truth = Truth(SectionArray(config.layout, config.simulator.specimen, (width * 1e6, height * 1e6)))
    with _watched() as places:
        session = Session(folder, config)
        session.run(limit_s)
        session.thread.join(limit_s)
    for job in session.store.queue.jobs(JobState.DONE):
        pixels = read_pixels(session.folder.path / str(job.image))
        truth.centers_m[job.id] = places[blake2b(pixels.tobytes()).digest()]
    session.store.close()
    return truth


@contextmanager
def _watched() -> Iterator[dict[bytes, tuple[float, float]]]:
    """Note the true centre of each scan by its pixels."""
    places: dict[bytes, tuple[float, float]] = {}
    render, scan = SimulatedSem._render, SimulatedSem.scan
    last: list[tuple[float, float]] = []

    def watched_render(self: SimulatedSem, pose: Pose, shape: tuple[int, int], dwell_s: float) -> Any:
        last.append(pose.center_m)
        return render(self, pose, shape, dwell_s)

    def watched_scan(self: SimulatedSem, request: ScanRequest, timeout_s: float) -> ScanImage:
        image = scan(self, request, timeout_s)
        places[blake2b(image.pixels.tobytes()).digest()] = last[-1]
        return image

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedSem, "_render", watched_render)
        patch.setattr(SimulatedSem, "scan", watched_scan)
        yield places


def _shared(piece: Piece, window: tuple[int, int, int, int]) -> int:
    left, top, right, bottom = window
    width = min(piece.right, right) - max(piece.left, left)
    height = min(piece.bottom, bottom) - max(piece.top, top)
    return max(width, 0) * max(height, 0)
