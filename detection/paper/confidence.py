"""Confidence of a hit of the paper's detector."""

from detection.paper.settings import PAPER, PaperSettings


def confidence_of_prominence(prominence: float, settings: PaperSettings = PAPER) -> float:
    """Return the chance that a hit of the paper's detector is a cell, 0..1.

    Parameters
    ----------
    prominence : float
        Highest feature in its box above the median, in standard deviations of the feature. In noise alone it
        reaches 2 to 3, and such hits are in every frame, since a fixed share of it marks cells.
    settings : PaperSettings
    """
    ratio = settings.even_prominence / max(prominence, 0.1)
    return float(1 / (1 + ratio**settings.prominence_power))
