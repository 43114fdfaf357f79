"""Numbers of the separation of cells, each with its source.

'By hand' means chosen by hand. 'Varied' means: times 0.7 and times 1.4, on six sections each of a crowded and
a mixed stack (development seeds 21 and 22; the mixed one with six spots of dust). With the defaults contained
recall is 96.8 % and 99.3 %, identity (IDF1 of links) .897 and .902. Recall of the mixed stack never changes
and is left out. The stacks are short: identity moves by .05 with a few pairs of cells, and no value is fitted
to them. `python -m benchmarks.serial.serial_sensitivity separation` measures them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CoarseImageSettings:
    """Coarse image of a section."""

    pixel_um: float = 0.36
    """Approximate pixel size: enough for the shapes of cells.
    By hand; varied: recall 96.6, 97.0; identity .903 and .923, .899 and .917."""
    sigma_um: float = 0.35
    """Smoothing, about a pixel. By hand; varied: recall 97.0, 96.8; identity .880 and .939, .892 and .969."""


@dataclass(frozen=True, slots=True)
class OutlineSettings:
    """Outlines of detections."""

    certain_sd: float = 2.5
    """Least intensity of a pixel of a cell, standard deviations.
    By hand; varied: recall 97.0, 96.6; identity .895 and .955, .903 and .935."""
    intensity_share: float = 0.3
    """The same as a share of the median intensity of the detection: less is its blur.
    By hand; varied: recall 96.6, 96.6; identity .894 and .909, .896 and .913."""
    least_filled: float = 0.3
    """Share of the ellipse in its box below which a detection is taken for that ellipse.
    By hand; varied: recall 96.8, 97.0; identity .897 and .904, .890 and .944."""


@dataclass(frozen=True, slots=True)
class ShapeSettings:
    """Separation by shape: a section is cut into pieces, and pieces are merged again."""

    speck_um2: float = 3.0
    """Smaller detections say nothing of the usual size, and are no cells beside others.
    By hand; varied: recall 96.8, 96.8; identity .896 and .910, .894 and .917."""
    fewest_sizes: int = 8
    """Detections from which on the usual size is known. By hand; varied: no change."""
    level_ratio: float = 2.0
    """Between the levels of intensity at which depth is measured. By hand; not measured."""
    highest_level: float = 0.8
    """Share of the brightest intensity at which levels end. By hand; not measured."""
    plateau: float = 1.6
    """Mean intensity above a level, over the level: with less it is the brighter side of one cell.
    By hand; not measured."""
    smoothing_um: float = 0.35
    """Sigma that smooths depth, about a pixel. By hand; not measured."""
    peak_um: float = 1.2
    """Least distance between the deepest points of pieces. By hand; not measured."""
    least_depth_um: float = 0.5
    """Least depth of a piece. By hand; not measured."""
    weights: tuple[float, float, float, float, float] = (0.619, -0.607, -1.03, -1.65, 1.8)
    """Logistic regression for two pieces being two cells, fitted on pieces of 14 simulated stacks of
    development seeds (30 to 35, 50 to 53, 70 to 73): cells of 4 to 7 um in radius, cytoplasmic, nuclear and
    punctate. A piece of background counts as part of the cell beside it."""
    intercept: float = 2.2
    """Of the same regression."""
    caution: float = 1.0
    """Log odds from which on pieces stay two cells: a torn cell is worse than a merged one.
    By hand; not measured."""


@dataclass(frozen=True, slots=True)
class NeighbourSettings:
    """Separation where neighbouring sections show several cells."""

    within: float = 0.6
    """Share of a cell of a neighbour that must lie in the detection. By hand; not measured."""
    least_um2: float = 1.0
    """Least area of a part. By hand; not measured."""
    least_share: float = 0.04
    """The same as a share of the detection. By hand; not measured."""
    neck: float = 0.95
    """Largest half width of the contact of a part, over that of the part. By hand; not measured."""
    certain: int = 2
    """Sections that show cells separately, from which on they are two whatever the shape.
    By hand; not measured."""


@dataclass(frozen=True, slots=True)
class SeparationSettings:
    """All numbers of separation."""

    coarse_image: CoarseImageSettings = CoarseImageSettings()
    outlines: OutlineSettings = OutlineSettings()
    by_shape: ShapeSettings = ShapeSettings()
    by_neighbours: NeighbourSettings = NeighbourSettings()


SETTINGS = SeparationSettings()
"""The numbers in use."""
