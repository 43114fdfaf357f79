"""Frames of the second look in files, and its fit."""

from pathlib import Path

import numpy as np
import pytest

from detection.second_look.evidence import look_at
from detection.second_look.model import SHAPES, SecondLook
from training.second_look import frames
from training.second_look.frames import FrameOfHits, read_frames, write_frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of three scenes: with cells, with mistakes, with both."""
    folder = tmp_path_factory.mktemp("frames")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "FIRST_SEED", 7)
        patch.setattr(frames, "SEEDS", {"scenes": 3})
        assert len(list(write_frames(folder))) == 3
    return folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FIRST_SEED", 7)
    monkeypatch.setattr(frames, "SEEDS", {"scenes": 3})


def read(folder: Path) -> list[FrameOfHits]:
    return [frame for path in sorted(folder.glob("*.npz")) for frame in read_frames(path)]


def test_a_frame_in_a_file_gives_the_same_evidence(folder: Path) -> None:
    kept = read(folder)
    assert len(kept) == 3
    for frame in kept:
        assert len(frame.real) == len(frame.hits)
        seen = look_at(frame.hits, frame.z, frame.score, frame.features, frame)
        assert seen is not None
        assert len(seen.chosen) == np.count_nonzero(frame.hits.confidences < 0.9)
    assert {bool(frame.real.all()) for frame in kept} == {True, False}


@pytest.mark.usefixtures("few")
def test_frames_that_exist_are_not_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = folder / "scenes-9.npz"
    whole = last.read_bytes()
    last.unlink()
    made: list[int] = []

    def one(*_: object) -> list[FrameOfHits]:
        made.append(1)
        return []

    monkeypatch.setattr(frames, "frames_in", one)
    assert list(write_frames(folder))[-1] == last
    assert made == [1]
    assert list(read_frames(last)) == []
    last.write_bytes(whole)


def test_what_is_fitted_says_in_the_program_what_it_said_in_training(folder: Path) -> None:
    pytest.importorskip("torch")
    from training.second_look.fit import fitted, judged_in

    judged = list(judged_in(sorted(folder.glob("*.npz"))))
    # It raises where NumPy gives other chances.
    weights = fitted(judged * 8, seed=7, rounds=80)
    assert {name: array.shape for name, array in weights.items()} == dict(SHAPES)
    chances = np.concatenate([SecondLook(weights).chances(one.evidence) for one in judged])
    real = np.concatenate([one.real for one in judged])
    assert chances[real].min() > chances[~real].max()
