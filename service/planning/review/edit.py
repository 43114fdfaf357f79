"""Edits of the cells by a person in the review: recorded, carried out, and undone."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from config.model import Config
from service import wording_cells
from service.errors import IllegalTransitionError, RefusedChoiceError
from service.model.jobs import HoldCause, JobState
from service.model.phases import Phase
from service.model.review import Edit, EditKind, PolicyChange, Step
from service.model.specimen import FieldState
from service.planning.review.asked import Asked, Resolver
from service.planning.review.effective import Policy, as_reviewed
from service.planning.review.ground import Grounds
from service.planning.review.revised import revised
from service.planning.targets.choose import rule_in_force
from service.store.store import Store
from service.words.states import said_now

_MOST_LISTED = 20
"""Most sections that an event names."""


def edit(config: Config, store: Store, asked: Sequence[Asked], by: str, reason: str) -> str:
    """Carry out some edits, all or none, as one step; the caller has the sections planned again.

    Returns
    -------
    str
        One sentence for the person.

    Raises
    ------
    IllegalTransitionError
        The session is not in review.
    UnknownIdError
    RefusedChoiceError
        One of them is not possible, or frames of its section are held by hand.
    """
    demand_review(store)
    with store.transaction():
        grounds = Grounds(store)
        found = Resolver(store, grounds).resolve(asked)
        step = store.review.add(by, reason, found.edits, found.new)
        changed = _carry_out(config, store, grounds, {one.cell for one in found.edits if one.cell}, by)
        counts = Counter(one.kind for one in found.edits)
        _note(store, step, by, reason, changed, {"edits": {k.value: n for k, n in counts.items()}})
    return f"{_counted(counts)}; {_planned_again(changed)}"


def set_policy(config: Config, store: Store, policy: PolicyChange, by: str, reason: str) -> str:
    """Put other margins, or another threshold, in force as one step; see `edit`.

    Raises
    ------
    IllegalTransitionError, RefusedChoiceError
    """
    demand_review(store)
    now = Policy(config.detection, store.review.policy_step())
    if Policy(config.detection, Step(0, by, reason, "", policy)).in_force == now.in_force:
        return "these margins are in force already"
    with store.transaction():
        step = store.review.add(by, reason, [Edit(EditKind.POLICY)], policy=policy)
        changed = _carry_out(config, store, Grounds(store), None, by)
        given = {name: getattr(policy, name) for name in PolicyChange.__slots__}
        _note(store, step, by, reason, changed, {"policy": given})
    return f"the margins of {len(changed)} cells change; {_planned_again(changed)}"


def undo(config: Config, store: Store, by: str, mine: bool) -> str:
    """Undo the last step that is not undone, of this person or of anybody.

    Raises
    ------
    IllegalTransitionError, RefusedChoiceError
        Also where somebody has edited the same cells since.
    """
    demand_review(store)
    step = store.review.last_step(by if mine else None)
    if step is None:
        raise RefusedChoiceError(f"{by} has made no edit to undo" if mine else "there is no edit to undo")
    later = store.review.later_than(step)
    if later is not None:
        raise RefusedChoiceError(f"{later.by} has edited the same cells since; undo that first")
    if not store.review.exposed().isdisjoint(_sections(store, step)):
        raise IllegalTransitionError("the beam has been on these cells: it is too late to undo the edit")
    with store.transaction():
        store.review.undo(step.number, by)
        cells = None if step.policy is not None else set(store.review.cells_of(step.number))
        changed = _carry_out(config, store, Grounds(store), cells, by)
        _note(store, step.number, by, "", changed, {"undone": True})
    return f"undone: step {step.number} of {step.by}; {_planned_again(changed)}"


def conform(config: Config, store: Store, section: str) -> None:
    """Give the cells of a section that was detected just now the margins in force.

    They were found under the policy of the configuration.
    """
    if store.review.policy_step() is not None:
        cells = {cell.id for cell in store.specimen.cells(section=section)}
        with store.transaction():
            _refresh(config, store, Grounds(store), cells)


def demand_review(store: Store) -> None:
    """Refuse an edit outside the review.

    Raises
    ------
    IllegalTransitionError
    """
    status = store.status()
    if Phase.REVIEW not in (status.phase, status.resume_to):
        raise IllegalTransitionError(
            f"{said_now(status.phase)}: cells are edited in the review, between fluorescence and"
            " the electron images (session.review: true)"
        )


def _carry_out(config: Config, store: Store, grounds: Grounds, cells: set[str] | None, by: str) -> list[str]:
    """Store the cells as edited, and withdraw the plans that they change; None stands for all cells.

    Returns
    -------
    list of str
        The section of each cell that changed.
    """
    if cells is None:
        changed = _refresh_all(config, store, grounds)
    else:
        changed = _refresh(config, store, grounds, cells)
    touched = set(changed)
    planned = {one.section for one in store.specimen.fields(state=FieldState.PLANNED)}
    if changed and not rule_in_force(config, store).everything:
        # Cells are chosen among those of all sections.
        touched = planned - store.review.exposed()
    _demand_nothing_held(store, touched & planned)
    store.queue.withdraw_plans(sorted(touched & planned), wording_cells.reviewed(by))
    return changed


def _refresh_all(config: Config, store: Store, grounds: Grounds) -> list[str]:
    """Store all cells as edited, without a record of each: a session has thousands; see `_refresh`."""
    grounds.read_all()
    found, exposed = store.review.found_cells(), store.review.exposed()
    policy = Policy(config.detection, store.review.policy_step())
    by = "" if policy.step is None else policy.step.by
    changed = store.review.set_policy(
        revised(found, grounds.of_field, policy.configured, policy.in_force, by)
    )
    edited = {
        cell
        for cell, section, is_fixed in zip(found.ids, found.sections, found.fixed, strict=True)
        if is_fixed and section not in exposed
    }
    return changed + _refresh(config, store, grounds, edited)


def _refresh(config: Config, store: Store, grounds: Grounds, cells: Collection[str]) -> list[str]:
    """Store some cells as edited; return the section of each that changed."""
    exposed = store.review.exposed()
    now = [cell for cell in store.review.cells(cells) if cell.section not in exposed]
    policy = Policy(config.detection, store.review.policy_step())
    edits = store.review.edits_of(cell.id for cell in now)
    changed = []
    for before, found in zip(now, store.review.as_found(now), strict=True):
        after = as_reviewed(found, edits.get(found.id, ()), policy, partial(grounds.of, found))
        if after != before:
            changed.append(after)
    store.review.set_cells(changed)
    return [cell.section for cell in changed]


def _demand_nothing_held(store: Store, sections: Collection[str]) -> None:
    held = [
        job.id
        for job in store.queue.jobs(JobState.HELD)
        if job.hold_cause is HoldCause.PERSON and job.section in sections
    ]
    if held:
        raise RefusedChoiceError(wording_cells.held_by_hand(held))


def _sections(store: Store, step: Step) -> set[str]:
    return {cell.section for cell in store.review.cells(store.review.cells_of(step.number))}


def _note(
    store: Store, step: int, by: str, reason: str, changed: Sequence[str], what: Mapping[str, object]
) -> None:
    sections = sorted(set(changed))
    data = {"step": step, **what, "by": by, "cells": len(changed), "sections": sections[:_MOST_LISTED]}
    store.review.note(data | ({"reason": reason} if reason else {}))


_DONE = {
    EditKind.REJECT: "rejected",
    EditKind.ACCEPT: "accepted",
    EditKind.DRAW: "drawn",
    EditKind.RESIZE: "resized",
}


def _counted(counts: Counter[EditKind]) -> str:
    return ", ".join(
        f"{number} {wording_cells.cells(number)} {_DONE[kind]}" for kind, number in counts.items()
    )


def _planned_again(changed: Sequence[str]) -> str:
    sections = set(changed)
    if not sections:
        return "nothing is planned again"
    which = next(iter(sections)) if len(sections) == 1 else f"{len(sections)} sections"
    return f"{which} planned again now"
