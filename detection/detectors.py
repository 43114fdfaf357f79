"""What a detector is, and those that come with the program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from config.choices import Denoising
from config.work import DetectionConfig
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.paper import detector as paper
from detection.paper.denoise import denoised
from detection.recall_first import detector as recall_first

BUILT_IN = ("recall-first", "paper")


class Detector(Protocol):
    """Finds cells in a frame: a function from values to values, without files, clocks or devices.

    The same frame always gives the same hits. The policy (margins, doubtful hits) is not its business.
    """

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find what may be cells.

        Parameters
        ----------
        frame : Frame
            Checked and not constant; 16 to about 2100 px on a side (larger frames come in parts).

        Returns
        -------
        hits : sequence of Hit
            Boxes inside the frame, without a margin, in any order.
        warnings : sequence of str
            One sentence each, for a person; why, where there are no hits.

        Raises
        ------
        DetectionError
            The frame cannot be used; one sentence.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecallFirst:
    """Everything that stands out significantly; see `detection.recall_first.detector`."""

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`."""
        return recall_first.find_cells(frame)


@dataclass(frozen=True, slots=True)
class Paper:
    """The published detector; see `detection.paper.detector`.

    Attributes
    ----------
    denoise : {'none', 'nl-means', 'bm3d'}
        What is done before the rolling ball.
    """

    denoise: Denoising = "none"

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `Detector.find`."""
        quiet = replace(frame, values=denoised(frame.values, self.denoise))
        settings = paper.settings_for(frame.pixel_size_um)
        return paper.find_cells(quiet.values, settings, prepared=frame.processed), []


def built_in(config: DetectionConfig) -> Detector | None:
    """Return a detector that comes with the program and needs no file; None for other names."""
    if config.detector == "recall-first":
        return RecallFirst()
    if config.detector == "paper":
        return Paper(config.denoise)
    return None
