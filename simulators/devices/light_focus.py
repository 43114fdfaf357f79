"""The simulated drive of the fluorescence objective."""

from drivers.clock import Clock
from drivers.errors import DeviceTimeoutError
from drivers.guards.limits import require_within
from simulators.devices.memory import Memory

_RANGE_M = (-100e-6, 100e-6)
_SPEED_M_PER_S = 50e-6
_SETTLE_S = 0.1


class SimulatedLightFocus:
    """Implements `drivers.fluorescence.LightFocus`.

    Parameters
    ----------
    clock : Clock
    memory : Memory
        Keeps the position.
    """

    def __init__(self, clock: Clock, memory: Memory) -> None:
        self._clock = clock
        self._memory = memory

    def move_to(self, z_m: float, timeout_s: float) -> float:
        """Move to a height and return the read-back, m; blocks on the clock."""
        low, high = _RANGE_M
        require_within("z =", z_m * 1e6, low * 1e6, high * 1e6, "um")
        whole_s = abs(z_m - self.position()) / _SPEED_M_PER_S + _SETTLE_S
        self._clock.sleep(min(whole_s, timeout_s))
        self._memory.set("light_focus", z_m)
        if whole_s > timeout_s:
            raise DeviceTimeoutError(f"the objective did not arrive within {timeout_s:g} s")
        return z_m

    def position(self) -> float:
        """Read the height back, m; a new drive is at 0."""
        return float(self._memory.get("light_focus") or 0.0)

    def range_m(self) -> tuple[float, float]:
        """Return the lowest and the highest position, m."""
        return _RANGE_M
