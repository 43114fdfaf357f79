"""SBEMimage itself, driven by our server: its own client, its own grids, its mock SEM.

Needs a checkout of SBEMimage, which is no part of this project, and an interpreter with what it requires::

    export ILEMTRACK_SBEMIMAGE=~/SBEMimage ILEMTRACK_SBEMIMAGE_PYTHON=~/qt/bin/python
    python -m pytest -m long tests/long/other_programs/test_sbemimage.py
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.sbemimage.answering import Answerer, Inputs
from service.sbemimage.journal import Journal
from service.sbemimage.placing import same_stage
from service.sbemimage.server import Server
from service.sbemimage.theirs.coordinates import Coordinates
from service.sbemimage.work import PlansSource

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif("ILEMTRACK_SBEMIMAGE" not in os.environ, reason="names no checkout of SBEMimage"),
]

SCRIPT = Path(__file__).with_name("sbemimage_itself.py")
FRAMES_UM = [
    [n * 60.0 + 1000, m * 40.0 + 2000, n * 60.0 + 1021, m * 40.0 + 2018] for n in range(4) for m in range(2)
]
"""Eight frames of 21 x 18 um, each in one tile of 25 um if it lies straight."""


class Laboratory:
    """A computer with SBEMimage and plans."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plans, self.ini = folder, folder / "plans", folder / "mine.ini"
        self.plans.mkdir()
        rects = [
            {"id": f"J{n:06d}", "rect_m": [side * 1e-6 for side in one]} for n, one in enumerate(FRAMES_UM)
        ]
        for name, frames in (("S0001", rects[:5]), ("S0002", rects[5:])):
            (self.plans / f"{name}.json").write_text(json.dumps({"v": 1, "frames": frames}))

    @contextmanager
    def serving(self) -> Iterator[int]:
        inputs = Inputs(PlansSource(self.plans), self.ini, same_stage())
        with (
            Journal(self.folder / "answers.jsonl") as journal,
            Server("127.0.0.1", 0, Answerer(inputs, journal).reply) as server,
        ):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield server.server_address[1]
            finally:
                server.shutdown()

    def run(self, port: int, calibration: list[float], **wanted: Any) -> dict[str, Any]:
        values = {"calibration": calibration, "pause": [], "kill": 0, "starts": 1} | wanted
        python = os.environ.get("ILEMTRACK_SBEMIMAGE_PYTHON", sys.executable)
        checkout = str(Path(os.environ["ILEMTRACK_SBEMIMAGE"]).expanduser())
        words = [
            python,
            str(SCRIPT),
            checkout,
            str(self.folder / "stack"),
            str(self.ini),
            str(port),
            json.dumps(values),
        ]
        environment = {key: one for key, one in os.environ.items() if not key.startswith("PYTHON")}
        subprocess.run(words, check=True, timeout=250, env=environment, capture_output=True)
        found = json.loads(self.ini.with_suffix(".json").read_text())
        assert isinstance(found, dict)
        return found


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


@pytest.mark.parametrize(
    "calibration",
    [[1.0, 1.0, 0.0, 0.0], [-1.0, 1.0, 0.0, 0.0], [1.03, -0.97, 0.3, 0.31]],
    ids=["straight", "flipped", "turned"],
)
def test_each_frame_is_imaged_once_and_nothing_else(laboratory: Laboratory, calibration: list[float]) -> None:
    with laboratory.serving() as port:
        found = laboratory.run(port, calibration, starts=3, pause=[2, 5])
    paths = [path for _, path in found["images"]]
    assert len(paths) == len(set(paths))
    # Neither overviews nor its own grid 0.
    assert {Path(path).parts[1][0] for path in paths} == {"a"}
    assert not any(found["overviews"])
    coordinates = Coordinates((calibration[0], calibration[1]), (calibration[2], calibration[3]))
    numbers = [f"{section}.{1000 + n}" for section, count in ((1, 5), (2, 3)) for n in range(count)]
    tiles = 0
    for number, (x0, y0, x1, y1) in zip(numbers, FRAMES_UM, strict=True):
        corners = coordinates.to_sem(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
        boxes = np.array(found["boxes"][number])
        assert (boxes[:, [0, 2]].min(axis=0) <= corners.min(axis=0) + 1e-3).all()
        assert (boxes[:, [1, 3]].max(axis=0) >= corners.max(axis=0) - 1e-3).all()
        tiles += len(boxes)
    assert len(paths) == tiles


def test_after_a_crash_the_rest_is_imaged(laboratory: Laboratory) -> None:
    with laboratory.serving() as port:
        first = laboratory.run(port, [1.0, 1.0, 0.0, 0.0], kill=3)
    with laboratory.serving() as port:
        second = laboratory.run(port, [1.0, 1.0, 0.0, 0.0], starts=2)
    before, after = ([path for _, path in one["images"]] for one in (first, second))
    assert (len(before), len(after)) == (3, 5)
    assert not set(before).intersection(after)


def test_without_a_server_or_fluorescence_nothing_is_exposed(laboratory: Laboratory) -> None:
    assert laboratory.run(1, [1.0, 1.0, 0.0, 0.0])["images"] == []
    (laboratory.plans / "S0002.json").write_text("{")
    with laboratory.serving() as port:
        assert laboratory.run(port, [1.0, 1.0, 0.0, 0.0])["images"] == []
