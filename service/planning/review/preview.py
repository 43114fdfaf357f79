"""Effect of other margins or another threshold, without a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from config.model import Config
from planner.cost import Work, total_s
from planner.settings import settings_from
from service.model.review import BoxPx4, PolicyChange, Step
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.review.effective import Policy, as_reviewed
from service.planning.review.ground import Grounds
from service.planning.review.many_cells import Floats, Imaged, ManyCells
from service.session.stage_frame import StageFrame
from service.store.store import Store


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
        self._policy = config.detection
        self._cells = store.specimen.cells()
        self._grounds = Grounds(store)
        self._edits = store.review.edits_of(cell.id for cell in self._cells)
        exposed = store.review.exposed()
        # What a person has edited, or the beam has reached, does not follow the policy.
        edited = [cell.verdict is not None or cell.section in exposed for cell in self._cells]
        self._fixed = np.array(edited, dtype=bool)
        self._found = store.review.as_found(self._cells)
        base = [now if own else was for now, was, own in zip(self._cells, self._found, edited, strict=True)]
        self._many = ManyCells.of(base, self._grounds.of)
        step = store.review.policy_step()
        self._before = self._under(Policy(config.detection, step))
        self._chosen = np.array([cell.left_out is None for cell in self._cells], dtype=bool)
        self._hours = _Hours(config, store, [cell.section for cell in self._cells])
        boxes = np.array([cell.box_px for cell in self._cells], dtype=np.float64).reshape(-1, 4)
        self._size_px = boxes[:, 2:] - boxes[:, :2]

    def preview(self, change: PolicyChange, field: str | None) -> PolicyPreview:
        policy = Policy(self._policy, Step(0, "", "", "", change))
        before, after = self._before, self._under(policy)
        other = (before.sides_px != after.sides_px).any(axis=1) & before.mask & after.mask
        return PolicyPreview(
            cells=int(np.count_nonzero(after.mask & self._chosen)),
            before=int(np.count_nonzero(before.mask & self._chosen)),
            added=self._names(after.mask & ~before.mask),
            dropped=self._names(before.mask & ~after.mask),
            resized=int(np.count_nonzero(other)),
            electron_s=self._hours.planned_s,
            estimate_s=self._hours.estimate_s(self._alone_s(before), self._alone_s(after)),
            boxes_px=self._boxes(policy, field),
        )

    def _under(self, policy: Policy) -> Imaged:
        now = self._many.under(policy.configured, policy.in_force)
        fixed, sides = self._fixed, self._many.shown_px
        return Imaged(
            np.where(fixed, self._many.imaged, now.mask), np.where(fixed[:, None], sides, now.sides_px)
        )

    def _alone_s(self, imaged: Imaged) -> Floats:
        pixel_um = self._many.pixel_um
        sizes_um = self._size_px * pixel_um[:, None]
        sides_um = imaged.sides_px * pixel_um[:, None]
        return np.where(imaged.mask & self._chosen, self._hours.alone_s(sizes_um, sides_um), 0.0)

    def _names(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[str, ...]:
        return tuple(self._cells[n].id for n in np.flatnonzero(mask).tolist())

    def _boxes(self, policy: Policy, field: str | None) -> dict[str, BoxPx4 | None]:
        pairs = zip(self._cells, self._found, self._fixed.tolist(), strict=True)
        return {
            now.id: (
                now
                if fixed and now.verdict is None
                else as_reviewed(was, self._edits.get(now.id, ()), policy, partial(self._grounds.of, was))
            ).image_box_px
            for now, was, fixed in pairs
            if now.field == field
        }


class _Hours:
    """Time of electron images, estimated from the plans and the sizes of the cells."""

    def __init__(self, config: Config, store: Store, sections: list[str]) -> None:
        pace = session_pace(config, store)
        self._pace, self._focus = pace.electron, FocusCost.of(config, pace)
        self._settings = settings_from(
            config.planner, config.sem, config.stage, StageFrame.of(config).misfit_m
        )
        self._names, self._of_cell = np.unique(np.array(sections, dtype=str), return_inverse=True)
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
