from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceLostError, DriverError
from drivers.fluorescence import FmFrame, FmSettings
from service.autofocus.light import focus_light
from service.autofocus.search_plan import STEPS
from service.model.phases import Phase
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once", "unpictured")


def blurred(**fluorescence: object) -> dict[str, Any]:
    return {
        "fluorescence": {"frame_px": [256, 256], **fluorescence},
        "simulator": {"defocus_um": 1.3, "specimen": {"cells_per_field": 5, "seed": 5}},
    }


def focus_events(session: Session) -> list[dict[str, Any]]:
    events = session.store.events.since(0, 10_000)
    return [e.data for e in events if e.kind == "focus" and e.data["beam"] == "light"]


def test_each_section_is_focused_on_without_the_beam(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(**blurred(autofocus_um=4)))
    session.run()
    assert session.store.status().phase is Phase.DONE
    found = focus_events(session)
    assert len(found) == 2
    assert {event["state"] for event in found} == {"used"}, found
    assert session.setup.devices.light_focus is not None
    assert session.setup.devices.light_focus.position() == pytest.approx(1.3e-6, abs=0.5e-6)
    session.end()


def test_without_it_nothing_is_searched(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(**blurred()))
    session.run()
    assert focus_events(session) == []
    session.end()


def test_an_objective_that_nothing_drives_is_told_before_anything_moves(tmp_path: Path) -> None:
    session = Session(
        tmp_path / "run",
        small_config(**blurred(autofocus_um=4)),
        lambda setup: replace(setup, devices=replace(setup.devices, light_focus=None)),
    )
    session.run()
    assert session.store.status().phase is Phase.FAULT
    assert "not driven" in str(session.store.status().reason)
    session.end()


def test_after_a_failure_the_objective_is_back_where_it_stood() -> None:
    devices = SimulatedMicroscope(small_config(**blurred()), FastClock()).devices
    focus = devices.light_focus
    assert focus is not None
    focus.move_to(5e-6, 30)
    seen: list[float] = []

    def fail() -> FmFrame:
        seen.append(focus.position())
        if len(seen) == STEPS // 2:
            raise DeviceLostError("gone")
        return devices.camera.expose(FmSettings(0.1, 100, 488, 0.5), 60)

    with pytest.raises(DriverError, match="gone"):
        focus_light(focus, fail, 3e-6, focus.position())
    assert seen == sorted(seen)
    assert focus.position() == 5e-6
