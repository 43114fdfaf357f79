"""Exceptions of the simulators, in addition to those of every driver."""

from drivers.errors import DriverError


class MemoryFileError(DriverError):
    """Raised when the memory file of a microscope holds something else; the file is left alone."""


class BackendError(DriverError):
    """Raised when the simulated back-end of Odemis does not start, or answers with an error."""


class ClockError(Exception):
    """Raised when a simulated device does not finish its work."""
