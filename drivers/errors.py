"""Exceptions of all drivers, whatever the hardware."""


class DriverError(Exception):
    """Raised when hardware did not do what it was asked to; the base class of all driver errors."""


class DeviceTimeoutError(DriverError):
    """Raised when a call did not end within its `timeout_s`; the hardware may still be acting on it."""


class DeviceLostError(DriverError):
    """Raised when a device no longer answers."""


class InterruptedCallError(DriverError):
    """Raised by a blocking call that another thread ended with `stop`."""


class OutOfRangeError(DriverError):
    """Raised for a value that is not finite or that the device does not have, before anything happens."""


class MisconfiguredError(DriverError):
    """Raised when the hardware works but is not as configured: repeating the call would give the same."""


class NotReadyError(DriverError):
    """Raised when another device stands in the way: a move during a scan, the beam without vacuum."""


class FocusNotFoundError(DriverError):
    """Raised when an automatic focus ended without a result; its rectangle was exposed."""


class StillBusyError(NotReadyError):
    """Raised while an earlier call still runs and will end by itself; nothing was exposed, try again."""


class BeamOffError(NotReadyError):
    """Raised when the beam is switched off as a whole; nothing was exposed, only a person switches it on."""


class FrameError(DriverError):
    """Raised when a recorded image cannot be used; the message is one sentence for the user."""


class CalibrationError(Exception):
    """Raised when pairs of points do not determine a calibration; the message is one sentence."""
