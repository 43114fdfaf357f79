"""The chamber in Odemis: named positions with a pressure each, and a live pressure."""

import math
from typing import Any

from config.model import Config
from drivers.chamber import VacuumState
from drivers.chamber_by_hand import ChamberByHand
from drivers.errors import DriverError, NotReadyError, OutOfRangeError
from drivers.guards.interlock import Interlock
from drivers.guards.stopping import StopSwitch, interrupted
from drivers.odemis.client import OdemisClient
from drivers.odemis.errors import MicroscopeIncompleteError

_VENTED_ABOVE_PA = 1e4
_ATMOSPHERE_PA = 1e5
_NEAR = 10.0
"""Largest factor between a chamber position and the pressure it is used for; chosen by hand."""

Position = tuple[float, str]
"""Pressure, Pa, which is the key of the position, and its name."""


def position_for(positions: list[Position], pressure_pa: float, name: str | None, setting: str) -> float:
    """Choose a chamber position by its name, or else by the nearest pressure.

    Parameters
    ----------
    positions : list of (pressure, name)
    pressure_pa : float
    name : str or None
    setting : str
        Key of the configuration that sets the name, for the error.

    Raises
    ------
    MicroscopeIncompleteError
        No position has that name, or none is near that pressure.
    """
    known = ", ".join(f"{text or 'unnamed'} ({key:g} Pa)" for key, text in sorted(positions))
    if name is not None:
        for key, text in positions:
            if text.lower() == name.lower():
                return key
        raise MicroscopeIncompleteError(f"{setting}: the chamber has no position {name!r}; it has {known}")
    # A key of 0 Pa stands for the best vacuum there is.
    apart = {key: abs(math.log10(max(key, 1e-9) / pressure_pa)) for key, _ in positions}
    best = min(apart, key=lambda key: apart[key], default=None)
    if best is None or apart[best] > math.log10(_NEAR):
        raise MicroscopeIncompleteError(
            f"{setting}: the chamber has no position near {pressure_pa:g} Pa; it has {known or 'none'};"
            " name one"
        )
    return best


def chosen_positions(config: Config, positions: list[Position]) -> dict[VacuumState, float]:
    """Choose the chamber positions of a session; returns their pressures, Pa, which are their keys.

    Raises
    ------
    MicroscopeIncompleteError
        No position for fluorescence, or none for the beam.
    """
    odemis, limits = config.odemis, config.chamber
    keys = {
        VacuumState.HIGH: position_for(
            positions, limits.high_vacuum_pa, odemis.high_vacuum_position, "odemis.high_vacuum_position"
        ),
        VacuumState.PARTIAL: position_for(
            positions,
            limits.fluorescence_pressure_pa,
            odemis.fluorescence_position,
            "odemis.fluorescence_position",
        ),
    }
    vented = [key for key, _ in positions if key >= _ATMOSPHERE_PA / _NEAR]
    if vented:
        keys[VacuumState.VENTED] = max(vented)
    return keys


class OdemisChamber:
    """Implements `drivers.chamber.Chamber`.

    Odemis updates the position only at the end of a change, and reads vented after an adapter failed: a state
    counts only where position and pressure agree.

    Parameters
    ----------
    config : Config
    client : OdemisClient
    interlock : Interlock

    Raises
    ------
    MicroscopeIncompleteError
        The chamber has no position for fluorescence or for the beam.
    """

    def __init__(self, config: Config, client: OdemisClient, interlock: Interlock) -> None:
        self._limits = config.chamber
        self._client = client
        self._interlock = interlock
        self._switch = StopSwitch()
        self._unfinished: VacuumState | None = None
        positions = [(float(key), str(name)) for key, name in self._read()["positions"]]
        self._keys = chosen_positions(config, positions)

    def go_to(self, state: VacuumState, timeout_s: float) -> None:
        """Pump, let in vapour or vent until `state`; raises where the read-back disagrees at the end."""
        if state not in self._keys:
            known = ", ".join(sorted(self._keys))
            raise OutOfRangeError(f"this chamber cannot be sent to {state}, only to {known}")
        if not self._client.quick("beam_state")["blanked"]:
            raise NotReadyError(f"the chamber does not go to {state} while the beam is not blanked")
        with self._interlock.holding("a change of the chamber"), self._switch.running() as wake:
            if self._unfinished is None and self._agrees(state, self._read()):
                return
            self._unfinished = state
            with interrupted(wake, f"the change of the chamber to {state} was stopped"):
                self._client.long(
                    "chamber_go_to", timeout_s, wake, position_pa=self._keys[state], timeout_s=timeout_s
                )
            found = self._read()
            if not self._agrees(state, found):
                raise DriverError(
                    f"Odemis reports that the chamber has gone to {state}, but it reads"
                    f" {_name(found)} at {_text(found['pressure_pa'])}"
                )
            self._unfinished = None

    def state(self) -> VacuumState:
        """Read the state back; CHANGING while position, pressure and the last target disagree."""
        found = self._read()
        if self._unfinished is not None:
            if not self._agrees(self._unfinished, found):
                return VacuumState.CHANGING
            return self._unfinished
        reached = (state for state in self._keys if self._agrees(state, found))
        return next(reached, VacuumState.CHANGING)

    def pressure_pa(self) -> float:
        """Read the pressure back, Pa."""
        found = self._read()["pressure_pa"]
        if found is None:
            raise DriverError("the chamber reports no pressure")
        return float(found)

    def stop(self) -> None:
        """End `go_to`; harmless when nothing changes."""
        self._switch.stop()
        self._client.quick("stop_chamber")
        self._client.settle({"chamber_go_to"})

    def _read(self) -> dict[str, Any]:
        return self._client.quick("chamber_state")

    def _agrees(self, state: VacuumState, found: dict[str, Any]) -> bool:
        pressure_pa = found["pressure_pa"]
        if pressure_pa is None or found["position_pa"] != self._keys[state]:
            return False
        if state is VacuumState.HIGH:
            return bool(0 <= pressure_pa <= self._limits.beam_max_pressure_pa)
        if state is VacuumState.PARTIAL:
            off = abs(pressure_pa / self._limits.fluorescence_pressure_pa - 1)
            return bool(off * 100 <= self._limits.fluorescence_tolerance_percent)
        return bool(pressure_pa > _VENTED_ABOVE_PA)


def _name(found: dict[str, Any]) -> str:
    names = {float(key): str(name) for key, name in found["positions"]}
    key = found["position_pa"]
    return names.get(key, "") or f"position {key}"


def _text(pressure_pa: float | None) -> str:
    return "an unknown pressure" if pressure_pa is None else f"{pressure_pa:.3g} Pa"


def chamber_by_hand(config: Config, client: OdemisClient) -> ChamberByHand:
    """Construct the chamber that a person operates, with all else that only a person can do at the SEM."""

    def gauge() -> float | None:
        found = client.quick("pressure")["pressure_pa"]
        return None if found is None else float(found)

    def beside(state: VacuumState) -> tuple[str, ...]:
        if state is not VacuumState.HIGH:
            return ("switch the beam off at the SEM",) if config.beam_is_parked else ()
        steps = []
        if config.odemis.hfw_at_magnification_1_mm is not None:
            field = client.quick("largest_scan", pixel_size_m=config.sem.pixel_size_m)
            width_m = config.odemis.hfw_at_magnification_1_mm * 1e-3 / field["magnification"]
            steps.append(
                f"set the magnification of the SEM to {field['magnification']:.6g} (a field"
                f" {width_m * 1e6:.4g} um wide) and its scan to external"
            )
        if config.beam_is_parked:
            steps.append("switch the beam on: it stays on, parked beside the field, until the last image")
        return tuple(steps)

    return ChamberByHand(config.chamber, gauge, beside)
