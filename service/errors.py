"""Exceptions of the service."""

from enum import StrEnum


class InputError(ValueError):
    """Raised when a file, flag or message from a person cannot be used; the message is one sentence."""


class NotNowError(InputError):
    """Raised when something is refused that may be possible later: another program is at work, say."""


class NeverBegunError(InputError):
    """Raised when a run folder was left by a program that ended before its session began."""


class ImageError(Exception):
    """Raised when an image on disk differs from what was written, or cannot be read."""


class UnreadableImageError(ImageError):
    """Raised when an image cannot be read now, though it may be whole: no proof that it is lost."""


class UnsafeError(Exception):
    """Raised when the beam is not known to be blanked, or the light not known to be off."""


class FrameRefusedError(Exception):
    """Raised when the hardware returned an image that cannot be the requested one."""


class FrameMismatchError(FrameRefusedError):
    """Raised for a frame of another size than configured: each frame would be refused."""


class SaturatedFrameError(FrameRefusedError):
    """Raised for a saturated frame: another one of the same place would be saturated, too."""


class VacuumError(Exception):
    """Raised when the chamber is not in the requested state or at the requested pressure."""


class StageError(Exception):
    """Raised when a stage move is refused or ends at the wrong position."""


class SessionFaultError(Exception):
    """Raised when a session cannot continue without a person; the message gives the reason."""


class HungDeviceError(SessionFaultError):
    """Raised when a device call did not return by its deadline; the state of the device is unknown."""


class IllegalTransitionError(Exception):
    """Raised when an event or a new state is not allowed in the current state; nothing changed."""


class StoreTrouble(StrEnum):
    """Trouble with the session's database, to decide by."""

    OTHER = "other"
    """A value or a request that it refuses."""
    BUSY = "busy"
    """Another program holds it."""
    DISK = "disk"
    """The disk is full, read-only or failing."""
    DAMAGED = "damaged"
    """It was cut or overwritten by another program."""
    DELETED = "deleted"
    MOVED = "moved"
    """It, or the folder of the run, has another name."""
    REPLACED = "replaced"
    """Another file has its name."""


LOST = frozenset({StoreTrouble.DAMAGED, StoreTrouble.DELETED, StoreTrouble.REPLACED})
"""Troubles that waiting does not end."""


class StoreError(Exception):
    """Raised when the session's database cannot be used or refuses a value; nothing changed."""

    def __init__(self, message: str, trouble: StoreTrouble = StoreTrouble.OTHER) -> None:
        super().__init__(message)
        self.trouble = trouble


class UnknownIdError(StoreError):
    """Raised when the store has nothing with this identifier."""


class StaleRevisionError(Exception):
    """Raised when the queue or the session was changed since the caller last looked; nothing changed."""


class RequestReusedError(Exception):
    """Raised when a request identifier is reused with another method or other parameters."""


class RefusedFrameError(Exception):
    """Raised when a frame requested by a person must not be taken; the message is one sentence."""


class RefusedChoiceError(Exception):
    """Raised when the cells to image cannot be chosen in that way; the message is one sentence."""


class EndpointError(Exception):
    """Raised when the daemon cannot listen at its endpoints; the message is one sentence."""


class NoDaemonError(Exception):
    """Raised when no daemon answers; the message is one sentence."""


class ApiError(Exception):
    """Raised when the daemon answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """One of `service.api.wire.messages.ErrorCode`."""
        self.message = message
