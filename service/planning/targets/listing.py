"""Lists of the cells that can be chosen, and previews of a choice."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from config.model import Config
from config.work import TargetsConfig
from planner.cost import Work, total_s
from planner.settings import settings_from
from planner.values import Box
from service.model.targets import Beside, Choice, LeftOut, Target
from service.model.work import ALL_CELLS
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.targets.choose import Catalogue, catalogue, check_rule, is_chosen, rule_in_force
from service.planning.targets.hours import most_s, work_alone
from service.session.stage_frame import StageFrame
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A cell that can be chosen.

    Attributes
    ----------
    target : Target
    first_section, last_section : str
    alone_s : float
        Time of its electron images if it has all its frames for itself, s; the way between sections not
        counted.
    left_out : LeftOut or None
        None if it is chosen.
    beside : Beside or None
        Strongest effect of the frames of other cells in any section; None if it is chosen or not planned.
    """

    target: Target
    first_section: str
    last_section: str
    alone_s: float
    left_out: LeftOut | None
    beside: Beside | None


@dataclass(frozen=True, slots=True)
class TargetList:
    """The cells that can be chosen, in the order of their first section, and the choice in force.

    Attributes
    ----------
    rule : TargetsConfig
    choice : Choice or None
        Who made it; None for that of the configuration.
    cells : tuple of Listed
    electron_s : float or None
        Time of the electron images of the chosen cells by their plans, s; None while sections are planned.
    all_s : float or None
        The same for all cells.
    """

    rule: TargetsConfig
    choice: Choice | None
    cells: tuple[Listed, ...]
    electron_s: float | None
    all_s: float | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Effect of a choice, without making it.

    Attributes
    ----------
    chosen : int
    left_out : mapping of LeftOut to int
    added, dropped : tuple of str
        Cells that it adds to the choice in force, and those that it leaves out besides.
    most_s : float
        Upper limit of the time of the electron images, s; the plan that follows takes no longer.
    electron_s, all_s : float or None
        As in `TargetList`.
    """

    chosen: int
    left_out: Mapping[LeftOut, int]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    most_s: float
    electron_s: float | None
    all_s: float | None


class TargetLists:
    """Lists and previews of one session, kept until its next event.

    Parameters
    ----------
    config : Config
    store : Store
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store
        self._kept: tuple[int, _Costed] | None = None

    def now(self) -> TargetList:
        """Return the cells that can be chosen, with the choice in force."""
        costed = self._costed()
        return TargetList(
            rule=rule_in_force(self._config, self._store),
            choice=self._store.targets.current(),
            cells=costed.listed,
            electron_s=costed.electron_s,
            all_s=costed.all_s,
        )

    def preview(self, rule: TargetsConfig) -> Preview:
        """Return the effect of a choice, without making it.

        Raises
        ------
        RefusedChoiceError
            This session cannot follow the rule.
        """
        costed = self._costed()
        check_rule(self._config, self._store, rule, costed.found)
        selection = costed.found.selection(rule)
        before = {one.target.id for one in costed.listed if one.left_out is None}
        limit_s = costed.most_s(selection.chosen)
        return Preview(
            chosen=len(selection.chosen),
            left_out=Counter(selection.left_out.values()),
            added=tuple(one.target.id for one in costed.listed if one.target.id in selection.chosen - before),
            dropped=tuple(
                one.target.id for one in costed.listed if one.target.id in before - selection.chosen
            ),
            most_s=limit_s if costed.all_s is None else min(limit_s, costed.all_s),
            electron_s=costed.electron_s,
            all_s=costed.all_s,
        )

    def _costed(self) -> "_Costed":
        seq = self._store.events.last_seq()
        if self._kept is None or self._kept[0] != seq:
            self._kept = seq, _Costed(self._config, self._store)
        return self._kept[1]


class _Costed:
    """All cells of a session with the time of each, at one moment."""

    def __init__(self, config: Config, store: Store) -> None:
        self.found = catalogue(store)
        self._pace = session_pace(config, store)
        self._focus = FocusCost.of(config, self._pace)
        settings = settings_from(config.planner, config.sem, config.stage, StageFrame.of(config).misfit_m)
        self._alone_s = {
            cell.id: self._time_s(work_alone(Box(cell.id, cell.rect_m, cell.image_rect_m), settings))
            for cell in self.found.cells
        }
        self._raster_s = {
            name: self._time_s(work) for name, work in store.durations.of_method("raster").items()
        }
        self.listed = _listed(self.found, self._alone_s)
        ways = {way.method: way for way in map(self._focus.added_to, store.durations.ways())}
        chosen = next((way for way in ways.values() if way.chosen), None)
        everything = ways.get(ALL_CELLS, chosen)
        # Plans are complete when all sections with cells have one.
        complete = set(store.durations.of_method("raster")) >= {cell.section for cell in self.found.cells}
        self.electron_s = self._time_s(chosen.work) if chosen is not None and complete else None
        self.all_s = self._time_s(everything.work) if everything is not None and complete else None

    def most_s(self, chosen: frozenset[str]) -> float:
        """Return an upper limit of the time that some targets take, s."""
        by_section: dict[str, list[tuple[str, float]]] = defaultdict(list)
        taken = set()
        for cell in self.found.cells:
            by_section[cell.section].append((cell.id, self._alone_s[cell.id]))
            if is_chosen(cell, chosen):
                taken.add(cell.id)
        sections = {cell.section for cell in self.found.cells if cell.id in taken}
        return most_s(by_section, taken, self._raster_s) + self._time_s(self._focus.beam(len(sections)))

    def _time_s(self, work: Work) -> float:
        return total_s(work, self._pace.electron)


def _listed(found: Catalogue, alone_s: Mapping[str, float]) -> tuple[Listed, ...]:
    known = {cell.id: cell for cell in found.cells}
    listed = []
    for target in found.targets:
        cells = [known[cut.id] for cut in found.cuts[target.id]]
        by_choice = [c for c in cells if c.left_out not in (None, LeftOut.SKIPPED_BY_HAND)]
        beside = [c.beside for c in by_choice if c.beside is not None]
        listed.append(
            Listed(
                target=target,
                first_section=cells[0].section,
                last_section=cells[-1].section,
                alone_s=sum(alone_s[cell.id] for cell in cells),
                left_out=by_choice[0].left_out if by_choice else None,
                beside=min(beside, key=list(Beside).index) if beside else None,
            )
        )
    return tuple(listed)
