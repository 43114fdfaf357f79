"""Numbers of registration, each with its source.

'By hand' means chosen by hand. 'Varied' means: times 0.7 and times 1.4, on 15 links between neighbours of
simulated stacks of 12 to 80 cells in a frame (development seeds 20, 21, 31, 60 and 70). With the defaults no
link is bad, and the error at the corner of the frame is .85 px in the median and 4.3 px at most. 'No change'
means the same figures with both values. `python -m benchmarks.serial.serial_sensitivity registration`
measures them.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NormalisationSettings:
    """Background, smoothing and contrast of frames that are compared."""

    block_um: float = 1.4
    """Side of the blocks on which the background is found. By hand; varied: median .88 and .68 px."""
    window_um: float = 25.0
    """Side of the window of the percentile filter, several cells wide. By hand; varied: .68 and .81 px."""
    low_percent: int = 20
    """Percentile taken for the background. By hand; varied: .86 and .73 px."""
    smoothing_um: float = 9.0
    """Sigma that smooths the percentiles. By hand; varied: .77 and .99 px."""
    sharp_um: float = 0.35
    """Sigma that smooths noise, about a pixel of the landmarks. By hand; varied: 1.17 and .84 px."""
    least_sharp_px: float = 0.5
    """The same in pixels, at least: less does not smooth. By hand; not measured."""
    bright_percentile: float = 99.0
    """Intensity that becomes 1. By hand; not measured."""
    compression: float = 4.0
    """Factor before the inverse hyperbolic sine, which brings dim and bright cells nearer. By hand; not
    measured."""
    range_of_bright: tuple[float, float] = (-0.25, 4.0)
    """Limits of the intensity, in units of the bright one. By hand; not measured."""
    most_copied: int = 4_000_000
    """Values that the percentile filter copies at a time: 16 MB of float32."""


@dataclass(frozen=True, slots=True)
class LandmarkSettings:
    """SIFT landmarks, their matches, and the consensus of the matches."""

    pixel_um: float = 0.36
    """Pixel size on which landmarks are found. On links of development stacks with many cells, with .36,
    .45, .53 and .72 the median error is .61, .73, .77 and 1.04 px; the loop of three real frames
    closes within 1.5, 3.0 and 3.6 px with the first three. The second takes 7 ms less for a section."""
    most: int = 500
    """Landmarks of a frame, the strongest. On the same links, with 500 and 300 the median is .61 and .64 px,
    the largest 2.2 and 2.1 px, the loop 1.5 and 1.6 px. With 300 a section takes 9 ms less, but of some 6,900
    cells of eight stacks four fewer are imaged wholly, which may be chance."""
    contrast_threshold: float = 0.02
    """Least contrast of a landmark; OpenCV's default is .04. By hand; varied: no change."""
    edge_threshold: float = 20.0
    """Largest ratio of curvatures; OpenCV's default is 10. By hand; not measured."""
    grey_of_bright: float = 160.0
    """Grey levels of 8 bits between background and bright cells. By hand; not measured."""
    grey_of_background: float = 40.0
    """Grey level of the background. By hand; not measured."""
    ratio: float = 0.85
    """Largest distance of the best match over that of the second; Lowe (2004) has .8. Varied (to .6 and 1):
    .68 and .78 px."""
    most_matches: int = 250
    """Matches that vote, the clearest. By hand; varied: no change."""
    leading_matches: int = 110
    """Matches whose pairs are hypotheses, 5995 pairs. By hand; varied: no change."""
    most_hypotheses: int = 1500
    """Hypotheses that are counted. By hand; varied: no change."""
    nearest_pair_um: float = 6.0
    """Least distance of a pair: an error of 1 um turns such a pair by ten degrees. By hand; varied: no
    change."""
    stretch_um: float = 1.2
    """Most by which the distance of a pair may change. By hand; varied: no change."""
    direction_rad: float = math.radians(25)
    """Most by which a motion may turn otherwise than the landmarks themselves. By hand; varied: no change."""
    start_rad: float = math.radians(30)
    """Most by which a motion may turn otherwise than the layout says. By hand; not measured."""
    inlier_um: float = 1.0
    """Distance within which a match agrees with a motion. By hand; varied: median .71 and 1.21 px, largest
    4.6 and 7 px."""
    fewest: int = 3
    """Matches that must agree: two make a motion by themselves."""


@dataclass(frozen=True, slots=True)
class CorrelationSettings:
    """Search by correlation, where landmarks do not agree."""

    pixel_um: float = 0.9
    """Pixel size on which frames are correlated. By hand; varied: no change, as landmarks sufficed."""
    broad_um: float = 8.0
    """Sigma of the slow changes that are subtracted, about a cell. By hand; varied: no change."""
    least_overlap: float = 0.08
    """Least shared area over that of the smaller frame. A shift of 60 % along both sides leaves .16.
    Varied: no change."""
    step_rad: float = math.radians(5)
    """Between rotations. By hand; varied: no change."""
    mask_steps: int = 3
    """Rotations that share one count of overlapping pixels, which hardly changes. By hand; not measured."""
    start_rad: float = math.radians(16)
    """Rotations on each side of an expected one, three steps. By hand; not measured."""
    finalists: int = 4
    """Rotations that are refined. By hand; varied: no change."""
    iterations: int = 40
    """Of the refinement, at most. By hand; varied: no change."""
    tolerance: float = 1e-4
    """Gain of correlation at which the refinement stops. By hand; not measured."""


@dataclass(frozen=True, slots=True)
class CameraSpotSettings:
    """Spots that two frames show at the same pixels of the camera."""

    smoothing_px: float = 0.8
    """Sigma before frames are compared. By hand; not measured."""
    bright: float = 0.1
    """Least normalised intensity of a spot. By hand; not measured."""
    bright_sd: float = 3.0
    """The same in standard deviations of the background: one pixel in 700 of noise is brighter."""
    shown_share: float = 0.3
    """Share of its intensity that the other frame must show, for it to be the same spot. By hand; not
    measured."""
    fewest_px: int = 2
    """Pixels of a spot; one alone is noise."""
    extent_px: int = 2
    """Blur of a spot beyond its bright pixels. By hand; not measured."""
    same_specimen: float = 0.6
    """Share of the bright spots of either frame that the other must show, for the specimen to be still.
    Simulated pairs show more where it has not moved (most .9), and less where a dozen spots of dust lie on
    other cells (most .2 to .4)."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Conditions on which a link between two sections is good."""

    both_ways_um: float = 1.0
    """Largest distance between the way there and the way back. By hand; varied: no change."""
    still_um: float = 1.5
    """Largest motion for the frames to lie on each other as the camera took them. By hand; not measured."""
    few_inliers: int = 6
    """Landmarks from which on a correlation need be less significant. By hand; varied: no change."""
    many_inliers: int = 12
    """Landmarks from which on they need no refinement, if the way back is the same. By hand; varied: no
    change."""
    significant: float = 6.0
    """Least significance where landmarks agree, standard deviations; the best of a hundred thousand
    unrelated overlaps reaches 4.5. Varied: none and one of 15 links bad."""
    significant_alone: float = 8.0
    """The same without landmarks: the best of a sweep over all rotations and shifts of unrelated frames
    reached 6.6 in 292 pairs. Varied: no change."""
    correlated: float = 0.2
    """Least correlation. By hand; varied: no change."""
    highly_significant: float = 9.0
    """Significance from which on less correlation will do. By hand; varied: no change."""
    correlated_in_noise: float = 0.1
    """That lesser correlation: of dim cells noise leaves little, however surely they agree. By hand; not
    measured."""


@dataclass(frozen=True, slots=True)
class IlluminationSettings:
    """Background of the fields of a mosaic."""

    block_um: float = 1.4
    """Side of the blocks that are fitted, as in normalisation. By hand; not measured here."""
    degree: int = 4
    """Of the polynomial. With it .06 % of thirty empty sections of two fields was imaged, against 10.6 %
    with raw seams (decision 7)."""
    rounds: int = 8
    """Fits, each without the cells of the one before. By hand; not measured."""
    first_share: float = 0.5
    """Share of the blocks, the darkest, that the first round takes for background. By hand; not measured."""
    outlier_sd: float = 2.5
    """Standard deviations above the fit from which on a block is of a cell. By hand; not measured."""
    least_spread_adu: float = 0.3
    """Least standard deviation: that of rounding to whole grey levels is .29."""
    fewest_blocks: int = 60
    """Blocks of a fit, four for each of its 15 terms."""


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """All numbers of registration."""

    normalisation: NormalisationSettings = NormalisationSettings()
    landmarks: LandmarkSettings = LandmarkSettings()
    correlation: CorrelationSettings = CorrelationSettings()
    camera_spots: CameraSpotSettings = CameraSpotSettings()
    link: LinkSettings = LinkSettings()
    illumination: IlluminationSettings = IlluminationSettings()


SETTINGS = RegistrationSettings()
"""The numbers in use."""
