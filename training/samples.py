"""Samples for the network: its input, the cell of every place of its output, and the boxes of the cells."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detection.image.frames import check_frame
from detection.image.working_grid import on_working_grid
from detection.network.inputs import STRIDE, WORKING_PIXEL_UM, network_input
from detection.network.settings import PLACE_PX
from training.labelled import LabelledFrame
from training.scenes.scene import draw_scene
from training.simulated import SECTIONS, hard, lumpy, paper, realistic, sparse, uneven

Kind = Literal["scenes", "realistic", "paper", "hard", "sparse", "lumpy", "uneven"]
_BLOCKS: dict[Kind, Callable[[int], Iterator[LabelledFrame]]] = {
    "realistic": realistic,
    "paper": paper,
    "hard": hard,
    "sparse": sparse,
    "lumpy": lumpy,
    "uneven": uneven,
}
UNCOUNTED = -1
"""Label of places that count neither as cell nor as ground."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame for training.

    Attributes
    ----------
    planes : (channels, rows, columns) array of float16
        Input of the network.
    labels : (rows, columns) array of int16
        For each place of the output: 1 + number of its cell, 0 for none, -1 where that does not count.
    boxes : (cells, 4) array of float32
        x0, y0, x1, y1, px of the working grid.
    """

    planes: NDArray[np.float16]
    labels: NDArray[np.int16]
    boxes: NDArray[np.float32]


def frames_of(kind: Kind, seed: int) -> Iterator[LabelledFrame]:
    """Yield the frames of a kind and seed: one random scene, or the sections of a simulated block."""
    if kind == "scenes":
        yield draw_scene(seed)
    else:
        yield from _BLOCKS[kind](seed)


def sample_of(frame: LabelledFrame) -> Sample | None:
    """Turn a frame into a sample; None if all its pixels are the same."""
    checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
    if checked.constant:
        return None
    grid = on_working_grid(checked, WORKING_PIXEL_UM)
    planes = network_input(grid, processed=checked.processed)[0].astype(np.float16)
    rows, columns = (STRIDE * side // PLACE_PX for side in planes.shape[1:])
    # Pixels of the truth along each side of a place of the output.
    per_place = PLACE_PX * grid.shrink * frame.truth.shape[0] // frame.pixels.shape[0]
    scale = PLACE_PX / per_place
    cells = np.flatnonzero(frame.counted)
    number = np.full(len(frame.counted) + 1, UNCOUNTED, np.int16)
    number[0] = 0
    number[cells + 1] = np.arange(1, len(cells) + 1)
    labels = _at_places(number[frame.truth], per_place)[:rows, :columns]
    missing = ((0, rows - labels.shape[0]), (0, columns - labels.shape[1]))
    labels = np.pad(labels, missing, constant_values=UNCOUNTED)
    return Sample(planes, labels, frame.boxes[cells] * np.float32(scale))


def _at_places(labels: NDArray[np.int16], per_place: int) -> NDArray[np.int16]:
    """Return the label of each place: that of the pixel in its middle, else any cell that it touches."""
    rows, columns = (side // per_place * per_place for side in labels.shape)
    parts = labels[:rows, :columns].reshape(rows // per_place, per_place, columns // per_place, per_place)
    middle = parts[:, per_place // 2, :, per_place // 2]
    share = (parts != 0).mean(axis=(1, 3))
    most = parts.max(axis=(1, 3))
    touched = np.where(most > 0, most, parts.min(axis=(1, 3)))
    return np.where((middle == 0) & (share >= 0.5), touched, middle).astype(np.int16)


def turned(sample: Sample, turn: int) -> Sample:
    """Return a sample after one of the eight turns and mirrorings of a square.

    Parameters
    ----------
    sample : Sample
        As high as it is wide.
    turn : int
        0..7; 1 mirrors left and right, 2 up and down, 4 rows and columns.
    """
    rows, columns = sample.planes.shape[1:]
    phases = sample.planes[: STRIDE**2].reshape(STRIDE, STRIDE, rows, columns)
    fine = phases.transpose(2, 0, 3, 1).reshape(STRIDE * rows, STRIDE * columns)
    coarse, labels, boxes = sample.planes[STRIDE**2 :], sample.labels, sample.boxes
    height, width = fine.shape
    if turn & 1:
        fine, coarse, labels = fine[:, ::-1], coarse[:, :, ::-1], labels[:, ::-1]
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    if turn & 2:
        fine, coarse, labels = fine[::-1], coarse[:, ::-1], labels[::-1]
        boxes = np.stack([boxes[:, 0], height - boxes[:, 3], boxes[:, 2], height - boxes[:, 1]], axis=1)
    if turn & 4:
        fine, coarse, labels = fine.T, coarse.transpose(0, 2, 1), labels.T
        boxes = boxes[:, [1, 0, 3, 2]]
    turned_phases = fine.reshape(rows, STRIDE, columns, STRIDE).transpose(1, 3, 0, 2)
    planes = np.concatenate([turned_phases.reshape(-1, rows, columns), coarse])
    return Sample(planes, np.ascontiguousarray(labels), np.ascontiguousarray(boxes, dtype=np.float32))


def write_samples(path: Path, kind: Kind, seeds: range) -> int:
    """Write the samples of some seeds to one file; return their number."""
    samples = [
        sample
        for seed in seeds
        for frame in frames_of(kind, seed)
        if (sample := sample_of(frame)) is not None
    ]
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            planes=np.stack([sample.planes for sample in samples]),
            labels=np.stack([sample.labels for sample in samples]),
            boxes=np.concatenate([sample.boxes for sample in samples]),
            counts=np.array([len(sample.boxes) for sample in samples]),
        )
    partial.rename(path)
    return len(samples)


def read_samples(path: Path) -> list[Sample]:
    """Read the samples of a file; none if it is damaged."""
    try:
        with np.load(path) as file:
            planes, labels, boxes, counts = (file[name] for name in ("planes", "labels", "boxes", "counts"))
    except (OSError, ValueError, zipfile.BadZipFile):
        return []
    ends = np.cumsum(counts)
    own = np.split(boxes, ends[:-1])
    return [Sample(*one) for one in zip(planes, labels, own, strict=True)]


def seeds_per_file(kind: Kind, samples: int) -> int:
    """Return the number of seeds that make about so many samples."""
    return samples if kind == "scenes" else max(samples // SECTIONS, 1)
