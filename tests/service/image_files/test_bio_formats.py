import json
import subprocess
import sys
import zlib
from importlib.util import find_spec
from typing import Any

import pytest

from tests.places import ROOT
from tests.service.image_files.samples import FRAME, HOSTILE, LONG, Sample


@pytest.fixture(scope="module")
def seen(samples: dict[str, Sample]) -> dict[str, dict[str, Any]]:
    """All samples as Bio-Formats reads them, in one Java."""
    if find_spec("jpype") is None or find_spec("bioformats") is None:
        pytest.fail("Bio-Formats is not installed: make bio-formats", pytrace=False)
    paths = [str(sample.path) for sample in samples.values()]
    program = [sys.executable, "-m", "tests.service.image_files.bio_formats", *paths]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(samples, json.loads(done.stdout), strict=True))


def test_the_schema_is_kept(seen: dict[str, dict[str, Any]]) -> None:
    assert {name: one["breach"] for name, one in seen.items() if one["breach"]} == {}


def test_every_file_is_one_plane_of_the_same_pixels(
    samples: dict[str, Sample], seen: dict[str, dict[str, Any]]
) -> None:
    for name, sample in samples.items():
        one, (height, width) = seen[name], sample.pixels.shape
        assert (one["format"], one["planes"], one["size_px"]) == ("OME-TIFF", 1, [width, height])
        assert (one["type"], one["little_endian"]) == (sample.pixels.dtype.name, True)
        assert one["crc"] == zlib.crc32(sample.pixels.tobytes())


def test_place_size_date_and_channel_come_back(
    samples: dict[str, Sample], seen: dict[str, dict[str, Any]]
) -> None:
    for name, sample in samples.items():
        one = seen[name]
        assert one["pixel_size_um"] == [sample.pixel_size_um] * 2
        assert one["position_m"] == pytest.approx(sample.center_m)
        assert one["date"] == "2026-11-29T10:20:30"
        assert (one["excitation_nm"], one["emission_nm"]) == (sample.excitation_nm, sample.emission_nm)
        assert one["annotations"]["ilemtrack.taken_at"] == "2026-11-29T10:20:30.400+00:00"
    frame, electron = seen["banded"], seen["electron"]
    assert (frame["exposure_s"], electron["exposure_s"]) == (FRAME.settings.exposure_s, 6e-5)
    assert (frame["pressure_pa"], electron["pressure_pa"]) == (200, 1.2e-3)
    assert frame["microscope"] == electron["microscope"] == "quanta250-secom (Odemis)"
    assert seen["hostile electron"]["detector"].startswith(LONG + HOSTILE[:13])
