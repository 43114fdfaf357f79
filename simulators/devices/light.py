"""The simulated excitation light: a few laser lines, one at a time."""

import math
import threading

from config.light.fluorescence import FluorescenceConfig
from drivers.errors import OutOfRangeError
from simulators.devices.memory import Memory

LINES_NM = (405.0, 488.0, 594.0)
"""Lines of the dichroic in Delpiano et al. 2018; the configured line is added."""
MAX_POWER_W_PER_CM2 = 20.0
LINE_WIDTH_NM = 20.0


class SimulatedLight:
    """Implements `drivers.fluorescence.Light`.

    Parameters
    ----------
    config : FluorescenceConfig
    memory : Memory
        Keeps the light: one that was on when a program was killed is still on for the next.
    """

    def __init__(self, config: FluorescenceConfig, memory: Memory) -> None:
        self._lines = sorted({*LINES_NM, config.excitation_nm})
        self._config = config
        self._memory = memory
        self._lock = threading.Lock()

    def on(self, excitation_nm: float, power_density_w_per_cm2: float, timeout_s: float) -> None:  # noqa: ARG002
        """Switch the line nearest `excitation_nm` on and all others off."""
        if not (math.isfinite(excitation_nm) and math.isfinite(power_density_w_per_cm2)):
            raise OutOfRangeError("wavelength and power of the light must be finite numbers")
        line = min(self._lines, key=lambda known: abs(known - excitation_nm))
        if abs(line - excitation_nm) > LINE_WIDTH_NM:
            known = ", ".join(f"{v:g}" for v in self._lines)
            raise OutOfRangeError(f"no light source at {excitation_nm:g} nm; there are {known} nm")
        if not 0 < power_density_w_per_cm2 <= MAX_POWER_W_PER_CM2:
            raise OutOfRangeError(
                f"power density {power_density_w_per_cm2:g} W/cm2 is not above 0 and at most "
                f"{MAX_POWER_W_PER_CM2:g}"
            )
        with self._lock:
            self._memory.set("light", [line, power_density_w_per_cm2])

    def off(self) -> None:
        """Switch all lines off; harmless when they are off."""
        with self._lock:
            if self._memory.get("light") is not None:
                self._memory.set("light", None)

    def is_on(self) -> bool:
        """Return True if a line is on."""
        return self._memory.get("light") is not None

    def line_nm(self) -> float | None:
        """Return the wavelength of the line that is on; None when the light is off."""
        lit = self._memory.get("light")
        return None if lit is None else float(lit[0])

    def power_density_w_per_cm2(self) -> float:
        """Return the power density at the specimen, W/cm2; 0 when the light is off."""
        lit = self._memory.get("light")
        return 0.0 if lit is None else float(lit[1])

    def excitation(self) -> float:
        """Return the excitation relative to the configured line and power; 0 when the light is off."""
        lit = self._memory.get("light")
        if lit is None:
            return 0.0
        line, power = lit
        match = math.exp(-0.5 * ((line - self._config.excitation_nm) / LINE_WIDTH_NM) ** 2)
        return float(power / self._config.power_density_w_per_cm2 * match)
