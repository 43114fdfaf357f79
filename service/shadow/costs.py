"""Frames, time and data of a planned session, of all sections and of each."""

from config.base import Frozen
from config.model import Config
from planner.cost import Work, total_s
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.session_estimate import overview_work
from service.planning.ways import data_bytes
from service.store.store import Store


class Cost(Frozen):
    """Electron images of a planned session, or of one of its sections.

    Attributes
    ----------
    frames : int
        Focuses and overviews included, where the session takes them.
    beam_s : float
    electron_s : float
        Beam, overhead of frames, and moves of the stage.
    data_bytes : int
    """

    frames: int
    beam_s: float
    electron_s: float
    data_bytes: int


def costs(config: Config, store: Store) -> tuple[Cost, dict[str, Cost]]:
    """Return the cost of all planned sections, and of each, with the durations of the session so far."""
    pace = session_pace(config, store)
    focus = FocusCost.of(config, pace)

    def cost(work: Work) -> Cost:
        return Cost(
            frames=work.frames,
            beam_s=work.beam_s,
            electron_s=total_s(work, pace.electron),
            data_bytes=data_bytes(work.pixels, config.sem),
        )

    everything, each = Work(), {}
    for section, planned in store.durations.of_plans().items():
        work = planned
        if planned.frames:
            work = work.plus(focus.beam(1))
            if config.sem.overview.take:
                work = work.plus(overview_work(config, planned.stage_moves))
        each[section] = cost(work)
        everything = everything.plus(work)
    return cost(everything), each
