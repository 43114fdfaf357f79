"""Dask in this process: order, and failures. Deaths of processes: tests/long/test_cluster.py."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from distributed import Client

from service.cluster.on_dask import OnDask
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
