"""Settings of the recall-first detector: every number that defines it, with its source.

"Sweep" gives the change when a number alone is multiplied by .7 and by 1.4, on 30 frames of development seeds
(`python -m benchmarks sensitivity`; shares stay below 1, percentiles below 100): sections after the paper,
small cells at noise 40 and large ones at noise 60 (seeds 0 to 3 each); realistic sections of seed 0, five
cytoplasmic, three nuclear, three punctate ("whole", "area"); four cytoplasmic and two punctate of dim cells
only ("dim whole", "dim area"); three without cells but with debris and lumps and two with folds only
("empty"). "Whole" is the share of the cells of contrast 1 and more (of dim cells .5) imaged whole, "area" the
imaged area over that of the cells, "empty" the imaged share of a frame. The defaults give recall .991,
precision 1, paper area 1.24, whole .953, area 1.78, dim whole .52, dim area 1.34, empty .072. So few cells
show large changes only: one of the bright cells is .009, one of the dim cells .016. "Little" is less than
.005 of recall, precision and whole, .02 of areas and dim whole (.05 of dim area), and .003 of empty. The
numbers of `detection.fragments` and `detection.background` were varied the same way.

"Chosen by hand" means that nothing else is known of a number's origin. Sizes are at the specimen.
"""

from dataclasses import dataclass, field

from detection.background.settings import BackgroundSettings


@dataclass(frozen=True, slots=True)
class Scale:
    """Scale of smoothing, with its thresholds.

    Attributes
    ----------
    sigma_um : float
        Standard deviation of the Gaussian.
    seed_sd, extend_sd : float
        Thresholds in standard deviations of the background at that scale.
    extend_share : float
        Pixels below this share of the peak of their region are its blur, 0..1.
    shrink : int
        Factor by which the image is shrunk first.
    """

    sigma_um: float
    seed_sd: float
    extend_sd: float
    extend_share: float
    shrink: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignificanceSettings:
    """Settings of `detection.recall_first.significance`."""

    scales: tuple[Scale, ...] = (
        Scale(0.27, 6.0, 2.5, 0.0, 1),
        Scale(0.53, 5.0, 2.5, 0.0, 1),
        Scale(1.07, 4.5, 2.0, 0.25, 2),
        Scale(1.78, 4.5, 2.0, 0.25, 2),
        Scale(2.85, 4.5, 2.0, 0.25, 4),
    )
    """Sigmas of 1.5, 3, 6, 10 and 16 pixels of .178 um (the paper, 'Data acquisition'). Seeds: Gaussian
    noise exceeds 6, 5 and 4.5 sd with 1e-9, 2.9e-7 and 3.4e-6; over the area / (4 pi sigma^2)
    independent places of 512 x 512 pixels that is about .002 false seeds a frame and scale at most.
    Extend thresholds and shares were chosen by hand. Sigma: Sweep: x 0.7 recall -.027, precision -.018,
    dim whole +.03, dim area +.08; x 1.4 recall -.018, precision -.009, paper area +.03, whole -.009,
    area -.07, dim whole -.03, dim area -.11. Seed: Sweep: x 0.7 precision -.158, paper area +.09, whole
    +.019, area +.30, dim whole +.22, dim area +.70, empty +.033; x 1.4 recall -.009, paper area +.04,
    whole -.019, area -.13, dim whole -.19, dim area -.48. Extend: Sweep: x 0.7 recall -.027, precision
    -.027, paper area +.08, area +.19, dim whole +.06, dim area +.22, empty +.023; x 1.4 paper area
    -.03, area -.07, empty -.005. Share: Sweep: x 0.7 and x 1.4 change little."""
    min_free_share: float = 0.1
    """Share of the surroundings of a pixel that must be free of finer hits. Chosen by hand. Sweep: x 0.7
    and x 1.4 change little."""
    min_lower_share: float = 0.85
    """Lower limit of the spread of the background, as a share of that by percentiles. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little."""
    uneven_extra: float = 0.4
    """Rise of the thresholds, as a share, where all spread of the background is unevenness. Chosen by
    hand. Sweep: x 0.7 little; x 1.4 area -.05, dim whole -.03, dim area -.07."""
    rim_sd: float = 1.25
    """Threshold of the rim around what a coarse scale finds. Chosen by hand. Sweep: x 0.7 and x 1.4 change
    little."""
    rim_um: float = 2.0
    """Width of that rim. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaloSettings:
    """Settings of the removal of blur around bright parts."""

    share: float = 0.25
    """Pixels with less than this share of the mean intensity around them are blur. Chosen by hand. Sweep:
    x 0.7 little; x 1.4 paper area -.02."""
    smoothings_um: tuple[float, ...] = (1.07, 0.53, 0.27)
    """From the certain to the sharp; the three finest scales of `SignificanceSettings`. Sweep: x 0.7
    recall -.009, precision -.009; x 1.4 whole -.009."""
    surroundings_um: float = 3.5
    """Sigma of the surroundings that intensity is compared with: about half a small cell. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little."""
    core_share: float = 0.08
    """Lower limit as a share of the brightest part; unlabelled parts have about 6 % of its label in the
    simulated specimen. Development seeds: .15 loses 2 % of the cells, dim neighbours of bright ones,
    .10 a quarter of a percent. Sweep: x 0.7 area +.04; x 1.4 little."""
    fine_um: float = 0.3
    """Smoothing below this follows an outline well enough to look beyond it: separates .27 from .53.
    Sweep: x 0.7 and x 1.4 change little."""
    certain_sd: float = 1.0
    """Standard deviations by which intensity must fall short to be removed. Chosen by hand. Sweep: x 0.7
    and x 1.4 change little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSettings:
    """Settings of `detection.recall_first.regions`: from a mask to one region for each cell."""

    closing_um: float = 0.5
    """Half the width of gaps that are closed: less than lies between cells, more than noise tears open.
    Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    largest_hole_um: float = 12.0
    """Diameter of the largest nuclei of cultured cells. Sweep: x 0.7 precision -.034, empty -.006; x 1.4
    little."""
    small_hole_um: float = 3.0
    """Holes up to this diameter are filled whatever their shape: noise, vacuoles. Chosen by hand. Sweep: x
    0.7 and x 1.4 change little."""
    nucleus_convexity: float = 0.75
    """A nucleus fills about .9 of its convex hull, the gap between three discs that touch .37: in between.
    Sweep: x 0.7 little; x 1.4 recall -.018, precision -.191, whole in paper sections -.009, whole
    -.009, area -.04, empty -.006."""
    punctum_um: float = 3.0
    """Regions up to this diameter may be puncta of one cell. Chosen by hand. Sweep: x 0.7 whole -.009,
    area -.07, dim area -.07; x 1.4 recall -.009, precision -.009, area +.08, dim area +.11."""
    puncta_half_gap_um: float = 3.0
    """Half the gap between puncta that is bridged. Development seeds: a wider one gains 1 % of the
    punctate cells and images more debris (docs/detectors.md). Sweep: x 0.7 area -.06; x 1.4 recall
    -.009, precision -.009."""
    puncta_fringe_um: float = 2.0
    """Widening of bridges between puncta. Chosen by hand. Sweep: x 0.7 area -.06, dim area -.06; x 1.4
    area +.05, dim whole +.05, dim area +.06."""
    arcs_half_gap_um: float = 1.25
    """Half the gap beside weak regions that is bridged. Chosen by hand. Sweep: x 0.7 area -.03; x 1.4
    recall -.009."""
    weak_strength: float = 1.5
    """Significance over the seed threshold below which the outline of a region is ragged by noise. Chosen
    by hand. Sweep: x 0.7 whole -.009; x 1.4 recall -.009."""
    default_cell_um: float = 12.0
    """Size of a cell in frames with too few to measure it; HeLa cells are 10 to 17 um across. Sweep: x 0.7
    empty -.005; x 1.4 empty +.012."""
    min_clear_cells: int = 4
    """Single cuts from which on they give the size usual in a frame. Chosen by hand. Sweep: x 0.7 and x
    1.4 change little."""
    usual_percentile: float = 75
    """Percentile of the sizes of single cuts: most cuts miss the middle of a cell. A plane cuts a sphere
    with a median of .87 and a third quartile of .97 of its diameter. Sweep: x 0.7 and x 1.4 change
    little."""
    min_usual_um: float = 8.0
    """The usual size is never less: small cuts are parts of cells, not small cells. Chosen by hand. Sweep:
    x 0.7 and x 1.4 change little."""
    gather_um: float = 3.0
    """Gap up to which small regions are joined. Chosen by hand. Sweep: x 0.7 little; x 1.4 recall -.009."""
    small_share: float = 0.6
    """Regions up to this share of a usual cell may be its fragments. Chosen by hand. Sweep: x 0.7 and x
    1.4 change little."""
    max_to_gather: int = 200
    """Frames with more regions are not gathered: comparing all pairs would take long. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little."""
    sparse_share: float = 0.35
    """Regions that fill less of their box are halved: a disc fills .79, a crescent about half, a long fold
    far less. Sweep: x 0.7 empty +.009; x 1.4 little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplittingSettings:
    """Settings of `detection.recall_first.splitting`: touching cells."""

    neck_um: float = 0.75
    """Depth of a neck below the wider parts on both sides. Chosen by hand. Sweep: x 0.7 and x 1.4 change
    little."""
    neck_share: float = 0.2
    """The same as a share of the distance to the edge. Chosen by hand. Sweep: x 0.7 and x 1.4 change
    little."""
    smallest_um: float = 5.0
    """Regions narrower than this are not split. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    convex_share: float = 0.92
    """Regions that fill this much of their convex hull have no neck. Chosen by hand. Sweep: x 0.7 recall
    -.035, paper area +.04, area -.03; x 1.4 little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """Settings of `detection.recall_first.features`."""

    smoothing_um: float = 0.53
    """Sigma of the smoothing before intensities are measured; the second scale of `SignificanceSettings`.
    Sweep: x 0.7 little; x 1.4 area +.02."""
    inner_um: float = 1.0
    """Width of the band inside an outline whose intensity is compared with that outside. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little."""
    outer_um: tuple[float, float] = (0.5, 1.8)
    """Distances of the band outside an outline. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    reference_um: float = 3.0
    """Regions of at least this diameter count as bright cells of the frame. Chosen by hand. Sweep: x 0.7
    and x 1.4 change little."""
    reference_percentile: float = 75
    """Percentile of their mean intensities that others are compared with. Chosen by hand. Sweep: x 0.7 and
    x 1.4 change little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSettings:
    """Settings of `detection.recall_first.confidence`.

    Coefficients come from a logistic regression by maximum likelihood, none below 0, on hits of development
    seeds 0 to 39; the limits of the terms were chosen on seeds 50 to 79, by the likelihood there and by the
    area imaged of uneven background. `python -m benchmarks confidence` checks them on other seeds.
    """

    base: float = 5.11
    """Logistic regression; see the class. Sweep: x 0.7 empty -.005; x 1.4 little."""
    small_um: tuple[float, float] = (2.5, 6.0)
    """Debris is small, and so is a glancing cut: below the first no more is lost. Limits by likelihood;
    see the class. Sweep: x 0.7 and x 1.4 change little."""
    per_small: float = 2.30
    """Logistic regression; see the class. Sweep: x 0.7 little; x 1.4 empty -.004."""
    large_um: tuple[float, float] = (6.0, 9.0)
    """Larger hits are cells more often still. Limits by likelihood; see the class. Sweep: x 0.7 and x 1.4
    change little."""
    per_less_than_large: float = 2.40
    """Logistic regression; see the class. Sweep: x 0.7 little; x 1.4 empty -.005."""
    faint: tuple[float, float] = (0.04, 0.5)
    """Intensity relative to the brighter cells of the frame; unlabelled parts are fainter than cells.
    Limits by likelihood; see the class. Sweep: x 0.7 and x 1.4 change little."""
    per_faint: float = 2.57
    """Logistic regression; see the class. Sweep: x 0.7 and x 1.4 change little."""
    lump_sd: tuple[float, float] = (8.0, 16.0)
    """Intensity over the unevenness of the background up to which all may be a lump, and from which none.
    Limits by likelihood; see the class. Sweep: x 0.7 and x 1.4 change little."""
    lump_edge: tuple[float, float] = (0.6, 0.8)
    """Step at the outline over the mean intensity: the edge of a cell is sharper than that of a lump.
    Limits by likelihood; see the class. Sweep: x 0.7 empty +.006; x 1.4 little."""
    lump_standing: float = 0.6
    """Share of a lump that stands out itself; puncta with nothing between them have less. Limits by
    likelihood; see the class. Sweep: x 0.7 and x 1.4 change little."""
    per_lump: float = 2.05
    """Logistic regression; see the class. Sweep: x 0.7 and x 1.4 change little."""
    alone_cells: float = 0.3
    """Other cells by which isolation counts e times less: a section has no cells, or several. Limits by
    likelihood; see the class. Sweep: x 0.7 and x 1.4 change little."""
    per_alone: float = 2.18
    """Logistic regression; see the class. Sweep: x 0.7 little; x 1.4 empty -.004."""
    per_lone_lump: float = 3.08
    """Logistic regression; see the class. Sweep: x 0.7 and x 1.4 change little."""
    many_cells: float = 8.0
    """Other cells from which on more of them say nothing more. Limits by likelihood; see the class. Sweep:
    x 0.7 and x 1.4 change little."""
    per_few: float = 1.41
    """Logistic regression; see the class. Sweep: x 0.7 little; x 1.4 empty -.004."""
    cell_um: tuple[float, float] = (3.0, 6.0)
    """Hits smaller than the first may be debris, those larger than the second are none. Limits by
    likelihood; see the class. Sweep: x 0.7 empty +.006; x 1.4 little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthSettings:
    """Settings of the box of a hit, and of its uncertainty."""

    spared_share: float = 0.004
    """Share of a region that its box may leave out on each side: a pixel or two of ragged rim, which the
    margin images again. Not used on equalised frames, whose dim rims are cells. Chosen by hand. Sweep:
    x 0.7 little; x 1.4 area -.03."""
    extension_um: float = 4.0
    """Longest extension of a side by intensity that no single pixel shows. Chosen by hand. Sweep: x 0.7
    little; x 1.4 dim whole +.05, dim area +.08."""
    extension_background_share: float = 0.15
    """Share of the mean intensity of a cell that speaks neither for the cell nor against it. Chosen by
    hand. Sweep: x 0.7 whole +.009, area +.04, dim area +.08; x 1.4 area -.04, dim whole -.03."""
    extension_passes: int = 2
    """Rounds over the four sides: each side depends on the extent of the others. Chosen by hand. Sweep: x
    0.7 and x 1.4 change little."""
    weak: tuple[float, float] = (1.0, 1.4)
    """Significance over the seed threshold up to which the box is grown, and from which not. Chosen by
    hand. Sweep: x 0.7 dim area -.08; x 1.4 paper area +.03, whole +.009, area +.06, dim area +.12."""
    sparse: tuple[float, float] = (0.3, 0.5)
    """The same for the share of a region, closed and filled, that stands out itself. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little."""
    ragged_um: float = 1.0
    """Growth of such boxes: about sigma of the middle scale by which such regions are found. Sweep: x 0.7
    area -.03; x 1.4 area +.03, dim area +.06."""
    border_um: float = 1.5
    """A box that ends so near the edge of the frame is extended to it: a rim so narrow cannot stand out by
    itself, and costs little. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    faint: tuple[float, float] = (1.0, 1.4)
    """Mean intensity over the variation of the background up to which an outline is lost, and from which
    not. Chosen by hand. Sweep: x 0.7 whole -.009, area -.10, dim area -.11; x 1.4 paper area +.06, area
    +.09."""
    faint_um: float = 3.0
    """Uncertainty of the extent of a faint cell. Development seeds: more costs area in proportion and
    gains less. Sweep: x 0.7 area -.09, dim area -.16; x 1.4 whole +.009, area +.16, dim whole +.03, dim
    area +.26."""
    outline_average: float = 8.0
    """Factor by which unevenness counts more than noise: noise falls by about so much in the patches by
    which an outline is followed, unevenness does not. Chosen by hand. Sweep: x 0.7 area -.03; x 1.4
    area +.04."""
    max_uneven: float = 0.15
    """Largest unevenness that counts, in deviations of the noise of a pixel: beyond it lumps would grow
    more than cells. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    patchy: tuple[float, float] = (0.4, 0.7)
    """As `sparse`, for the uncertainty around puncta. Chosen by hand. Sweep: x 0.7 little; x 1.4 paper
    area +.18, area +.13."""
    patchy_um: float = 2.5
    """Uncertainty around puncta, about the distance of neighbouring puncta in one cell: one more may lie
    beyond the last. Sweep: x 0.7 little; x 1.4 area +.04."""
    cell_like_um: tuple[float, float] = (3.0, 6.0)
    """Hits up to the first size are whole specks and get no uncertainty, from the second on all of it.
    Chosen by hand. Sweep: x 0.7 little; x 1.4 dim area -.12."""
    probable: float = 0.5
    """Confidence below which the uncertainty falls in proportion: a hit that is hardly a cell gains less
    by growth. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdingSettings:
    """Settings for crowded and for equalised frames."""

    dense_share: float = 0.5
    """Share of a frame above its background from which it is crowded or was equalised. Chosen by hand.
    Sweep: x 0.7 and x 1.4 change little. The frames of the sweep are neither crowded nor equalised."""
    unevenness: float = 1.0
    """Unevenness from which the background must be cells: even background has 0, background that is really
    dim cells more than 1 in synthetic sections. Sweep: x 0.7 and x 1.4 change little. The frames of the
    sweep are neither crowded nor equalised."""
    floor_sigma_um: float = 0.53
    """Sigma of the smoothing before the floor; the second scale of `SignificanceSettings`. Sweep: x 0.7
    and x 1.4 change little. The frames of the sweep are neither crowded nor equalised."""
    floor_percentile: float = 99.5
    """Percentile of the intensity that stands for bright cells. Chosen by hand. Sweep: x 0.7 and x 1.4
    change little. The frames of the sweep are neither crowded nor equalised."""
    floor_extend: float = 0.05
    """Share of it below which pixels are left out. Chosen by hand. Sweep: x 0.7 and x 1.4 change little.
    The frames of the sweep are neither crowded nor equalised."""
    floor_seed: float = 0.1
    """Share of it that a region must reach. Chosen by hand. Sweep: x 0.7 and x 1.4 change little. The
    frames of the sweep are neither crowded nor equalised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallFirstSettings:
    """Settings of the recall-first detector, by step."""

    working_pixel_um: float = 0.36
    """Finer pixels are averaged to about this: two pixels of the paper's .178 um, a quarter of the work.
    Sweep: x 0.7 recall -.009, precision -.009, paper area +.16, whole +.019, area +.22, dim whole +.06,
    dim area +.27; x 1.4 recall -.018, precision -.018, whole -.009, area -.13, dim whole -.08, dim area
    -.37."""
    smallest_um: float = 1.0
    """Smaller regions are dropped, but at the edge of the frame. Chosen by hand. Sweep: x 0.7 and x 1.4
    change little."""
    background: BackgroundSettings = field(default_factory=BackgroundSettings)
    significance: SignificanceSettings = field(default_factory=SignificanceSettings)
    halo: HaloSettings = field(default_factory=HaloSettings)
    regions: RegionSettings = field(default_factory=RegionSettings)
    splitting: SplittingSettings = field(default_factory=SplittingSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    confidence: ConfidenceSettings = field(default_factory=ConfidenceSettings)
    growth: GrowthSettings = field(default_factory=GrowthSettings)
    crowding: CrowdingSettings = field(default_factory=CrowdingSettings)


RECALL_FIRST = RecallFirstSettings()
"""The default settings, to which the figures in docs/detectors.md belong."""
