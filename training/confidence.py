"""Fit the confidence of `combined` to frames that the network has not seen: `python -m training.confidence`.

It prints the coefficients of `detection.combined.settings`. Fit it again after each training.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from detection.combined.confidence import evidence_of
from detection.combined.detector import Combined
from detection.combined.settings import COMBINED
from detection.evaluation.scores import is_real
from detection.image.frames import check_frame
from detection.network.shipped import shipped_network
from training.calibrate import CALIBRATION_SEEDS, FIRST_SEED, truth_of
from training.labelled import LabelledFrame
from training.samples import frames_of

UNFITTED = replace(COMBINED, confidence_base=0.0, per_company=0.0, per_dimness=0.0, added_confidence=1.0)
"""Settings with which the hits keep the confidences of the two detectors."""


@dataclass(frozen=True, slots=True)
class JudgedHits:
    """Hits of one frame beside the truth.

    Attributes
    ----------
    parts : list of tuple
        Of the hits of the network; see `detection.combined.confidence.evidence_of`.
    real : list of bool
        One for each of them.
    added : list of bool
        One for each hit of recall-first that is added: True for a cell.
    """

    parts: list[tuple[float, float, float, float]]
    real: list[bool]
    added: list[bool]


def main() -> None:
    """Judge the hits of all frames of the calibration, and print what fits them best."""
    frames = (
        frame
        for kind, seeds in CALIBRATION_SEEDS.items()
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        for frame in frames_of(kind, seed)
    )
    judged = list(hits_in(frames, Combined(shipped_network(), UNFITTED)))
    base, per_company, per_dimness = fitted(judged).tolist()
    print(f"{sum(len(one.real) for one in judged)} hits of {len(judged)} frames")
    print(f"confidence_base {base:.2f}, per_company {per_company:.2f}, per_dimness {per_dimness:.2f}")
    print(f"added_confidence {added_share(judged):.2f}")


def hits_in(frames: Iterable[LabelledFrame], detector: Combined) -> Iterator[JudgedHits]:
    """Compare the hits of frames with their truth, where they have any and nothing is to be doubted."""
    for frame in frames:
        checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
        if checked.constant:
            continue
        steps = detector.steps(checked)
        fusion = steps.fusion
        if fusion.cautions or not fusion.hits:
            continue
        parts = evidence_of(fusion.hits, steps.z, steps.network.grid, detector.settings)
        truth = truth_of(frame)
        real = [is_real(hit.box, truth) for hit in fusion.hits]
        count = len(fusion.learned)
        yield JudgedHits(parts[:count].tolist(), real[:count], real[count:])


def fitted(judged: list[JudgedHits]) -> NDArray[np.float64]:
    """Return base, weight of the company and of the dimness: a logistic regression.

    The log-odds of the network count as they are, and a frame as the square root of its hits.
    """
    parts = np.array([part for one in judged for part in one.parts])
    real = np.array([is_cell for one in judged for is_cell in one.real], np.float64)
    weight = np.array([1 / math.sqrt(len(one.real)) for one in judged for _ in one.real])

    def loss(factors: NDArray[np.float64]) -> float:
        odds = parts[:, [0, 2, 3]] @ factors + parts[:, 1]
        return float((weight * (np.logaddexp(0, odds) - real * odds)).sum())

    before = np.array([COMBINED.confidence_base, COMBINED.per_company, COMBINED.per_dimness])
    return np.asarray(minimize(loss, before, method="L-BFGS-B").x)


def added_share(judged: list[JudgedHits]) -> float:
    """Return the share of the added hits that are cells, a frame counting as the square root of its hits."""
    shares = [(len(one.added) ** 0.5, float(np.mean(one.added))) for one in judged if one.added]
    total = sum(weight for weight, _ in shares)
    return sum(weight * share for weight, share in shares) / total if total else math.nan


if __name__ == "__main__":
    main()
