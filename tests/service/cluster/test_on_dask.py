"""A cluster of this computer: order, deaths, failures."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from service.cluster.on_dask import OnDask, local_cluster
from service.cluster.workers import Lost
from tests.service.cluster import work

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def workers() -> Iterator[OnDask]:
    with local_cluster(2, lambda _: None) as found:
        yield found


def test_results_come_in_order_from_several_processes(workers: OnDask) -> None:
    assert list(workers.each(work.squared, range(60))) == [n**2 for n in range(60)]
    assert list(workers.each(work.squared, [])) == []
    assert len(set(workers.each(work.process, range(40)))) == 2


def test_a_worker_that_dies_costs_time_only(workers: OnDask, tmp_path: Path) -> None:
    assert list(workers.each(partial(work.killing, tmp_path, True), range(20))) == list(range(20))
    assert (tmp_path / "killed").exists()


def test_what_kills_every_worker_is_given_up_alone(workers: OnDask, tmp_path: Path) -> None:
    found = list(workers.each(partial(work.killing, tmp_path, False), range(8)))
    assert [n for n, one in enumerate(found) if isinstance(one, Lost)] == [5]
    assert [one for one in found if not isinstance(one, Lost)] == [0, 1, 2, 3, 4, 6, 7]


def test_an_error_of_a_file_is_tried_again_and_another_one_is_raised(workers: OnDask, tmp_path: Path) -> None:
    assert list(workers.each(partial(work.breaking, tmp_path), range(4))) == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError, match="three"):
        list(workers.each(work.failing, range(6)))
    # What was waiting is forgotten.
    assert list(workers.each(work.squared, range(3))) == [0, 1, 4]
