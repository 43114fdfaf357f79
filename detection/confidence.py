"""From how far a hit stands out to a confidence."""


def saturating(ratio: float) -> float:
    """Map a strength of 0 and more to 0..1: half at 1, ``ratio^2 / (1 + ratio^2)``."""
    square = min(max(ratio, 0.0), 1e6) ** 2
    return square / (1 + square)
