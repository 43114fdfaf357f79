"""Settings of the combined detector."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedSettings:
    """Settings of `detection.combined`."""

    rules_out_below: float = 0.1
    """Highest score of the network inside a hit of recall-first below which it rules that hit out. Of 1,505
    development cells of contrast-to-noise 1 and more .2 loses three that .1 keeps. Folds take .009 and .007
    of a frame, with .2 .004, with .05 .017 and .015; nuclei 3.1 and 2.7 times their area, with .2 2.9 and
    2.6."""
    rules_out_around_below: float = 0.2
    """The same for a hit of recall-first that has most of a shown cell inside. On 40 development frames of
    each kind nuclear cells take 2.77 times their area, without 2.98, and no cell is lost; a cell of a crowded
    scene that only such a hit shows has .26."""
    band_um: float = 40.0
    """Length from which a connected, thin region is a fold or a scratch: three large cells. Chosen by
    hand."""
    band_fill: float = 0.1
    """Share of the square of its length that such a region fills at most; three cells in a row fill a
    quarter. Chosen by hand."""
    standing_share: float = 0.2
    """Share of the area of a hit of the network that stands out from the background from which both see that
    cell: a ring of label fills a fifth of its box. Chosen by hand; not measured."""
    noise_scales_um: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    """Deviations of the Gaussians over which a hit is averaged, from spots to whole cells. Chosen by hand."""
    stands_out_sd: float = 4.0
    """Highest of these averages inside a hit of the network above the ground around it, in deviations of the
    averages of the ground, below which the hit is noise. With this and the next one .0017 of 60 empty
    development frames is imaged, without .0046; of punctate cells at the noise .363, without .377; of others
    no fewer."""
    stands_out_alone_sd: float = 4.5
    """The same in a frame of which no hit is seen by both detectors; 5 was tried on an earlier form of the
    rule and took another tenth of the punctate cells at the noise."""
    sparse_share: float = 0.15
    """Share of the frame inside hits of the network up to which its background is known well enough to tell
    noise. In a frame of development with dim cells between bright ones and .24 inside hits, the rule took 1 %
    of the ground of the dim cells."""
    least_ground: float = 0.5
    """Ground around a hit, in multiples of its area, without which it is not judged. Chosen by hand."""
    bright_sd: float = 8.0
    """Brightest pixel of a hit of the network, in deviations of its noise, from which the dim rest of that
    cell would be seen. With this and the next one the imaged area of development frames falls from 1.54 to
    1.47 times that of cytoplasmic cells, from 1.79 to 1.64 for vesicles, and from .041 to .026 of a frame for
    debris; three more dim cells are cut. With 14 debris has .030. In crowds the
    outer boxes stay: of 60 cells a field it cut .4 % in development, and held out .019 were cut."""
    bright_reach_um: float = 2.5
    """Farthest that the outer box of a bright hit reaches beyond its box. On the same frames, with other
    measures of brightness, 2 um cut 1 % of the cytoplasmic cells and 3 um imaged .02 to .04 more of them."""
    dim_company: float = 2.0
    """Cells that the network must expect in a frame, the sum of its confidences, before its least score is
    lowered. With this and the next three, of the punctate cells at the noise in development frames .763 are
    imaged wholly instead of .499, at 4.4 times their area instead of 2.2; of nuclear ones .967 instead of
    .955, at 2.7 instead of 2.0 times; debris with lumps takes .030 of a frame instead of .018, debris alone
    .023 either way. With 3 vesicles lose .03."""
    dim_sd: float = 10.0
    """Usual brightest pixel of the hits of a frame, in deviations of its noise, below which its cells are
    dim. With 12 debris takes .005 of a frame more and no cell is gained; with 9 and a score of .2 1 % of the
    dim vesicles is lost."""
    dim_lost_share: float = 0.05
    """Share of the expected cells, by the scores of the places, that may lie below the least score. With .1
    it is .716 of the vesicles at 4.1 times their area, with .2 .663 at 3.5, with .3 .604 at 2.9, and .974 of
    dim cytoplasmic cells at 1.7 instead of .980 at 2.0; on other development seeds .645 of the vesicles with
    .05 and .623 with .1."""
    dim_score: float = 0.1
    """The least score is never lower; what lies below counts as ground. Beside a share of .1 and with .15 it
    is .670 at 3.6, with .2 .628 at 3.2."""
    unsure_scores: tuple[float, float] = (0.2, 0.9)
    """Scores between which the network is unsure of a place. Chosen by hand."""
    unsure_share: float = 1.0
    """Unsure places over those of hits from which the network is unsure of a processed
    frame. Development scenes with cells that were processed have .2 to .9, the three real frames of equalised
    tissue 1.2 to 1.4; it was chosen with both in view."""
    sure_alone: float = 0.9
    """Confidence from which the network is sure of a hit. Chosen by hand."""
    seen_share: float = 0.5
    """Share of these that stand out from the background from which recall-first has not lost it: .6 to .8 in
    equalised tissue, at most .55 in processed development scenes that cells cover by .4 and more."""
    rim_um: float = 0.7
    """Half the width from which what stands out beyond a box of the network may be a cell of its own: the
    smallest cells that count are 1.1 um across. Chosen by hand; not measured."""
    overlooked_share: float = 0.5
    """Share, by number or by area, of all confident hits that are of recall-first and that the network rules
    out from which the frame is unlike its training."""
    fewest_overlooked: int = 3
    """Such hits, at least, for that."""
    sure: float = 0.5
    """Confidence from which a hit of recall-first counts there."""
    crowd_share: float = 0.3
    """Share of the frame inside hits of the network from which it shows a crowd. Below it, recall-first
    takes a frame as crowded that the network does not: neither can be believed. Development scenes in which
    recall-first loses the background have .58 and more. Chosen by hand."""
    confidence_base: float = -1.78
    """Log-odds of a hit of the network alone in its frame, beyond those of its own confidence. This one and
    the next ones are fitted to 27,738 hits of 505 frames (`python -m training.confidence`), a frame weighed
    by the square root of its hits. An earlier fit, to half of the frames, took the mean log likelihood of the
    others from -.320 to -.295 and -.298."""
    per_company: float = 0.84
    """Log-odds for each unit of the logarithm of 1 + the number of cells among the other hits."""
    most_company: float = 20.0
    """Cells from which on more say nothing more. Chosen by hand."""
    per_dimness: float = 1.21
    """Log-odds for each unit of the logarithm of the brightest pixel of a hit over the usual one."""
    least_dimness: float = -3.0
    """That logarithm, at least: a twentieth. Chosen by hand."""
    usual_percent: float = 75.0
    """Percentile of the brightest pixels of the hits of a frame that is usual there: that of its cells, if
    most hits are less. Chosen by hand; the highest of all is no better."""
    least_confidence: float = 0.03
    """Confidence of a hit of the network, at least, before a second look, and of one that is worth its area
    after it: the floor of the policy, where a hit is imaged. Seven hits of 23,490 were less likely than twice
    this, none of them a cell, which is too few to rely on."""
    added_confidence: float = 0.34
    """Share of the hits of recall-first that the network does not rule out that are cells, in the same
    frames: their own confidence says nothing of that."""
    cell_worth_um2: float = 6000.0
    """Area that is imaged for the chance of one cell, by which a small hit is imaged although a second look
    finds it unlikely: 70 % of a frame. Of 19,520 development cells three are lost and three are gained, with
    half of it too. But of 3,315 held-out ones none is lost, with half of it two, of contrast .52 and 1.37."""
    lifted_extent_um: float = 0.5
    """Uncertainty of the extent that a hit without an outer box gets where a second look lifts it to `sure`:
    what the policy adds to doubtful hits, else it would lose that margin. Of 5,648 development cells one is
    not cut for it."""
    usual_margin_um: float = 1.5
    """Margin on each side of a hit by which that area is reckoned. Chosen by hand."""
    full_share: float = 0.6
    """Share of the frame inside hits from which they fill it; if those of the network do, it decides alone.
    Of 85 such crowded development scenes recall-first added 14 hits to 10, rims of cells, and no cell of
    28,356. Chosen by hand."""


COMBINED = CombinedSettings()
"""The default settings."""
