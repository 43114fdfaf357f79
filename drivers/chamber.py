"""What a specimen chamber must offer."""

from enum import StrEnum
from typing import Protocol


class VacuumState(StrEnum):
    """State of the chamber."""

    VENTED = "vented"
    PARTIAL = "partial"
    """Partial pressure of water vapour, for fluorescence."""
    HIGH = "high"
    CHANGING = "changing"
    ERROR = "error"


class Chamber(Protocol):
    """Pumps and valves."""

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        """Pump or let in vapour until `state` (VENTED, PARTIAL or HIGH); blocks for minutes.

        That it returns is no proof: read `state` and `pressure_pa`. Harmless when the state is reached, and
        safe to repeat after any error.

        Raises
        ------
        NotReadyError
            The beam is not blanked; nothing changed.
        DeviceTimeoutError, InterruptedCallError, DeviceLostError, DriverError
        """
        ...

    def state(self) -> VacuumState:
        """Read the state back; does not block."""
        ...

    def pressure_pa(self) -> float:
        """Read the pressure back, Pa; does not block."""
        ...

    def stop(self) -> None:
        """End a `go_to` from another thread; the chamber then holds what it has."""
        ...
