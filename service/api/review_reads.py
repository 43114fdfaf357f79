"""Replies about the review of the cells by people."""

from service.api.wire import review as wire
from service.api.wire.messages import MOST_ROWS
from service.errors import IllegalTransitionError
from service.model.review import Verdict
from service.planning.review.edit import demand_review
from service.planning.review.effective import Policy
from service.planning.review.preview import PolicyPreview
from service.store.store import Store


def now(store: Store, policy: Policy) -> wire.Review:
    """Return the state of the review."""
    counts = store.review.counts()
    counts.pop(Verdict.WITHDRAWN, None)
    last = store.review.last_step()
    first = [] if last is None else store.review.first_edit(last.number)
    force = policy.in_force
    return wire.Review(
        open=_open(store),
        dilate_um=force.dilate_um,
        side_quantile=force.side_quantile,
        min_confidence=force.min_confidence,
        policy_by=None if policy.step is None else policy.step.by,
        next_undo=wire.EditRow.of(first[0]) if first else None,
        cells=sum(number for number, _ in counts.values()),
        imaged=sum(imaged for _, imaged in counts.values()),
        rejected=counts.get(Verdict.REJECTED, (0, 0))[0],
        accepted=counts.get(Verdict.ACCEPTED, (0, 0))[0],
        drawn=counts.get(Verdict.DRAWN, (0, 0))[0],
        resized=counts.get(Verdict.RESIZED, (0, 0))[0],
    )


def page(store: Store, params: wire.ReviewParams) -> wire.EditPage:
    """Return some edits."""
    limit = min(params.limit, MOST_ROWS)
    found = store.review.edits(limit, params.after)
    return wire.EditPage(
        edits=tuple(map(wire.EditRow.of, found)),
        after=found[-1].number if len(found) == limit else None,
    )


def preview(found: PolicyPreview) -> wire.ReviewPreview:
    """Return the effect of a policy."""
    return wire.ReviewPreview(
        cells=found.cells,
        before=found.before,
        added=len(found.added),
        added_names=found.added[:MOST_ROWS],
        dropped=len(found.dropped),
        dropped_names=found.dropped[:MOST_ROWS],
        resized=found.resized,
        electron_s=found.electron_s,
        estimate_s=found.estimate_s,
        boxes_px=dict(list(found.boxes_px.items())[: wire.MOST_BOXES]),
    )


def _open(store: Store) -> bool:
    try:
        demand_review(store)
    except IllegalTransitionError:
        return False
    return True
