from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers.pose import Pose
from tests.service.export.runs import FM_SHAPE, POSE, UM, MadeRun, made_run, noise


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MadeRun]:
    """Give a run of two sections: one with fluorescence, cells and electron images, one with nothing."""
    run = made_run(tmp_path / "run", sections=2)
    run.save_frame("S0001/F000", noise(FM_SHAPE, 2, "uint16"), POSE)
    run.find("S0001/F000", [(5, 6, 20, 25), (8, 9, 12, 14)], POSE)
    run.expose(
        "S0001", noise((30, 40), 3), (0.4 * UM, 0.6 * UM), covers=("S0001/F000/c0001", "S0001/F000/c0002")
    )
    run.expose("S0001", noise((20, 64), 4), (-1.5 * UM, -0.2 * UM))
    yield run
    run.close()


@pytest.fixture
def turned() -> Pose:
    """Pose of a camera that is turned and shows the specimen mirrored."""
    return Pose((3 * UM, -2 * UM), (0.2 * UM, 0.2 * UM), rotation_rad=np.deg2rad(7.0), flip_x=True)
