"""Checks of electron images: false alarms on good frames, misses on bad ones, and what they cost.

Sections of six overlapping frames for each kind of specimen, scan and column (groups:
`benchmarks.electron_images.checking.groups`). Every frame is checked beside the other five; then one is
scanned once more with each fault of the simulator.
Drift and focus are counted where they can be judged, and how often that is stands beside them.
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from benchmarks.electron_images.checking.groups import GROUPS
from benchmarks.electron_images.checking.scans import BAD, Bench, check, measured
from benchmarks.measuring.rows import Row, at_most
from service.model.images.checks import NO_BEAM, CheckKind, kinds_of
from simulators.devices.scan_faults import ScanFault

TITLE = "checks of electron images"
FIRST_SEED = 0 if os.environ.get("ILEMTRACK_BENCH_SEEDS") == "development" else 102_000
SPECIMENS = int(os.environ.get("ILEMTRACK_BENCH_SECTIONS", "4"))
LIMIT_S = 1800.0
SPOTS = 4
"""Sections of frames on each specimen: a specimen costs as much time as two sections."""
FAULTY_SPECIMENS = 3
"""Specimens on which a frame of the first section is scanned with each fault."""
_DWELL_60_US = 60e-6

EXPECTED: Mapping[ScanFault, frozenset[CheckKind]] = {
    ScanFault.BLANK: frozenset({CheckKind.BLANK, CheckKind.DARK}),
    ScanFault.TRUNCATED: frozenset({CheckKind.TRUNCATED}),
    ScanFault.FROZEN: frozenset({CheckKind.REPEATED}),
    ScanFault.SATURATED: frozenset({CheckKind.CLIPPED, CheckKind.SATURATED}),
    ScanFault.DEFOCUS: frozenset({CheckKind.FOCUS}),
    ScanFault.DRIFT: frozenset({CheckKind.DRIFT}),
    ScanFault.JUMP: frozenset({CheckKind.DRIFT, CheckKind.JUMP}),
    ScanFault.CHARGING: frozenset({CheckKind.CHARGING}),
}
_WHERE_JUDGED = frozenset({ScanFault.DEFOCUS, ScanFault.DRIFT, ScanFault.JUMP})
"""Faults that show only where there is detail, or a seam."""
_BY_NOISE = frozenset({ScanFault.BLANK, ScanFault.TRUNCATED})
_SILENT = frozenset({"dwell 10 ms", "bare support, 10 ms"})
"""The beam has less noise there than the detector of the simulator has without it."""
_AT_THE_END = frozenset(group for group in GROUPS if group.startswith(("border", "bare support")))
"""The ground is nearly black or white there: a charge takes it beyond the grey levels."""
_APART: Mapping[ScanFault, frozenset[str]] = {
    ScanFault.BLANK: _SILENT,
    ScanFault.TRUNCATED: _SILENT,
    ScanFault.CHARGING: _AT_THE_END,
}
"""Groups whose misses are told apart: it does not show there."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Frames of a group.

    Attributes
    ----------
    good : int
    alarms : Counter
        Good frames with a false alarm, by check; `alarmed` counts each frame once.
    bad, judged, missed : Counter
        By fault.
    as_no_beam : int
        Bad frames that had a beam, and that count as if they had none: these would be exposed again.
    cost : tuple of float
        Time of the checks over the dwell time of the frame at 60 us.
    extremes : mapping
        Of good frames: the value nearest to its limit, over the limit.
    """

    good: int
    alarmed: int
    alarms: Counter[CheckKind]
    bad: Counter[ScanFault]
    judged: Counter[ScanFault]
    missed: Counter[ScanFault]
    as_no_beam: int
    cost: tuple[float, ...]
    extremes: Mapping[CheckKind, float]


def count(group: str, seeds: Sequence[int]) -> Counted:
    """Check the frames of a group."""
    good, alarmed, as_no_beam, cost = 0, 0, 0, []
    alarms: Counter[CheckKind] = Counter()
    bad, judged, missed = (Counter[ScanFault]() for _ in range(3))
    nearest: dict[CheckKind, list[float]] = defaultdict(list)
    for number, seed in enumerate(seeds):
        bench = Bench(group, seed, SPOTS)
        for spot in range(SPOTS):
            scanned = bench.section(spot)
            known = []
            for one in scanned:
                begun_s = time.perf_counter()
                known.append((one, measured(one)))
                cost.append((time.perf_counter() - begun_s) / (one.image.pixels.size * _DWELL_60_US))
            for n, (one, by_itself) in enumerate(known):
                begun_s = time.perf_counter()
                found = check(one, by_itself, [*known[:n], *known[n + 1 :]], known[n - 1][1])
                cost[good] += (time.perf_counter() - begun_s) / (one.image.pixels.size * _DWELL_60_US)
                good += 1
                alarms.update(kinds_of(found.checks))
                alarmed += bool(kinds_of(found.checks))
                for each in found.checks:
                    below = each.kind in (CheckKind.FOCUS, CheckKind.BLANK)
                    nearest[each.kind].append(
                        each.limit / max(each.value, 1e-9) if below else each.value / max(each.limit, 1e-9)
                    )
            if spot or number >= FAULTY_SPECIMENS:
                continue
            of = next(n for n, one in enumerate(scanned) if one.place == BAD)
            for fault in ScanFault:
                one, last = bench.faulty(spot, fault, known[of - 1][1])
                found = check(one, measured(one), [*known[:of], *known[of + 1 :]], last)
                kinds = kinds_of(found.checks)
                hit = bool(kinds & EXPECTED[fault])
                bad[fault] += 1
                # An image without a jump in it may have one that does not show.
                tells = EXPECTED[fault] - {CheckKind.JUMP}
                seen = hit or fault not in _WHERE_JUDGED or any(one.kind in tells for one in found.checks)
                judged[fault] += seen
                missed[fault] += seen and not hit
                has_beam = fault not in _BY_NOISE and group not in _APART.get(fault, ())
                as_no_beam += has_beam and bool(kinds & NO_BEAM)
    return Counted(
        good,
        alarmed,
        alarms,
        bad,
        judged,
        missed,
        as_no_beam,
        tuple(cost),
        {kind: max(values) for kind, values in nearest.items()},
    )


def counted() -> Iterator[tuple[str, Counted]]:
    """Check the frames of every group."""
    first = FIRST_SEED
    for group in GROUPS:
        yield group, count(group, range(first, first + SPECIMENS))
        # Each has specimens of its own: what is rare in one kind is in the others, too.
        first += SPECIMENS


def run() -> list[Row]:
    """Check good and bad frames of every group."""
    found = dict(counted())
    rows = _false_alarms(found)
    for fault in ScanFault:
        rows += _misses(fault, found)
    as_no_beam = sum(one.as_no_beam for one in found.values())
    rows.append(at_most("frames that had a beam, found bad as if they had none", as_no_beam, 0, 0))
    for kind in (
        CheckKind.CHARGING,
        CheckKind.FOCUS,
        CheckKind.DRIFT,
        CheckKind.BLANK,
        CheckKind.CLIPPED,
        CheckKind.TRUNCATED,
        CheckKind.DARK,
    ):
        worst = max(found, key=lambda group: found[group].extremes.get(kind, 0.0))
        share = found[worst].extremes.get(kind, 0.0)
        rows.append(Row(f"{kind.value}: nearest good frame, {worst}", f"{share:.2f} of the limit"))
    cost = np.concatenate([one.cost for one in found.values()])
    rows.append(
        at_most("time of all checks over the dwell time at 60 us, median", float(np.median(cost)), 0.05, 5)
    )
    return rows


def _false_alarms(found: Mapping[str, Counted]) -> list[Row]:
    good = sum(one.good for one in found.values())
    alarmed = sum(one.alarmed for one in found.values())
    # Clopper and Pearson, Biometrika 26 (1934) 404.
    bound = float(beta.ppf(0.95, alarmed + 1, good - alarmed))
    rows = [
        at_most(f"false alarms on {good} good frames", alarmed / good, 0.001, 5),
        Row("false alarms: number, upper bound of the share, 95 %", f"{alarmed}; {bound:.4f}"),
    ]
    for group, one in found.items():
        if one.alarmed:
            kinds = ", ".join(f"{number} {kind.value}" for kind, number in one.alarms.most_common())
            rows.append(Row(f"false alarms: {group}", f"{one.alarmed} of {one.good}: {kinds}"))
    return rows


def _misses(fault: ScanFault, found: Mapping[str, Counted]) -> list[Row]:
    rows = []
    counts = dict(found)
    apart = [counts.pop(group) for group in _APART.get(fault, ())]
    if apart:
        missed, bad = sum(one.missed[fault] for one in apart), sum(one.bad[fault] for one in apart)
        rows.append(Row(f"{fault.value}, where it hardly shows", f"{missed} of {bad} missed"))
    bad, judged, missed = (
        sum(getattr(one, name)[fault] for one in counts.values()) for name in ("bad", "judged", "missed")
    )
    rows.append(at_most(f"{fault.value}: missed, of {judged} judged of {bad}", missed / max(judged, 1), 0.02))
    rows += [
        Row(f"{fault.value}: {group}", f"{one.missed[fault]} of {one.judged[fault]} missed")
        for group, one in counts.items()
        if one.missed[fault]
    ]
    return rows
