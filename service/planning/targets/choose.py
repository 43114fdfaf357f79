"""The choice of a session: made by its configuration or by a person, kept in its store."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from config.model import Config
from config.work import TargetsConfig
from service import wording_cells
from service.errors import IllegalTransitionError, InputError, RefusedChoiceError
from service.model.jobs import HoldCause, JobState
from service.model.phases import Phase
from service.model.review import WANTED
from service.model.specimen import Cell, FieldState
from service.model.targets import LeftOut, Target
from service.planning.targets.candidates import Cut, by_target, targets_of
from service.planning.targets.select import Selection, check_possible, select
from service.store.store import Store
from service.words.states import said_now


@dataclass(frozen=True)
class Catalogue:
    """All cells of a session that the detection policy keeps, at one moment."""

    cells: tuple[Cell, ...]

    @cached_property
    def cuts(self) -> Mapping[str, tuple[Cut, ...]]:
        """Cells of each target."""
        return by_target(
            Cut(c.id, c.section, c.rect_m, c.tracks, c.brightness_adu, c.seen) for c in self.cells
        )

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Targets in the order in which they are found."""
        return targets_of(self.cuts)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Targets of which a person wants every cell imaged: no rule leaves them out, or counts them."""
        asked = {cell.id for cell in self.cells if cell.verdict in WANTED}
        return frozenset(name for name, cuts in self.cuts.items() if all(cut.id in asked for cut in cuts))

    def selection(
        self, rule: TargetsConfig, kept: Collection[str] = (), among: Collection[str] | None = None
    ) -> Selection:
        """Choose among these cells by a rule; see `select`. `among` limits the targets."""
        names = self.cuts.keys() if among is None else among
        free = [one for one in self.targets if one.id in names and one.id not in self.wanted]
        found = select(free, rule, kept)
        return replace(found, chosen=found.chosen | self.wanted.intersection(names))


def is_chosen(cell: Cell, chosen: Collection[str]) -> bool:
    """Return True if a cell is imaged where some targets are chosen."""
    return cell.verdict in WANTED or any(name in chosen for name in cell.targets)


def catalogue(store: Store) -> Catalogue:
    """Return the cells found so far that the detection policy keeps."""
    return Catalogue(tuple(cell for cell in store.specimen.cells() if cell.image_rect_m is not None))


def rule_in_force(config: Config, store: Store) -> TargetsConfig:
    """Return the last rule that a person has set, or that of the configuration."""
    made = store.targets.current()
    return config.targets if made is None else TargetsConfig.model_validate_json(made.rule, strict=True)


def decide_by_rule(config: Config, store: Store) -> None:
    """Choose by the rule in force among the cells of all sections, for the sections not planned yet."""
    # One transaction: a person may set another rule meanwhile.
    with store.transaction():
        decide(store, rule_in_force(config, store))


def decide(store: Store, rule: TargetsConfig, notes: Mapping[str, object] | None = None) -> Selection:
    """Choose among the cells of all sections, and store the decision on those of unplanned sections.

    A cell that is chosen in a planned section stays chosen in all others, so that it is complete. `notes` are
    added to the event; without any, there is an event only if a decision changes.
    """
    with store.transaction():
        found = catalogue(store)
        planned = {field.section for field in store.specimen.fields(state=FieldState.PLANNED)}
        kept = {
            name
            for cell in found.cells
            if cell.section in planned and cell.left_out is None and cell.verdict not in WANTED
            for name in cell.targets
        }
        still_open = {
            name
            for name, cuts in found.cuts.items()
            if name in kept or any(cut.section not in planned for cut in cuts)
        }
        selection = found.selection(rule, kept, still_open)
        skipped = {job.id for job in store.queue.jobs(state=JobState.SKIPPED)}
        reasons = {
            cell.id: (cell.left_out, _reason(cell, selection, skipped))
            for cell in found.cells
            if cell.section not in planned
        }
        if notes is not None or any(old is not new for old, new in reasons.values()):
            data: dict[str, object] = {
                "rule": rule.model_dump(mode="json", exclude_defaults=True),
                "chosen": len(selection.chosen),
                "left_out": dict(Counter(reason.value for reason in selection.left_out.values())),
            }
            if unknown := [name for name in rule.tracks if name not in found.cuts]:
                data["unknown"] = unknown
            store.targets.decide({cell: new for cell, (_, new) in reasons.items()}, data | dict(notes or {}))
        return selection


def set_choice(config: Config, store: Store, rule: TargetsConfig, by: str, reason: str) -> str:
    """Put a rule of a person in force, and withdraw all plans; the caller has the sections planned again.

    Returns
    -------
    str
        One sentence for the person.

    Raises
    ------
    IllegalTransitionError
        The session is not in review.
    RefusedChoiceError
        This session cannot choose, or this rule chooses nothing, or frames are held by hand.
    """
    demand_review(store)
    if rule == rule_in_force(config, store):
        return "this choice is in force already"
    check_rule(config, store, rule)
    held = [job.id for job in store.queue.jobs(state=JobState.HELD) if job.hold_cause is HoldCause.PERSON]
    if held:
        raise RefusedChoiceError(wording_cells.held_by_hand(held))
    with store.transaction():
        store.targets.add(rule.model_dump_json(exclude_defaults=True), by, reason)
        planned = {field.section for field in store.specimen.fields(state=FieldState.PLANNED)}
        store.queue.withdraw_plans(sorted(planned), wording_cells.chosen_anew(by))
        selection = decide(store, rule, {"by": by, "reason": reason})
    total = len(selection.chosen) + len(selection.left_out)
    return f"{len(selection.chosen)} of {total} cells are chosen; the sections are planned again now"


def demand_review(store: Store) -> None:
    """Refuse a choice outside the review.

    Raises
    ------
    IllegalTransitionError
    """
    status = store.status()
    if Phase.REVIEW not in (status.phase, status.resume_to) or store.ledger.exposures(limit=1):
        raise IllegalTransitionError(
            f"{said_now(status.phase)}: cells are chosen in the review, between fluorescence and"
            " the first electron image (session.review: true)"
        )


def check_rule(config: Config, store: Store, rule: TargetsConfig, found: Catalogue | None = None) -> None:
    """Refuse a rule that this session cannot follow; `found` are its cells, if they are known.

    Raises
    ------
    RefusedChoiceError
    """
    try:
        if not rule.everything:
            Config.model_validate(config.model_dump() | {"targets": rule.model_dump()})
        check_possible((found or catalogue(store)).targets, rule)
    except InputError as error:
        raise RefusedChoiceError(str(error)) from None
    except ValueError:
        raise RefusedChoiceError(
            "targets: cells are chosen in sessions with session.order: array, and not for planner.method:"
            " raster, which images every cell"
        ) from None


def _reason(cell: Cell, selection: Selection, skipped: set[str]) -> LeftOut | None:
    if cell.jobs and skipped.issuperset(cell.jobs):
        return LeftOut.SKIPPED_BY_HAND
    if is_chosen(cell, selection.chosen):
        return None
    return selection.left_out[cell.targets[0]]
