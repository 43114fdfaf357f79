"""Calls of a simulated Quanta-style server on what is scanned: preset, area, mode and beam shift."""

from typing import Any

import numpy as np

from drivers.errors import NotReadyError, OutOfRangeError
from drivers.quanta.scans.geometry import PRESETS_PX
from drivers.sem import ScanRequest

BEAM_SHIFT_RANGE_M = 25e-6


class ScanAreaCalls:
    """Every public method is a call, except `request` and `require_full_frame`."""

    def __init__(self) -> None:
        self._resolution = PRESETS_PX[0]
        self._area: tuple[int, int, int, int] | None = None
        self._mode = "full_frame"
        self._shift_m = (0.0, 0.0)

    def resolution_info(self) -> dict[str, Any]:
        """Return the sizes of a scan, px."""
        return {"choices": [list(size) for size in PRESETS_PX]}

    def set_resolution(self, width: int, height: int) -> None:
        """Choose a preset, and scan the whole of it."""
        if (width, height) not in PRESETS_PX:
            raise OutOfRangeError(f"no scan of {width} x {height} px")
        self._resolution, self._area = (width, height), None

    def get_resolution(self) -> list[int]:
        """Return the chosen preset, px."""
        return list(self._resolution)

    def set_selected_area(self, left: int, top: int, width: int, height: int) -> None:
        """Scan only a part of the preset, px."""
        if left < 0 or top < 0 or width < 1 or height < 1:
            raise OutOfRangeError("an area has a size, inside the scan")
        if left + width > self._resolution[0] or top + height > self._resolution[1]:
            raise OutOfRangeError(f"the area is not inside {self._resolution} px")
        self._area = left, top, width, height

    def reset_selected_area(self) -> None:
        """Scan the whole preset."""
        self._area = None

    def get_selected_area(self) -> list[int] | None:
        """Return the scanned part of the preset, px; null for the whole."""
        return None if self._area is None else list(self._area)

    def set_scan_mode(self, mode: str) -> None:
        """Choose a scan mode: external, full_frame, spot or line."""
        if mode not in ("external", "full_frame", "spot", "line"):
            raise OutOfRangeError(f"no scan mode {mode!r}")
        self._mode = mode

    def get_scan_mode(self) -> str:
        """Return the scan mode."""
        return self._mode

    def beam_shift_info(self) -> dict[str, float]:
        """Return the longest beam shift, m."""
        return {"range": BEAM_SHIFT_RANGE_M}

    def set_beam_shift(self, x: float, y: float) -> None:
        """Shift the scan on the specimen, m."""
        if not np.hypot(x, y) <= BEAM_SHIFT_RANGE_M:
            raise OutOfRangeError(f"a beam shift of ({x:g}, {y:g}) m is too much")
        self._shift_m = x, y

    def get_beam_shift(self) -> dict[str, float]:
        """Return the beam shift, m."""
        return {"x": self._shift_m[0], "y": self._shift_m[1]}

    def request(self, scanning_size_m: float, dwell_s: float) -> ScanRequest:
        """Return the scan that is set.

        Parameters
        ----------
        scanning_size_m : float
            Width of the whole preset, m.
        dwell_s : float
        """
        width, height = self._resolution
        left, top, columns, rows = self._area or (0, 0, width, height)
        pixel_m = scanning_size_m / width
        center_m = (
            self._shift_m[0] + (left + columns / 2 - width / 2) * pixel_m,
            self._shift_m[1] - (top + rows / 2 - height / 2) * pixel_m,
        )
        return ScanRequest((columns, rows), pixel_m, dwell_s, "", center_m)

    def require_full_frame(self) -> None:
        """Refuse a scan in any other mode.

        Raises
        ------
        NotReadyError
        """
        if self._mode != "full_frame":
            raise NotReadyError(f"no scan in the mode {self._mode}")
