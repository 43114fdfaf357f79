"""Result of a shadow: a finished run beside the same fluorescence with another detector or policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.model.review import Verdict
from service.model.specimen import Cell
from service.shadow.compare import Fate, Judged
from service.shadow.costs import Cost


@dataclass(frozen=True, slots=True)
class Counts:
    """Cells found, and those of them to image; in a section or in all."""

    cells: int
    imaged: int

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of both."""
        return Counts(self.cells + other.cells, self.imaged + other.imaged)


@dataclass(frozen=True, slots=True)
class ComparedSection:
    """A section with the detector of the run and with the other.

    Attributes
    ----------
    section : str
    counts : (Counts, Counts)
        Of the run as detected, and of the shadow.
    costs : (Cost or None, Cost or None)
        Likewise; None where nothing is planned.
    of_run, of_shadow : tuple of Judged
        Cells that each images, judged by what the other does.
    """

    section: str
    counts: tuple[Counts, Counts]
    costs: tuple[Cost | None, Cost | None]
    of_run: tuple[Judged, ...]
    of_shadow: tuple[Judged, ...]

    @property
    def lost(self) -> tuple[Judged, ...]:
        """Cells that only the run images."""
        return tuple(one for one in self.of_run if one.fate is Fate.MISSED)

    @property
    def gained(self) -> tuple[Judged, ...]:
        """Cells that only the shadow images."""
        return tuple(one for one in self.of_shadow if one.fate is Fate.MISSED)

    @property
    def partly(self) -> int:
        """Number of cells of the run that the shadow images in part."""
        return sum(one.fate is Fate.PARTLY for one in self.of_run)


@dataclass(frozen=True, slots=True)
class DecidedCell:
    """A cell on which a person has decided, and what the shadow does to it."""

    cell: Cell
    verdict: Verdict
    share: float
    """Part of it that the shadow images, 0..1."""


@dataclass(frozen=True, slots=True)
class People:
    """Decisions of people in the run. Neither side of the comparison has them.

    Attributes
    ----------
    decided : tuple of DecidedCell
    margins, choice : bool
        People have set other margins or a threshold, or chosen among the cells.
    cost : Cost
        Of the run with all that people decided.
    """

    decided: tuple[DecidedCell, ...]
    margins: bool
    choice: bool
    cost: Cost

    @property
    def any(self) -> bool:
        """True if people have decided anything."""
        return bool(self.decided) or self.margins or self.choice


@dataclass(frozen=True, slots=True)
class Shadow:
    """A run beside its shadow.

    Attributes
    ----------
    run, kind : str
    ended : bool
        False if the run is under way, or can be taken up again.
    phase : str
        Of the run.
    detectors : (str, str)
        Of the run, and of the shadow.
    settings : tuple of str
        Settings of the shadow that differ, in words.
    sections : tuple of ComparedSection
    left_out : tuple of str
        Sections that the run has not detected yet.
    costs : (Cost, Cost)
    failed : mapping of str to str
        Fields in which the shadow found no cells since detection or planning failed, with the reason.
    people : People
    """

    run: str
    kind: str
    ended: bool
    phase: str
    detectors: tuple[str, str]
    settings: tuple[str, ...]
    sections: tuple[ComparedSection, ...]
    left_out: tuple[str, ...]
    costs: tuple[Cost, Cost]
    failed: Mapping[str, str]
    people: People

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """Cells of all sections, of the run and of the shadow."""
        run = shadow = Counts(0, 0)
        for one in self.sections:
            run, shadow = run.plus(one.counts[0]), shadow.plus(one.counts[1])
        return run, shadow

    @property
    def lost(self) -> tuple[Judged, ...]:
        """Cells that only the run images, the most confident first."""
        return _by_confidence([one for section in self.sections for one in section.lost])

    @property
    def gained(self) -> tuple[Judged, ...]:
        """Cells that only the shadow images, the most confident first."""
        return _by_confidence([one for section in self.sections for one in section.gained])


def shadow_document(shadow: Shadow) -> dict[str, Any]:
    """Return the JSON document; see docs/documents.md."""
    run, other = shadow.counts
    return {
        "v": 1,
        "run": shadow.run,
        "kind": shadow.kind,
        "ended": shadow.ended,
        "phase": shadow.phase,
        "detector": {"run": shadow.detectors[0], "shadow": shadow.detectors[1]},
        "settings": list(shadow.settings),
        "of_run": _side(run, shadow.costs[0]),
        "of_shadow": _side(other, shadow.costs[1]),
        "electron_h_more": _rounded((shadow.costs[1].electron_s - shadow.costs[0].electron_s) / 3600),
        "frames_more": shadow.costs[1].frames - shadow.costs[0].frames,
        "kept": sum(one.fate is Fate.KEPT for section in shadow.sections for one in section.of_run),
        "partly": sum(section.partly for section in shadow.sections),
        "lost": [_judged(one) for one in shadow.lost],
        "gained": [_judged(one) for one in shadow.gained],
        "sections": [
            {
                "section": one.section,
                "of_run": _side(one.counts[0], one.costs[0]),
                "of_shadow": _side(one.counts[1], one.costs[1]),
                "partly": one.partly,
                "lost": len(one.lost),
                "gained": len(one.gained),
            }
            for one in shadow.sections
        ],
        "not_compared": list(shadow.left_out),
        "failed_fields": dict(shadow.failed),
        "people": {
            "decided": [
                {
                    "cell": one.cell.id,
                    "tracks": list(one.cell.tracks),
                    "verdict": one.verdict.value,
                    "share": _rounded(one.share),
                }
                for one in shadow.people.decided
            ],
            "margins": shadow.people.margins,
            "choice": shadow.people.choice,
            "as_run": shadow.people.cost.model_dump(),
        },
    }


def _side(counts: Counts, cost: Cost | None) -> dict[str, Any]:
    planned = Cost(frames=0, beam_s=0.0, electron_s=0.0, data_bytes=0) if cost is None else cost
    return {"cells": counts.cells, "imaged": counts.imaged, **planned.model_dump()}


def _judged(one: Judged) -> dict[str, Any]:
    cell = one.cell
    return {
        "cell": cell.id,
        "tracks": list(cell.tracks),
        "box_px": list(cell.box_px),
        "confidence": _rounded(cell.confidence),
        "source": cell.source.value,
        "share": _rounded(one.share),
        "in_frames": _rounded(one.in_frames),
        "why": None if one.why is None else one.why.value,
    }


def _by_confidence(cells: list[Judged]) -> tuple[Judged, ...]:
    return tuple(sorted(cells, key=lambda one: -one.cell.confidence))


def _rounded(value: float) -> float:
    return round(value, 4)
