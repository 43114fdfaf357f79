"""OME-Zarr exports in napari, without a window; `make long` gives napari an environment of its own."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from service.export.exporting import export
from service.export.items import ExportFormat
from tests.places import ROOT
from tests.service.export.runs import FM_SHAPE, POSE, UM, made_run, noise

pytestmark = pytest.mark.long

_SHOW = """
import json, sys, types
from napari.components import ViewerModel
from napari_ome_zarr import napari_get_reader

path = sys.argv[1]
viewer = ViewerModel()
for data, about, kind in napari_get_reader(path)(path):
    getattr(viewer, "add_" + kind)(data, **about)
full = {layer: layer.data[0] if layer.multiscale else layer.data for layer in viewer.layers}
plugin = {layer.name: [type(layer).__name__, list(data.shape), layer.scale.tolist(), int(data[3, 5])]
          for layer, data in full.items()}
import napari
napari.Viewer = ViewerModel
names = {}
exec(sys.argv[2].replace("my_run-ome-zarr/S0001.ome.zarr", path), names)
placed = {layer.name: layer.extent.world.tolist() for layer in names["viewer"].layers}
print(json.dumps([plugin, placed]))
"""


def test_napari_shows_images_cells_and_with_the_documented_script_their_places(tmp_path: Path) -> None:
    python = Path(os.environ.get("ILEMTRACK_NAPARI", ROOT / "build/napari/bin/python"))
    if not python.exists():
        pytest.skip("napari is not there: `make build/napari/.ready`")
    made = made_run(tmp_path / "run")
    made.save_frame("S0001/F000", noise(FM_SHAPE, 2, "uint16"), POSE)
    cells = made.find("S0001/F000", [(5, 6, 20, 25), (8, 9, 12, 14)], POSE)
    made.expose("S0001", noise((30, 40), 3), (0.4 * UM, 0.6 * UM), covers=tuple(one.id for one in cells))
    export(made.folder, made.info, ExportFormat.OME_ZARR, tmp_path / "out")
    (script,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/exports.md").read_text(), re.M | re.S)
    path = tmp_path / "out" / "S0001.ome.zarr"
    shown = subprocess.run(
        [python, "-c", _SHOW, path, script], capture_output=True, text=True, check=True, timeout=600
    )
    plugin, placed = json.loads(shown.stdout.splitlines()[-1])
    assert plugin["F000: fluorescence 488 nm"] == [
        "Image",
        [40, 50],
        [0.2, 0.2],
        int(made.pixels("S0001/F000")[3, 5]),
    ]
    (cells,) = (about for name, about in plugin.items() if "cells" in name)
    assert cells[:2] == ["Labels", [40, 50]]
    assert plugin["J000001: ETD & <co>"] == [
        "Image",
        [30, 40],
        [0.02, 0.02],
        int(made.pixels("J000001")[3, 5]),
    ]
    # Edges of pixels: y downwards, x to the right.
    (top, left), (bottom, right) = placed["em/J000001"]
    assert (top, left, bottom, right) == pytest.approx((-0.9, 0.0, -0.3, 0.8), abs=0.011)
    (top, left), (bottom, right) = placed["fm/F000"]
    assert (top, left, bottom, right) == pytest.approx((-4, -5, 4, 5), abs=0.11)
    made.close()
