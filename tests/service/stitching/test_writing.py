"""Files of stitched images."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ome_types
import pytest
import tifffile

from service.image_files.images import Pixels
from service.stitching import writing
from service.stitching.writing import ImageFacts, write_image


def facts(shape: tuple[int, int], planes: int = 1, axis: str = "Z", **changes: object) -> ImageFacts:
    values = {
        "name": "S0001/F000",
        "planes": planes,
        "axis": axis,
        "size_px": shape[::-1],
        "dtype": "uint8",
        "pixel_size_m": 16.5e-9,
        "center_m": (1.2e-3, -3e-4),
        "spacing_m": None,
        "channels": (),
        "notes": {"jobs": "J000001"},
    }
    return ImageFacts(**(values | changes))  # type: ignore[arg-type]


def in_bands(planes: np.ndarray, rows: int = writing.BAND_ROWS) -> Iterator[Pixels]:
    for plane in planes:
        yield from (plane[top : top + rows] for top in range(0, plane.shape[0], rows))


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def test_a_large_image_has_smaller_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BAND_ROWS", 64), ("LARGE_PX", 200), ("_SMALLEST_PX", 80)):
        monkeypatch.setattr(writing, name, value)
    image = random(323, 219)
    path = tmp_path / "a.ome.tiff"
    written = write_image(path, facts(image.shape), in_bands(image[None], 64))
    assert written.size_bytes == path.stat().st_size
    assert [one.name for one in tmp_path.iterdir()] == ["a.ome.tiff"]
    with tifffile.TiffFile(path) as file:
        levels = [level.asarray() for level in file.series[0].levels]
    assert [level.shape for level in levels] == [(323, 219), (161, 109), (80, 54)]
    assert np.array_equal(levels[0], image)
    means = image[:322, :218].reshape(161, 2, 109, 2).mean(axis=(1, 3))
    assert np.abs(levels[1] - means).max() <= 0.5
    ome = ome_types.from_tiff(path)
    (plane,) = ome.images[0].pixels.planes
    assert (plane.position_x, plane.position_y) == (1.2e-3, -3e-4)
    assert ome.images[0].pixels.physical_size_x == 0.0165


def test_a_disk_without_room_for_smaller_copies_is_an_error_and_no_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BAND_ROWS", 64), ("LARGE_PX", 200), ("_SMALLEST_PX", 80)):
        monkeypatch.setattr(writing, name, value)
    asked = []

    def full(handle: int, begin: int, size: int) -> None:
        asked.append((begin, size))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    image, path = random(323, 219), tmp_path / "a.ome.tiff"
    with pytest.raises(OSError, match="No space left") as refused:
        write_image(path, facts(image.shape), in_bands(image[None], 64))
    assert refused.value.filename == str(path)
    # All that will be mapped, from its beginning.
    assert asked == [(0, 161 * 109 + 80 * 54)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_channels_and_slices_follow_each_other(tmp_path: Path, compressed: bool) -> None:
    planes = random(3, 600, 530)
    path = tmp_path / "v.ome.tiff"
    write_image(
        path,
        facts((600, 530), 3, spacing_m=2e-7, center_m=None, compressed=compressed),
        in_bands(planes),
    )
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "ZYX"
        assert np.array_equal(file.asarray(), planes)
    pixels = ome_types.from_tiff(path).images[0].pixels
    assert (pixels.size_z, pixels.physical_size_z) == (3, 0.2)


def test_a_failure_leaves_nothing_and_keeps_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tiff"
    path.write_bytes(b"before")

    def broken() -> Iterator[Pixels]:
        yield random(512, 40)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_image(path, facts((1000, 40)), broken())
    assert path.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 1
