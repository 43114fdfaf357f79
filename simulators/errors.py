"""Exceptions of the simulators, beside those that every driver raises."""

from drivers.errors import DriverError


class MemoryFileError(DriverError):
    """Raised when the file that is to hold a microscope's memory holds something else; it is left alone."""


class BackendError(DriverError):
    """Raised when the simulated back-end of Odemis does not start, or answers with an error."""


class ClockError(Exception):
    """Raised when a simulated device works on although its time is over."""
