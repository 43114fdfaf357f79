"""Linear ramps between two limits."""

import math


def falling(value: float, limits: tuple[float, float]) -> float:
    """Return 1 up to the first limit, 0 from the second, and a straight line between."""
    return min(max((limits[1] - value) / (limits[1] - limits[0]), 0.0), 1.0)


def falling_log(value: float, limits: tuple[float, float]) -> float:
    """Return the same ramp over the logarithm of the value; limits above 0."""
    low, high = limits
    return falling(math.log(max(value, low)), (math.log(low), math.log(high)))
