"""Calibration of a trained network on frames that it has not seen."""

from collections.abc import Iterator, Sequence

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.working_grid import on_working_grid
from detection.network.detector import Network
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.model import Calibration, NetworkModel
from detection.tuning.calibration import Evidence, calibrated_on, evidence_of
from training.labelled import LabelledFrame
from training.samples import Kind, frames_of

FIRST_SEED = 900_000
"""Seeds of the training are below; those of the benchmarks too."""
CALIBRATION_SEEDS: dict[Kind, int] = {"scenes": 200, "realistic": 40, "paper": 20, "hard": 40}
"""Seeds of each kind for the calibration."""


def calibrated(model: NetworkModel, parts: Sequence[tuple[Kind, range]]) -> Calibration:
    """Fit the calibration of a network to frames of some kinds and seeds.

    It is that of `detection.tuning`; with the thousands of hits of these frames its prior says nothing.
    """
    plain = Network(NetworkModel(model.weights, Calibration(), model.note))
    return calibrated_on(judged(plain, parts), Calibration())


def judged(network: Network, parts: Sequence[tuple[Kind, range]]) -> Iterator[Evidence]:
    """Compare the hits of a network with the truth of frames of some kinds and seeds."""
    for kind, seeds in parts:
        for seed in seeds:
            for frame in frames_of(kind, seed):
                checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
                if checked.constant:
                    continue
                grid = on_working_grid(checked, WORKING_PIXEL_UM)
                reading, _ = network.read(grid, processed=checked.processed)
                yield evidence_of(reading, truth_of(frame), grid.pixel_um, grid.shrink)


def truth_of(frame: LabelledFrame) -> list[TrueCell]:
    """Return the cells of a frame, px of the frame."""
    scale = frame.pixels.shape[0] // frame.truth.shape[0]
    return [
        TrueCell(str(number), BoxPx(*(int(side) * scale for side in box)), counted=bool(counted))
        for number, (box, counted) in enumerate(zip(frame.boxes, frame.counted, strict=True))
        if box[2] > box[0] and box[3] > box[1]
    ]
