"""Serial sections: registration, identity, recall at equal area, empty stacks, cost."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from benchmarks.frames.scenes import FIRST_SEED, configured, found_in, opened
from benchmarks.measuring.rows import Row, at_least, at_most, beside
from benchmarks.measuring.timing import least_ms
from benchmarks.serial.identity import agrees, central_within_one, holds, named
from benchmarks.serial.stacks import TrueSection, simulated_stack
from detection.image.boxes import BoxPx, union_mask
from detection.registration.register import Link, prepare, register
from detection.registration.rigid import plane_of_pixels
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import SerialSection

TITLE = "Serial sections"
REPEATS = 2
REAL_FRAMES = Path(__file__).resolve().parents[3] / "shared" / "data" / "irf"
REAL_PIXEL_UM = 0.17778
MARGINS_UM = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
MOST_CPU = 4.0
"""CPU of a section in its stack over that of a section by itself, at most."""
MODERATE = {"section_shift_um": 8, "section_rotation_deg": 20}
MIXED: dict[str, Any] = {
    "cells_per_field": 25,
    "cell_radius_um": 4,
    "cell_radius_sd_um": 1.2,
    "brightness_photons": 12,
    "brightness_sd_percent": 80,
    **MODERATE,
}
CROWDED: dict[str, Any] = {
    "cells_per_field": 80,
    "cell_radius_um": 4,
    "brightness_photons": 15,
    "brightness_sd_percent": 70,
    **MODERATE,
}
TOUCHING: dict[str, Any] = {
    "cells_per_field": 60,
    "cell_radius_um": 4,
    "brightness_photons": 15,
    "brightness_sd_percent": 70,
    **MODERATE,
}
WHOLE: dict[str, Any] = {
    "cells_per_field": 20,
    "cell_radius_um": 4,
    "cell_radius_sd_um": 0.8,
    "brightness_photons": 40,
    **MODERATE,
}


def run() -> list[Row]:
    """All figures; a few minutes."""
    figures = registration_figures() + real_figures()
    for name, specimen in (("mixed", MIXED), ("crowded", CROWDED)):
        seeds = range(FIRST_SEED + 20, FIRST_SEED + 24)
        figures += recall_figures(name, [simulated_stack(seed, 12, **specimen) for seed in seeds])
    for name, first, count, specimen, links in (
        ("", 30, 8, WHOLE, 0.96),
        ("mixed: ", 80, 4, MIXED, 0.96),
        ("crowded: ", 60, 4, TOUCHING, 0.92),
    ):
        thick = [(first + n, 400 if n % 2 else 200) for n in range(count)]
        figures += identity_figures(
            name,
            links,
            (
                simulated_stack(FIRST_SEED + seed, 20, **specimen, section_thickness_nm=thickness_nm)
                for seed, thickness_nm in thick
            ),
        )
    figures += empty_figures([simulated_stack(FIRST_SEED + 40 + n, 6, cells_per_field=0) for n in range(20)])
    return figures


def registration_figures(stacks: int = 8) -> list[Row]:
    """Measure the error of links between neighbours with 20 or more cells in common."""
    errors, wrong, bad, pairs = [], 0, 0, 0
    rng = np.random.default_rng(FIRST_SEED)
    for seed in range(FIRST_SEED, FIRST_SEED + stacks):
        stack = simulated_stack(
            seed,
            5,
            cells_per_field=float(rng.uniform(40, 120)),
            cell_radius_um=float(rng.uniform(3, 6)),
            brightness_photons=float(rng.choice([10, 20, 60])),
            section_thickness_nm=float(rng.choice([100, 200, 400])),
            section_shift_um=float(rng.uniform(8, 22)),
            section_rotation_deg=60,
        )
        prepared = [prepare(section.frame) for section in stack]
        for (one, two), (first, second) in zip(pairwise(stack), pairwise(prepared), strict=True):
            error = _error_px(one, two, link := register(first, second))
            if error is None:
                continue
            pairs += 1
            bad += link.bad
            wrong += error > 10 and not link.bad
            if not link.bad:
                errors.append(error)
    what = f"registration, {pairs} links"
    return [
        at_most(f"{what}: median error, px", float(np.median(errors)), 2.0, 2),
        at_most(f"{what}: largest error of a good one, px", max(errors), 10.0, 2),
        at_most(f"{what}: wrong by more than 10 px and not reported", wrong, 0.0, 0),
        Row(f"{what}: reported as bad", f"{bad}"),
    ]


def real_figures() -> list[Row]:
    """Measure how far fl01 to fl02 to fl03 ends from fl01 to fl03, anywhere in the frame."""
    files = sorted(REAL_FRAMES.glob("fl*.ome.tiff"))
    if len(files) < 3:
        return []
    prepared = [
        prepare(SectionFrame(file.name[:4], tifffile.imread(file).astype(np.uint16), REAL_PIXEL_UM))
        for file in files[:3]
    ]
    there, on, across = (register(prepared[a], prepared[b]) for a, b in ((0, 1), (1, 2), (0, 2)))
    if (
        there.motion is None
        or on.motion is None
        or across.motion is None
        or there.bad
        or on.bad
        or across.bad
    ):
        gap_px = float("inf")
    else:
        gap_um = on.motion.after(there.motion).distance_um(across.motion, prepared[0].radius_um)
        gap_px = gap_um / REAL_PIXEL_UM
    return [at_most("real frames, loop closure, px", gap_px, 6.0, 2)]


def recall_figures(name: str, stacks: Sequence[Sequence[TrueSection]]) -> list[Row]:
    """Compare contained recall at the default margin with single sections that image the same area."""
    curve = np.mean([_single_curve(stack) for stack in stacks], axis=0)
    runs = [run_serial(stack) for stack in stacks]
    area, recall, dim, clear = np.nanmean(
        [
            score(stack, [imaged_boxes(one) for one in found])
            for stack, (found, _) in zip(stacks, runs, strict=True)
        ],
        axis=0,
    )
    at_area = [float(np.interp(area, curve[:, 0], curve[:, n])) for n in range(4)]
    cost_ms, single_ms = _costs_ms(stacks)
    what = f"{name} ({area:.0%} imaged)"
    peer = "single sections, equal area"
    # Three points, or half of what single sections lack, where that is less.
    gain = round(min(3.0, 50 * (1 - at_area[1])), 2)
    return [
        beside(f"{what}: contained recall", 100 * recall, 100 * at_area[1], "%", peer, "high"),
        at_least(f"{what}: the same, points more", 100 * (recall - at_area[1]), gain, 2),
        at_least(f"{what}: cells of contrast-to-noise .5 to 1", dim, 0.85),
        beside(f"{what}: the same", 100 * dim, 100 * at_area[2], "%", peer, "high"),
        at_least(f"{what}: clear cells, contrast-to-noise 2 and more", clear, 0.995),
        beside(f"{what}: CPU time of a section", cost_ms, single_ms, "ms", "a single section"),
        at_most(f"{what}: CPU time over that of a single section", cost_ms / single_ms, MOST_CPU, 1),
    ]


def identity_figures(name: str, goal: float, stacks: Iterable[Sequence[TrueSection]]) -> list[Row]:
    """IDF1 of the links and of all, in three ways of counting, and central sections; a stack at a time."""
    scores: list[tuple[float, ...]] = []
    central: list[bool] = []
    for stack in stacks:
        found, detector = run_serial(stack)
        of_links, of_all, names = named(stack, found)
        scores.append((of_links, of_all, *(named(stack, found, meets)[1] for meets in (agrees, holds))))
        central += central_within_one(stack, detector.tracks(), names)
    links, both, alike, held = np.mean(scores, axis=0).tolist()
    return [
        at_least(f"{name}identity over 20 sections, IDF1 of links, {len(scores)} stacks", links, goal),
        at_least(f"{name}the same, what was not found counted too", both, 0.95),
        Row(f"{name}the same, boxes alike by half (IoU .5)", f"{alike:.3f}"),
        Row(f"{name}the same, half of the cell in the box", f"{held:.3f}"),
        at_least(f"{name}central section within one, {len(central)} cells", float(np.mean(central)), 0.9),
    ]


def empty_figures(stacks: Sequence[Sequence[TrueSection]]) -> list[Row]:
    """Measure the share imaged in stacks without cells."""
    runs = [run_serial(stack) for stack in stacks]
    ours = 100 * float(np.mean([one.imaged_fraction for found, _ in runs for one in found]))
    alone = [
        union_mask(boxes, stack[0].frame.shape).mean()
        for stack in stacks
        for boxes in singles(stack, configured().dilate_um)
    ]
    cost_ms, single_ms = _costs_ms(stacks[:4])
    return [
        at_most(f"{len(stacks)} empty stacks, imaged, %", ours, 0.0),
        Row("empty stacks, imaged by single sections, %", f"{100 * float(np.mean(alone)):.3f}"),
        at_most("empty stacks, CPU time over that of a single section", cost_ms / single_ms, MOST_CPU, 1),
    ]


def _error_px(one: TrueSection, two: TrueSection, link: Link) -> float | None:
    """Return the largest error at common cells, px; None if they are fewer than 20 or too far apart."""
    frame = one.frame
    true = two.to_block.inverse().after(one.to_block)
    other = {cell.id for cell in two.cells}
    boxes = [cell.box for cell in one.cells if cell.id in other]
    if len(boxes) < 20 or max(map(abs, true.shift_um)) > 0.6 * frame.shape[1] * frame.pixel_size_um:
        return None
    if link.motion is None:
        return float("inf")
    places = plane_of_pixels(
        np.array([((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) for box in boxes]),
        frame.shape,
        frame.pixel_size_um,
    )
    off = link.motion.apply(places) - true.apply(places)
    return float(np.hypot(*off.T).max()) / frame.pixel_size_um


def run_serial(stack: Sequence[TrueSection]) -> tuple[list[SerialSection], SerialDetector]:
    """Run a stack through the detector."""
    detector = SerialDetector(configured(), detector=opened())
    found: list[SerialSection] = []
    for section in stack:
        found += detector.add(section.frame)
    return found + detector.finish(), detector


def _costs_ms(stacks: Sequence[Sequence[TrueSection]]) -> tuple[float, float]:
    """Return the CPU time of a section in its stack, and by itself, ms."""
    cv2.setNumThreads(1)
    each = [least_ms([partial(run_serial, stack), partial(singles, stack, 1.0)], REPEATS) for stack in stacks]
    together, alone = np.sum(each, axis=0) / sum(len(stack) for stack in stacks)
    return float(together), float(alone)


def singles(stack: Iterable[TrueSection], margin_um: float) -> list[list[BoxPx]]:
    """Return the imaged boxes of every section by itself."""
    frames = [section.frame for section in stack]
    found = [found_in(f.pixels, f.pixel_size_um, f.offset_adu, dilate_um=margin_um) for f in frames]
    return [[c.image_box_px for c in one.cells if c.image_box_px is not None] for one in found]


def _single_curve(stack: Sequence[TrueSection]) -> list[tuple[float, float, float, float]]:
    """Return the scores of single sections at growing margins."""
    frame = stack[0].frame
    tight = singles(stack, 0.0)
    scores = []
    for margin_um in MARGINS_UM:
        margin_px = int(np.ceil(margin_um / frame.pixel_size_um - 1e-9))
        scores.append(
            score(stack, [[box.dilated(margin_px, frame.shape) for box in boxes] for boxes in tight])
        )
    return scores


def imaged_boxes(section: SerialSection) -> list[BoxPx]:
    """Return the boxes of a section that are imaged."""
    boxes = (one.cell.image_box_px for one in section.cells)
    return [box for box in boxes if box is not None]


def score(
    stack: Sequence[TrueSection], imaged: Sequence[Sequence[BoxPx]]
) -> tuple[float, float, float, float]:
    """Return the share of the frames imaged, and contained recall of all cells, dim ones and clear ones."""
    areas, whole, contrast = [], [], []
    for section, boxes in zip(stack, imaged, strict=True):
        covered = union_mask(boxes, section.frame.shape)
        areas.append(float(covered.mean()))
        whole += [float(covered[cell.mask].mean()) >= 0.99 for cell in section.cells]
        contrast += [cell.contrast_to_noise for cell in section.cells]
    inside, levels = np.array(whole, dtype=np.float64), np.array(contrast)
    parts = (levels >= 0, (levels >= 0.5) & (levels < 1), levels >= 2)
    recalls = [float(inside[part].mean()) if part.any() else float("nan") for part in parts]
    return float(np.mean(areas)), recalls[0], recalls[1], recalls[2]
