"""Simulated stacks of serial sections with their truth, for the figures of serial detection."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.layout import listed_sections
from config.model import Config
from detection.image.boxes import BoxPx
from detection.registration.rigid import Rigid
from detection.registration.section_frame import SectionFrame
from drivers.fluorescence import FmSettings
from drivers.pose import to_pixels
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.specimen import TRUTH_PITCH_UM, SimulatedSpecimen

TIMEOUT_S = 600.0
LEAST_INSIDE = 0.25
"""Share of its cut in the frame, below which a cell need not be found; chosen by hand."""


@dataclass(frozen=True, slots=True)
class TrueCell:
    """One cell in one section: its name, pixels, share in the frame, and contrast.

    Attributes
    ----------
    id : str
        The same in every section.
    mask : (rows, columns) array of bool
    area_um2 : float
        Of the whole cut, also beyond the frame.
    inside : float
        Share of the cut that lies in the frame, 0..1.
    contrast_to_noise : float
    """

    id: str
    mask: NDArray[np.bool_]
    area_um2: float
    inside: float
    contrast_to_noise: float

    @property
    def box(self) -> BoxPx:
        """The box around its pixels."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return BoxPx(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@dataclass(frozen=True, slots=True)
class TrueSection:
    """One frame of a stack, its cells, and its position in the block.

    Attributes
    ----------
    frame : SectionFrame
    cells : tuple of TrueCell
        Those with at least a quarter of their cut in the frame.
    to_block : Rigid
        From the plane of the frame to that of the block, um.
    beyond : tuple of TrueCell
        Those with less of it in the frame: they may be found or not.
    """

    frame: SectionFrame
    cells: tuple[TrueCell, ...]
    to_block: Rigid
    beyond: tuple[TrueCell, ...] = ()


def simulated_stack(seed: int, sections: int, **specimen: Any) -> list[TrueSection]:
    """Take one frame of every section of a simulated block.

    Parameters
    ----------
    seed : int
    sections : int
    **specimen
        Further keys of `config.simulator.SpecimenConfig`.
    """
    config = Config.model_validate(
        {
            "layout": {"kind": "grid", "sections": sections, "pitch_um": 1000, "fields": (1, 1)},
            "simulator": {"specimen": {"seed": seed, **specimen}},
        }
    )
    microscope = SimulatedMicroscope(config, FastClock())
    return [_taken(microscope, config, n) for n in range(sections)]


def _taken(microscope: SimulatedMicroscope, config: Config, index: int) -> TrueSection:
    fm, devices = config.fluorescence, microscope.devices
    settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
    listed = listed_sections(config.layout)[index]
    x, y = listed.center_um
    devices.stage.move_to(x * 1e-6, y * 1e-6, TIMEOUT_S)
    devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, TIMEOUT_S)
    taken = devices.camera.expose(settings, TIMEOUT_S)
    devices.light.off()
    specimen = microscope.specimen
    assert isinstance(specimen, SimulatedSpecimen)
    pixel_um, shape = fm.pixel_size_nm * 1e-3, (taken.pixels.shape[0], taken.pixels.shape[1])
    frame = SectionFrame(listed.id, taken.pixels, pixel_um, taken.offset_adu)
    true_center = np.array(microscope.true_position())
    offset = (true_center - np.array(taken.pose.center_m)) / fm.pixel_size_m * (1, -1)
    cells: list[TrueCell] = []
    beyond: list[TrueCell] = []
    for cell in specimen.truth(listed.id):
        places = to_pixels(taken.pose, shape, cell.points_m) - offset
        column, row = np.floor(places).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < shape[1]) & (row < shape[0])
        if not inside.any():
            continue
        mask = np.zeros(shape, dtype=np.bool_)
        mask[row[inside], column[inside]] = True
        area = len(places) * TRUTH_PITCH_UM**2
        share = float(inside.mean())
        (cells if share >= LEAST_INSIDE else beyond).append(
            TrueCell(cell.id, mask, area, share, cell.contrast_to_noise)
        )
    place = specimen.sections[listed.id]
    center = place.to_plane(true_center[None] * 1e6)[0]
    to_block = Rigid(-place.rotation_rad, (float(center[0]), float(center[1])))
    return TrueSection(frame, tuple(cells), to_block, tuple(beyond))
