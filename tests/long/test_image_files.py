"""Image files in a reader with an environment of its own, and an image beyond 4 GiB."""

import json
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from service.image_files.images import read_pixels
from service.image_files.saving import save_em
from tests.places import ROOT
from tests.service.image_files.samples import IN_VACUUM, SCAN, save_samples

BIOIO = ROOT / "build" / "bioio" / "bin" / "python"
READ = """
import json, sys, zlib
import bioio_ome_tiff
from bioio import BioImage

found = []
for path in sys.argv[1:]:
    image = BioImage(path, reader=bioio_ome_tiff.Reader)
    size, plane = image.physical_pixel_sizes, image.metadata.images[0].pixels.planes[0]
    found.append({
        "shape": image.shape, "dtype": str(image.dtype), "crc": zlib.crc32(image.data.tobytes()),
        "um": [size.X, size.Y], "m": [plane.position_x, plane.position_y],
        "date": str(image.metadata.images[0].acquisition_date),
    })
print(json.dumps(found))
"""


@pytest.mark.long
def test_bioio_reads_every_kind_of_image(tmp_path: Path) -> None:
    samples = save_samples(tmp_path)
    paths = [str(sample.path) for sample in samples.values()]
    done = subprocess.run(
        [str(BIOIO), "-W", "ignore", "-c", READ, *paths], capture_output=True, text=True, check=True
    )
    for sample, found in zip(samples.values(), json.loads(done.stdout), strict=True):
        assert found == {
            "shape": [1, 1, 1, *sample.pixels.shape],
            "dtype": sample.pixels.dtype.name,
            "crc": zlib.crc32(sample.pixels.tobytes()),
            "um": [sample.pixel_size_um] * 2,
            "m": list(sample.center_m),
            "date": "2026-11-29 10:20:30",
        }


@pytest.mark.long
def test_an_image_beyond_4_gib_comes_back_whole(tmp_path: Path) -> None:
    # Needs 9 GB of memory and 4.3 GB of disk.
    pixels = np.zeros((65536, 65536), np.uint8)
    pixels[::4096, ::17] = 200
    pixels[-1, -5:] = (1, 2, 3, 4, 5)
    image = replace(SCAN, pixels=pixels)
    saved = save_em(tmp_path / "em" / "J000001.ome.tiff", image, "S0001", "J000001", (), IN_VACUUM)
    with tifffile.TiffFile(saved.path) as file:
        assert file.is_bigtiff
        assert file.is_ome
    assert saved.size_bytes > 2**32
    np.testing.assert_array_equal(read_pixels(saved.path, saved.sha256)[-1, -5:], (1, 2, 3, 4, 5))
