"""Connection to the microscope of a configuration."""

from config.model import Config
from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError
from drivers.microscope import Microscope
from drivers.odemis.errors import (
    MicroscopeIncompleteError,
    OdemisNotRunningError,
    OdemisStartError,
    OdemisStartingError,
)
from drivers.odemis.microscope import odemis_fluorescence, odemis_microscope
from drivers.quanta.joining import joined
from drivers.quanta.microscope import QuantaDevices, quanta_devices
from service.errors import NotNowError
from service.logs import get_logger
from service.session.folders.run_folder import RunInfo, has_hardware

log = get_logger(__name__)


def microscope_name(config: Config, kind: str) -> str:
    """Return the microscope of a session in a few words, for people.

    Parameters
    ----------
    config : Config
    kind : str
        Of the run.
    """
    if kind == "replay":
        return "recorded frames and a simulated SEM"
    if kind != "run" or not has_hardware(config):
        return "a simulated microscope"
    parts = ["Odemis"] if config.driver == "odemis" else []
    parts += [] if config.quanta is None else [f"SEM at {config.quanta.endpoint}"]
    return f"{config.profile} ({', '.join(parts)})"


def hardware(config: Config, clock: Clock) -> tuple[Microscope, QuantaDevices | None]:
    """Connect to a microscope without a session: nothing is moved, exposed or stored.

    Returns
    -------
    Microscope, QuantaDevices or None
        All devices, and those of them that a server drives.

    Raises
    ------
    InputError
        It is missing in part or whole; the sentence says what.
    """
    if config.driver == "simulator":
        # It loads OpenCV and SciPy, which a watchdog that waits for days has no use for.
        from simulators.microscope import SimulatedMicroscope

        simulated = SimulatedMicroscope(config, clock).devices
        return (simulated, None) if config.quanta is None else joined(simulated, config, config.quanta, clock)
    try:
        if config.quanta is None:
            return odemis_microscope(config, clock), None
        half = odemis_fluorescence(config, clock)
    except (OdemisNotRunningError, OdemisStartingError) as error:
        raise NotNowError(str(error)) from None
    except (OdemisStartError, MicroscopeIncompleteError, DriverError) as error:
        raise NotNowError(f"driver: odemis: {error}; `ilemtrack doctor` says what to do") from None
    return joined(half, config, config.quanta, clock)


def blank_first(config: Config, info: RunInfo) -> bool | None:
    """Blank a SEM behind its own server at once, without waiting for the other devices.

    For a program that has the microscope alone, after an earlier one was killed.

    Returns
    -------
    bool or None
        True if its beam was blanked; None if no SEM has its own server.
    """
    if info.kind != "run" or config.quanta is None:
        return None
    driven = quanta_devices(config, config.quanta, SystemClock())
    try:
        driven.sem.blank()
    except DriverError as error:
        # The caller tries again with the whole microscope, and reports.
        log.error("not blanked at first", error=str(error))
        return False
    return True
