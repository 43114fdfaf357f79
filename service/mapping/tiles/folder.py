"""The folder of an overview or of previews: plan, tiles, the stitched picture, and a table of the tiles.

::

    <folder>/overview.json  tiles/T00000.ome.tiff  tiles.csv  overview.ome.tiff
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from config.model import Config
from drivers.fluorescence import FmFrame
from drivers.pose import Pose
from service.errors import ImageError, InputError, NotNowError
from service.image_files.facts import Acquisition, ImageKind, LightPath
from service.image_files.images import read_fm
from service.image_files.saving import save_fm
from service.input_files import read_json
from service.mapping.tiles.mosaic import Floats
from service.mapping.tiles.plan import Tile, TilePlan
from service.session.provenance import provenance_of
from service.store.durable import write_text

_MOST_BYTES = 1_000_000
COLUMNS = ("name", "row", "column", "stage_x_um", "stage_y_um", "x_um", "y_um", "x_px", "y_px")
"""Of the table: read-back of the stage, settled centre, and that centre in the overview."""


@dataclass(frozen=True, slots=True)
class TileFolder:
    """Paths in the folder, and its tiles."""

    path: Path

    @property
    def picture(self) -> Path:
        """The stitched overview."""
        return self.path / "overview.ome.tiff"

    @property
    def table(self) -> Path:
        """Positions of the tiles."""
        return self.path / "tiles.csv"

    @property
    def _plan(self) -> Path:
        return self.path / "overview.json"

    @contextmanager
    def begun(self, config: Config, plan: TilePlan) -> Iterator[None]:
        """Make the folder, or go on with an overview of the same plan and light; lock it meanwhile.

        Raises
        ------
        InputError
            The folder holds something else, cannot be made, or another program is at work on it.
        """
        wanted = _document(config, plan)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            found = any(one.name != ".lock" for one in self.path.iterdir())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be made ({error.strerror})") from error
        guard = FileLock(self.path / ".lock")
        try:
            guard.acquire(timeout=0)
        except Timeout:
            raise NotNowError(f"{self.path}: another ilemtrack is at work on this overview") from None
        try:
            if found and not self._plan.is_file():
                raise InputError(f"{self.path}: is not empty, and holds no overview; name another folder")
            if found and read_json(self._plan, _MOST_BYTES) != wanted:
                raise InputError(
                    f"{self.path}: holds an overview of other ground or light; name another folder with --out"
                )
            write_text(self._plan, json.dumps(wanted, indent=1) + "\n")
            yield
        finally:
            guard.release()

    def save(self, config: Config, tile: Tile, frame: FmFrame, taken_at: datetime) -> None:
        """Save a tile durably.

        Raises
        ------
        OSError, ImageError
        """
        save_fm(
            self._of(tile),
            frame,
            "holder",
            tile.name,
            LightPath.of_holder(config),
            Acquisition(taken_at, provenance_of(config, None)),
            kind=ImageKind.HOLDER_TILE,
        )

    def kept(self, tile: Tile) -> bool:
        """Return True if a tile is there and can be read."""
        if not self._of(tile).is_file():
            return False
        try:
            self.read(tile)
        except ImageError:
            return False
        return True

    def read(self, tile: Tile) -> tuple[Floats, Pose]:
        """Return the pixels of a tile, less the grey level of darkness, and its pose.

        Raises
        ------
        ImageError
            It is missing or damaged.
        """
        pixels, pose, offset_adu = read_fm(self._of(tile), None)
        return np.maximum(pixels.astype(np.float32) - np.float32(offset_adu or 0.0), 0), pose

    def write_table(self, plan: TilePlan, stage_m: dict[str, Pose], settled_m: dict[str, Pose]) -> None:
        """Write the table of the tiles; those that are missing have no positions."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        x0, _, _, y1 = plan.rect_m
        for tile in plan.tiles:
            numbers: list[str] = []
            if tile.name in settled_m:
                x, y = settled_m[tile.name].center_m
                places = [*stage_m[tile.name].center_m, x, y]
                numbers = [f"{place * 1e6:.3f}" for place in places]
                numbers += [f"{(x - x0) / plan.pixel_size_m:.2f}", f"{(y1 - y) / plan.pixel_size_m:.2f}"]
            rows.writerow([tile.name, tile.row, tile.column, *(numbers or [""] * 6)])
        write_text(self.table, text.getvalue())

    def _of(self, tile: Tile) -> Path:
        return self.path / "tiles" / f"{tile.name}.ome.tiff"


def _document(config: Config, plan: TilePlan) -> dict[str, Any]:
    """Return what tiles of one overview have in common, as JSON values."""
    fluorescence = config.fluorescence
    places = repr([(tile.name, tile.center_m) for tile in plan.tiles])
    document = {
        "v": 1,
        "rect_m": plan.rect_m,
        "tiles": hashlib.sha256(places.encode()).hexdigest(),
        "rows": plan.rows,
        "columns": plan.columns,
        "pixel_size_m": plan.pixel_size_m,
        "frame_px": fluorescence.frame_px,
        "frame_pixel_size_nm": fluorescence.pixel_size_nm,
        "holder": config.holder.model_dump(mode="json"),
    }
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found
