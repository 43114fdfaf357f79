"""The memory of the console over a day of events, with a page open and others that come and go."""

import os
import time
from pathlib import Path

import pytest

from tests.chromium import chromium
from tests.service.console.consoles import OPERATE, ConsoleProcess, TestedDaemon

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

_EVENTS = 24 * 36 * 5
"""A day of frames of 100 s, with five events each."""
_AT_ONCE, _WAIT_S = 12, 0.2
_GROWTH = 1.05
"""Memory of the last third over that of the first that is still flat. Chosen by hand."""


def test_a_day_of_events_leaves_the_memory_flat(tmp_path: Path) -> None:
    daemon = TestedDaemon(tmp_path / "daemon", "a-day")
    console = ConsoleProcess(tmp_path)
    sizes = []
    with chromium() as browser:
        context = browser.new_context(base_url=console.url)
        console.sign_in(context, OPERATE)
        context.new_page().goto("/?run=a-day")
        other = context.new_page()
        for n in range(_EVENTS // _AT_ONCE):
            for _ in range(_AT_ONCE):
                daemon.store.events.note("plan", "S0001", {"frames": n, "beam_s": 1.0})
            if n % 12 == 0:
                other.goto(("/history?run=a-day", "/queue?run=a-day", "/map?run=a-day")[n // 12 % 3])
            time.sleep(_WAIT_S)
            sizes.append(_resident_mb(console.pid))
    console.close()
    daemon.close()
    third = len(sizes) // 3
    first, last = sum(sizes[:third]) / third, sum(sizes[-third:]) / third
    print(f"memory of the console: {first:.0f} MB in the first third, {last:.0f} MB in the last")
    assert last < _GROWTH * first


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
