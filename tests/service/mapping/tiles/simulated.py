"""A small holder on a simulated microscope, for tests of its overview."""

from typing import Any

from config.model import Config
from service.acquisition.holder.tile_camera import TileCamera
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import plan_tiles
from service.mapping.tiles.taking import holder_light, take_tiles
from service.safety.deadlines import guarded
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope

X_MM, Y_MM = (-0.2, 0.2), (-0.15, 0.15)
CENTERS_UM = ((-90.0, 60.0), (80.0, 70.0), (-70.0, -70.0), (95.0, -60.0))


def _section(n: int, x: float, y: float) -> dict[str, Any]:
    outline = [[x + dx, y + dy] for dx, dy in ((-50, 35), (50, 35), (50, -35), (-50, -35))]
    return {"id": f"S{n:04d}", "center_um": [x, y], "outline_um": outline, "angle_deg": 0.0}


LAYOUT = {"kind": "list", "sections": [_section(n, *at) for n, at in enumerate(CENTERS_UM, start=1)]}
SETTINGS: dict[str, Any] = {
    "fluorescence": {"frame_px": [128, 128], "pixel_size_nm": 900},
    "holder": {"pixel_size_um": 1.8},
    "session": {"min_free_disk_gb": 0},
    "layout": LAYOUT,
    "simulator": {
        "layout": {
            "kind": "list",
            "sections": [_section(n, *at) for n, at in enumerate(CENTERS_UM, start=1)],
        },
        "specimen": {"section_shift_um": 0, "section_rotation_deg": 0},
    },
}
"""Four sections of 100 x 70 um; tiles of 115 um."""


def settings(**changes: dict[str, Any]) -> dict[str, Any]:
    """Return `SETTINGS` with some keys of its parts changed."""
    parts = {key: dict(value) for key, value in SETTINGS.items()}
    for key, value in changes.items():
        parts[key] = parts.get(key, {}) | value
    return parts


def taken(config: Config, folder: TileFolder) -> dict[str, tuple[float, float]]:
    """Take all tiles; return where the stage truly was at each."""
    microscope = SimulatedMicroscope(config, clock := FastClock())
    devices = guarded(microscope.devices)
    plan = plan_tiles(config, X_MM, Y_MM)
    camera = TileCamera(holder_light(config), devices, clock)
    true = {}
    with folder.begun(config, plan):
        for tile in plan.tiles:
            assert not take_tiles(config, camera, folder, [tile])
            true[tile.name] = microscope.true_position()
    assert not devices.light.is_on()
    return true
