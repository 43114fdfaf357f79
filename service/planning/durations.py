"""Durations of the steps of a session: measured, or from the profile until there are enough samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.model import Config
from planner.cost import CAUTIOUS_QUANTILE, Pace, measured_pace, profile_pace
from planner.settings import settings_from
from service.autofocus.search_plan import MOVE_S, STEPS
from service.model.work import Step
from service.store.store import Store

ENOUGH = 3
"""Samples of a step that replace the value of the profile. Chosen by hand."""
_PUMPING = (Step.PUMP_TO_PARTIAL, Step.PUMP_TO_HIGH)
"""Steps of which one sample is enough: most sessions pump once."""


@dataclass(frozen=True, slots=True)
class SessionPace:
    """Durations of the steps of a session.

    Attributes
    ----------
    electron : Pace
        Electron images.
    fluorescence_s : float
        A fluorescence frame with the move to it.
    to_partial_s, to_high_s : float
        Changes of pressure.
    focus_s : float
        An automatic focus of the beam, all of it beam time.
    light_focus_s : float
        A search for the focus of the light.
    measured : tuple of Step
        Steps measured in this session; the others are from the profile.
    """

    electron: Pace
    fluorescence_s: float
    to_partial_s: float
    to_high_s: float
    focus_s: float
    light_focus_s: float
    measured: tuple[Step, ...]


def session_pace(config: Config, store: Store | None = None) -> SessionPace:
    """Return the durations of steps, as measured in the session of `store` if there is one."""
    samples = {step: store.durations.latest(step) if store is not None else () for step in Step}
    samples = {
        step: durations_s for step, durations_s in samples.items() if len(durations_s) >= _needed(step)
    }
    electron = measured_pace(
        profile_pace(settings_from(config.planner, config.sem, config.stage)),
        samples.get(Step.FRAME, ()),
        samples.get(Step.MOVE, ()),
    )
    fluorescence_s = _cautious(samples.get(Step.FLUORESCENCE, (config.fluorescence.exposure_s,)))
    chamber = config.chamber
    return SessionPace(
        electron=electron,
        fluorescence_s=fluorescence_s + electron.move_s,
        to_partial_s=_cautious(samples.get(Step.PUMP_TO_PARTIAL, (chamber.to_partial_vacuum_min * 60,))),
        to_high_s=_cautious(samples.get(Step.PUMP_TO_HIGH, (chamber.to_high_vacuum_min * 60,))),
        focus_s=_cautious(samples.get(Step.FOCUS, (config.sem.autofocus_s,))),
        light_focus_s=_cautious(
            samples.get(Step.LIGHT_FOCUS, (STEPS * (config.fluorescence.exposure_s + MOVE_S),))
        ),
        measured=tuple(samples),
    )


def _needed(step: Step) -> int:
    return 1 if step in _PUMPING else ENOUGH


def _cautious(samples: Sequence[float]) -> float:
    return float(np.quantile(samples, CAUTIOUS_QUANTILE))
