"""Numbers of the search for sections.

Chosen by hand on simulated overviews (`benchmarks.holder.sections`, seed 40) and on four published pictures
of real arrays, unless a line says otherwise.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PaddingSettings:
    """Finding what has no data. By hand, on altered simulated pictures (`benchmarks.holder.alterations`)."""

    black: float = 4.0
    """Highest grey level of black ground without data; JPEG leaves some."""
    black_share: float = 3e-4
    """Smallest black area without data, share of the picture."""
    most_black: float = 0.6
    flat: float = 0.05
    """Difference of neighbouring grey levels below which they have one colour."""
    flat_share: float = 2e-3
    """Smallest area of one colour without data, share of the picture."""
    most_flat: float = 0.5
    """Share of the rest that may have one colour nearby."""
    flat_rim_px: int = 4
    """Width of the rim of an area of one colour: JPEG and smoothing carry the picture into it."""
    least_step: float = 3.0
    """Least step at its border, grey levels: a substrate without noise has steps of one."""
    least_hole_px: int = 25
    picture_share: float = 0.05
    """Smallest thing in it that is a picture of its own, share of the whole."""
    most_holes: float = 0.01
    """Largest share of an area that smaller things in it take up."""


@dataclass(frozen=True, slots=True)
class GroundSettings:
    """Finding the substrate, in pixels of the working scale."""

    padding: PaddingSettings = field(default_factory=PaddingSettings)
    sigma_px: float = 1.0
    """Smoothing before gradients."""
    noise_percentile: float = 40.0
    """Of the gradients: more than this of the picture is smooth."""
    smooth_over_noise: float = 3.0
    least_region_share: float = 5e-3
    """Smallest region of substrate beside the largest, share of the picture."""
    narrow_px: int = 2
    """Half width of the widest gap in an edge through which the substrate does not go on."""
    by_edges: bool = False
    """Take what edges enclose for no substrate, too: sections may be as bright as it."""
    rim_px: int = 1
    """Blur of an edge beyond the section."""
    least_enclosed_px: int = 7
    """Least width of ground that edges enclose."""
    tone_tolerance: float = 0.35
    """Largest difference of the tones of two tiles, share."""
    widths_px: tuple[float, ...] = (8.0, 25.0, 80.0)
    """Smoothings of the substrate's tone."""
    scatter_percentile: float = 90.0
    contrast_over_scatter: float = 2.5
    smoothings_px: tuple[float, ...] = (0.7, 1.4, 2.8)
    """Smoothings of a picture whose noise leaves holes in what is there, one after another."""
    clear: float = 0.3
    """Least contrast over the usual contrast of what is there, up to which none is needed. Simulated: .15 to
    .2; .47 where sections are bright, .6 where they are faint or the camera noisy; coverslips .33 to .49."""
    quieter: float = 0.6
    """Share to which a smoothing must lower the scatter. Noise of single pixels: .4 to .5; coverslips .7."""
    faint_percentile: float = 15.0
    faint_share: float = 0.4
    """Least contrast of a section, share of that of the faint parts of sections that are sure."""
    floor_percentile: float = 85.0
    strong_percentile: float = 90.0


@dataclass(frozen=True, slots=True)
class ShapeSettings:
    """Learning the common shape, in pixels of the working scale."""

    usual_chance: float = 0.7
    """Median of the chances of outlines below which the shape is doubtful: .47 to .59 in arrays of which all
    were wrong, .84 and more in right ones that are faint, noisy or blurred (development seeds 70, 73)."""
    least_side_px: float = 9.0
    most_aspect: float = 5.0
    least_match: float = 0.75
    """Smallest overlap of a region with the quadrilateral that is fitted to it."""
    tolerance: float = 0.08
    """Largest difference of a side from that of the common shape, share."""
    lopsided: float = 1.3
    lopsided_px: float = 0.5
    skewed: float = 2.0
    skewed_share: float = 0.03
    """A rectangle is preferred to a parallelogram unless it is so many times as far off, and this share."""
    """A shape that looks different after half a turn leaves less than 1 / `lopsided` of the differences."""
    most_shapes: int = 4
    most_rectangles: int = 8
    """Shapes that are tried."""
    part_px: int = 320
    """Side of the part of the picture on which they are tried."""
    least_explained: float = 0.5
    """Share of the foreground that the right shape explains, where there are many and most are whole."""
    some_explained: float = 0.2
    """Share from which another shape may be the right one."""
    made_up: float = 0.8
    """Weight of the explanation by a rectangle that no region has."""
    as_good: float = 0.75
    """Share of the best explanation from which a shape is as good."""
    least_examples: int = 3
    """Sections from which the shape is learned again."""
    least_support: float = 0.3
    """Least support of each side."""
    most_enclosed: float = 0.25
    """Area that edges enclose beside the sections, in all of these, up to which all of it may be pockets."""
    many: int = 20
    """Sections from which a shape without a doubt is not looked for by edges alone, too. Set by hand, with a
    published wafer of 168 sections and a grey coverslip of eight in view."""
    better: float = 1.25
    """Expected sections by edges alone, in those found before, from which they are believed. Set between two
    published pictures: dirt on the wafer makes it 1.11, sections of the grey coverslip some 1.5."""
    parted_px: tuple[int, ...] = (1, 3, 6)
    """Half widths of the necks at which touching regions are parted."""
    parted_by: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    """Edges, in strong ones, along which touching regions are parted."""


@dataclass(frozen=True, slots=True)
class PartsSettings:
    """Parting ribbons without gaps."""

    least_px: float = 9.0
    """Shortest part, working pixels."""
    most_aspect: float = 5.0
    alike: float = 0.7
    """Least correlation of neighbouring sections."""
    halves_alike: float = 0.75
    """The same of two sections. Halves of one: simulated .2 at most, on a real wafer .59 in the median."""
    same: float = 0.9
    """The same that needs no line: of pairs .95 to .99 (development seed 72, much tissue inside)."""
    as_alike: float = 0.9
    """Share of the best correlation from which parts are as much alike."""
    plain: float = 6.0
    """Variance inside, over that of noise, below which nothing is seen inside."""
    any_line: float = 0.45
    clear_line: float = 0.1
    """Mean rank of the lines between parts among all: where parts look alike, and where they show nothing."""
    least_parts: int = 3
    sure_parts: int = 5
    """Parts from which lines alone part a ribbon, and from which they leave no doubt."""
    row_width: float = 0.12
    row_length: float = 0.2
    """Largest difference of a row from the known width, share, and from a whole number of sections."""
    row_gap: float = 0.08
    """Difference of sides, share, up to which something is a part of a section in size."""
    torn_share: float = 0.02
    """Halves and thirds, over sections, up to which they are taken for torn. Where pairs are taken for
    sections, each ribbon of an odd number leaves a half: with 25 pairs in a ribbon, and every other one odd,
    1 to 50. One half beside 260 sections gave a right shape a doubt (development seed 78)."""
    least_covered: float = 0.5
    """Share of the foreground that sections cover where the shape is right."""
    few: int = 3
    """Sections that show nothing inside, below which nobody can tell one from two."""
    middle_line: float = 0.25
    """Support of a line across the middle of most plain outlines, from which each may hold two. Pairs
    of plain faint sections: .34 and .44 (seeds 112, 111)."""
    most_strips: int = 12
    """Strips of one size that are looked at."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Matching the shape."""

    short_side_px: float = 18.0
    """Short side of a section at the scale of the search."""
    least_score: float = 0.4
    most_candidates: int = 6000
    most_per_place: int = 2
    angle_step_deg: tuple[float, float] = (1.5, 3.0)


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Fitting the sides."""

    short_side_px: float = 40.0
    """Short side of a section at the scale of the fit."""
    reach_px: float = 4.0
    """Farthest that the shape is moved."""
    free_px: float = 1.5
    """Farthest that a side is moved on its own, after that."""
    points: int = 24
    most_overlap: float = 0.25
    size_tolerance: tuple[float, float] = (0.04, 0.1)
    """Usual difference of a side from that of the shape, share: the least and the most that is believed."""
    sure: float = 0.65
    """Score of sections by which the substrate and the shape are measured again."""
    least: float = 0.5
    """Lowest score of outlines that are taken for sections before their chances are known."""
    doubtful: float = 0.38
    """Lowest score of an outline that is listed as doubtful."""
    certain: float = 0.45
    """Least support of the sides of a section whose place is certain."""
    least_on_glass: float = 0.97
    least_filled: float = 0.8
    doubtful_overlap: float = 0.5
    rest: tuple[float, float] = (0.35, 3.0)
    """Area of what has another shape, in sections."""
    rest_support: float = 0.45
    """Least support of its contour."""
    wide_edge: float = 0.5
    """The same of sections that were found, in short sides: they may be shades."""
    wide_edge_px: float = 9.0
    """Width of edges above which an overview is out of focus, px at the first scale."""
    least_levels: float = 3.0
    """Range of the grey levels below which an overview is empty."""
    most_white: float = 0.5


@dataclass(frozen=True, slots=True)
class OverviewSettings:
    """All of them."""

    ground: GroundSettings = field(default_factory=GroundSettings)
    shape: ShapeSettings = field(default_factory=ShapeSettings)
    parts: PartsSettings = field(default_factory=PartsSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    first_side_px: int = 1600
    """Longer side of the picture at the scale at which the shape is first looked for."""
