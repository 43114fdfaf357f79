"""Effect of other margins or another threshold, without a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from planner.cost import Work, total_s
from planner.settings import settings_from
from service.model.review import BoxPx4, PolicyChange, Step
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.review.effective import Policy, as_reviewed
from service.planning.review.ground import Grounds
from service.planning.review.many_cells import Flags, Floats, Imaged, ManyCells
from service.session.stage_frame import StageFrame
from service.store.store import Store

_NOT_OF_CELLS = ("plan", "queue", "queue_add", "focus", "overview")
"""Kinds of events that change neither cells nor exposures."""


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """Effect of a policy.

    Attributes
    ----------
    cells : int
        Cells that would be imaged, without those that are left out by choice.
    before : int
        The same under the policy in force.
    added, dropped : tuple of str
        Cells that would be imaged besides, or no longer.
    resized : int
        Cells of which more or less would be imaged.
    electron_s : float or None
        Time of the electron images by the plans, s; None while sections are planned.
    estimate_s : float
        The same under this policy, s. In each section, the time of its plan changes in proportion to the time
        that its cells take one by one, up to a full raster.
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
    """Previews of one session; the cells are read again after each event that may have changed them.

    Parameters
    ----------
    config : Config
    store : Store
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._cells: tuple[int, _Cells] | None = None
        self._hours: tuple[int, _Hours] | None = None

    def preview(self, change: PolicyChange, field: str | None = None) -> PolicyPreview:
        """Return the effect of a policy, and what it images of each cell of a field.

        Raises
        ------
        RefusedChoiceError
            The place of a frame is not known.
        """
        with self._store.snapshot():
            seq = self._store.events.last_seq()
            if self._cells is None or self._store.events.any_since(self._cells[0], but=_NOT_OF_CELLS):
                self._cells = self._hours = None
                self._cells = seq, _Cells(self._config, self._store)
            cells = self._cells[1]
            self._cells = seq, cells
            if self._hours is None or self._hours[0] != seq:
                self._hours = seq, _Hours(self._config, self._store, cells.sections, cells.section_of)
            policy = Policy(self._config.detection, Step(0, "", "", "", change))
            boxes_px = {} if field is None else _boxes(self._store, policy, field)
        return cells.preview(policy, self._hours[1], boxes_px)


def _boxes(store: Store, policy: Policy, field: str) -> dict[str, BoxPx4 | None]:
    """Return what a policy images of each cell of a field, px of its frame."""
    cells, grounds, exposed = store.specimen.cells(field=field), Grounds(store), store.review.exposed()
    edits = store.review.edits_of(cell.id for cell in cells)
    return {
        now.id: (
            now
            if now.section in exposed and now.verdict is None
            else as_reviewed(was, edits.get(now.id, ()), policy, partial(grounds.of, was))
        ).image_box_px
        for now, was in zip(cells, store.review.as_found(cells), strict=True)
    }


class _Cells:
    """Cells of a session at one moment.

    Attributes
    ----------
    sections : array of str
        Sections that have cells.
    section_of : (cells,) array of int
        Index of the section of each cell.
    """

    def __init__(self, config: Config, store: Store) -> None:
        found, grounds = store.review.found_cells(), Grounds(store)
        grounds.read_all()
        self._names = found.ids
        self._fixed, self._chosen = np.array(found.fixed, dtype=bool), np.array(found.chosen, dtype=bool)
        self._many = ManyCells.of(found, grounds.of_field)
        self._before = self._under(Policy(config.detection, store.review.policy_step()))
        sections = np.array(found.sections, dtype=str)
        self.sections, self.section_of = np.unique(sections, return_inverse=True)
        boxes = np.array(found.boxes_px, dtype=np.float64).reshape(-1, 4)
        self._size_px = boxes[:, 2:] - boxes[:, :2]

    def preview(
        self, policy: Policy, hours: "_Hours", boxes_px: Mapping[str, BoxPx4 | None]
    ) -> PolicyPreview:
        """Return the effect of a policy."""
        before, after = self._before, self._under(policy)
        other = (before.sides_px != after.sides_px).any(axis=1) & before.mask & after.mask
        return PolicyPreview(
            cells=int(np.count_nonzero(after.mask & self._chosen)),
            before=int(np.count_nonzero(before.mask & self._chosen)),
            added=self._named(after.mask & ~before.mask),
            dropped=self._named(before.mask & ~after.mask),
            resized=int(np.count_nonzero(other)),
            electron_s=hours.planned_s,
            estimate_s=hours.estimate_s(self._alone_s(hours, before), self._alone_s(hours, after)),
            boxes_px=boxes_px,
        )

    def _under(self, policy: Policy) -> Imaged:
        now = self._many.under(policy.configured, policy.in_force)
        fixed, sides = self._fixed, self._many.shown_px
        return Imaged(
            np.where(fixed, self._many.imaged, now.mask), np.where(fixed[:, None], sides, now.sides_px)
        )

    def _alone_s(self, hours: "_Hours", imaged: Imaged) -> Floats:
        pixel_um = self._many.pixel_um
        sizes_um = self._size_px * pixel_um[:, None]
        sides_um = imaged.sides_px * pixel_um[:, None]
        return np.where(imaged.mask & self._chosen, hours.alone_s(sizes_um, sides_um), 0.0)

    def _named(self, mask: Flags) -> tuple[str, ...]:
        return tuple(self._names[n] for n in np.flatnonzero(mask).tolist())


class _Hours:
    """Time of electron images, estimated from the plans and the sizes of the cells."""

    def __init__(
        self, config: Config, store: Store, sections: NDArray[np.str_], section_of: NDArray[np.intp]
    ) -> None:
        pace = session_pace(config, store)
        self._pace, self._focus = pace.electron, FocusCost.of(config, pace)
        self._settings = settings_from(
            config.planner, config.sem, config.stage, StageFrame.of(config).misfit_m
        )
        self._names, self._of_cell = sections, section_of
        plans, rasters = store.durations.of_plans(), store.durations.of_method("raster")
        nothing = float("nan")
        self._plan_s = np.array([self._s(plans[n]) if n in plans else nothing for n in self._names.tolist()])
        self._raster_s = np.array(
            [self._s(rasters[n]) if n in rasters else np.inf for n in self._names.tolist()]
        )
        # Where a raster would be quicker than the plan, the plan has its reasons.
        self._most_s = np.fmax(self._raster_s, self._plan_s)
        chosen = [work for work in plans.values() if work.frames]
        focus_s = self._s(self._focus.beam(len(chosen)))
        complete = set(plans) >= set(self._names.tolist())
        self.planned_s = focus_s + sum(map(self._s, plans.values())) if complete else None

    def alone_s(self, sizes_um: Floats, sides_um: Floats) -> Floats:
        """Return the time of each cell that has its frames for itself, s, of whatever size."""
        one = self._settings
        context_um = one.context_m * 1e6
        wide = np.maximum(sides_um, context_um)
        required_um = sizes_um + wide[:, :2] + wide[:, 2:] + 2e6 * one.guard_m
        px = np.ceil(required_um / (one.pixel_size_m * 1e6))
        frames = np.ceil(px / np.array(one.max_frame_px)).prod(axis=1)
        per_frame_s = self._s(Work(1, 1))
        return np.asarray(frames * per_frame_s + px.prod(axis=1) * one.dwell_s)

    def estimate_s(self, before_s: Floats, after_s: Floats) -> float:
        """Return the time under a policy, s, from the times of the cells before and after."""
        count = len(self._names)
        before = np.bincount(self._of_cell, before_s, count)
        after = np.bincount(self._of_cell, after_s, count)
        known = np.isfinite(self._plan_s) & (before > 0)
        own = np.where(known, np.nan_to_num(self._plan_s) * after / np.where(before > 0, before, 1.0), after)
        sections = int(np.count_nonzero(after))
        return float(np.minimum(own, self._most_s).sum()) + self._s(self._focus.beam(sections))

    def _s(self, work: Work) -> float:
        return total_s(work, self._pace)
