"""Values read back from hardware."""

import math


def without_rounding(found: float, asked: float) -> float:
    """Return `asked` where `found` differs from it by rounding only (1e-9), else `found`."""
    return asked if math.isclose(found, asked, rel_tol=1e-9) else float(found)
