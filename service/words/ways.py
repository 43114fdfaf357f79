"""Ways to image the cells, in words."""

NAMES = {
    "exact": "exact plan",
    "greedy": "greedy plan",
    "per-box": "frame per cell",
    "raster": "full raster",
    "all-cells": "all cells",
}
"""Methods of a plan in words, and the way in which no cell is left out."""

RASTER_TAKEN = (
    "frames around the cells take longer there (planner.raster_where_cheaper: false takes them all the same)"
)
