"""Checks of electron images: false alarms on good frames, misses on bad ones, and what they cost.

Sections of six overlapping frames around a cell, for each kind of specimen, scan and column below. Every
frame is checked beside the other five; then one is scanned once more with each fault of the simulator. Drift
and focus are counted where they can be judged, and how often that is stands beside them.
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.rows import Row, at_most
from config.model import Config
from config.simulator import ScanFaultsConfig
from drivers.chamber import VacuumState
from drivers.sem import ScanImage, ScanRequest
from service.image_checks.electron import Checked, Others, Requested, check_image
from service.image_checks.seams import Strips
from service.model.images.checks import CheckKind, kinds_of
from simulators.clock import FastClock
from simulators.devices.scan_faults import ScanFault
from simulators.microscope import SimulatedMicroscope

TITLE = "checks of electron images"
FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 96_000
SECTIONS = int(os.environ.get("ILEMTRACK_BENCH_SECTIONS", "10"))
LIMIT_S = 1800.0
_GRID = (3, 2)
_BAD = (1, 1)
"""Place of the bad frame."""
_OVERLAP_PX = 96
_DWELL_60_US = 60e-6

GROUPS: dict[str, dict[str, Any]] = {
    "usual": {},
    "dwell 10 us": {"sem": {"dwell_us": 10.0}},
    "dwell 1 us": {"sem": {"dwell_us": 1.0}},
    "dwell 300 us": {"sem": {"dwell_us": 300.0}},
    "8 nm": {"sem": {"pixel_size_nm": 8.0}},
    "33 nm": {"sem": {"pixel_size_nm": 33.0}},
    "100 nm": {"sem": {"pixel_size_nm": 100.0}},
    "heavy stain bright": {"sem": {"invert_contrast": False}},
    "crowded": {"specimen": {"cells_per_field": 60.0}},
    "few cells": {"specimen": {"cells_per_field": 1.0}},
    "empty resin": {"specimen": {"cells_per_field": 0.0}},
    "faint cells": {"specimen": {"resin_stain": 0.35}},
    "cloudy resin": {"specimen": {"resin_texture_percent": 4.0}},
    "dirt and knife marks": {"specimen": {"dirt_per_field": 20.0, "knife_marks_per_field": 8.0}},
    "folds and debris": {"specimen": {"folds_per_section": 4.0, "debris_per_field": 5.0}},
    "slow charging": {"simulator": {"charging_percent": 5.0}},
    "section out of focus": {"simulator": {"plate_height_um": 15.0}},
    "border of the section": {"border": True},
    "16 bit": {"bits": 16},
    "small scans": {"size_px": (256, 192)},
    "large scans": {"size_px": (1536, 1024)},
}
EXPECTED: Mapping[ScanFault, frozenset[CheckKind]] = {
    ScanFault.BLANK: frozenset({CheckKind.BLANK, CheckKind.DARK}),
    ScanFault.TRUNCATED: frozenset({CheckKind.TRUNCATED}),
    ScanFault.FROZEN: frozenset({CheckKind.REPEATED}),
    ScanFault.SATURATED: frozenset({CheckKind.CLIPPED, CheckKind.SATURATED}),
    ScanFault.DEFOCUS: frozenset({CheckKind.FOCUS}),
    ScanFault.DRIFT: frozenset({CheckKind.DRIFT}),
    ScanFault.JUMP: frozenset({CheckKind.DRIFT}),
    ScanFault.CHARGING: frozenset({CheckKind.CHARGING}),
}
_WHERE_JUDGED = frozenset({ScanFault.DEFOCUS, ScanFault.DRIFT, ScanFault.JUMP})
"""Faults that show only where there is detail, or a seam."""
_DROWNED = "dwell 1 us"
"""Noise of a pixel is .35 of full scale there, a step of charging .06 to .2: misses of it are told apart."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """An image, and the column and row of its frame in the section."""

    image: ScanImage
    asked: Requested
    place: tuple[int, int]


class Bench:
    """A simulated microscope over a section, with the frames around one of its cells."""

    def __init__(self, group: str, seed: int, fault: ScanFault | None = None) -> None:
        values = GROUPS[group]
        self._bits = values.get("bits", 8)
        self.size_px: tuple[int, int] = values.get("size_px", (768, 512))
        faults = {} if fault is None else {f"{fault.value}_percent": 100.0}
        self._config = Config.model_validate(
            {
                "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "pitch_um": 300},
                "sem": {"max_scan_px": (3072, 2048), "beam_reach_um": (999, 999), "databar_px": 0}
                | values.get("sem", {}),
                "simulator": {
                    "scan_overhead_s": 0,
                    "specimen": {"seed": seed} | values.get("specimen", {}),
                    "scan_faults": ScanFaultsConfig(**faults).model_dump(),
                }
                | values.get("simulator", {}),
            }
        )
        microscope = SimulatedMicroscope(self._config, FastClock())
        self._devices = microscope.devices
        self._devices.chamber.go_to(VacuumState.HIGH, 1e6)
        rng = np.random.default_rng([seed, 12])
        cells = microscope.specimen.truth("S0001")
        stands_m = np.array(self._devices.stage.position())
        middle_m = cells[rng.integers(len(cells))].points_m.mean(axis=0) if cells else stands_m
        if values.get("border"):
            _, _, face = max(microscope.specimen.faces(_around(stands_m)), key=lambda one: one[2].sum())
            rows, columns = np.nonzero(face[:, :-1] & ~face[:, 1:])
            pick = rng.integers(len(rows))
            middle_m = _around(stands_m).matrix_um @ (columns[pick], rows[pick], 1) * 1e-6
        self._shift_m = middle_m - stands_m

    def scan(self, place: tuple[int, int]) -> Scanned:
        """Scan a frame of the section."""
        sem, pixel_m = self._config.sem, self._config.sem.pixel_size_m
        step_m = (np.array(self.size_px) - _OVERLAP_PX) * pixel_m
        off = (np.array(place) - (np.array(_GRID) - 1) / 2) * step_m * (1, -1)
        x_m, y_m = (self._shift_m + off).tolist()
        image = self._devices.sem.scan(
            ScanRequest(self.size_px, pixel_m, sem.dwell_s, "bench", (x_m, y_m)), 1e9
        )
        if self._bits == 16:
            image = ScanImage(
                _in_16_bits(image.pixels), image.center_m, pixel_m, sem.dwell_s, "bench", image.beam
            )
        return Scanned(image, Requested(self.size_px, pixel_m, image.center_m, 1e-6), place)


def _in_16_bits(pixels: Any) -> Any:
    """Return an image that uses the levels between those of 8 bits, too; the same for the same image."""
    rng = np.random.default_rng(int(pixels.sum(dtype=np.int64)))
    fine = pixels.astype(np.uint16) * np.uint16(256) + rng.integers(0, 256, pixels.shape, dtype=np.uint16)
    return np.where(pixels == 255, np.uint16(65535), np.where(pixels == 0, np.uint16(0), fine))


def _around(stands_m: Any) -> Any:
    from drivers.pose import Pose
    from simulators.specimen.grid import Grid

    return Grid.of_pose(Pose((float(stands_m[0]), float(stands_m[1])), (1e-6, 1e-6)), (400, 400))


def frames(group: str, seed: int) -> list[Scanned]:
    """Return the good frames of a section."""
    bench = Bench(group, seed)
    return [bench.scan((column, row)) for row in range(_GRID[1]) for column in range(_GRID[0])]


def with_fault(group: str, seed: int, fault: ScanFault, last: Checked) -> tuple[Scanned, Checked]:
    """Return a frame of a section with a fault, and the checks of the image before it."""
    bench = Bench(group, seed, fault)
    if fault is ScanFault.FROZEN:
        last = check(bench.scan((_BAD[0] - 1, _BAD[1])), (), None)
    return bench.scan(_BAD), last


def check(one: Scanned, others: Sequence[tuple[Scanned, Checked]], last: Checked | None) -> Checked:
    """Check a frame beside others of its section."""
    sides = [_strips(one, other) for other, _ in others if _is_beside(one, other)]
    return check_image(
        one.image,
        one.asked,
        Others(
            [checked.noise for _, checked in others if checked.noise is not None],
            [checked.sharpness for _, checked in others if checked.sharpness is not None],
            None if last is None else last.marks,
            sides,
        ),
    )


def _is_beside(one: Scanned, other: Scanned) -> bool:
    return one.place[1] == other.place[1] and abs(one.place[0] - other.place[0]) == 1


def _strips(one: Scanned, other: Scanned) -> Strips:
    here, there = (image.image.pixels.astype(np.float32) for image in (one, other))
    if one.place[0] > other.place[0]:
        return Strips(here[:, :_OVERLAP_PX], there[:, -_OVERLAP_PX:])
    return Strips(here[:, -_OVERLAP_PX:], there[:, :_OVERLAP_PX])


@dataclass(frozen=True, slots=True)
class Counted:
    """Frames of a group: good ones with false alarms, bad ones that were judged and missed, by fault."""

    good: int
    alarms: Counter[CheckKind]
    bad: Counter[ScanFault]
    judged: Counter[ScanFault]
    missed: Counter[ScanFault]
    cost: tuple[float, ...]
    """Time of the checks over the dwell time of the frame at 60 us."""
    extremes: Mapping[CheckKind, float]
    """Of good frames: the value nearest to its limit, over the limit."""


def count(group: str, seeds: Sequence[int]) -> Counted:
    """Check the frames of a group."""
    good, cost = 0, []
    alarms: Counter[CheckKind] = Counter()
    bad, judged, missed = (Counter[ScanFault]() for _ in range(3))
    nearest: dict[CheckKind, list[float]] = defaultdict(list)
    for seed in seeds:
        scanned = frames(group, seed)
        known = [(one, check(one, (), None)) for one in scanned]
        for n, one in enumerate(scanned):
            begun_s = time.perf_counter()
            found = check(one, [*known[:n], *known[n + 1 :]], known[n - 1][1])
            cost.append((time.perf_counter() - begun_s) / (one.image.pixels.size * _DWELL_60_US))
            good += 1
            alarms.update(kinds_of(found.checks))
            for each in found.checks:
                below = each.kind in (CheckKind.FOCUS, CheckKind.BLANK)
                nearest[each.kind].append(
                    each.limit / max(each.value, 1e-9) if below else each.value / each.limit
                )
        for fault in ScanFault:
            of = next(n for n, one in enumerate(scanned) if one.place == _BAD)
            one, last = with_fault(group, seed, fault, known[of - 1][1])
            found = check(one, [*known[:of], *known[of + 1 :]], last)
            bad[fault] += 1
            seen = fault not in _WHERE_JUDGED or any(one.kind in EXPECTED[fault] for one in found.checks)
            judged[fault] += seen
            missed[fault] += seen and not kinds_of(found.checks) & EXPECTED[fault]
    return Counted(
        good,
        alarms,
        bad,
        judged,
        missed,
        tuple(cost),
        {kind: max(values) for kind, values in nearest.items()},
    )


def counted() -> Iterator[tuple[str, Counted]]:
    """Check the frames of every group."""
    for group in GROUPS:
        yield group, count(group, range(FIRST_SEED, FIRST_SEED + SECTIONS))


def run() -> list[Row]:
    """Check good and bad frames of every group."""
    found = dict(counted())
    rows = []
    good = sum(one.good for one in found.values())
    alarms = sum((one.alarms for one in found.values()), Counter[CheckKind]())
    rows.append(at_most(f"false alarms on {good} good frames", sum(alarms.values()) / good, 0.001, 4))
    for kind, number in alarms.most_common():
        worst = max(found, key=lambda group: found[group].alarms[kind])
        share = found[worst].alarms[kind] / found[worst].good
        rows.append(Row(f"false alarms, {kind.value}; worst group: {worst}", f"{number}; {share:.3f}"))
    for fault in ScanFault:
        counts = dict(found)
        if fault is ScanFault.CHARGING:
            apart = counts.pop(_DROWNED)
            rows.append(
                Row(f"charging, {_DROWNED}", f"{apart.missed[fault]} of {apart.judged[fault]} missed")
            )
        bad, judged, missed = (
            sum(getattr(one, name)[fault] for one in counts.values()) for name in ("bad", "judged", "missed")
        )
        worst = max(
            counts, key=lambda group: counts[group].missed[fault] / max(counts[group].judged[fault], 1)
        )
        rows.append(
            at_most(f"{fault.value}: missed, of {judged} judged of {bad}", missed / max(judged, 1), 0.02)
        )
        if missed:
            of = found[worst]
            rows.append(
                Row(f"{fault.value}: worst group, {worst}", f"{of.missed[fault]} of {of.judged[fault]}")
            )
    for kind in (CheckKind.CHARGING, CheckKind.FOCUS, CheckKind.DRIFT, CheckKind.BLANK, CheckKind.CLIPPED):
        worst = max(found, key=lambda group: found[group].extremes.get(kind, 0.0))
        share = found[worst].extremes.get(kind, 0.0)
        rows.append(Row(f"{kind.value}: nearest good frame, {worst}", f"{share:.2f} of the limit"))
    cost = np.concatenate([one.cost for one in found.values()])
    rows.append(
        at_most("time of all checks over the dwell time at 60 us, median", float(np.median(cost)), 0.05, 5)
    )
    return rows
