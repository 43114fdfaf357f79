"""Pressure changes, checked by read-back."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from config.instrument import ChamberConfig
from drivers.chamber import Chamber, VacuumState
from drivers.chamber_by_hand import ChamberByHand
from drivers.errors import DriverError
from service import wording
from service.errors import HungDeviceError, VacuumError
from service.logs import get_logger
from service.model.phases import PauseCause
from service.session.interrupts import Interrupt, InterruptSession

log = get_logger(__name__)


def pump_to(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> bool:
    """Bring the chamber to PARTIAL or HIGH, and check its read-back.

    Returns
    -------
    bool
        True if it was pumped, False if state and pressure were right already.

    Raises
    ------
    VacuumError
        The call returned, but state or pressure are wrong.
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


@dataclass(frozen=True, slots=True)
class VacuumFound:
    """Read-back of the chamber.

    Attributes
    ----------
    pressure_pa : float or None
        None where the chamber does not answer, or gives no pressure.
    problem : str or None
        Trouble with it; None if it is as wanted.
    """

    pressure_pa: float | None
    problem: str | None


def problem(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> str | None:
    """Return why the chamber is not in `state`, by its read-back; None if it is."""
    return _judged(chamber.state(), chamber.pressure_pa(), state, config)


def look(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> VacuumFound:
    """Return the pressure and the `problem`; a chamber that does not answer is one, too."""
    try:
        found, pressure_pa = chamber.state(), chamber.pressure_pa()
    except (DriverError, HungDeviceError) as error:
        return VacuumFound(None, f"the chamber does not answer: {error}")
    except Exception as error:
        # An image is at stake after a scan, and the watch in it.
        log.exception("unexpected")
        return VacuumFound(None, f"the chamber does not answer: unexpected {type(error).__name__}: {error}")
    # A vented chamber may give -1.
    known = pressure_pa if 0 <= pressure_pa < math.inf else None
    return VacuumFound(known, _judged(found, pressure_pa, state, config))


def _judged(found: VacuumState, pressure_pa: float, state: VacuumState, config: ChamberConfig) -> str | None:
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


def ask_for(hand: ChamberByHand, state: VacuumState, config: ChamberConfig) -> None:
    """Pause until a person confirms that the chamber they operate is in PARTIAL or HIGH.

    Returns at once where that is confirmed, and no gauge disagrees.

    Raises
    ------
    InterruptSession
    DriverError
        The gauge, or the beam that a person must set up too, does not answer.
    """
    if hand.state() is state:
        return
    if state is VacuumState.HIGH:
        range_pa = 0.0, config.beam_max_pressure_pa
    else:
        wanted_pa, part = config.fluorescence_pressure_pa, config.fluorescence_tolerance_percent / 100
        range_pa = wanted_pa * (1 - part), wanted_pa * (1 + part)
    reason = wording.chamber_by_hand(
        state, hand.wanted_pa(state), range_pa, hand.measured_pa(), hand.beside(state)
    )
    raise InterruptSession(Interrupt.PAUSE, reason, PauseCause.CHAMBER_BY_HAND)


def lost(chamber: Chamber, state: VacuumState, config: ChamberConfig) -> str | None:
    """Return the `problem` alone, see `look`."""
    return look(chamber, state, config).problem


class VacuumWatch:
    """Watch of the vacuum during a scan: stops the scan when the vacuum is lost.

    Parameters
    ----------
    chamber : Chamber
    config : ChamberConfig
    stop : callable
        Stops the scan; called at most once, on the thread of the watch.
    every_s : float
        Real time between two reads, s.
    """

    def __init__(
        self, chamber: Chamber, config: ChamberConfig, stop: Callable[[], None], every_s: float
    ) -> None:
        self._chamber, self._config, self._stop, self._every_s = chamber, config, stop, every_s
        self._over = threading.Event()
        self._found: str | None = None
        self._thread = threading.Thread(target=self._look, name="vacuum watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()

    def found(self) -> str | None:
        """Return the trouble with the vacuum during the scan; None if there was none."""
        return self._found

    def _look(self) -> None:
        while not self._over.wait(self._every_s):
            wrong = lost(self._chamber, VacuumState.HIGH, self._config)
            if wrong is not None and not self._over.is_set():
                self._found = wrong
                try:
                    self._stop()
                except Exception as error:  # noqa: BLE001 - said in `found`
                    # The runner blanks again after the scan, and reads the blanker back.
                    self._found = f"{wrong}; the scan does not stop: {error}"
                return
