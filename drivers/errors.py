"""Exceptions of all drivers, whatever the hardware."""

from collections.abc import Sequence


class DriverError(Exception):
    """Raised when hardware did not do what it was asked to; the base class of all driver errors."""


class DeviceTimeoutError(DriverError):
    """Raised when a call did not end within its `timeout_s`; the hardware may still be acting on it."""


class DeviceLostError(DriverError):
    """Raised when a device no longer answers."""


class InterruptedCallError(DriverError):
    """Raised by a blocking call that another thread ended with `stop`."""


class StoppedInTimeError(InterruptedCallError):
    """Raised by a scan or a focus that was stopped before the beam was on: nothing was exposed."""


class OutOfRangeError(DriverError):
    """Raised for a value that is not finite or that the device does not have, before anything happens."""


class MisconfiguredError(DriverError):
    """Raised when the hardware works but is not as configured: repeating the call would give the same."""


class NotReadyError(DriverError):
    """Raised when another device stands in the way: a move during a scan, the beam without vacuum."""


class FocusNotFoundError(DriverError):
    """Raised when an automatic focus ended without a result; its rectangle was exposed."""


class DisturbedError(DriverError):
    """Raised when another program changed the microscope in the course of a scan or an exposure.

    Parameters
    ----------
    message : str
        One sentence that names each change.
    positions_m : sequence of (float, float)
        Positions of the stage read back before, during and after a scan, m: with the beam on, it may have
        been at any of them, and anywhere between.
    image : object, optional
        The `drivers.sem.ScanImage` or `drivers.fluorescence.FmFrame` where there is one, for a person to look
        at.
    field_m : (float, float), optional
        Largest width and height of what was scanned, m, where that is known.
    """

    def __init__(
        self,
        message: str,
        positions_m: Sequence[tuple[float, float]] = (),
        image: object = None,
        field_m: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(message)
        self.positions_m = tuple(positions_m)
        self.image = image
        self.field_m = field_m


class StillBusyError(NotReadyError):
    """Raised while an earlier call still runs and will end by itself; nothing was exposed, try again."""


class BeamOffError(NotReadyError):
    """Raised when the beam is switched off as a whole; nothing was exposed, only a person switches it on."""


class FrameError(DriverError):
    """Raised when a recorded image cannot be used; the message is one sentence for the user."""


class CalibrationError(Exception):
    """Raised when pairs of points do not determine a calibration; the message is one sentence."""
