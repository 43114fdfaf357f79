"""The drive of the fluorescence objective of a SECOM."""

from drivers.errors import DriverError
from drivers.guards.interlock import Interlock
from drivers.guards.limits import require_within
from drivers.odemis.client import OdemisClient

_NEAR_M = 0.5e-6
"""Largest distance between target and read-back, m: about the depth of field of an objective."""


class OdemisLightFocus:
    """Implements `drivers.fluorescence.LightFocus`.

    Parameters
    ----------
    client : OdemisClient
    interlock : Interlock
        Shared with the camera: the objective does not move in the middle of an exposure.
    """

    def __init__(self, client: OdemisClient, interlock: Interlock) -> None:
        self._client = client
        self._interlock = interlock
        self._range_m: tuple[float, float] | None = None

    def move_to(self, z_m: float, timeout_s: float) -> float:
        """Go to a height, and return the read-back, m."""
        low, high = self.range_m()
        require_within("z =", z_m * 1e6, low * 1e6, high * 1e6, "um")
        with self._interlock.holding("a move of the objective"):
            try:
                self._client.long("focus_go_to", timeout_s, z_m=z_m, timeout_s=timeout_s)
            except DriverError as error:
                # A movement goes on by itself after its future was abandoned.
                self._client.also("stop_focus", error)
                raise
        found_m = self.position()
        if abs(found_m - z_m) > _NEAR_M:
            raise DriverError(
                f"the objective was sent to {z_m * 1e6:.2f} um and stands at {found_m * 1e6:.2f} um"
            )
        return found_m

    def position(self) -> float:
        """Read the height back, m."""
        z_m = self._client.quick("focus_state")["z_m"]
        if z_m is None:
            raise DriverError("the objective reports no position")
        return float(z_m)

    def range_m(self) -> tuple[float, float]:
        """Return the lowest and the highest position, m; asked for once."""
        if self._range_m is None:
            found = self._client.quick("focus_state")["range_m"]
            if found is None:
                raise DriverError("the objective reports no range of its axis z")
            self._range_m = float(found[0]), float(found[1])
        return self._range_m
