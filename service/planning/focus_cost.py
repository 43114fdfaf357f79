"""What focusing adds to a session, once for each section: frames, time, data and dose."""

from dataclasses import replace

from config.model import Config
from planner.estimate import Work
from service.autofocus.spot import spot_px
from service.model.work import WayTotals
from service.planning.durations import SessionPace


def beam_focus(config: Config, pace: SessionPace, sections: int, queued: int = 0) -> Work:
    """Sum up the focuses of the beam that are to come.

    Each is a frame of its own, and the time under the beam that the machine takes to focus.

    Parameters
    ----------
    config : Config
    pace : SessionPace
    sections : int
        That are still to be focused on.
    queued : int
        Of these, whose frame is in the queue, and counted there.
    """
    if not config.session.autofocus:
        return Work()
    width, height = spot_px(config)
    frames = sections - queued
    beam_s = frames * width * height * config.sem.dwell_s + sections * pace.focus_s
    return Work(frames, frames, beam_s, 0.0, frames * width * height)


def with_focus(config: Config, pace: SessionPace, way: WayTotals) -> WayTotals:
    """Return a way with the focuses of all its sections."""
    work = beam_focus(config, pace, way.sections)
    exposed_m2 = work.pixels * config.sem.pixel_size_m**2
    return replace(way, work=way.work.plus(work), exposed_m2=way.exposed_m2 + exposed_m2)


def light_focus_s(config: Config, pace: SessionPace, sections: int) -> float:
    """Time to focus the light on sections, s."""
    return sections * pace.light_focus_s if config.fluorescence.autofocus_um > 0 else 0.0
