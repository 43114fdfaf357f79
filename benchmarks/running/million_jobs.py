"""A queue of a million jobs, of 1000 sections: how long it takes to open, and to turn a page."""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measuring.rows import Row, at_most, low
from benchmarks.running import long_queue
from service.store.store import Store

TITLE = "A queue of a million jobs"
ON_REQUEST = True
"""It takes minutes to make."""
SECTIONS, PER_SECTION = 1000, 1000
_PAGES = 200
_PAGE = 100


def run() -> list[Row]:
    """Open the run, as a store and as a daemon, and turn pages all over its queue."""
    with tempfile.TemporaryDirectory(prefix="il") as name:
        folder = Path(name)
        (folder / "r").mkdir(mode=0o700)
        begun = time.perf_counter()
        session = long_queue.make(folder / "run", SECTIONS, PER_SECTION)
        made_s = time.perf_counter() - begun
        size_mb = session.store.stat().st_size / 1e6
        open_s, next_ms, counts_ms = _store(session.store)
        with long_queue.daemon(session.path, folder / "r", orderly=False) as (client, restart_s):
            rng = np.random.default_rng(19)
            places = zip(
                rng.integers(SECTIONS, size=_PAGES), rng.integers(PER_SECTION, size=_PAGES), strict=True
            )
            after = [int(section) * 1_000_000 + int(n) for section, n in places]
            pages_ms = [_ms(partial(client.call, "queue.list", limit=_PAGE, after=at)) for at in after]
            first_ms = min(_ms(lambda: client.call("queue.list", limit=_PAGE)) for _ in range(10))
            status_ms = [_ms(lambda: client.call("status")) for _ in range(_PAGES)]
    what = f"{SECTIONS * PER_SECTION} jobs"
    page_ms, slow_ms = (float(np.percentile(pages_ms, part)) for part in (50, 99))
    return [
        at_most(f"{what}: restart to the first answer, s", restart_s, 3),
        low(f"{what}: the store alone, s", open_s, f"{open_s:.2f} s"),
        at_most(f"{what}: a page of {_PAGE} anywhere, ms, median", page_ms, 10, 1),
        at_most(f"{what}: a page of {_PAGE} anywhere, ms, 99 %", slow_ms, 10, 1),
        low(f"{what}: the first page", first_ms, f"{first_ms:.1f} ms"),
        low(
            f"{what}: status, 99 %",
            float(np.percentile(status_ms, 99)),
            f"{np.percentile(status_ms, 99):.1f} ms",
        ),
        low(f"{what}: the next job", next_ms, f"{next_ms:.2f} ms"),
        low(f"{what}: numbers of jobs by state", counts_ms, f"{counts_ms:.1f} ms"),
        low(f"{what}: database", size_mb, f"{size_mb:.0f} MB, made in {made_s:.0f} s"),
    ]


def _store(path: Path) -> tuple[float, float, float]:
    """Return the times to open a store, s, and to find the next job and to count all, ms."""
    begun = time.perf_counter()
    with closing(Store.open(path)) as store:
        open_s = time.perf_counter() - begun
        next_ms = min(_ms(store.queue.next_job) for _ in range(10))
        return open_s, next_ms, min(_ms(store.queue.counts) for _ in range(3))


def _ms(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1e3
