"""Another detector or policy over the fluorescence that a run has saved; the run is only read."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from config.loading import parse
from config.model import Config
from detection.detectors import Detector
from planner.errors import PlannerError
from planner.settings import settings_from
from service.analysis.worker import Analysis
from service.errors import InputError
from service.model.phases import FINAL
from service.model.specimen import Field, FieldState
from service.session.folders.database_copy import copy_database
from service.session.folders.kept_config import differences
from service.session.folders.run_folder import RunFolder, RunInfo
from service.shadow.compare import Side, is_imaged, judged, share_inside
from service.shadow.costs import Cost, costs
from service.shadow.result import ComparedSection, Counts, DecidedCell, People, Shadow
from service.shadow.stores import comparable_sections, plan_as_found, saved_fields
from service.store.connection import read_origin
from service.store.store import Store
from simulators.clock import FastClock

Draw = Callable[[Field, ComparedSection], None]
Progress = Callable[[int, int], None]
Choose = Callable[[Config], Config]
LookAhead = Callable[[Config, Store], Detector]


def shadow_of(
    folder: RunFolder,
    info: RunInfo,
    choose: Choose,
    draw: Draw | None = None,
    progress: Progress = lambda *_: None,
    ahead: LookAhead | None = None,
) -> Shadow:
    """Detect and plan the fluorescence of a run anew, and compare with what the run found.

    Both sides are planned by this version of the program, on the ground that the run has saved, at the pace
    that the run has measured, and without what people decided in the run.

    Parameters
    ----------
    folder : RunFolder
        Only read.
    info : RunInfo
    choose : callable
        Returns the configuration of the shadow, given that of the run.
    draw : callable, optional
        Called with each saved field and its section, after the comparison.
    progress : callable
        Called several times a second with the number of fields that are done, and of all.
    ahead : callable, optional
        Gives a detector that answers at once, after workers have looked at the saved fields.

    Raises
    ------
    InputError, StoreError
        The run cannot be read, has no fluorescence yet, or the settings cannot be used; one sentence.
    """
    with ExitStack() as opened:
        work = Path(opened.enter_context(TemporaryDirectory(prefix="ilemtrack-")))
        copy = copy_database(folder, work)
        kept = parse(read_origin(copy).config_yaml, str(folder.store))
        config = choose(kept)
        _check_planner(config)
        run = opened.enter_context(closing(Store.open(copy)))
        sections = comparable_sections(run)
        if not any(field.image for field in run.specimen.fields() if field.section in sections):
            raise InputError(
                f"{folder.path}: the run has no section whose fluorescence is saved and detected"
            )
        clock = FastClock(0.0)
        other = opened.enter_context(
            closing(saved_fields(work / "shadow.sqlite", config, run, sections, clock))
        )
        _detect(config, other, folder, work, clock, progress, ahead)
        found = opened.enter_context(closing(saved_fields(work / "found.sqlite", kept, run, sections, clock)))
        plan_as_found(found, kept, run)
        (cost, of_run), (other_cost, of_other) = costs(kept, found), costs(config, other)
        compared = tuple(
            _compared(one, found, other, (of_run.get(one), of_other.get(one))) for one in sections
        )
        if draw is not None:
            by_name = {one.section: one for one in compared}
            for field in run.specimen.fields():
                if field.section in by_name and field.image is not None:
                    draw(field, by_name[field.section])
        status = run.status()
        return Shadow(
            run=info.run,
            kind=info.kind,
            ended=status.phase in FINAL,
            phase=status.phase.value,
            detectors=(kept.detection.detector, config.detection.detector),
            settings=tuple(differences(kept, config)),
            sections=compared,
            left_out=tuple(one.id for one in run.specimen.sections() if one.id not in set(sections)),
            costs=(cost, other_cost),
            failed={
                one.id: str(one.reason).replace(str(work), str(folder.path))
                for one in other.specimen.fields(state=FieldState.FAILED)
                if one.image is not None
            },
            people=_people(kept, run, other),
        )


def _check_planner(config: Config) -> None:
    try:
        settings_from(config.planner, config.sem, config.stage)
    except PlannerError as error:
        raise InputError(f"planner: {error}") from None


def _detect(
    config: Config,
    store: Store,
    folder: RunFolder,
    work: Path,
    clock: FastClock,
    progress: Progress,
    ahead: LookAhead | None,
) -> None:
    """Detect and plan as a session does; the frames are read from the folder of the run."""
    fields = store.specimen.fields(state=FieldState.SAVED)
    for top in {Path(str(field.image)).parts[0] for field in fields}:
        (work / top).symlink_to(folder.path / top)
    detector = None if ahead is None else ahead(config, store)
    analysis = Analysis(config, store, RunFolder(work), clock, pictures=False, detector=detector)
    try:
        analysis.wait(lambda: progress(len(fields) - _waiting(store), len(fields)))
    finally:
        analysis.close()


def _waiting(store: Store) -> int:
    counts = store.specimen.field_counts()
    return counts.get(FieldState.SAVED, 0) + counts.get(FieldState.DETECTED, 0)


def _compared(
    section: str, found: Store, other: Store, cost: tuple[Cost | None, Cost | None]
) -> ComparedSection:
    one, two = _side(section, found), _side(section, other)
    return ComparedSection(
        section=section,
        counts=(Counts(len(one.cells), len(one.imaged)), Counts(len(two.cells), len(two.imaged))),
        costs=cost,
        of_run=judged(one, two),
        of_shadow=judged(two, one),
    )


def _side(section: str, store: Store) -> Side:
    failed = store.specimen.fields(section=section, state=FieldState.FAILED)
    return Side(
        store.specimen.cells(section=section),
        [job.rect_m for job in store.queue.jobs(section=section)],
        frozenset(field.id for field in failed),
    )


def _people(kept: Config, run: Store, other: Store) -> People:
    decided = []
    for section in other.specimen.sections():
        imaged = [c.image_rect_m for c in other.specimen.cells(section=section.id) if is_imaged(c)]
        rects = [rect for rect in imaged if rect is not None]
        decided += [
            DecidedCell(cell, cell.verdict, share_inside(cell.rect_m, rects))
            for cell in run.specimen.cells(section=section.id)
            if cell.verdict is not None
        ]
    return People(
        decided=tuple(decided),
        margins=run.review.policy_step() is not None,
        choice=run.targets.current() is not None,
        cost=costs(kept, run)[0],
    )
