"""Dask in this process: order, and failures. Deaths of processes: tests/long/test_cluster.py."""

from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from service.cluster.on_dask import OnDask, _check_versions, _first_worker
from service.errors import InputError
from service.version import program_version
from tests.service.cluster import work

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def workers() -> Iterator[OnDask]:
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        yield OnDask(client, "the cluster", True, lambda _: None)


def test_results_come_in_order(workers: OnDask) -> None:
    assert list(workers.each(work.squared, range(60))) == [n**2 for n in range(60)]
    assert list(workers.each(work.squared, [])) == []


def test_an_error_of_a_file_is_tried_again_and_another_one_is_raised(workers: OnDask, tmp_path: Path) -> None:
    assert list(workers.each(partial(work.breaking, tmp_path), range(4))) == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError, match="three"):
        list(workers.each(work.failing, range(6)))
    # What was waiting is forgotten.
    assert list(workers.each(work.squared, range(3))) == [0, 1, 4]


@pytest.mark.parametrize(
    ("answer", "says"),
    [("0.0.1", "ilemtrack 0.0.1"), (PackageNotFoundError(), "no ilemtrack"), (OSError(), "")],
)
def test_a_worker_that_is_being_lost_is_none_of_another_version(answer: object, says: str) -> None:
    class Answering:
        """A client whose workers have answered."""

        def run(self, *_: object, **__: object) -> dict[str, object]:
            return {"tcp://a": program_version(), "tcp://b": answer}

        def run_on_scheduler(self, *_: object) -> str:
            return program_version()

    client: Any = Answering()
    if not says:
        _check_versions(client, "the cluster")
        return
    with pytest.raises(InputError, match=f"the worker at tcp://b has {says}, and this is"):
        _check_versions(client, "the cluster")


def test_workers_that_never_begin_are_one_sentence() -> None:
    class Waiting:
        """A client to whom no worker comes."""

        def wait_for_workers(self, count: int, timeout: float) -> None:
            assert count == 1
            raise TimeoutError(f"Only 0/1 workers arrived after {timeout}")

    client: Any = Waiting()
    calls: list[str] = []

    def begun() -> None:
        calls.append("begun")
        _first_worker(client)

    never = OnDask(client, "the cluster", False, lambda _: None, lambda: calls.append("revived"), begun)
    with pytest.raises(InputError, match="no worker of this computer has begun within 120 s"):
        list(never.each(work.squared, [1]))
    assert calls == ["revived", "begun"], "those of an earlier call may all be gone"
