"""A whole array, killed and with faults: the big dry run of `benchmarks.array`, small."""

from pathlib import Path

import pytest

from benchmarks.array.design import kills
from benchmarks.array.figures import figures
from benchmarks.array.lives import live

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def test_a_killed_array_ends_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")  # as it was, after the test
    found = figures(tmp_path, live(tmp_path, runtime.parent, 2, 6, kills(5)))
    assert found.end_state == "done"
    assert sum(found.kills.values()) == 5
    assert (found.unasked, found.lost, found.stops) == (0, 0, 0)
    assert found.done + found.review == found.jobs
    assert found.recall > 0.9
    assert found.idle_s < 0.1 * found.session_s
