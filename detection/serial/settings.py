"""Numbers of detection over serial sections, each with its source; those of separation are in its folder.

'By hand' means chosen by hand and not measured by itself; the whole is measured by `python -m benchmarks
serial`. Where figures are given without seeds, they are of simulated stacks of development seeds (0 to 99).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """Sections that are held and used for one another."""

    pool_sections: int = 2
    """Neighbours on either side in the average: five sections raise cells over noise by up to the root of
    five. By hand."""
    link_sections: int = 3
    """Earlier sections that are tried for a link. By hand."""
    fewest_cells: int = 2
    """Cells of a frame that is registered: one has no rotation."""
    history_sections: int = 8
    """Earlier sections held for the search for fixed pattern. By hand."""


@dataclass(frozen=True, slots=True)
class PoolingSettings:
    """Noise and significance of a section."""

    least_noise_adu: float = 12**-0.5
    """Standard deviation of rounding to whole grey levels."""
    least_background_px: int = 50
    """Background pixels around a box from which on its significance is known: their mean has 14 % of the
    noise of one."""


@dataclass(frozen=True, slots=True)
class HitsOfOneCellSettings:
    """Hits of a section that are of one cell.

    Measured on development seeds with `combined`: single sections of crowded and mixed stacks.
    """

    least_iou: float = 0.4
    """Intersection over union from which two hits are of one cell: so are nine of ten such pairs from .5 on,
    and three of four from .4 to .5. Regions of recall-first never overlap that much. With .35 instead of .45
    identity (IDF1 of links) is .902 instead of .884 in a crowded stack, and the same in a mixed one."""
    least_covered: float = 0.5
    """Share of a hit in more confident ones from which it may be of the same cells: half of the hits that are
    no cell of their own have .82 and more, three of four cells .22 and less. With .35 identity in crowds
    rises by .004 to .017, and fewer cells have a track."""


@dataclass(frozen=True, slots=True)
class AveragedHitSettings:
    """Hits of the average with neighbours."""

    same_share: float = 0.5
    """Share of the smaller of two boxes that both cover, for them to be one cell. By hand."""
    least_support_sd: float = 2.0
    """Least significance of the section's own intensity, standard deviations; what only neighbours show is
    predicted as a track or not at all. By hand."""
    least_in_average_sd: float = 5.0
    """Least significance of its intensity in the average (Rose's criterion). On development seeds, hits of
    the network in averages of empty sections have up to 3."""


@dataclass(frozen=True, slots=True)
class ConfidenceSettings:
    """Logistic regressions for the confidence; `detection.serial.confidence` says how they were fitted."""

    full_support_sd: float = 20.0
    """Significance of the section's own intensity from which on a hit counts fully; below one it has none.
    By hand."""
    most_sightings: int = 4
    """Sections that show the track by themselves from which on more say no more. By hand."""
    crowded: float = 0.3
    """Share of the section in detections from which on it is crowded. By hand."""
    carried: tuple[float, float, float, float, float] = (-3.47, 2.82, 1.41, 0.72, 2.34)
    """Base, own intensity, sightings, both sides, crowding; fitted."""
    averaged: tuple[float, float, float, float, float] = (-3.63, 0.99, 1.09, 1.01, 4.17)
    """The same of hits in the average alone; fitted."""
    per_confidence: float = 0.73
    """Of the confidence that the detector gives in the average; fitted."""


@dataclass(frozen=True, slots=True)
class FinishingSettings:
    """Boxes that neighbours complete."""

    most_completed: float = 4.0
    """Largest area that neighbours predict, over that of the cell's own box: a larger one is of another
    cell. By hand."""


@dataclass(frozen=True, slots=True)
class FixedPatternSettings:
    """Search for what is fixed in the camera.

    Together, with six spots of dust: .93 of the spots that no cell touches are marked in mixed stacks, .81 in
    crowded ones, and 4 of 4900 cells; without dust 0 of 4900 cells (docs/serial.md).
    """

    fewest: int = 3
    """Other frames under which the specimen has moved; where there are two, no section may show the cell
    moved. By hand."""
    far: float = 0.75
    """Least motion in diameters: a cell that moves less covers its own place. By hand."""
    block_um: float = 0.7
    """Side of the blocks that are compared. By hand."""
    least_shown: float = 0.7
    """Share of the mean intensity that other frames must show at the same pixels to be compared at all;
    saves time."""
    mean_left_share: float = 0.07
    """Part of the mean intensity that others need not show: exposure and stray light differ. By hand."""
    mean_left_sd: float = 3.0
    """The same in standard deviations of its noise: one in 700 by chance."""
    least_sd: float = 20.0
    """Least mean intensity in standard deviations of its noise; fainter spots cannot be told from
    background. By hand."""
    left_share: float = 0.2
    """Part of the intensity of a block that others need not show: edges are resampled in every mosaic. By
    hand."""
    left_sd: float = 5.0
    """The same in standard deviations of the noise of a block: by chance one block in millions."""
    darkest: int = 4
    """One in so many others may be darker: each section is exposed anew, and stray light differs. By hand."""
    same_cell: float = 0.25
    """Intersection over union of a detection and the place where the specimen has moved it. By hand."""
    mostly: float = 0.5
    """Share of the sections that show the moved place: a cell is seen there in more. By hand."""


@dataclass(frozen=True, slots=True)
class NoiseHitSettings:
    """Hits that are no more than noise."""

    least_support_sd: float = 5.0
    """Least significance of the intensity in a box, standard deviations (Rose's criterion)."""
    similar_noise: float = 1.5
    """Largest ratio of the noise of two sections: others were taken differently. By hand."""
    fewest_sections: int = 2
    """Neighbours that must show nothing: one on each side."""


@dataclass(frozen=True, slots=True)
class SharedBackgroundSettings:
    """Background that sections share. Its effect as a whole: dim cells, in docs/serial.md."""

    fewest_sections: int = 3
    """Sections with which the background is estimated: of two, both may show a cell. By hand."""
    similar: float = 1.5
    """Largest ratio of the brightness of two sections: others were taken differently. By hand."""
    low_percent: int = 25
    """Percentile of the blocks at which levels are those of background, with few cells or many. By hand."""
    sd_of_lowest: float = 0.6
    """Standard deviation of the lowest of several values over that of one: .75 of three, .57 of twelve (order
    statistics of the normal distribution)."""
    most_below_sd: float = 4.0
    """Largest distance of the lowest below the second lowest: the shadow in one section must not lower the
    background of all others. By hand."""
    stands_out_sd: float = 3.0
    """Standard deviations of the background above which a block is of a cell: one in 700 by chance."""
    most_uneven: float = 0.4
    """Share of the level by which background may vary from section to section, times the share of the section
    in cells; what varies more is uneven resin. By hand."""
    quiet_sd: float = 1.2
    """The same in standard deviations of a pixel, where that is more. By hand."""
    highest_sd: float = 1.5
    """Largest distance of a background above that of the others, in deviations from section to section. By
    hand."""
    darkest_um: float = 15.0
    """Within this distance there is some background between crowded cells; stray light lies on all of it.
    By hand."""
    most_rougher: float = 1.05
    """Largest spread of the shared background over that of the section's own: .7 to 1.04 in stacks of one
    illumination, 1.7 and more where the illumination of one section has a step. From 1.05 on clear cells are
    lost."""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """All numbers of serial detection, but those of separation."""

    window: WindowSettings = WindowSettings()
    pooling: PoolingSettings = PoolingSettings()
    hits_of_one_cell: HitsOfOneCellSettings = HitsOfOneCellSettings()
    averaged_hits: AveragedHitSettings = AveragedHitSettings()
    confidence: ConfidenceSettings = ConfidenceSettings()
    finishing: FinishingSettings = FinishingSettings()
    fixed_pattern: FixedPatternSettings = FixedPatternSettings()
    noise_hits: NoiseHitSettings = NoiseHitSettings()
    shared_background: SharedBackgroundSettings = SharedBackgroundSettings()


SETTINGS = SerialSettings()
"""The numbers in use."""
