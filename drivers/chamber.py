"""Protocol of a specimen chamber with pumps and valves."""

from enum import StrEnum
from typing import Protocol


class VacuumState(StrEnum):
    """State of the chamber."""

    VENTED = "vented"
    PARTIAL = "partial"
    """Partial pressure of water vapour, for fluorescence."""
    HIGH = "high"
    """High vacuum, for the beam."""
    CHANGING = "changing"
    """Pumping or venting, or state and pressure disagree."""
    ERROR = "error"


class Chamber(Protocol):
    """Pumps and valves of the specimen chamber."""

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        """Pump, let in water vapour or vent until `state` is reached; blocks for minutes.

        Returns at once when the chamber is in that state. Safe to repeat after any error. A return is no
        proof: the caller reads `state` and `pressure_pa`.

        Parameters
        ----------
        state : VacuumState
            VENTED, PARTIAL or HIGH.
        timeout_s : float
            Longest time, s, after which the call raises.

        Raises
        ------
        OutOfRangeError
            A state that this chamber cannot be sent to; nothing changed.
        NotReadyError
            The beam is not blanked; nothing changed.
        InterruptedCallError
            `stop` was called.
        DeviceTimeoutError, DeviceLostError, DriverError
            The chamber may be in any state, and may still change.
        """
        ...

    def state(self) -> VacuumState:
        """Read the state back; does not block. HIGH is returned only where the pressure agrees.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def pressure_pa(self) -> float:
        """Read the pressure back, Pa; does not block.

        Raises
        ------
        DeviceLostError, DriverError
        """
        ...

    def stop(self) -> None:
        """End `go_to` from another thread and hold the pressure reached; harmless when nothing changes.

        Raises
        ------
        DeviceLostError, DriverError
            The chamber may still change.
        """
        ...
