"""Exceptions of the process that speaks to Odemis, beside those of every driver."""

from drivers.errors import DriverError


class OdemisStartError(DriverError):
    """Raised when no worker can be started; the text is one sentence for a person."""


class MicroscopeIncompleteError(DriverError):
    """Raised at the start when Odemis lacks what a session needs; the text names all of it."""


class WorkerGoneError(Exception):
    """Raised when the process ended before it answered."""


class WorkerOverrunError(Exception):
    """Raised when a worker has not answered within the budget of the call."""
