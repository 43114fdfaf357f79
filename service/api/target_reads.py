"""Replies about the choice of the cells to image."""

from collections import Counter

from service.api.wire import targets as wire
from service.api.wire.messages import MOST_ROWS
from service.errors import IllegalTransitionError, UnknownIdError
from service.planning.targets.choose import demand_review
from service.planning.targets.listing import Listed, Preview, TargetList
from service.store.store import Store


def page(found: TargetList, params: wire.TargetsParams) -> wire.TargetPage:
    """Return some of the cells that can be chosen.

    Raises
    ------
    UnknownIdError
    """
    cells = found.cells
    begin = 0
    if params.after is not None:
        place = next((n for n, one in enumerate(cells) if one.target.id == params.after), None)
        if place is None:
            raise UnknownIdError(f"there is no cell {params.after} to choose")
        begin = place + 1
    wanted = [one for one in cells[begin:] if params.chosen in (None, one.left_out is None)]
    limit = min(params.limit, MOST_ROWS)
    after = wanted[limit - 1].target.id if len(wanted) > limit else None
    return wire.TargetPage(targets=tuple(map(row, wanted[:limit])), after=after)


def now(store: Store, found: TargetList) -> wire.Targets:
    """Return the choice in force."""
    made = found.choice
    return wire.Targets(
        rule=found.rule,
        by=None if made is None else made.by,
        reason=None if made is None else made.reason,
        at=None if made is None else made.at,
        cells=len(found.cells),
        chosen=sum(one.left_out is None for one in found.cells),
        left_out=dict(Counter(one.left_out for one in found.cells if one.left_out is not None)),
        electron_s=found.electron_s,
        all_s=found.all_s,
        open=_open(store),
    )


def preview(found: Preview) -> wire.TargetsPreview:
    """Return the effect of a rule."""
    return wire.TargetsPreview(
        cells=found.chosen + sum(found.left_out.values()),
        chosen=found.chosen,
        left_out=dict(found.left_out),
        added=len(found.added),
        added_names=found.added[:MOST_ROWS],
        dropped=len(found.dropped),
        dropped_names=found.dropped[:MOST_ROWS],
        most_s=found.most_s,
        electron_s=found.electron_s,
        all_s=found.all_s,
    )


def row(one: Listed) -> wire.TargetRow:
    """Return the row of a cell."""
    return wire.TargetRow(
        target=one.target.id,
        brightness_adu=one.target.brightness_adu,
        size_um=one.target.size_um,
        sections=one.target.sections,
        first_section=one.first_section,
        last_section=one.last_section,
        alone_s=one.alone_s,
        chosen=one.left_out is None,
        left_out=one.left_out,
        beside=one.beside,
    )


def _open(store: Store) -> bool:
    try:
        demand_review(store)
    except IllegalTransitionError:
        return False
    return True
