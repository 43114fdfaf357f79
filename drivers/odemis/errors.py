"""Exceptions of the Odemis driver, in addition to those of every driver."""

from drivers.errors import DeviceLostError, DriverError, NotReadyError


class OdemisStartError(DriverError):
    """Raised when no worker can be started; the message is one sentence for the user."""


class MicroscopeIncompleteError(DriverError):
    """Raised at the start when Odemis lacks something that a session needs; the message lists all of it."""


class OdemisNotRunningError(DeviceLostError):
    """Raised when the back-end of Odemis is down; the message is one sentence for the user."""


class OdemisStartingError(NotReadyError):
    """Raised while the back-end of Odemis starts its components; ask again."""


class WorkerGoneError(Exception):
    """Raised when a worker process ended before it answered."""


class WorkerOverrunError(Exception):
    """Raised when a worker has not answered within the budget of the call."""
