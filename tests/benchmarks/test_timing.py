"""CPU time of work that takes turns."""

from collections.abc import Iterator

import pytest

from benchmarks.measuring import timing


def test_work_that_something_else_slowed_gets_more_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = {"slowed": iter([50.0, 90.0, 70.0, 10.0, 80.0, 10.2]), "even": iter([7.0, 9.0, 7.1])}
    now_s = 0.0
    monkeypatch.setattr("benchmarks.measuring.timing.time.process_time", lambda: now_s)

    def work(taking_ms: Iterator[float]) -> None:
        nonlocal now_s
        now_s += next(taking_ms) / 1e3

    least = timing.least_ms([lambda: work(turns["slowed"]), lambda: work(turns["even"])], 3)
    assert least == pytest.approx([10.0, 7.0])
    assert not list(turns["slowed"]) + list(turns["even"])


def test_turns_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("benchmarks.measuring.timing.time.process_time", lambda: now_s)
    calls = 0

    def work() -> None:
        nonlocal now_s, calls
        calls += 1
        now_s += 2.0**-calls

    timing.least_ms([work], 3)
    assert calls == timing.MOST_TURNS
