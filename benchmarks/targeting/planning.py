"""Covers against the bound and the raster, their time, and routes against OR-tools.

The layouts are like those of the goals: cells of radius 7 +- 1 um, cut at random heights, none over
another, in one field; frames of up to 1536 x 1103 pixels of 16.5 nm, or scans of up to 6144 x 4096; 2 um of
context, 1.5 um of guard, 2.5 um of overlap where frames meet inside a cell, 5 s for each frame. Where the
beam moves, within 67 x 58 um, the guard is 1.6 um, and frames of one position overlap by .7 um.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.rows import Row, at_least, at_most, beside
from config.model import Config
from planner.plan import plan
from planner.route import Point, route, route_length
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Field, Method, Plan, Totals

TITLE = "planning"
FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 4000
FIELD_M = 91e-6
STEP_M = 81.9e-6
"""Fields of a mosaic overlap by a tenth."""
RADIUS_M, SPREAD_M = 7e-6, 1e-6
CLUSTER_M = 9e-6
"""Standard deviation of a cluster of five cells."""
LAYOUTS = 20
METHODS: tuple[Method, ...] = ("exact", "greedy", "per-box")
LARGE_SCAN_PX = (6144, 4096)
BEAM_REACH_UM = (67, 58)
GOALS = {
    ("uniform", 5): (1.20, 1.12, 6.0),
    ("uniform", 15): (1.26, 1.15, 2.3),
    ("uniform", 25): (1.32, 1.18, 1.45),
    ("clustered", 5): (1.35, 1.20, None),
    ("clustered", 15): (1.35, 1.20, None),
    ("clustered", 25): (1.35, 1.20, None),
}
"""By layout: time over the bound at most, with frames of the paper and with large scans; full raster over
time at least."""
CROWDS = 60
"""Layouts of 1 to 60 cells compared with a raster."""
PLAIN_RASTER_S = 24 * (1536 * 1103 * 60e-6 + 5)
"""A field in 24 frames of one size, as it is done without a planner."""
SOLVER_S = 30


def run() -> list[Row]:
    """Covers, mosaic, routes."""
    return [*_covers(), *_crowds(), *_mosaic(), *_routes()]


def settings_of(method: Method, **sem: Any) -> PlanSettings:
    """Return the settings of a method, with the paper's frames unless those of the SEM are given."""
    config = Config.model_validate({"sem": sem})
    chosen = settings_from(config.planner, config.sem, config.stage)
    if not sem:
        chosen = replace(chosen, max_frame_px=(1536, 1103))
    return replace(chosen, method=method, overhead_s=5.0)


BEAMS = {
    "beam moves": settings_of("exact", beam_reach_um=BEAM_REACH_UM, frame_px=(1536, 1103), databar_px=0),
    "large scans, beam moves": settings_of("exact", beam_reach_um=BEAM_REACH_UM, max_scan_px=LARGE_SCAN_PX),
}
"""Settings of a machine whose beam moves, by the name of their rows."""


def _covers() -> list[Row]:
    """One field: figures as means over layouts, times as the longest."""
    rows = []
    field = [Field("F000", (0.0, 0.0, FIELD_M, FIELD_M))]
    longest_ms = dict.fromkeys(METHODS, 0.0)
    worse = unheld = 0
    for (kind, count), (over_bound, large_over_bound, under_raster) in GOALS.items():
        layouts = [cells(count, seed, kind == "clustered") for seed in _seeds()]
        totals: dict[Method, list[Totals]] = {method: [] for method in METHODS}
        large, gaps = [], []
        beams: dict[str, list[Plan]] = {name: [] for name in BEAMS}
        for boxes in layouts:
            for method in METHODS:
                begun = time.process_time()
                totals[method].append(plan("S0001", field, boxes, settings_of(method)).totals)
                longest_ms[method] = max(longest_ms[method], (time.process_time() - begun) * 1e3)
            wide = plan("S0001", field, boxes, replace(settings_of("exact"), max_frame_px=LARGE_SCAN_PX))
            large.append(_cost_s(wide.totals) / wide.totals.bound_beam_s)
            for name, moving in BEAMS.items():
                beams[name].append(plan("S0001", field, boxes, moving))
            gaps.append(_cost_s(totals["exact"][-1]) / totals["exact"][-1].bound_s - 1)
        cost = {method: np.asarray([_cost_s(t) for t in found]) for method, found in totals.items()}
        worse += int((cost["exact"] > cost["greedy"] + 1e-6).sum())
        worse += int((cost["greedy"] > cost["per-box"] + 1e-6).sum())
        bound = np.asarray([t.bound_beam_s for t in totals["exact"]])
        what = f"{count} cells {kind}"
        rows.append(at_most(f"{what}: exact over the bound", _mean(cost["exact"] / bound), over_bound))
        rows.append(
            at_most(f"{what}: exact over the bound, large scans", float(np.mean(large)), large_over_bound)
        )
        for name, found in beams.items():
            over = [_cost_s(one.totals) / one.totals.bound_beam_s for one in found]
            once_s = [one.totals.exposed_m2 * BEAMS[name].seconds_per_m2 for one in found]
            times = [one.totals.beam_s / s for one, s in zip(found, once_s, strict=True)]
            most = large_over_bound if "large" in name else over_bound
            rows.append(at_most(f"{what}: exact over the bound, {name}", float(np.mean(over)), most))
            said = f"{float(np.mean(times)):.3f}"
            rows.append(Row(f"{what}: mean dose over that of one scan, {name}", said))
            moves = float(np.mean([one.totals.stage_moves for one in found]))
            rows.append(Row(f"{what}: stage positions, {name}", f"{moves:.1f}"))
            unheld += sum(not box.overlap_held for one in found for box in one.stitched)
        rows.append(Row(f"{what}: gap to the bound of the programme", f"{float(np.mean(gaps)):.1%}"))
        dose = [t.beam_s / (t.exposed_m2 * settings_of("exact").seconds_per_m2) for t in totals["exact"]]
        rows.append(Row(f"{what}: mean dose over that of one scan", f"{float(np.mean(dose)):.3f}"))
        rows += [
            Row(f"{what}: {method} over the bound", f"{_mean(cost[method] / bound):.3f}")
            for method in METHODS[1:]
        ]
        plain = PLAIN_RASTER_S / _mean(cost["exact"])
        if under_raster is not None:
            rows.append(at_least(f"{what}: 24 frames of one size over exact", plain, under_raster, 2))
        own_s = _mean(np.asarray([t.raster_total_s for t in totals["exact"]]))
        rows.append(beside(f"{what}: exact", _mean(cost["exact"]), own_s, "s", "our own raster"))
    rows.append(at_most("layouts with exact > greedy or greedy > per-box", worse, 0, 0))
    rows.append(at_most("stitched cells without their overlap, beam moves", unheld, 0, 0))
    rows.append(at_most("exact, longest CPU time of a field, ms", longest_ms["exact"], 500, 0))
    rows.append(at_most("greedy, longest CPU time of a field, ms", longest_ms["greedy"], 100, 0))
    return rows


def _crowds() -> list[Row]:
    """Sections from sparse to full: never slower than a raster, and no seam without its overlap."""
    field = [Field("F000", (0.0, 0.0, FIELD_M, FIELD_M))]
    slowest, gaps = 0.0, 0
    for seed in range(FIRST_SEED, FIRST_SEED + CROWDS):
        boxes = cells(1 + seed * 7 % 60, seed, clustered=seed % 3 == 0)
        made = plan("S0001", field, boxes, settings_of("exact"))
        slowest = max(slowest, made.totals.total_s / made.totals.raster_total_s)
        gaps += sum(not one.overlap_held for one in made.stitched)
    return [
        at_most(f"{CROWDS} layouts of 1 to 60 cells: slowest plan over our own raster", slowest, 1.0, 3),
        at_most("stitched cells of these without their overlap", gaps, 0, 0),
    ]


def _mosaic() -> list[Row]:
    """400 cells in 4 x 4 fields, planned as one."""
    fields = [
        Field(f"F{i}{j}", (i * STEP_M, j * STEP_M, i * STEP_M + FIELD_M, j * STEP_M + FIELD_M))
        for i in range(4)
        for j in range(4)
    ]
    boxes = cells(400, FIRST_SEED, clustered=False, side_m=3 * STEP_M + FIELD_M)
    begun = time.process_time()
    made = plan("S0001", fields, boxes, settings_of("exact"))
    spent_s = time.process_time() - begun
    proven = "proven" if made.optimal else "not proven"
    return [at_most(f"mosaic of 400 cells, exact ({proven}), CPU time, s", spent_s, 5, 2)]


def _routes() -> list[Row]:
    rng = np.random.default_rng(FIRST_SEED)
    many = _points(rng.random((100_000, 2)) * 20e-3)
    begun = time.process_time()
    route(many, (0.0, 0.0))
    rows = [at_most("route of 100,000 frames, CPU time, s", time.process_time() - begun, 10, 1)]
    for kind, table in (("uniform", rng.random((1000, 2)) * 2e-3), ("clustered", _clusters(rng))):
        points = _points(table)
        best_m = _solved_m(points)
        if best_m is None:
            rows.append(Row(f"route of 1000 {kind}", "OR-tools is not installed: pip install ortools"))
            continue
        order = route(points)
        own_m = route_length([points[n] for n in order])
        what = f"route of 1000 {kind} over OR-tools in {SOLVER_S} s"
        rows.append(at_most(what, own_m / best_m, 1.15))
    return rows


def _seeds() -> range:
    return range(FIRST_SEED, FIRST_SEED + LAYOUTS)


def _cost_s(totals: Totals) -> float:
    return totals.beam_s + totals.overhead_s


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def cells(count: int, seed: int, clustered: bool, side_m: float = FIELD_M) -> list[Box]:
    """Boxes of discs that do not overlap, cut off at the border."""
    rng = np.random.default_rng(seed)
    hubs = rng.uniform(0, side_m, (max(1, count // 5), 2))
    discs: list[tuple[float, float, float]] = []
    for _ in range(500 * count):
        if len(discs) == count:
            break
        x, y = (
            rng.normal(hubs[rng.integers(len(hubs))], CLUSTER_M) if clustered else rng.uniform(0, side_m, 2)
        )
        # A sphere cut at a random height, but for its last slivers.
        radius = rng.normal(RADIUS_M, SPREAD_M) * np.sqrt(1 - rng.uniform(0, 0.95) ** 2)
        apart = all(np.hypot(x - a, y - b) >= radius + r for a, b, r in discs)
        if 0 <= x <= side_m and 0 <= y <= side_m and apart:
            discs.append((float(x), float(y), float(radius)))
    return [
        Box(f"c{n:04d}", (max(x - r, 0.0), max(y - r, 0.0), min(x + r, side_m), min(y + r, side_m)))
        for n, (x, y, r) in enumerate(discs)
    ]


def _clusters(rng: np.random.Generator) -> NDArray[np.float64]:
    hubs = rng.random((20, 1, 2)) * 10e-3
    return np.asarray((hubs + rng.normal(0, 50e-6, (20, 50, 2))).reshape(-1, 2))


def _points(table: NDArray[np.float64]) -> list[Point]:
    return [(float(x), float(y)) for x, y in table]


def _solved_m(points: Sequence[Point]) -> float | None:
    """Length of an open route from the leftmost point by OR-tools, m; None where it is not installed."""
    try:
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2
    except ImportError:
        return None
    table = np.asarray(points)
    first = min(range(len(points)), key=lambda n: points[n])
    # Whole nanometres. The last node is an end that is reached from everywhere for nothing.
    lengths = np.zeros((len(points) + 1, len(points) + 1), dtype=np.int64)
    lengths[:-1, :-1] = np.rint(np.hypot(*(table[:, None] - table[None]).transpose(2, 0, 1)) * 1e9)
    rows = lengths.tolist()
    manager = pywrapcp.RoutingIndexManager(len(rows), 1, [first], [len(points)])
    routing = pywrapcp.RoutingModel(manager)
    transit = routing.RegisterTransitCallback(
        lambda a, b: rows[manager.IndexToNode(a)][manager.IndexToNode(b)]
    )
    routing.SetArcCostEvaluatorOfAllVehicles(transit)
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.seconds = SOLVER_S
    solution = routing.SolveWithParameters(search)
    return None if solution is None else solution.ObjectiveValue() * 1e-9
