"""The workers that a person gets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from service.cluster import on_dask, opening
from service.cluster.opening import opened_workers
from service.cluster.workers import Here
from service.errors import InputError
from tests.service.cluster import work


def test_both_options_and_no_scheduler_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_dask, "_CONNECT_S", 0.5)
    with pytest.raises(InputError, match="leave it out with --scheduler"), opened_workers("tcp://a:1", 2):
        pass
    with (
        pytest.raises(InputError, match=r"--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there"),
        opened_workers("tcp://127.0.0.1:9", None),
    ):
        pass
    with (
        pytest.raises(InputError, match=r"--scheduler nonsense://x: no Dask scheduler answers there"),
        opened_workers("nonsense://x", None),
    ):
        pass


def test_without_dask_this_process_works_and_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "has_dask", lambda: False)
    with opened_workers(None, None) as workers:
        assert isinstance(workers, Here)
    for asked in ((None, 2), ("tcp://a:1", None)):
        with pytest.raises(InputError, match=r"install ilemtrack\[cluster\]"), opened_workers(*asked):
            pass


def test_workers_are_started_only_where_they_save_time(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Others:
        def each(self, function: Callable[[Any], Any], values: Sequence[Any]) -> Iterator[Any]:
            yield from map(function, values)

    @contextmanager
    def cluster(count: int, tell: object, modules: Sequence[str]) -> Iterator[Others]:
        assert modules == ("tests.service.cluster.work",)
        started.append(count)
        yield Others()

    monkeypatch.setattr("service.cluster.on_dask.local_cluster", cluster)
    monkeypatch.setattr(opening, "_most_workers", lambda: 4)
    clock = [0.0]

    def now() -> float:
        clock[0] += 0.5
        return clock[0]

    monkeypatch.setattr("time.perf_counter", now)
    # Half a second each: 82 save 29 s with three more workers, 90 save 32 s.
    for count, expected in ((82, []), (90, [4])):
        with opened_workers(None, None) as workers:
            assert list(workers.each(work.squared, range(count))) == [n**2 for n in range(count)]
        assert started == expected
