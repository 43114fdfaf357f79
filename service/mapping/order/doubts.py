"""Links between sections judged by their chance to be neighbours."""

from collections.abc import Sequence

import numpy as np

from service.mapping.order.likeness.registering import Likeness
from service.mapping.order.sampling import Orders
from service.mapping.order.values import Doubt, LinkKind, OrderLink

SURE = 0.99
"""Chance from which on a link is not doubtful. Of the wrong links on development stacks (320 to 375, 6021)
the surest had a chance of .973."""
_LIKELY = 0.05
"""Chance from which on another neighbour is named. Chosen by hand."""
_MOST_NAMED = 3


def judged_link(
    before: int, after: int, kind: LinkKind, names: Sequence[str], likeness: Likeness, orders: Orders
) -> OrderLink:
    """Return a link with its chance, its doubt, and the neighbours that may be right in its place.

    Parameters
    ----------
    before, after : int
        Rows of the likeness.
    kind : LinkKind
    names : sequence of str
        Of the rows.
    likeness : Likeness
    orders : Orders
    """
    chance = float(orders.chance[before, after])
    cost = float(likeness.unlike[before, after])
    doubt = None
    if chance < SURE:
        # Nothing is known of two sections that nothing lays on each other.
        nothing = likeness.apart[before, after] or not np.isfinite(cost)
        doubt = Doubt.UNREGISTERED if nothing else Doubt.ANOTHER
    others = [
        (names[one], names[other], float(orders.chance[one, other]))
        for one, not_it in ((before, after), (after, before))
        for other in np.flatnonzero(orders.chance[one] >= _LIKELY).tolist()
        if other != not_it and not _are_neighbours(one, other, orders)
    ]
    others.sort(key=lambda each: -each[2])
    known = cost if np.isfinite(cost) else 1.0
    return OrderLink(
        names[before],
        names[after],
        kind,
        doubt,
        known,
        chance,
        tuple(others[:_MOST_NAMED]) if doubt is not None else (),
    )


def _are_neighbours(one: int, other: int, orders: Orders) -> bool:
    at = orders.sections.index(one)
    return other in orders.sections[max(at - 1, 0) : at + 2]
