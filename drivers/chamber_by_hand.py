"""A chamber that a person operates: its state is what somebody has confirmed."""

from collections.abc import Callable

from config.instrument import ChamberConfig
from drivers.chamber import VacuumState
from drivers.errors import NotReadyError, OutOfRangeError

_UNKNOWN_PA = 1e5
"""Pressure assumed while nobody has confirmed one, Pa: that of the atmosphere."""


class ChamberByHand:
    """Implements `drivers.chamber.Chamber`; `confirm` and `forget` are for the session that asks the person.

    A state counts once it is confirmed, and only as long as a gauge, where there is one, agrees with it.

    Parameters
    ----------
    limits : ChamberConfig
    gauge : callable, optional
        Returns the pressure, Pa; None where nothing measures it.
    beside : callable, optional
        Returns what a person must also see to at the SEM before the given state is confirmed, in parts of a
        sentence.
    """

    def __init__(
        self,
        limits: ChamberConfig,
        gauge: Callable[[], float | None] = lambda: None,
        beside: Callable[[VacuumState], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self._limits = limits
        self._gauge = gauge
        self.beside = beside
        self._confirmed: VacuumState | None = None

    def confirm(self, state: VacuumState) -> None:
        """Take a person's word that the chamber is in `state`."""
        self._confirmed = state

    def forget(self) -> None:
        """Ask again: what was confirmed may no longer hold."""
        self._confirmed = None

    def measured_pa(self) -> float | None:
        """Read the gauge, Pa; None where there is none."""
        return self._gauge()

    def go_to(self, state: VacuumState, timeout_s: float) -> None:  # noqa: ARG002 - by the protocol
        """Return where the chamber is in `state`; only a person can bring it there."""
        if state not in (VacuumState.HIGH, VacuumState.PARTIAL, VacuumState.VENTED):
            raise OutOfRangeError(f"no chamber can be sent to {state}")
        if self.state() is not state:
            raise NotReadyError(f"a person operates this chamber, and has not confirmed that it is {state}")

    def state(self) -> VacuumState:
        """Return the confirmed state; CHANGING while nobody has confirmed one, or the gauge disagrees."""
        confirmed = self._confirmed
        if confirmed is None:
            return VacuumState.CHANGING
        found_pa = self._gauge()
        if found_pa is not None and not self._holds(confirmed, found_pa):
            return VacuumState.CHANGING
        return confirmed

    def pressure_pa(self) -> float:
        """Read the gauge, Pa; without one, return the confirmed pressure, or that of the atmosphere."""
        found_pa, confirmed = self._gauge(), self._confirmed
        if found_pa is not None:
            return found_pa
        return _UNKNOWN_PA if confirmed is None else self.wanted_pa(confirmed)

    def wanted_pa(self, state: VacuumState) -> float:
        """Return the pressure that belongs to a state, Pa."""
        if state is VacuumState.HIGH:
            return self._limits.high_vacuum_pa
        return self._limits.fluorescence_pressure_pa if state is VacuumState.PARTIAL else _UNKNOWN_PA

    def stop(self) -> None:
        """Do nothing: the program moves no valve."""

    def _holds(self, state: VacuumState, pressure_pa: float) -> bool:
        if state is VacuumState.HIGH:
            return 0 <= pressure_pa <= self._limits.beam_max_pressure_pa
        wanted_pa = self.wanted_pa(state)
        off_percent = abs(pressure_pa / wanted_pa - 1) * 100
        return off_percent <= self._limits.fluorescence_tolerance_percent
