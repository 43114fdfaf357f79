"""Times and sizes as people say them."""

import math


def duration(seconds: float | None) -> str:
    """Time as people say it: 0.3 s, 43 s, 12 min 5 s, 3 h 20 min, 2 d 4 h; 0 s is no time at all."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if 0 < seconds < 0.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "less than 0.1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def size(count: float) -> str:
    """Bytes as people say them: 812 kB, 3.1 MB, 2.40 GB."""
    for unit, scale, digits in (("GB", 1e9, 2), ("MB", 1e6, 1), ("kB", 1e3, 0)):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{count:.0f} B"
