"""A simulated back-end of Odemis with short deadlines, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.drivers.odemis.bench import OdemisRig, rig
from tests.drivers.test_contract import SETTINGS


@pytest.fixture(scope="module")
def shared() -> Iterator[OdemisRig]:
    with rig(SETTINGS | {"odemis": {"quick_s": 5, "budget_extra_s": 0.5}}) as made:
        yield made
