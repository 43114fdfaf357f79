"""Hours of a whole session by the planner, for many settings of the policy on the same hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from config.model import Config
from detection.evaluation.curves import Decided
from drivers.pose import box_to_rect, inner_rect
from planner.cost import total_s
from planner.plan import plans
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Field, Method
from service.cluster.workers import HERE, Lost, Workers
from service.planning.curve.places import PlacedFrame
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.session.stage_frame import StageFrame

MOST_PLANNED = 4
"""Sections planned with the method ``exact``. Touching cells take it 2 s of a core each, at each of three
settings (published frames with 20 cells)."""
_AT_ONCE = 8
"""Sections that a worker gets at once, some 10 ms each."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Least time of the electron images of a section, and that of its full raster, s."""

    least_s: float
    raster_s: float


class SessionHours:
    """Hours of the session that images some cells: fluorescence, changes of pressure, electron images.

    The method ``exact`` plans a few sections at three settings. At others, and in other sections, the time
    exceeds the planner's lower bound by the same share, interpolated between the three.

    Parameters
    ----------
    config : Config
        With the planner, the SEM and the stage.
    frames : sequence of PlacedFrame
    sections : sequence of sequence of int
        Indices of the frames of each section.
    anchors : (Decided, Decided, Decided)
        Cells at the settings to plan, the present one in the middle: `detection.evaluation.curves.extremes`.
    workers : Workers
        They find the lower bounds of the sections; the hours are the same.
    """

    def __init__(
        self,
        config: Config,
        frames: Sequence[PlacedFrame],
        sections: Sequence[Sequence[int]],
        anchors: tuple[Decided, Decided, Decided],
        workers: Workers = HERE,
    ) -> None:
        self._workers = workers
        self._config, self._frames, self._sections = config, frames, sections
        self._settings = settings_from(
            config.planner, config.sem, config.stage, StageFrame.of(config).misfit_m
        )
        self._pace = session_pace(config)
        self._focus = FocusCost.of(config, self._pace)
        self._limits: dict[object, _Limits] = {}
        self._planned_s: dict[object, float] = {}
        self._anchors = np.zeros((0, 2))
        if self._settings.method == "exact":
            self._calibrate(anchors)

    def hours(self, decided: Decided) -> float:
        """Return the hours of the session that images these cells."""
        electron_s, imaged = 0.0, 0
        of_sections = self._boxes(decided)
        self._find_limits(of_sections)
        ratio = self._ratio(of_sections)
        for number, boxes in enumerate(of_sections):
            if boxes:
                electron_s += self._section_s(number, boxes, ratio)
                imaged += 1
        return self._session_h(electron_s, imaged)

    def raster_hours(self) -> float:
        """Return the hours of the session that images everything."""
        raster_s = sum(self._of(number, ()).raster_s for number in range(len(self._sections)))
        return self._session_h(raster_s, len(self._sections))

    def _session_h(self, electron_s: float, imaged_sections: int) -> float:
        pace, sections = self._pace, len(self._sections)
        rounds = sections if self._config.session.order == "section" else 1
        light_s = len(self._frames) * pace.fluorescence_s + sections * self._focus.light_s
        pumping_s = rounds * (pace.to_partial_s + pace.to_high_s)
        focus_s = total_s(self._focus.beam(imaged_sections), pace.electron)
        return (light_s + pumping_s + electron_s + focus_s) / 3600

    def _calibrate(self, anchors: tuple[Decided, Decided, Decided]) -> None:
        """Plan some sections at the anchors, and keep by how much they exceed the lower bound."""
        with_cells = [number for number, boxes in enumerate(self._boxes(anchors[1])) if boxes]
        step = max(1, -(-len(with_cells) // MOST_PLANNED))
        chosen = with_cells[::step]
        rows = []
        for decided in anchors:
            boxes = self._boxes(decided)
            some = [number for number in chosen if boxes[number]]
            planned_s = sum(self._plan_s(number, boxes[number]) for number in some)
            least_s = sum(self._of(number, boxes[number]).least_s for number in some)
            if least_s:
                self._find_limits(boxes)
                rows.append((self._least_s(boxes), planned_s / least_s))
        self._anchors = np.array(sorted(rows)).reshape(-1, 2)

    def _ratio(self, of_sections: Sequence[tuple[Box, ...]]) -> float:
        if not len(self._anchors):
            return 1.0
        return float(np.interp(self._least_s(of_sections), self._anchors[:, 0], self._anchors[:, 1]))

    def _least_s(self, of_sections: Sequence[tuple[Box, ...]]) -> float:
        found = enumerate(of_sections)
        return sum(self._of(number, boxes).least_s for number, boxes in found if boxes)

    def _find_limits(self, of_sections: Sequence[tuple[Box, ...]]) -> None:
        """Have the workers find the limits of the sections that are not known yet."""
        missing = [
            (number, self._fields(number), boxes)
            for number, boxes in enumerate(of_sections)
            if boxes and _key(number, boxes) not in self._limits
        ]
        groups = [missing[n : n + _AT_ONCE] for n in range(0, len(missing), _AT_ONCE)]
        results = self._workers.each(partial(_limits, self._settings), groups)
        for group, found in zip(groups, results, strict=True):
            # What is lost is found here when it is needed.
            if not isinstance(found, Lost):
                for (number, _, boxes), limits in zip(group, found, strict=True):
                    self._limits[_key(number, boxes)] = limits

    def _section_s(self, number: int, boxes: tuple[Box, ...], ratio: float) -> float:
        known = self._planned_s.get(_key(number, boxes))
        if known is not None:
            return known
        if self._settings.method != "exact":
            return self._plan_s(number, boxes)
        limits = self._of(number, boxes)
        own_s = limits.least_s * ratio
        return min(own_s, limits.raster_s) if self._settings.raster_where_cheaper else own_s

    def _plan_s(self, number: int, boxes: tuple[Box, ...]) -> float:
        key = _key(number, boxes)
        if key not in self._planned_s:
            self._planned_s[key] = self._totals(number, boxes, self._settings.method)[0]
        return self._planned_s[key]

    def _of(self, number: int, boxes: tuple[Box, ...]) -> _Limits:
        key = _key(number, boxes)
        if key not in self._limits:
            (self._limits[key],) = _limits(self._settings, [(number, self._fields(number), boxes)])
        return self._limits[key]

    def _totals(self, number: int, boxes: tuple[Box, ...], method: Method) -> tuple[float, float]:
        """Return the time of a plan, and its lower bound, s."""
        return _planned(number, self._fields(number), boxes, self._settings, method)

    def _fields(self, number: int) -> list[Field]:
        frames = ((index, self._frames[index]) for index in self._sections[number])
        return [Field(f"F{index:03d}", inner_rect(frame.pose, frame.shape)) for index, frame in frames]

    def _boxes(self, decided: Decided) -> list[tuple[Box, ...]]:
        """Return the cells to image of each section."""
        found = []
        for members in self._sections:
            cells = [(index, cell) for index in members for cell in decided[index]]
            found.append(
                tuple(
                    Box(f"c{n:05d}", self._rect_m(index, cell.box_px.as_tuple()), self._rect_m(index, image))
                    for n, (index, cell) in enumerate(cells)
                    if cell.image_box_px is not None and (image := cell.image_box_px.as_tuple())
                )
            )
        return found

    def _rect_m(self, index: int, box_px: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
        frame = self._frames[index]
        return box_to_rect(frame.pose, frame.shape, box_px)


def _limits(
    settings: PlanSettings, sections: Sequence[tuple[int, Sequence[Field], tuple[Box, ...]]]
) -> list[_Limits]:
    """Return the limits of sections, given their numbers, fields and cells; a worker does it."""
    found = [_planned(*section, settings, "raster") for section in sections]
    return [_Limits(least_s, raster_s) for raster_s, least_s in found]


def _planned(
    number: int, fields: Sequence[Field], boxes: tuple[Box, ...], settings: PlanSettings, method: Method
) -> tuple[float, float]:
    """Return the time of a plan, and its lower bound, s."""
    (made,) = plans(f"S{number:04d}", fields, boxes, settings, (method,))
    return made.totals.total_s, made.totals.bound_s


def _key(number: int, boxes: Sequence[Box]) -> tuple[object, ...]:
    return number, *((box.rect_m, box.keep_m) for box in boxes)
