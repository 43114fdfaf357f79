"""Protocol of a detector, and the built-in detectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from config.choices import Denoising
from config.work import DetectionConfig
from detection.errors import DetectionError
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.overlooked.settings import OVERLOOKED
from detection.paper import detector as paper
from detection.paper.denoise import denoised
from detection.paper.settings import settings_for
from detection.recall_first import detector as recall_first
from detection.recall_first.settings import RECALL_FIRST, RecallFirstSettings

BUILT_IN = ("combined", "network", "recall-first", "paper")
"""Names of the detectors that need no file of the user's."""


class Detector(Protocol):
    """Detector of cells in a frame: a function from values to values, without files, clocks or devices.

    The same frame always gives the same hits. Margins and doubtful hits are left to the policy.
    """

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find possible cells.

        Parameters
        ----------
        frame : Frame
            Checked and not constant; 16 to about 2100 px on a side (larger frames come in parts).

        Returns
        -------
        hits : sequence of Hit
            Boxes inside the frame, without a margin, in any order.
        warnings : sequence of str
            One sentence each, for a person; the reason if there are no hits.

        Raises
        ------
        DetectionError
            Raised when the frame cannot be used; one sentence.
        """
        ...


@runtime_checkable
class KnowsItsLimit(Protocol):
    """Detector whose weakest findable disc was measured, so that 'no cells' is a finding with a bound."""

    @property
    def least_contrast(self) -> float:
        """Contrast at which 95 % of discs are found, in spreads of the frame; see `detection.overlooked`."""
        ...


@dataclass(frozen=True, slots=True)
class RecallFirst:
    """Detector of everything significantly brighter than its background; see `detection.recall_first`.

    Attributes
    ----------
    settings : RecallFirstSettings
    """

    settings: RecallFirstSettings = RECALL_FIRST

    @property
    def least_contrast(self) -> float:
        """Contrast of a disc that is found; see `KnowsItsLimit`."""
        return OVERLOOKED.recall_first

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`."""
        return recall_first.find_cells(frame, self.settings)


@dataclass(frozen=True, slots=True)
class Paper:
    """The published detector; see `detection.paper.detector`.

    Attributes
    ----------
    denoise : {'none', 'nl-means', 'bm3d'}
        Filter before the rolling ball.
    """

    denoise: Denoising = "none"

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`."""
        quiet = replace(frame, values=denoised(frame.values, self.denoise))
        settings = settings_for(frame.pixel_size_um)
        return paper.find_cells(quiet.values, settings, prepared=frame.processed), []


@dataclass(frozen=True, slots=True)
class WithoutNetwork:
    """Recall-first in place of a network that cannot be read: it warns with every frame.

    Attributes
    ----------
    why : str
        One sentence.
    """

    why: str

    @property
    def least_contrast(self) -> float:
        """Contrast of a disc that is found; see `KnowsItsLimit`."""
        return OVERLOOKED.recall_first

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`."""
        hits, warnings = recall_first.find_cells(frame)
        return hits, [self.warning, *warnings]

    @property
    def warning(self) -> str:
        """The same sentence for every frame."""
        return f"recall-first is used in place of the network: {self.why}"


def built_in(config: DetectionConfig) -> Detector | None:
    """Return a built-in detector by its name in the configuration; None for other names.

    Where the network of the package is missing or damaged, recall-first stands in for it, with a warning.
    """
    if config.detector in ("combined", "network"):
        # It imports ONNX, which loads slowly.
        from detection.combined.detector import Combined
        from detection.network.shipped import shipped_network
        from detection.second_look.shipped import shipped_second_look

        try:
            network = shipped_network()
            if config.detector == "network":
                return network
            return Combined(network, second_look=shipped_second_look())
        except DetectionError as error:
            return WithoutNetwork(str(error))
    if config.detector == "recall-first":
        return RecallFirst()
    if config.detector == "paper":
        return Paper(config.denoise)
    return None
