"""Exceptions that every driver raises, whatever the hardware."""


class DriverError(Exception):
    """Raised when hardware did not do what it was asked; the base of all errors of this room."""


class DeviceTimeoutError(DriverError):
    """Raised when a call did not end within its `timeout_s`; what the hardware does meanwhile is unknown."""


class DeviceLostError(DriverError):
    """Raised when a device does not answer any more."""


class InterruptedCallError(DriverError):
    """Raised by a blocking call that `stop` ended from another thread."""


class OutOfRangeError(DriverError):
    """Raised before anything moves, when a value is not finite or outside what the device offers."""


class NotReadyError(DriverError):
    """Raised when the device refuses because of another one: a move in mid-scan, a beam in a bad vacuum."""


class FocusNotFoundError(DriverError):
    """Raised when an automatic focus ended without a result; its rectangle was exposed."""


class StillBusyError(NotReadyError):
    """Raised when what ran before has not ended and will by itself; nothing was exposed; try again."""


class BeamOffError(NotReadyError):
    """Raised when the beam is switched off as a whole, which only a person mends; nothing was exposed."""


class FrameError(DriverError):
    """Raised when a recorded image cannot be used; the text is one sentence for a person."""


class CalibrationError(Exception):
    """Raised when pairs of points do not fix a calibration; the text is one sentence for a person."""
