"""Effect of other margins or another threshold, without a change: quick enough for a slider."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from config.model import Config
from service.model.review import BoxPx4, PolicyChange, Step
from service.model.specimen import Cell
from service.planning.review.effective import Policy, as_reviewed
from service.planning.review.ground import Grounds
from service.planning.targets.choose import Catalogue, is_chosen, rule_in_force
from service.planning.targets.listing import Costed
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """Effect of a policy.

    Attributes
    ----------
    cells : int
        Cells that would be imaged, as far as they are chosen.
    before : int
        The same under the policy in force.
    added, dropped : tuple of str
        Cells that would be imaged besides, or no longer.
    resized : int
        Cells of which more or less would be imaged.
    electron_s : float or None
        Time of the electron images by the plans, s; None while sections are planned.
    estimate_s : float
        The same under this policy, s; see `Costed.estimate_s`.
    boxes_px : mapping
        What would be imaged of each cell of the field asked for, px of its frame; None for nothing.
    """

    cells: int
    before: int
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    resized: int
    electron_s: float | None
    estimate_s: float
    boxes_px: Mapping[str, BoxPx4 | None]


class PolicyPreviews:
    """Previews of one session; the cells are read again after each event.

    Parameters
    ----------
    config : Config
    store : Store
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._kept: tuple[int, _Now] | None = None

    def preview(self, change: PolicyChange, field: str | None = None) -> PolicyPreview:
        """Return the effect of a policy, and what it images of each cell of a field.

        Raises
        ------
        RefusedChoiceError
            The place of a frame is not known.
        """
        seq = self._store.events.last_seq()
        if self._kept is None or self._kept[0] != seq:
            self._kept = seq, _Now(self._config, self._store)
        return self._kept[1].preview(change, field)


class _Now:
    """Cells of a session at one moment."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._cells = store.specimen.cells()
        self._found = store.review.as_found(self._cells)
        self._edits = store.review.edits_of(cell.id for cell in self._cells)
        self._exposed = store.review.exposed()
        self._grounds = Grounds(store)
        self._rule = rule_in_force(config, store)
        self._costed, self._chosen = self._cost(self._cells)

    def preview(self, change: PolicyChange, field: str | None) -> PolicyPreview:
        policy = Policy(self._config.detection, Step(0, "", "", "", change))
        after = [
            now
            if now.section in self._exposed
            else as_reviewed(found, self._edits.get(found.id, ()), policy, partial(self._grounds.of, found))
            for now, found in zip(self._cells, self._found, strict=True)
        ]
        costed, chosen = self._cost(after)
        pairs = list(zip(self._cells, after, strict=True))
        added = [new.id for old, new in pairs if old.image_rect_m is None and new.image_rect_m is not None]
        dropped = [new.id for old, new in pairs if old.image_rect_m is not None and new.image_rect_m is None]
        other = sum(old.image_rect_m != new.image_rect_m for old, new in pairs)
        return PolicyPreview(
            cells=_imaged(costed.found, chosen),
            before=_imaged(self._costed.found, self._chosen),
            added=tuple(added),
            dropped=tuple(dropped),
            resized=other - len(added) - len(dropped),
            electron_s=self._costed.electron_s,
            estimate_s=costed.estimate_s(chosen, self._costed.alone_s(self._chosen)),
            boxes_px={new.id: new.image_box_px for new in after if new.field == field},
        )

    def _cost(self, cells: list[Cell]) -> tuple[Costed, frozenset[str]]:
        found = Catalogue(tuple(cell for cell in cells if cell.image_rect_m is not None))
        return Costed(self._config, self._store, found), found.selection(self._rule).chosen


def _imaged(found: Catalogue, chosen: frozenset[str]) -> int:
    return sum(is_chosen(cell, chosen) for cell in found.cells)
