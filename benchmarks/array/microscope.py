"""The simulated microscope of the big dry run: coarse electron images, and calls that go wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from scipy.special import ndtri

from config.model import Config
from drivers.errors import DeviceTimeoutError, DriverError, NotReadyError
from drivers.fluorescence import FluorescenceCamera, FmFrame, FmSettings
from drivers.sem import ScanImage, ScanRequest, Sem
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.layout import sections_and_fields
from service.session.setup import Setup
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import Face, SimulatedSpecimen, TruthCell

COARSE = 4
"""Side of the squares, px, that are of one stain in an electron image: only its checks look at it."""

Note = Callable[[str], None]
_LEVELS = 2**16
_NORMAL = ndtri((np.arange(_LEVELS) + 0.5) / _LEVELS).astype(np.float32)
"""Values that are equally likely in a normal distribution with a standard deviation of 1."""


def tabled(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw normal noise from a table, in a tenth of the time; no value is beyond 4.3."""
    count = shape[0] * shape[1]
    # Four numbers of 16 bits each; those of `Generator.bytes` are the same, in three times the time.
    drawn = np.asarray(rng.bit_generator.random_raw(-(-count // 4)), np.uint64).view(np.uint16)[:count]
    # No number is beyond the table: another mode than 'raise' leaves out a copy.
    return np.take(_NORMAL, drawn, mode="wrap").reshape(shape)


class CoarseStain:
    """The simulated specimen, whose stain is painted with a sixteenth of the pixels. Implements `Specimen`.

    Fluorescence and truth are those of the specimen. Noise, beam and blur of a scan are of full resolution.
    """

    def __init__(self, specimen: SimulatedSpecimen) -> None:
        self._specimen = specimen
        self.fluorescence = specimen.fluorescence

    def faces(self, grid: Grid) -> Iterator[Face]:
        """Yield the sections under a grid."""
        return self._specimen.faces(grid)

    def truth(self, section_id: str) -> tuple[TruthCell, ...]:
        """Return the cells visible in the fluorescence of a section."""
        return self._specimen.truth(section_id)

    def stain(self, grid: Grid) -> Floats:
        """Return the stain on a grid, computed at every fourth pixel of every fourth row."""
        rows, columns = grid.shape
        matrix = grid.matrix_um * np.array([COARSE, COARSE, 1.0])
        coarse = self._specimen.stain(Grid(matrix, (-(-rows // COARSE), -(-columns // COARSE))))
        height, width = coarse.shape
        fine = cv2.resize(coarse, (width * COARSE, height * COARSE), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(fine[:rows, :columns], dtype=np.float32)


class Faults:
    """Draws the calls that go wrong, at random distances, anew in each process.

    Parameters
    ----------
    share : float
        Of the calls, on average, above 0.
    seed : sequence of int
    note : callable
        Gets the kind of each fault at the moment when it happens.
    """

    def __init__(self, share: float, seed: tuple[int, ...], note: Note) -> None:
        self._most, self._rng, self._note = round(2 / share) - 1, np.random.default_rng(list(seed)), note
        self._left = self._distance()

    def _distance(self) -> int:
        return int(self._rng.integers(1, self._most, endpoint=True))

    def drawn(self, kinds: tuple[str, ...]) -> str | None:
        """Return the kind of fault of this call, each as often; None, as a rule."""
        self._left -= 1
        if self._left > 0:
            return None
        self._left = self._distance()
        kind = str(self._rng.choice(kinds))
        self._note(kind)
        return kind


class FaultySem:
    """A SEM some of whose scans go wrong; all else reaches the real one."""

    KINDS = ("scan refused", "scan without an image", "dark image", "stage beside the frame")

    def __init__(self, sem: Sem, faults: Faults) -> None:
        self._sem, self._faults = sem, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sem, name)

    def scan(self, request: ScanRequest, timeout_s: float) -> ScanImage:
        """Scan, unless the scan goes wrong before the beam, under it or after it."""
        kind = self._faults.drawn(self.KINDS)
        if kind == "scan refused":
            raise NotReadyError("the scan generator is busy (simulated)")
        image = self._sem.scan(request, timeout_s)
        if kind == "scan without an image":
            raise DeviceTimeoutError("the SEM gave no image (simulated)")
        if kind == "dark image":
            return replace(image, pixels=np.zeros_like(image.pixels))
        if kind == "stage beside the frame":
            x_m, y_m = image.center_m
            return replace(image, center_m=(x_m + 20e-6, y_m))
        return image


class FaultyCamera:
    """A camera some of whose exposures go wrong; all else reaches the real one."""

    KINDS = ("exposure without a frame",)

    def __init__(self, camera: FluorescenceCamera, faults: Faults) -> None:
        self._camera, self._faults = camera, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def expose(self, settings: FmSettings, timeout_s: float) -> FmFrame:
        """Expose, unless the exposure fails."""
        if self._faults.drawn(self.KINDS) is not None:
            raise DriverError("the camera gave no frame (simulated)")
        return self._camera.expose(settings, timeout_s)


@dataclass(frozen=True, slots=True)
class FaultySetUp:
    """Sets a session up as `service.session.setup.set_up` does, on this microscope."""

    faults: Faults

    def __call__(self, config: Config, folder: RunFolder, info: RunInfo, start_s: float = 0.0) -> Setup:
        """Return devices, sections and fields, the clock, and the truth; of dry runs on the fast clock."""
        assert (info.kind, info.clock) == ("dry-run", "fast")
        clock = FastClock(start_s)
        specimen = CoarseStain(SimulatedSpecimen(config))
        devices = SimulatedMicroscope(
            config, clock, folder.simulator, specimen=specimen, noise=tabled
        ).devices
        sem: Any = FaultySem(devices.sem, self.faults)
        camera: Any = FaultyCamera(devices.camera, self.faults)
        sections, fields = sections_and_fields(config)

        def truth(section: str) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
            return [cell.points_m for cell in specimen.truth(section)]

        return Setup(sections, fields, replace(devices, sem=sem, camera=camera), clock, truth)
