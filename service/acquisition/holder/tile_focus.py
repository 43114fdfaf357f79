"""Focus of the objective over the holder: found at some tiles, expected at those between."""

import math
from collections.abc import Callable

from drivers.errors import DriverError, InterruptedCallError
from drivers.fluorescence import FmFrame, LightFocus
from service.autofocus.expected_height import likely_m, measured
from service.autofocus.light import TIMEOUT_S, focus_light
from service.logs import get_logger
from service.model.focus import Focus, FocusBeam, FocusState

log = get_logger(__name__)

EVERY_M = 1e-3
"""Distance at which the focus is searched anew. Chosen by hand."""
_SAME_M = 2e-7
"""A shorter way of the objective is not worth a move. Chosen by hand."""


class TileFocus:
    """Keeps the objective in focus from tile to tile.

    Parameters
    ----------
    drive : LightFocus or None
        None: the objective is focused by hand, and stays.
    range_m : float
        Distance of a search up and down, m; 0: no search.
    """

    def __init__(self, drive: LightFocus | None, range_m: float) -> None:
        self._drive = drive
        self._range_m = range_m
        self._tried_m: list[tuple[float, float]] = []
        self._found: list[Focus] = []

    def focus(self, center_m: tuple[float, float], expose: Callable[[], FmFrame]) -> None:
        """Search the focus where none was searched nearby; else move to the height that the others suggest.

        Without a clear focus, as over bare ground, the objective stays at that height.

        Raises
        ------
        InterruptedCallError
            The call was stopped.
        """
        if self._drive is None or self._range_m == 0:
            return
        try:
            self._focus(self._drive, center_m, expose)
        except InterruptedCallError:
            raise
        except DriverError as error:
            log.warning("focus of a tile failed", center_m=center_m, error=str(error))

    def _focus(self, drive: LightFocus, center_m: tuple[float, float], expose: Callable[[], FmFrame]) -> None:
        likely = likely_m(measured(self._found), center_m)
        here_m = drive.position()
        start_m = here_m if likely is None else likely
        if any(math.dist(one, center_m) < EVERY_M for one in self._tried_m):
            if abs(start_m - here_m) > _SAME_M:
                drive.move_to(start_m, TIMEOUT_S)
            return
        self._tried_m.append(center_m)
        best = focus_light(drive, expose, self._range_m, start_m).best
        if best.certain:
            self._found.append(
                Focus(
                    FocusBeam.LIGHT,
                    f"T{len(self._tried_m)}",
                    center_m,
                    FocusState.USED,
                    found_m=best.z_m,
                    used_m=best.z_m,
                )
            )
