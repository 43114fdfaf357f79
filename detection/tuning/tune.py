"""Fine-tuning of a network to marked frames, kept only if it is better on frames that it has not seen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from config.work import DetectionConfig
from detection.errors import DetectionError
from detection.evaluation.annotated import AnnotatedFrame, halves, in_parts
from detection.image.hits import Hit
from detection.image.parts import PART_PX
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.detector import Network, hits_of
from detection.network.inputs import WORKING_PIXEL_UM, network_input
from detection.network.model import Calibration, NetworkModel
from detection.network.reading import Reading, read_hits, scores_of
from detection.network.settings import ReadingSettings
from detection.tuning.calibration import calibrated_on, evidence_of
from detection.tuning.head import Head, with_score, with_sides
from detection.tuning.judging import Figures, figures_of, is_better, worth
from detection.tuning.places import Floats, Places, joined, places_of
from detection.tuning.settings import TUNING, TuningSettings


@dataclass(frozen=True, slots=True)
class Strength:
    """Ridges of a refit; None leaves that part of the last layer as it is.

    Attributes
    ----------
    score, sides : float or None
    """

    score: float | None
    sides: float | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """Result of a fine-tuning.

    Attributes
    ----------
    model : NetworkModel or None
        None if nothing was better.
    before, after : Figures
        Of the network as it was, and of the best one, each part of the frames judged by a network that was
        tuned on the others.
    strength : Strength
        Of the best one.
    frames, cells, folds : int
        Marked frames and cells, and parts of the cross-validation.
    """

    model: NetworkModel | None
    before: Figures
    after: Figures
    strength: Strength
    frames: int
    cells: int
    folds: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """Frame as the network sees it."""

    item: AnnotatedFrame
    grid: WorkingGrid
    features: Floats
    places: Places


def tune(
    network: Network,
    frames: Sequence[AnnotatedFrame],
    policy: DetectionConfig,
    settings: TuningSettings = TUNING,
    progress: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Refit the last layer and the calibration of a network to marked frames.

    The strengths are chosen, and the result is judged, by cross-validation over the frames, or over the
    halves of a single one. The same frames always give the same network.

    Parameters
    ----------
    network : Network
    frames : sequence of AnnotatedFrame
        All cells of a frame are marked.
    policy : DetectionConfig
        Decides what is imaged of a hit, before and after.
    settings : TuningSettings
    progress : callable
        Is given a few words at every step.

    Raises
    ------
    DetectionError
        Raised when there are no frames or no cells in them.
    """
    # Matrices this small are slower on several threads; one also gives the same sums on every computer.
    with threadpool_limits(1, "blas"):
        return _tuned(network, frames, policy, settings, progress)


def _tuned(
    network: Network,
    frames: Sequence[AnnotatedFrame],
    policy: DetectionConfig,
    settings: TuningSettings,
    progress: Callable[[str], None],
) -> Tuned:
    items = [part for item in frames for part in _small(item)]
    items = halves(items[0]) if len(items) == 1 else items
    items = [item for item in items if not item.frame.constant and min(item.cell.shape) > 1]
    cells = sum(item.cells for item in frames)
    if not any(item.cells for item in items):
        raise DetectionError("no cell is marked in these frames; the network needs some to learn from")
    first = sum(math.prod(_grid_px(item)) for item in items)
    turns = min(max(settings.most_pixels // max(first, 1), 1), settings.turns)
    progress(f"features of {len(items)} frames")
    seen = [_seen(item, network, turns, settings) for item in items]
    folds = min(settings.folds, len(seen))
    shipped = Head.of(network.model)
    parts = [[n for n in range(len(seen)) if n % folds != fold] for fold in range(folds)]
    learnt = [_joined([seen[n].places for n in part], settings) for part in parts]

    def judged(heads: Sequence[Head], calibrations: Sequence[Calibration]) -> Figures:
        found = []
        for fold, (head, calibration) in enumerate(zip(heads, calibrations, strict=True)):
            found += [
                (one.item, _hits(one, head, calibration, network.settings)) for one in seen[fold::folds]
            ]
        return figures_of(found, policy)

    def calibrated(heads: Sequence[Head]) -> list[Calibration]:
        return [
            _calibrated([seen[n] for n in part], head, network)
            for head, part in zip(heads, parts, strict=True)
        ]

    before = judged([shipped] * folds, [network.model.calibration] * folds)
    best, best_heads = Strength(None, None), [shipped] * folds
    after = judged(best_heads, calibrated(best_heads))
    for kind in ("score", "sides"):
        begun = best_heads
        for ridge in settings.ridges:
            strength = replace(best, **{kind: ridge})
            progress(f"{kind} with a ridge of {ridge:g}")
            refit = with_score if kind == "score" else with_sides
            heads = [refit(head, places, ridge, settings) for head, places in zip(begun, learnt, strict=True)]
            figures = judged(heads, calibrated(heads))
            if _rank(figures, before, settings) > _rank(after, before, settings):
                after, best, best_heads = figures, strength, heads
    model = None
    if is_better(after, before, settings):
        progress("all frames together")
        places = _joined([one.places for one in seen], settings)
        head = shipped if best.score is None else with_score(shipped, places, best.score, settings)
        head = head if best.sides is None else with_sides(head, places, best.sides, settings)
        calibration = _calibrated(seen, head, network)
        note = replace(network.model.note, tuned_cells=cells)
        model = replace(head.into(network.model), calibration=calibration, note=note)
    return Tuned(model, before, after, best, len(frames), cells, folds)


def _rank(figures: Figures, before: Figures, settings: TuningSettings) -> tuple[bool, bool, float]:
    """Return what to choose by: better by the rule, then no cell lost, then all in all."""
    kept = figures.contained >= before.contained
    return is_better(figures, before, settings), kept, worth(figures, settings)


def _small(item: AnnotatedFrame) -> list[AnnotatedFrame]:
    """Cut a frame that detection would take in parts."""
    rows, columns = item.cell.shape
    return in_parts(item, -(-rows // PART_PX), -(-columns // PART_PX))


def _grid_px(item: AnnotatedFrame) -> tuple[int, int]:
    """Return about the rows and columns of the network's first layer."""
    first_um = 4 * WORKING_PIXEL_UM
    rows, columns = (max(round(side * item.frame.pixel_size_um / first_um), 1) for side in item.cell.shape)
    return rows, columns


def _seen(item: AnnotatedFrame, network: Network, turns: int, settings: TuningSettings) -> _Seen:
    grid = on_working_grid(item.frame, WORKING_PIXEL_UM)
    _, features = network.outputs(network_input(grid, processed=item.frame.processed))
    places = joined(list(places_of(item, grid, network, turns, settings)))
    return _Seen(item, grid, features, places.where(np.any(places.weight > 0, axis=1)))


def _joined(parts: list[Places], settings: TuningSettings) -> Places:
    """Return the pixels of some frames, a random part where there are too many."""
    whole = joined(parts)
    count = len(whole.features)
    if count <= settings.most_pixels:
        return whole
    chosen = np.random.default_rng(0).choice(count, settings.most_pixels, replace=False)
    return whole.where(np.sort(chosen))


def _reading(one: _Seen, head: Head, stretch: float, settings: ReadingSettings) -> Reading:
    found = head.found(one.features)
    shape = (one.grid.residual.shape[0], one.grid.residual.shape[1])
    return read_hits(found, scores_of(found), shape, stretch, settings)


def _hits(one: _Seen, head: Head, calibration: Calibration, settings: ReadingSettings) -> Sequence[Hit]:
    reading = _reading(one, head, calibration.side_stretch, settings)
    shape = (one.item.cell.shape[0], one.item.cell.shape[1])
    return hits_of(reading, one.grid, shape, calibration)


def _calibrated(frames: Sequence[_Seen], head: Head, network: Network) -> Calibration:
    evidence = (
        evidence_of(
            _reading(one, head, 1.0, network.settings), one.item.truth, one.grid.pixel_um, one.grid.shrink
        )
        for one in frames
    )
    return calibrated_on(evidence, network.model.calibration)
