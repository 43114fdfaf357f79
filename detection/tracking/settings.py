"""Numbers of tracking, each with its source.

'By hand' means chosen by hand and not measured by itself; identity as a whole is measured by `python -m
benchmarks serial`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Assignment of detections to tracks, and prediction of cells that a section misses."""

    longest_gap: int = 3
    """Sections that a track may miss, and most sections from a sighting that a cell is predicted. By hand."""
    longest_absence: int = 40
    """Sections after which a track ends that left the frame: sections are shifted, and it may come back. By
    hand."""
    least_shared: float = 0.35
    """Least share of the smaller of two boxes that both cover, to be linked. By hand."""
    largest_growth: float = 8.0
    """Largest ratio of the areas of two detections that are linked. By hand."""
    unassigned_cost: float = 0.8
    """Cost at which a detection rather begins a track; two equal boxes that share .35 cost .72. By hand."""
    size_weight: float = 0.15
    """Cost of growth, for a factor of e. By hand."""
    gap_weight: float = 0.03
    """Cost of each section missed. By hand."""
    inside: float = 0.6
    """Share of a new box inside that of another track, for it to have split from that. By hand."""
    kept_sightings: int = 8
    """Sightings that a track keeps for predictions. By hand."""
    least_diameter: float = 0.35
    """Predicted diameter over the last one, below which a cell has ended. By hand."""
    sizes: int = 5
    """Sightings by which the change of area is extrapolated. By hand."""
    completed_sections: int = 2
    """Most sections from a sighting by which a box is completed; nearer than a gap, as it images more. By
    hand."""
    fewest_areas: int = 4
    """Areas of a track whose middle is fitted: a parabola has three parameters."""
    rounds: int = 10
    """Of the robust fit. By hand."""
    scatter: float = 0.3
    """Spread of the curvature from cell to cell, as a share of it: cells are ellipsoids of different
    heights. By hand."""
    least_noise: float = 0.005
    """Least noise of an area, as a share of it. By hand."""


SETTINGS = TrackingSettings()
"""The numbers in use."""
