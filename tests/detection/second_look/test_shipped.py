"""The file of the second look, and what stands in for it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.combined.detector import Combined
from detection.detectors import WithoutNetwork, built_in
from detection.errors import DetectionError
from detection.second_look import shipped
from detection.second_look.model import SHAPES
from tests.detection.second_look.looks import saying


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Place of the second look of the program."""
    path = tmp_path / "second_look.npz"
    monkeypatch.setattr(shipped, "PATH", path)
    shipped.shipped_second_look.cache_clear()
    yield path
    shipped.shipped_second_look.cache_clear()


def test_the_file_of_the_package_is_small_and_whole() -> None:
    assert shipped.PATH.stat().st_size < 100_000
    assert shipped.read_second_look(shipped.PATH).weights.keys() == SHAPES.keys()


def test_the_default_detector_takes_a_second_look(path: Path) -> None:
    np.savez(path, allow_pickle=False, **saying(0.3).weights)
    finder = built_in(DetectionConfig())
    assert isinstance(finder, Combined)
    assert finder.second_look is shipped.shipped_second_look()


def test_a_missing_or_damaged_file_is_one_sentence(path: Path) -> None:
    good = dict(saying(0.3).weights)
    bad: list[dict[str, np.ndarray]] = [
        {name: array for name, array in good.items() if name != "own.bias"},
        good | {"own.bias": good["own.bias"][:1]},
        good | {"own.bias": good["own.bias"].astype(np.float64)},
        good | {"own.bias": good["own.bias"] * np.nan},
        good | {"own.bias": np.array([{"no": "data"}])},
    ]
    with pytest.raises(DetectionError, match="cannot be read"):
        shipped.read_second_look(path)
    np.savez(path, allow_pickle=False, **good)
    whole = path.read_bytes()
    entry = whole.rindex(b"PK\1\2")
    # In the last entry of its list of contents: the flags (encrypted), and the way it is compressed.
    encrypted, packed = (
        whole[: entry + at] + by + whole[entry + at + 1 :] for at, by in ((8, b"\1"), (10, b"\7"))
    )
    np.save(path.with_suffix(".npy"), good["own.bias"])
    other = path.with_suffix(".npy").read_bytes()
    for data in (b"", b"PK", b"nothing of the kind", whole[:-40], encrypted, packed, other):
        path.write_bytes(data)
        with pytest.raises(DetectionError, match="is damaged; install ilemtrack again"):
            shipped.read_second_look(path)
    for weights in bad:
        np.savez(path, **weights)  # type: ignore[arg-type]
        with pytest.raises(DetectionError, match="is damaged"):
            shipped.read_second_look(path)


def test_without_its_file_recall_first_finds_the_cells_and_says_so(path: Path) -> None:
    finder = built_in(DetectionConfig())
    assert isinstance(finder, WithoutNetwork)
    assert "second look cannot be read" in finder.warning
    assert str(path.parent) not in finder.warning
