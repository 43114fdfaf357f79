"""Changes of pressure, proved by reading back."""

from config.instrument import ChamberConfig
from drivers.chamber import Chamber, VacuumState
from service.errors import VacuumError


def reach(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> bool:
    """Bring the chamber to PARTIAL or HIGH and prove it.

    Returns
    -------
    bool
        Whether it was pumped; where the state and pressure are right already, it is not.

    Raises
    ------
    VacuumError
        The call returned but state or pressure are not what was asked.
    DriverError
        The chamber failed.
    """
    if problem(chamber, state, config) is None:
        return False
    chamber.go_to(state, config.change_timeout_min * 60)
    wrong = problem(chamber, state, config)
    if wrong is not None:
        raise VacuumError(wrong)
    return True


def problem(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> str | None:
    """Why the chamber, as read back now, is not in `state`; None if it is."""
    found, pressure_pa = chamber.state(), chamber.pressure_pa()
    if found is not state:
        return f"the chamber says {found.value}, not {state.value} ({pressure_pa:.3g} Pa)"
    if state is VacuumState.HIGH and not 0 <= pressure_pa <= config.beam_max_pressure_pa:
        limit = config.beam_max_pressure_pa
        return f"the pressure is {pressure_pa:.3g} Pa, too high for the beam (at most {limit:g} Pa)"
    if state is VacuumState.PARTIAL:
        wanted, part = config.fluorescence_pressure_pa, config.fluorescence_tolerance_percent / 100
        if not wanted * (1 - part) <= pressure_pa <= wanted * (1 + part):
            return f"the pressure is {pressure_pa:.3g} Pa, not {wanted:g} Pa within {part:.0%}"
    return None
