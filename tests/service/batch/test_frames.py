"""Detection in many frames: order, bad frames, workers that die."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from config.work import DetectionConfig
from drivers.errors import FrameError
from service.batch.frames import detect_archive, list_archive
from service.batch.tasks import FailedFrame, FoundFrame, Order, seen_by
from service.cluster.workers import Here, Lost

ORDER = Order(DetectionConfig(detector="recall-first"), "test")
SIZE = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}


class Mortal:
    """Workers, elsewhere, who die of some values. Implements `Workers`."""

    elsewhere = True

    def __init__(self, deadly: Callable[[Any], bool]) -> None:
        self._deadly = deadly

    def each(self, function: Callable[[Any], Any], values: Sequence[Any]) -> Iterator[Any]:
        for value in values:
            yield Lost("every worker died") if self._deadly(value) else function(value)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = []
    for n in range(5):
        pages = np.random.default_rng(n).normal(400, 30, (2, 40, 48)).astype(np.uint16)
        path = tmp_path / f"s{n}.ome.tif"
        tifffile.imwrite(path, pages, ome=True, photometric="minisblack", metadata=SIZE)
        paths.append(path)
    return paths


def test_bad_files_and_frames_are_a_sentence_each(images: list[Path]) -> None:
    images[1].write_bytes(b"II*\0")
    listing = list_archive(images, None, None, Here())
    assert list(listing.failed) == [images[1]]
    images[3].unlink()
    found = list(detect_archive(listing.frames, ORDER, Here()))
    assert [isinstance(one, FoundFrame) for one in found] == [True] * 4 + [False] * 2 + [True] * 2
    assert [one.says for one in found if isinstance(one, FailedFrame)] == [f"{images[3]}: no such file"] * 2


def test_where_every_file_is_bad_that_is_an_error(images: list[Path]) -> None:
    for path in images:
        path.write_bytes(b"no image")
    with pytest.raises(FrameError, match=r"s0\.ome\.tif: is not a TIFF .* \(4 more cannot be read\)"):
        list_archive(images, None, None, Here())


def test_a_frame_that_kills_its_workers_costs_itself_alone(images: list[Path]) -> None:
    frames = list_archive(images, None, None, Here()).frames
    deadly = frames[5]
    found = list(detect_archive(frames, ORDER, Mortal(lambda group: deadly in group)))
    (lost,) = [one for one in found if isinstance(one, FailedFrame)]
    assert found.index(lost) == 5
    assert lost.says == f"{deadly.path} page 1: every worker died"
    alone = list(detect_archive(frames, ORDER, Here()))
    assert [one.frame for one in found if isinstance(one, FoundFrame)] == [
        one.frame for n, one in enumerate(alone) if isinstance(one, FoundFrame) and n != 5
    ]


def test_votes_of_thousands_of_frames_do_not_fill_the_memory(images: list[Path]) -> None:
    order = replace(ORDER, settings=DetectionConfig(detector="network"))
    found = next(detect_archive(list_archive(images, None, None, Here()).frames, order, Here()))
    assert isinstance(found, FoundFrame)
    assert found.detection.votes is None


def test_a_file_that_only_this_computer_sees_is_said(images: list[Path]) -> None:
    frames = list_archive(images, None, None, Here()).frames
    images[0].unlink()
    first = next(detect_archive(frames, ORDER, Mortal(lambda _: False)))
    assert isinstance(first, FailedFrame)
    assert "no such file on " in first.says
    assert first.says.endswith("workers need the files under the same paths")
    assert seen_by(images[1], elsewhere=True) == ""
