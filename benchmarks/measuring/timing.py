"""CPU time of work that takes turns."""

import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]
ALIKE = 1.05
"""Second least time over the least up to which a time is taken for settled. Chosen by hand."""
MOST_TURNS = 15
"""Turns of each work at most. Beside 14 busy processes on two cores three were too few: the slowest of 24
frames took ten times a usual one in its best turn, and three times alone."""


def least_ms(works: Sequence[Work], repeats: int) -> list[float]:
    """Return the least CPU time of some turns of each, ms: what others do on the machine only adds to it.

    Work whose two least times are not alike gets more turns, as far as `MOST_TURNS`.
    """
    times: list[list[float]] = [[] for _ in works]
    for turn in range(max(repeats, MOST_TURNS)):
        waiting = [
            number for number, of_one in enumerate(times) if turn < repeats or not _is_settled(sorted(of_one))
        ]
        if not waiting:
            break
        for number in waiting:
            begun = time.process_time()
            works[number]()
            times[number].append((time.process_time() - begun) * 1e3)
    return [min(of_one) for of_one in times]


def _is_settled(times_ms: Sequence[float]) -> bool:
    return len(times_ms) > 1 and times_ms[1] <= ALIKE * times_ms[0]
