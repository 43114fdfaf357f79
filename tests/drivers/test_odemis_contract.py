from collections.abc import Iterator

import pytest

from tests.drivers.contract import CHECKS, Check
from tests.drivers.odemis_bench import OdemisRig, rig
from tests.drivers.test_contract import SETTINGS


@pytest.fixture(scope="module")
def simulated_odemis() -> Iterator[OdemisRig]:
    with rig(SETTINGS) as made:
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_microscope_behind_odemis(simulated_odemis: OdemisRig, check: Check) -> None:
    check(simulated_odemis.bench())
