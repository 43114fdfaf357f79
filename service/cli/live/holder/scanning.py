"""Tiles taken with the microscope, without a session."""

from collections.abc import Callable, Sequence

from config.model import Config
from drivers.microscope import Microscope
from service.cli.output import tell
from service.errors import InputError
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import Tile, TileCost
from service.mapping.tiles.taking import Missed, take_tiles


def take(
    config: Config,
    folder: TileFolder,
    tiles: Sequence[Tile],
    prepare: Callable[[Config, Microscope], None] = lambda *_: None,
    check: Callable[[Config, Microscope], None] = lambda *_: None,
) -> tuple[list[Missed], int]:
    """Take tiles with the microscope, and leave it safe whatever happens: beam blanked, light off.

    Parameters
    ----------
    config : Config
        Its `holder` is the light.
    folder : TileFolder
    tiles : sequence of Tile
    prepare : callable
        Called once the beam is blanked, before the first tile.
    check : callable
        Called before and after each exposure; raises where a tile would be worthless.

    Returns
    -------
    list of Missed, int
        Tiles that could not be taken, and the number of exposures.
    """
    from rich.progress import track

    from drivers.clock import SystemClock
    from service.acquisition.holder.tile_camera import TileCamera
    from service.cli.consoles import people
    from service.safety.deadlines import guarded
    from service.safety.safe_state import make_safe
    from service.session.folders.run_folder import has_hardware
    from service.session.found_settings import put_back, sentences
    from service.session.hardware import hardware
    from service.signals import interrupted_once
    from simulators.clock import FastClock

    clock = SystemClock() if has_hardware(config) else FastClock()
    with interrupted_once():
        connected, quanta = hardware(config, clock)
        devices = guarded(connected)
        try:
            _demand_ready(config, devices)
            devices.sem.blank()
            prepare(config, devices)
            camera = TileCamera(config, devices, clock, lambda: check(config, devices))
            shown = track(tiles, "tiles", console=people, transient=True, disable=not people.is_terminal)
            return take_tiles(config, camera, folder, shown), camera.exposures
        except KeyboardInterrupt:
            tell("interrupted: the light is switched off, the stage stays; the same command goes on")
            raise
        finally:
            try:
                make_safe(devices)
                for sentence in sentences(put_back(devices)):
                    tell(sentence)
            finally:
                if quanta is not None:
                    quanta.client.close()


def _demand_ready(config: Config, devices: Microscope) -> None:
    """Refuse what the preflight of a session refuses, and a chamber that is pumping."""
    from drivers.chamber import VacuumState
    from service.cli.live.session_run import demand
    from service.diagnostics.preflight import device_checks
    from service.diagnostics.session_checks import survey_checks

    demand([*survey_checks(config), *device_checks(devices, config)])
    if devices.chamber_by_hand is None and devices.chamber.state() is VacuumState.CHANGING:
        raise InputError("preflight: the chamber is pumping or venting; wait until it is done")


def refuse_without_room(config: Config, folder: TileFolder, cost: TileCost) -> None:
    """Refuse where the disk has no room for the tiles."""
    from service.acquisition.disk_space import shortage

    lack = shortage(folder.path, cost.data_bytes, config.session.min_free_disk_gb)
    if lack is not None:
        raise InputError(lack)
