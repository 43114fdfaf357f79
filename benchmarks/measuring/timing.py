"""CPU time of work that takes turns."""

import math
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def least_ms(works: Sequence[Work], repeats: int) -> list[float]:
    """Least CPU time of some turns of each, ms: what others do on the machine only adds to it."""
    least = [math.inf] * len(works)
    for _ in range(repeats):
        for number, work in enumerate(works):
            begun = time.process_time()
            work()
            least[number] = min(least[number], (time.process_time() - begun) * 1e3)
    return least
