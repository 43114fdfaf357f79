"""A lamp that is dead and says that it is on."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drivers.fluorescence import FmFrame
from service.model.images.trends import ELECTRON_LEVELS, LIGHT_LEVELS
from service.model.phases import Phase
from tests.service.faults import ALWAYS, faulty
from tests.service.sessions import Session, small_config


def dark(real: Callable[..., FmFrame], *args: Any, **kwargs: Any) -> FmFrame:
    frame = real(*args, **kwargs)
    noise = np.random.default_rng(int(frame.taken_at_s * 1e3)).normal(200, 8, frame.pixels.shape)
    return dataclasses.replace(frame, pixels=noise.round().astype(np.uint16))


def test_a_dead_lamp_is_a_fault_and_nothing_is_exposed(tmp_path: Path, unpictured: None) -> None:
    session = Session(tmp_path / "run", small_config(), faulty("camera", "expose", dark, ALWAYS))
    session.run()
    status = session.store.status()
    assert status.phase is Phase.FAULT
    assert "as dark as one without light" in str(status.reason)
    assert not session.store.ledger.exposures(limit=1)
    session.end()


def test_a_session_notes_its_levels_and_a_lamp_that_is_on_takes_no_frame_more(
    tmp_path: Path, unpictured: None
) -> None:
    taken: list[bool] = []

    def counted(real: Callable[..., FmFrame], *args: Any, **kwargs: Any) -> FmFrame:
        taken.append(True)
        return real(*args, **kwargs)

    session = Session(tmp_path / "run", small_config(), faulty("camera", "expose", counted, ALWAYS))
    session.run()
    assert session.store.status().phase is Phase.DONE
    assert len(taken) == 2
    for kind in (LIGHT_LEVELS, ELECTRON_LEVELS):
        noted = session.store.events.of(kind)
        assert sorted(one.subject for one in noted) == ["S0001", "S0002"]
        assert all(value > 0 for one in noted for value in one.data.values())
    session.store.close()
