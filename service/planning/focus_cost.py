"""Frames, time, data and dose that focusing adds to a session, once for each section."""

from dataclasses import dataclass, replace
from typing import Self

from config.model import Config
from planner.cost import Work
from service.autofocus.spot import spot_px
from service.model.work import Way
from service.planning.durations import SessionPace


@dataclass(frozen=True, slots=True)
class FocusCost:
    """Cost of focusing beam and light on a section.

    Attributes
    ----------
    autofocus_s : float or None
        Beam time of an automatic focus of the beam, its scan not included; None where the session has none.
    size_px : (int, int)
        Size of the scan that follows an automatic focus.
    dwell_s, pixel_size_m : float
        Of that scan.
    light_s : float
        Time of a search for the focus of the light; 0 where the session has none.
    """

    autofocus_s: float | None
    size_px: tuple[int, int]
    dwell_s: float
    pixel_size_m: float
    light_s: float

    @classmethod
    def of(cls, config: Config, pace: SessionPace) -> Self:
        """Return the cost in a session."""
        return cls(
            autofocus_s=pace.focus_s if config.session.autofocus else None,
            size_px=spot_px(config.sem),
            dwell_s=config.sem.dwell_s,
            pixel_size_m=config.sem.pixel_size_m,
            light_s=pace.light_focus_s if config.fluorescence.autofocus_um > 0 else 0.0,
        )

    def beam(self, sections: int, queued: int = 0) -> Work:
        """Sum up the beam focuses to come; each is a frame, and the beam time of the automatic focus.

        Parameters
        ----------
        sections : int
            Sections still to be focused on.
        queued : int
            Sections among them whose frame is already counted, in the queue.
        """
        if self.autofocus_s is None:
            return Work()
        frames = sections - queued
        pixels = frames * self.size_px[0] * self.size_px[1]
        return Work(frames, frames, pixels * self.dwell_s + sections * self.autofocus_s, 0.0, pixels)

    def added_to(self, way: Way) -> Way:
        """Return a way with the beam focuses of all its sections."""
        work = self.beam(way.sections)
        exposed_m2 = work.pixels * self.pixel_size_m**2
        return replace(way, work=way.work.plus(work), exposed_m2=way.exposed_m2 + exposed_m2)
