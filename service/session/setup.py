"""Set-up of a session: devices, sections and fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from drivers.clock import Clock, SystemClock
from drivers.microscope import Microscope
from drivers.pose import frame_rect
from drivers.recorded.collection import read_collection
from drivers.recorded.devices import PlacedFrame, placed
from planner.errors import PlannerError
from planner.settings import settings_from
from service.errors import InputError
from service.logs import get_logger
from service.model.specimen import Field, Section, TruthPoints
from service.session.folders.run_folder import RunFolder, RunInfo
from service.session.hardware import hardware
from service.session.layout import outlines_of, refuse_overlap, sections_and_fields, visited
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope, recorded_microscope

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Setup:
    """Devices and specimen of a session."""

    sections: tuple[Section, ...]
    fields: tuple[Field, ...]
    devices: Microscope
    clock: Clock
    truth: TruthPoints | None


class SetUp(Protocol):
    """Sets a session up as `set_up` does, perhaps on devices of another kind."""

    def __call__(self, config: Config, folder: RunFolder, info: RunInfo, start_s: float = 0.0) -> Setup:
        """Return devices and specimen."""
        ...


def clock_for(info: RunInfo, start_s: float) -> Clock:
    """Return the clock of the microscope: simulated fast time, or real time."""
    return FastClock(start_s) if info.clock == "fast" else SystemClock(start_s)


def check_planner(config: Config) -> None:
    """Refuse settings that the planner cannot use, before anything moves.

    Raises
    ------
    InputError
    """
    try:
        settings_from(config.planner, config.sem, config.stage)
    except PlannerError as error:
        raise InputError(f"planner: {error}") from None


def set_up(config: Config, folder: RunFolder, info: RunInfo, start_s: float = 0.0) -> Setup:
    """Set up a session.

    Parameters
    ----------
    config : Config
    folder : RunFolder
    info : RunInfo
        Kind of session, clock, recorded frames.
    start_s : float
        Start of the microscope's clock, s; above zero when a session is resumed.

    Raises
    ------
    InputError, FrameError
        It cannot be set up; the text is one sentence.
    DriverError
        A device failed at the start.
    """
    check_planner(config)
    clock = clock_for(info, start_s)
    if info.kind == "replay":
        return _recorded(config, folder, info, clock)
    if info.kind == "run" and config.quanta is not None and config.driver == "simulator":
        raise InputError(
            "quanta: the beam of a real SEM is not sent where simulated fluorescence shows cells; take"
            " `quanta:` out, or choose a driver for fluorescence other than `simulator`"
        )
    sections, fields = sections_and_fields(config)
    if info.kind == "run" and config.driver == "odemis":
        return Setup(sections, fields, hardware(config, clock)[0], clock, None)
    microscope = SimulatedMicroscope(config, clock, folder.simulator)
    # An outline found in an overview may be no section.
    layout = config.simulator.layout
    true = None if layout is None else {one.id for one in layout.sections}

    def truth(section: str) -> list[NDArray[np.float64]]:
        if true is not None and section not in true:
            return []
        return [cell.points_m for cell in microscope.specimen.truth(section)]

    return Setup(sections, fields, microscope.devices, clock, truth)


def _recorded(config: Config, folder: RunFolder, info: RunInfo, clock: Clock) -> Setup:
    read = read_collection([Path(path) for path in info.images], info.pixel_size_nm, info.channel)
    for notice in read.notices:
        log.warning(notice)
    places = placed(read.frames)
    sections, fields = _sections_and_fields_of(places, config)
    microscope = recorded_microscope(config, clock, places, folder.simulator)
    return Setup(sections, fields, microscope.devices, clock, None)


def _sections_and_fields_of(
    places: Sequence[PlacedFrame], config: Config
) -> tuple[tuple[Section, ...], tuple[Field, ...]]:
    x0, y0, x1, y1 = config.stage.safe_area_m
    centers: dict[str, list[tuple[float, float]]] = {}
    fields = []
    for place in places:
        x, y = place.center_m
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            raise InputError(
                f"{place.frame.path}: page {place.frame.page} was taken at ({x * 1e3:.3f}, {y * 1e3:.3f}) mm,"
                " outside the safe area of the stage; widen stage.safe_x_mm and stage.safe_y_mm"
            )
        number = len(centers.setdefault(place.section, []))
        centers[place.section].append((x, y))
        rows, columns = place.frame.pixels.shape
        rect = frame_rect(place.pose, (rows, columns))
        fields.append(Field(f"{place.section}/F{number:03d}", place.section, number, (x, y), rect))
    outlines_m = outlines_of(config, fields)
    refuse_overlap(fields, outlines_m)
    sections = [
        Section(
            name,
            index,
            (sum(x for x, _ in at) / len(at), sum(y for _, y in at) / len(at)),
            outline_m=outlines_m.get(name),
        )
        for index, (name, at) in enumerate(centers.items())
    ]
    return visited(sections), tuple(fields)
