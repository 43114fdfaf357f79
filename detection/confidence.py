"""From how far a hit stands out to a confidence."""


def saturating(ratio: float) -> float:
    """Map a strength of 0 and more to 0..1: half at 1, ``ratio^2 / (1 + ratio^2)``."""
    if ratio <= 0:
        return 0.0
    # The reciprocal keeps a ratio beyond 1e154 from overflowing.
    return 1 / (1 + (1 / ratio) ** 2) if ratio > 1e-100 else 0.0
