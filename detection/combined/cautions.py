"""Reasons to doubt the result of a frame, decided by values, and their sentences."""

from enum import StrEnum


class Caution(StrEnum):
    """Reason to look at a frame; what cannot be ruled out is imaged."""

    UNLIKE = "unlike"
    """The network rules out most of what recall-first is sure of: it was not trained on such frames."""
    UNSURE = "unsure"
    """The network is unsure of most of what it shows, in a frame that was processed before."""
    GROUND = "ground"
    """Recall-first takes the ground for cells, and the network does not."""
    UNEVEN = "uneven"
    """The parts without boxes are too uneven to be noise or resin."""
    FULL = "full"
    """Hits fill the frame, so that little ground is left to compare with."""


SENTENCES = {
    Caution.UNLIKE: "the frame is unlike those that the network was trained on: everything that either"
    " detector sees is imaged; look at what is found",
    Caution.UNSURE: "the frame was processed before in a way that the network was not trained on: what"
    " recall-first sees is imaged, and dim cells may be left out; use raw frames, or look at what is left"
    " out",
    Caution.GROUND: "the background cannot be told from cells: everything that either detector sees is"
    " imaged, which may be most of the frame; look at what is found",
    Caution.UNEVEN: "what is not imaged is too uneven to be plain background, and dim cells may be part of"
    " it: look at what is left out",
    Caution.FULL: "hits fill most of the frame, and little background is left to tell dim cells from: look"
    " at what is left out",
}
"""One sentence each, for people."""
