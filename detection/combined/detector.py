"""Detector `combined`: hits of the network, and those of recall-first that it does not rule out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detection.combined.cautions import SENTENCES, Caution
from detection.combined.confidence import with_confidences, with_second_look
from detection.combined.dim import least_score_of
from detection.combined.fusion import (
    Fusion,
    fused,
    is_unsure,
    learned_of,
    seen_by,
    unsure_places,
    without_network,
)
from detection.combined.left_over import left_over
from detection.combined.noise import are_all_hidden, hidden_in_noise
from detection.combined.reach import with_reach
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import share_of
from detection.image.frames import Frame
from detection.image.hit_table import NO_HITS, HitTable
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.network.settings import READING
from detection.overlooked.left_out import is_uneven
from detection.overlooked.settings import OVERLOOKED
from detection.recall_first import detector as recall_first
from detection.recall_first.standing import Standing, stand_out
from detection.second_look.model import SecondLook

Seen = network.Steps
"""Intermediate values of the network alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Intermediate values of the detector.

    Attributes
    ----------
    network : Seen
    level : (block rows, block columns) array of float32
        Background that was subtracted, grey levels.
    z : (rows, columns) array of float32
        Frame above it, in standard deviations of the noise of a pixel of the working grid.
    rest : tuple of Hit
        Of recall-first, in what the network does not show; all of its hits where the network is unsure, none
        where hits of the network fill the frame.
    fusion : Fusion
    cautions : tuple of Caution
        Those of the fusion, and those of its result.
    """

    network: Seen
    level: NDArray[np.float32]
    z: NDArray[np.float32]
    rest: tuple[Hit, ...]
    fusion: Fusion
    cautions: tuple[Caution, ...]


@dataclass(frozen=True)
class Combined:
    """Detector `combined`.

    Attributes
    ----------
    network : Network
    settings : CombinedSettings
    second_look : SecondLook or None
        Fitted to the hits of the network of the package; None beside another network.
    """

    network: network.Network
    settings: CombinedSettings = field(default=COMBINED)
    second_look: SecondLook | None = None

    @property
    def least_contrast(self) -> float:
        """Contrast of a disc that is found; see `detection.detectors.KnowsItsLimit`."""
        return OVERLOOKED.combined

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `detection.detectors.Detector.find`."""
        steps = self.steps(frame)
        hits = steps.fusion.hits
        if len(steps.fusion.learned):
            hits = replace(hits, votes=partial(network.votes_of, steps.network))
        return hits, [SENTENCES[caution] for caution in steps.cautions]

    def steps(self, frame: Frame) -> Steps:
        """Find cells, and keep the intermediate values."""
        seen = self.network.steps(frame)
        shape = (frame.values.shape[0], frame.values.shape[1])
        shown_share = share_of(seen.hits.boxes, shape)
        if shown_share >= self.settings.full_share and not self._is_doubtful(frame, seen):
            return self._by_network_alone(frame, seen)
        # In a crowd of which recall-first sees no ground it adds nothing.
        crowd = shown_share >= self.settings.crowd_share
        standing = stand_out(frame, seen.grid, left_to_others=crowd)
        if not (frame.processed or standing.crowded or standing.dense):
            again = self._with_dim_beside(frame, seen, standing)
            if again is not seen:
                seen, shown_share = again, share_of(again.hits.boxes, shape)
                crowd = shown_share >= self.settings.crowd_share
        learned = learned_of(seen, standing, self.settings)
        rest: list[Hit] = []
        if frame.processed and is_unsure(seen.score, learned, self.settings):
            rest = recall_first.hits_of(frame, seen.grid, standing)
            fusion = without_network(learned, rest)
        else:
            noise = NO_HITS
            if not (crowd or frame.processed or standing.crowded):
                learned = with_reach(learned, standing.z, seen.grid, self.settings)
            sparse = shown_share <= self.settings.sparse_share
            if sparse and not (frame.processed or standing.crowded or standing.dense):
                hidden = hidden_in_noise(learned, standing.z, seen.grid, self.settings)
                noise, learned = learned.chosen(hidden), learned.chosen(~hidden)
            fusion, rest = self._joined(frame, seen, standing, learned, crowd=crowd)
            fusion = replace(fusion, noise=noise)
        fusion = with_confidences(fusion, standing.z, seen.grid, self.settings)
        if self.second_look and not frame.processed:
            fusion = with_second_look(fusion, self.second_look, standing.z, seen, self.settings)
        cautions = (*fusion.cautions, *_of_result(frame, seen.grid, fusion, self.settings))
        return Steps(seen, standing.background.level, standing.z, tuple(rest), fusion, cautions)

    def _with_dim_beside(self, frame: Frame, seen: Seen, standing: Standing) -> Seen:
        """Read the output of the network again, unless what it takes for dim cells may all be noise."""
        again = _with_dim(self.network, seen, standing.z, frame, self.settings)
        if again is seen:
            return seen
        learned = learned_of(seen, standing, self.settings)
        return seen if are_all_hidden(learned, standing.z, seen.grid, self.settings) else again

    def _joined(
        self, frame: Frame, seen: Seen, standing: Standing, learned: HitTable, *, crowd: bool
    ) -> tuple[Fusion, list[Hit]]:
        """Add what recall-first sees beyond the network.

        Fragments are joined to whole cells only where the network cannot be trusted: beside it, joining takes
        light around a nucleus for one more cell, and saves none.
        """
        join = partial(fused, seen, learned, standing, crowd=crowd, settings=self.settings)
        if standing.crowded and crowd:
            return join([]), []
        beyond = replace(standing, mask=left_over(standing.mask, learned.outers, seen.grid, self.settings))
        rest = recall_first.hits_of(frame, seen.grid, beyond, join=False)
        fusion = join(rest)
        if fusion.cautions:
            rest = recall_first.hits_of(frame, seen.grid, beyond)
            fusion = join(rest)
        return fusion, rest

    def _is_doubtful(self, frame: Frame, seen: Seen) -> bool:
        """Return True for a processed frame that the network is not sure of."""
        return frame.processed and unsure_places(seen.score, self.settings)

    def _by_network_alone(self, frame: Frame, seen: Seen) -> Steps:
        """Leave a full frame to the network: what recall-first adds there are rims of what is shown."""
        z = seen.grid.residual / seen.grid.noise_sd
        if not frame.processed:
            seen = _with_dim(self.network, seen, z, frame, self.settings)
        fusion = Fusion(seen_by(seen.hits, SeenBy.NETWORK))
        fusion = with_confidences(fusion, z, seen.grid, self.settings)
        return Steps(seen, seen.grid.background.level, z, (), fusion, (Caution.FULL,))


def _with_dim(
    learner: network.Network,
    seen: network.Steps,
    z: NDArray[np.float32],
    frame: Frame,
    settings: CombinedSettings,
) -> network.Steps:
    """Read the output of the network again where dim cells are likely to be lost."""
    least = least_score_of(seen.score, seen.hits, z, seen.grid, settings)
    return learner.read_again(seen, frame, least) if least < READING.least_score else seen


def _of_result(
    frame: Frame, grid: WorkingGrid, fusion: Fusion, settings: CombinedSettings
) -> tuple[Caution, ...]:
    """Return the reasons to doubt what is left out."""
    shape = (frame.values.shape[0], frame.values.shape[1])
    if share_of(fusion.hits.boxes, shape) >= settings.full_share:
        return (Caution.FULL,)
    return (Caution.UNEVEN,) if is_uneven(frame, grid.blocks, fusion.hits.outers) else ()
