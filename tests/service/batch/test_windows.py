"""Windows of a stack: the same as the whole."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from config.work import DetectionConfig
from detection.image.boxes import BoxPx
from detection.serial.section import Share
from drivers.recorded.listed.frames import ListedFrame, list_frames
from service.archive.stack import section_names
from service.batch import windows
from service.batch.stack import StackResult, detect_in_windows, detect_whole
from service.batch.tasks import Order
from service.batch.windows import Sightings, Window, joined_names, windows_of
from service.cluster.workers import Here

A, B = BoxPx(0, 0, 10, 10), BoxPx(20, 20, 30, 30)
ORDER = Order(DetectionConfig(detector="recall-first"), "test")


@pytest.mark.parametrize("count", [0, 1, 95, 96, 97, 1000, 1001, 5000])
def test_every_section_counts_once_and_has_the_sections_around_it(count: int) -> None:
    found = windows_of(count)
    assert [n for one in found for n in range(one.begin, one.end)] == list(range(count))
    for one in found:
        assert one.end - one.begin <= windows.LONGEST_CORE
        assert one.first == max(one.begin - windows.BEFORE, 0)
        assert one.last == min(one.end + windows.AFTER, count)


def test_a_long_stack_has_longer_windows_and_always_as_many() -> None:
    assert len(windows_of(1000)) == 11
    assert len(windows_of(2000)) == len(windows_of(3000)) == 16
    assert len(windows_of(6000)) == 32


def test_sections_around_a_window_are_averaged_where_its_result_depends_on_it() -> None:
    window = Window(100, 126, 200, 205)
    whole = [n for n in range(100, 205) if window.share(n) is Share.WHOLE]
    assert (whole[0], whole[-1], len(whole)) == (118, 202, 85)


def test_tracks_are_joined_where_both_windows_show_the_cell() -> None:
    both = [Window(0, 0, 2, 3), Window(1, 2, 4, 4)]
    first = [Sightings(0, ((A, "T0001"),)), Sightings(1, ((A, "T0001"), (B, "T0002"))), Sightings(2, ())]
    # B is the first track of its window; a cell of section 3 is new.
    second = [
        Sightings(1, ((B, "T0001"), (A, "T0002"))),
        Sightings(2, ((A, "T0002"),)),
        Sightings(3, ((B, "T0001"), (A, "T0003"))),
    ]
    of_first, of_second = joined_names(both, [first, second])
    assert of_first == {"T0001": "T0001", "T0002": "T0002"}
    assert of_second == {"T0001": "T0002", "T0002": "T0001", "T0003": "T0003"}


def test_two_tracks_of_a_window_never_become_one() -> None:
    both = [Window(0, 0, 2, 3), Window(0, 2, 4, 4)]
    first = [Sightings(0, ((A, "T0001"),)), Sightings(1, ((B, "T0001"),))]
    second = [
        Sightings(0, ((A, "T0001"),)),
        Sightings(1, ((B, "T0002"),)),
        Sightings(2, ((A, "T0001"), (B, "T0002"))),
    ]
    _, names = joined_names(both, [first, second])
    assert len(set(names.values())) == 2


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give 16 sections of cells that grow and shrink, drifting and each in noise of its own."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[0:96, 0:96]
    cells = [(*rng.uniform(12, 84, 2), rng.uniform(0, 16), rng.uniform(6, 10)) for _ in range(12)]
    pages = []
    for n in range(16):
        image = np.full((96, 96), 300.0)
        for x, y, middle, radius in cells:
            if (now := radius**2 - (1.5 * (n - middle)) ** 2) > 4:
                image[(columns - x - 0.2 * n) ** 2 + (rows - y) ** 2 < now] += 400
        pages.append(rng.normal(image, 25).clip(0).astype(np.uint16))
    path = tmp_path_factory.mktemp("stack") / "stack.ome.tif"
    size = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, np.stack(pages), ome=True, photometric="minisblack", metadata=size)
    return path


def documents(result: StackResult) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in json.loads(json.dumps(one.document)).items() if key != "elapsed_ms"}
        for one in result.found
    ]


def test_windows_joined_are_the_whole_stack(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = list_frames(stack)
    names = section_names(frames)
    whole = detect_whole(frames, names, ORDER)
    monkeypatch.setattr(windows, "CORE", 8)
    assert len(windows_of(16)) == 2
    done: list[int] = []
    joined = detect_in_windows(frames, names, ORDER, Here(), done.append)
    assert sum(done) == 16
    assert documents(joined) == documents(whole)
    assert [one.section.place.chain for one in joined.found] == [
        one.section.place.chain for one in whole.found
    ]
    tracks = {name for one in joined.found for cell in one.section.cells for name in cell.tracks}
    assert len(tracks) >= 8


def test_a_bad_section_is_left_out_of_every_window(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "CORE", 3)
    frames: list[ListedFrame] = list(list_frames(stack)[:6])
    small = tmp_path / "small.ome.tif"
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(small, np.ones((4, 4), np.uint16), ome=True, photometric="minisblack", metadata=size)
    (frames[2],) = list_frames(small)
    gone = tmp_path / "gone.ome.tif"
    gone.write_bytes(small.read_bytes())
    (frames[4],) = list_frames(gone)
    gone.unlink()
    names = [f"S{n:04d}" for n in range(6)]
    result = detect_in_windows(frames, names, ORDER, Here())
    assert [one.section.section for one in result.found] == [
        name for n, name in enumerate(names) if n not in (2, 4)
    ]
    first, second = result.failed
    assert first.path == small
    assert second.says == f"{gone}: no such file"
