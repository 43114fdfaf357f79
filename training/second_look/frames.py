"""Frames with their hits before a second look, beside the truth; kept in files, one for each seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection.combined.detector import Combined
from detection.evaluation.scores import is_real
from detection.image.frames import check_frame
from detection.image.hit_table import HitTable
from detection.network.shipped import shipped_network
from detection.second_look.settings import SECOND_LOOK
from training.calibrate import truth_of
from training.labelled import LabelledFrame
from training.samples import Kind, frames_of

FIRST_SEED = 410_000
"""Seeds of the network are below, as are those of the second look before; those of the calibration above."""
SEEDS: dict[Kind, int] = {
    "hard": 600,
    "sparse": 200,
    "scenes": 300,
    "realistic": 200,
    "lumpy": 400,
    "uneven": 300,
}
"""Seeds of each kind; all but scenes have four frames each."""
COUNTS: dict[Kind, float] = {"sparse": 0.4}
"""Weight of a frame of each kind, else 1. Where frames with hardly a cell are the rule, debris is imaged for
their sake: fitted to 7,875 hits debris takes .0159 of a development frame with 1 and .0124 with .4."""

_COLUMNS = tuple(field.name for field in fields(HitTable) if field.name != "votes")
"""Arrays of a table of hits with a row for each hit."""
_HIGHEST = 6e4
"""Light that the files hold at most, deviations of the noise: what 16 bits hold."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameOfHits:
    """A frame that would get a second look.

    Attributes
    ----------
    hits : HitTable
        All of the frame, with the confidences before a second look.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    score : (places down, places across) array of float32
        Of the network.
    features : (channels, rows, columns) array of float32
        Of the network.
    shrink : int
        Pixels of the frame along each side of one of the working grid.
    pixel_um : float
        Side of a pixel of the working grid.
    real : (hits,) array of bool
        True for a cell.
    """

    hits: HitTable
    z: NDArray[np.float32]
    score: NDArray[np.float32]
    features: NDArray[np.float32]
    shrink: int
    pixel_um: float
    real: NDArray[np.bool_]


def write_frames(folder: Path, share: float = 1.0) -> Iterator[Path]:
    """Yield the files of all kinds and seeds; those that are missing are made.

    Kinds take turns, so that the files of a run that was stopped are a smaller set of the same kinds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    detector = Combined(shipped_network())
    most = {kind: max(round(share * seeds), 1) for kind, seeds in SEEDS.items()}
    turns = sorted((number / seeds, kind, number) for kind, seeds in most.items() for number in range(seeds))
    for _, kind, number in turns:
        path = folder / f"{kind}-{FIRST_SEED + number}.npz"
        if not path.exists():
            _write(path, list(frames_in(frames_of(kind, FIRST_SEED + number), detector)))
        yield path


def frames_in(frames: Iterable[LabelledFrame], detector: Combined) -> Iterator[FrameOfHits]:
    """Yield those that a second look is taken at, with their hits."""
    for frame in frames:
        checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
        if checked.constant or checked.processed:
            continue
        steps = detector.steps(checked)
        hits = steps.fusion.hits
        if steps.fusion.cautions or not (hits.confidences < SECOND_LOOK.doubtful_below).any():
            continue
        truth = truth_of(frame)
        real = np.array([is_real(hit.box, truth) for hit in hits], np.bool_)
        grid = steps.network.grid
        seen = steps.network
        yield FrameOfHits(hits, steps.z, seen.score, seen.features, grid.shrink, grid.pixel_um, real)


def _write(path: Path, frames: list[FrameOfHits]) -> None:
    """Write frames of one seed, light and scores with three digits; a file is whole or not there."""
    arrays: dict[str, NDArray[np.generic]] = {"frames": np.array(len(frames))}
    for number, frame in enumerate(frames):
        arrays |= {f"{number}.{name}": np.asarray(getattr(frame.hits, name)) for name in _COLUMNS} | {
            f"{number}.z": np.clip(frame.z, -_HIGHEST, _HIGHEST).astype(np.float16),
            f"{number}.score": frame.score.astype(np.float16),
            f"{number}.features": frame.features.astype(np.float16),
            f"{number}.shrink": np.array(frame.shrink),
            f"{number}.pixel_um": np.array(frame.pixel_um),
            f"{number}.real": frame.real,
        }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    unfinished.replace(path)


def read_frames(path: Path) -> Iterator[FrameOfHits]:
    """Yield the frames of a file of `write_frames`."""
    with np.load(path, allow_pickle=False) as file:
        for number in range(int(file["frames"])):
            hits = HitTable(*(file[f"{number}.{name}"] for name in _COLUMNS))
            yield FrameOfHits(
                hits,
                file[f"{number}.z"].astype(np.float32),
                file[f"{number}.score"].astype(np.float32),
                file[f"{number}.features"].astype(np.float32),
                int(file[f"{number}.shrink"]),
                float(file[f"{number}.pixel_um"]),
                file[f"{number}.real"],
            )
