from collections.abc import Iterator
from pathlib import Path

import pytest

from config.work import DetectionConfig
from detection.combined.detector import Combined
from detection.detect import detect
from detection.detectors import RecallFirst, WithoutNetwork, built_in
from detection.errors import DetectionError
from detection.network import shipped
from detection.network.detector import Network
from detection.network.onnx_file import model_bytes
from tests.detection.network.networks import random_model
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Place of the network of the program."""
    path = tmp_path / "network.onnx"
    monkeypatch.setattr(shipped, "PATH", path)
    shipped.shipped_network.cache_clear()
    yield path
    shipped.shipped_network.cache_clear()


def test_the_network_is_read_once(path: Path) -> None:
    path.write_bytes(model_bytes(random_model()))
    network = built_in(DetectionConfig(detector="network"))
    assert isinstance(network, Network)
    path.unlink()
    combined = built_in(DetectionConfig(detector="combined"))
    assert isinstance(combined, Combined)
    assert combined.network is network


@pytest.mark.parametrize("name", ["network", "combined"])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "its file cannot be read (No such file or directory)"),
        (b"", "it is no network of ilemtrack"),
        (model_bytes(random_model())[:100_000], "or a damaged one"),
    ],
)
def test_without_its_network_recall_first_finds_the_cells_and_says_so(
    path: Path, data: bytes | None, why: str, name: str
) -> None:
    if data is not None:
        path.write_bytes(data)
    pixels = make_section(3, cells=6, size_px=200).pixels
    found = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(detector=name))
    alone = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(), detector=RecallFirst())
    assert found.cells == alone.cells
    (warning,) = (one for one in found.warnings if one not in alone.warnings)
    assert warning.startswith("recall-first is used in place of the network: ")
    assert why in warning
    assert warning.endswith("install ilemtrack again")
    assert "\n" not in warning
    assert str(path.parent) not in warning
    with pytest.raises(DetectionError, match="install ilemtrack again"):
        shipped.shipped_network()


@pytest.mark.usefixtures("path")
def test_the_warning_is_the_same_for_all_frames() -> None:
    finder = built_in(DetectionConfig(detector="combined"))
    assert isinstance(finder, WithoutNetwork)
    for seed in (1, 2):
        pixels = make_section(seed, size_px=64).pixels
        assert finder.warning in detect(pixels, PIXEL_SIZE_UM, DetectionConfig(), detector=finder).warnings
