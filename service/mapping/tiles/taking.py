"""The tiles of an overview, taken one after the other."""

from collections.abc import Iterable
from dataclasses import dataclass

from config.model import Config
from drivers.errors import DriverError, InterruptedCallError
from service.acquisition.holder.tile_camera import TileCamera
from service.errors import FrameRefusedError, SessionFaultError, StageError
from service.mapping.tiles.folder import TileFolder
from service.mapping.tiles.plan import Tile


@dataclass(frozen=True, slots=True)
class Missed:
    """A tile that could not be taken, and why."""

    tile: Tile
    says: str


def holder_light(config: Config) -> Config:
    """Return the configuration with the light of the holder in place of that of fluorescence, for drivers."""
    holder, odemis = config.holder, config.odemis
    light = holder.odemis_light or odemis.roles.light
    changes = {
        "emission_nm": holder.wavelength_nm if holder.filter_nm is None else holder.filter_nm,
        "roles": odemis.roles.model_copy(update={"light": light}),
        "light_w_for_1_w_per_cm2": holder.odemis_light_w_for_1_w_per_cm2 or odemis.light_w_for_1_w_per_cm2,
    }
    return config.model_copy(update={"odemis": odemis.model_copy(update=changes)})


def take_tiles(config: Config, camera: TileCamera, folder: TileFolder, tiles: Iterable[Tile]) -> list[Missed]:
    """Take and save tiles; one that fails is left out.

    Returns
    -------
    list of Missed

    Raises
    ------
    SessionFaultError
        Too many failed in a row, or light or camera are not as configured.
    UnsafeError
        The beam is not blanked, or the light does not switch off.
    OSError, ImageError
        A tile cannot be saved.
    """
    missed: list[Missed] = []
    in_a_row = 0
    for tile in tiles:
        try:
            frame, taken_at = camera.take(tile.center_m)
        except InterruptedCallError:
            raise
        except (DriverError, StageError, FrameRefusedError) as error:
            missed.append(Missed(tile, str(error)))
            in_a_row += 1
            if in_a_row >= config.session.max_failures_in_a_row:
                raise SessionFaultError(f"{in_a_row} tiles failed in a row, the last: {error}") from error
            continue
        in_a_row = 0
        folder.save(config, tile, frame, taken_at)
    return missed
