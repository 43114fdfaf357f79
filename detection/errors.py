"""Exceptions of detection."""


class DetectionError(ValueError):
    """Raised when a frame, a pixel size or a box cannot be used; the text is one sentence for a person."""
