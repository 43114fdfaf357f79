"""Focus of the fluorescence objective: the sharpest of a stack of frames, without the beam."""

from collections.abc import Callable

import numpy as np

from detection.sharpness import BestFocus, best_focus, sharpness
from drivers.fluorescence import FmFrame, LightFocus

STEPS = 9
"""Heights that are looked at. Each costs an exposure, and light bleaches, too."""
TIMEOUT_S = 30.0


def focus_light(focus: LightFocus, expose: Callable[[], FmFrame], reach_m: float) -> BestFocus:
    """Search the focus about where the objective stands, and leave it at the best, or where it stood.

    Parameters
    ----------
    focus : LightFocus
    expose : callable
        Takes a frame; light off in every exit.
    reach_m : float
        How far up and down to look, m; less where the range of the drive ends.

    Returns
    -------
    BestFocus
        Where it is not certain, the objective is back where it stood.

    Raises
    ------
    DriverError
        Objective or camera failed; the objective was sent back where it stood, as far as it answers.
    """
    stood_m = focus.position()
    low_m, high_m = focus.range_m()
    heights = np.linspace(max(low_m, stood_m - reach_m), min(high_m, stood_m + reach_m), STEPS)
    target_m = stood_m
    try:
        values = []
        for z_m in heights:
            # From below each time: the play of the drive stays on one side.
            focus.move_to(float(z_m), TIMEOUT_S)
            frame = expose()
            values.append(sharpness(frame.pixels, frame.offset_adu))
        best = best_focus(heights.tolist(), values)
        if best.certain:
            target_m = best.z_m
    finally:
        focus.move_to(float(heights[0]), TIMEOUT_S)
        focus.move_to(target_m, TIMEOUT_S)
    return best
