"""Order of cutting: along simulated ribbons from their outlines, of scattered sections from fluorescence."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.measuring.rows import Row, at_least
from benchmarks.serial.stacks import TrueSection, simulated_stack
from service.mapping.order.between import order_ribbons_by_similarity
from service.mapping.order.ribbons import order_ribbons
from service.mapping.order.similarity import order_by_similarity
from service.mapping.order.values import Doubt, LinkKind, Ordering
from service.mapping.values import MappedSection, SectionList, Unit, first_edge_deg
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, SectionArray

TITLE = "Order of cutting"
FIRST_SEED = 300 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 6_200
GROUPS: dict[str, dict[str, Any]] = {
    "edge to edge": {},
    "gaps of 10 %": {"gap_share": 0.1},
    "overlaps of 10 %": {"gap_share": -0.1},
    "bent": {"bend_deg": 5},
    "trapezoids": {"taper": 0.2},
    "squares": {"width_px": 60, "height_px": 60},
    "wide": {"width_px": 120, "height_px": 40},
    "tall": {"width_px": 40, "height_px": 80},
    "small": {"width_px": 20, "height_px": 15},
    "dense": {"fill": 0.35},
}
COUNTS = (50, 200, 500)
ERROR_PX, ERROR_DEG = 1.0, 0.7
"""Errors of outlines, standard deviations; of `ilemtrack map` on simulated arrays they are smaller."""
STACKS: dict[str, tuple[int, dict[str, Any]]] = {
    "30 with cells of 7 um": (30, {}),
    "30 with cells of 4 um": (30, {"cell_radius_um": 4, "cell_radius_sd_um": 0.8, "cells_per_field": 20}),
    "100 with cells of 7 um": (100, {}),
    "30 of 500 nm": (30, {"section_thickness_nm": 500}),
    "30 of 100 nm": (30, {"section_thickness_nm": 100}),
    "30 with few cells": (30, {"cells_per_field": 5}),
}
"""Sections of a block, and keys of its specimen."""


def run() -> list[Row]:
    """All figures; some minutes."""
    return ribbon_figures() + between_figures() + scattered_figures()


def ribbon_figures() -> list[Row]:
    """Share of neighbours of ribbons that follow each other, in all groups and in the worst."""
    rows, shares = [], {}
    wrong = unseen = 0
    for name, changes in GROUPS.items():
        right = pairs = 0
        for count in COUNTS:
            settings = ArraySettings(sections=count, arrangement="ribbons", seed=FIRST_SEED + count)
            array = place_array(replace(settings, **changes))
            found = order_ribbons(as_listed(array, FIRST_SEED + count))
            truth = ribbon_pairs(array)
            right += len(truth & set(pairwise(found.ids)))
            pairs += len(truth)
            bad = false_links(found, truth)
            wrong += len(bad)
            unseen += sum(doubt is None for doubt in bad)
        shares[name] = right / pairs
    worst = min(shares, key=lambda name: shares[name])
    rows.append(
        at_least("ribbons: neighbours in order, mean of groups", float(np.mean([*shares.values()])), 0.99)
    )
    rows.append(at_least(f"ribbons: worst group ({worst})", shares[worst], 0.99))
    rows.append(
        Row(
            "ribbons: links between ribbons that do not belong together", f"{wrong}, {unseen} without a doubt"
        )
    )
    return rows


def between_figures() -> list[Row]:
    """Share of links that are right in ribbons whose order and joints are judged by fluorescence."""
    rows = []
    for half_turns in (False, True):
        right = steps = wrong = unseen = doubtful = 0
        for seed in range(FIRST_SEED + 20, FIRST_SEED + 24):
            stack = scattered(simulated_stack(seed, 30, section_shift_um=8, section_rotation_deg=180), seed)
            frames = {f"S{int(one.section):04d}": one for one in stack}
            array = place_array(
                ArraySettings(sections=30, arrangement="ribbons", ribbon_sections=(2, 6), seed=seed)
            )
            listed = as_listed(array, seed)
            shown = [frames[one.id] for one in listed.sections]
            found = order_ribbons_by_similarity(listed, shown, half_turns=half_turns)
            rank = {name: n for n, name in enumerate(sorted(found.ids))}
            truth = {frozenset(pair) for pair in ribbon_pairs(array)}
            # A step is one that no ribbon shows: not what the outlines say is one.
            for link in found.links:
                near = abs(rank[link.before] - rank[link.after]) == 1
                if frozenset((link.before, link.after)) not in truth:
                    right, steps = right + near, steps + 1
                wrong += not near
                unseen += not near and link.doubt is None
                doubtful += near and link.doubt is not None and link.doubt is not Doubt.DIRECTION
        name = "of unknown direction" if half_turns else "of known direction"
        rows.append(at_least(f"between ribbons {name}: steps, of {steps}", right / steps, 0.95))
        counts = f"{wrong}, {unseen} without a doubt, and {doubtful} right ones doubtful"
        rows.append(Row(f"ribbons {name}: wrong links", counts))
    return rows


def scattered_figures() -> list[Row]:
    """Share of links of scattered sections that join neighbours of the block."""
    rows = []
    for n, (name, (sections, changes)) in enumerate(STACKS.items()):
        stack = simulated_stack(
            FIRST_SEED + n, sections, section_shift_um=8, section_rotation_deg=180, **changes
        )
        found = order_by_similarity(scattered(stack, FIRST_SEED + n))
        cuts = [int(one) for one in found.ids]
        near = [abs(a - b) == 1 for a, b in pairwise(cuts)]
        rows.append(at_least(f"scattered: neighbours, {name}", float(np.mean(near)), 0.95))
        doubtful = [link.doubt is not None for link in found.links]
        seen = sum(doubt and not right for doubt, right in zip(doubtful, near, strict=True))
        counts = f"{near.count(False)}, {seen} of them doubtful, and {sum(doubtful) - seen} right ones"
        rows.append(Row(f"scattered: wrong links, {name}", counts))
    return rows


def as_listed(array: SectionArray, seed: int) -> SectionList:
    """Return the outlines of an array in a random order, with errors."""
    rng = np.random.default_rng(seed)
    found = []
    for n in rng.permutation(len(array.sections)):
        one = array.sections[n]
        turn = math.radians(rng.normal(0, ERROR_DEG))
        matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        points = (one.polygon_px - one.center_px) @ matrix.T + one.center_px + rng.normal(0, ERROR_PX, 2)
        corners = tuple((float(x), float(y)) for x, y in points)
        center = (float(one.center_px[0]), float(one.center_px[1]))
        found.append(MappedSection(f"S{one.cut:04d}", center, first_edge_deg(corners, Unit.PX), corners))
    return SectionList(Unit.PX, tuple(found))


def ribbon_pairs(array: SectionArray) -> set[tuple[str, str]]:
    """Return the true neighbours, the earlier first."""
    return {
        (f"S{one.cut:04d}", f"S{two.cut:04d}")
        for one, two in pairwise(array.sections)
        if one.ribbon == two.ribbon
    }


def false_links(found: Ordering, truth: set[tuple[str, str]]) -> list[Any]:
    """Return the doubts of links along ribbons that are none."""
    return [
        link.doubt
        for link in found.links
        if link.kind is not LinkKind.BETWEEN_RIBBONS and (link.before, link.after) not in truth
    ]


def scattered(stack: Sequence[TrueSection], seed: int) -> list[Any]:
    """Return the frames of a stack in a random order, with their number and angles known to a degree."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            stack[n].frame,
            section=str(n),
            section_angle_rad=-stack[n].to_block.rotation_rad + math.radians(rng.normal(0, 1)),
        )
        for n in rng.permutation(len(stack))
    ]
