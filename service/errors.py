"""Exceptions of the service."""


class InputError(ValueError):
    """Raised when a file, flag or message from a person cannot be used; the text is one sentence."""


class ImageError(Exception):
    """Raised when an image on disk is not what was written, or cannot be read back."""


class UnsafeError(Exception):
    """Raised when the beam is not known to be blanked, or the light not known to be off."""


class FrameRefusedError(Exception):
    """Raised when hardware gave an image that cannot be the one that was asked for."""


class VacuumError(Exception):
    """Raised when the chamber is not in the state or at the pressure that was asked."""


class StageError(Exception):
    """Raised when a move is refused or did not end where it should."""


class SessionFaultError(Exception):
    """Raised when a session cannot go on without a person; the text says why."""


class HungDeviceError(SessionFaultError):
    """Raised when a call of a device did not return within its deadline; what it does is unknown."""


class IllegalTransitionError(Exception):
    """Raised when an event or a new state does not belong to the present one; nothing changed."""


class StoreError(Exception):
    """Raised when the session's database cannot be used, or refuses a value; the change did not happen."""


class UnknownIdError(StoreError):
    """Raised when nothing in the store has the identifier."""


class StaleRevisionError(Exception):
    """Raised when somebody else steered since the caller looked; nothing changed."""


class RequestReusedError(Exception):
    """Raised when a request identifier comes again with another method or other parameters."""


class RefusedFrameError(Exception):
    """Raised when a frame that a person asks for must not be taken; the text is one sentence."""


class EndpointError(Exception):
    """Raised when the daemon cannot listen where it should; the text is one sentence."""


class NoDaemonError(Exception):
    """Raised when no daemon answers; the text is one sentence."""


class ApiError(Exception):
    """Raised when the daemon answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """One of `service.api.wire.messages.ErrorCode`."""
        self.message = message
