"""Stores beside a run: to detect its fluorescence anew, and with the cells that it found itself."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from config.loading import dump
from config.model import Config
from drivers.clock import Clock
from service.model.review import EditKind
from service.model.specimen import Cell, Field, FieldCells, FieldState
from service.model.work import Step
from service.planning.section import plan_section
from service.planning.targets.choose import decide_by_rule
from service.store.store import Store

_OPEN = (FieldState.PENDING, FieldState.SAVED)
_NO_DETECTION = "the run found no cells here: its detection failed"


def comparable_sections(run: Store) -> list[str]:
    """Return the sections of a run whose fluorescence is complete and detected, as far as it will be."""
    open_ = {field.section for field in run.specimen.fields() if field.state in _OPEN}
    return [section.id for section in run.specimen.sections() if section.id not in open_]


def saved_fields(path: Path, config: Config, run: Store, sections: Collection[str], clock: Clock) -> Store:
    """Create a store with the saved fields of some sections of a run, no cell found yet.

    The durations that the run has measured come along, so that both are estimated at the same pace.
    """
    store = Store.create(path, run.run_id(), dump(config), run.kind(), now_s=clock.now_s)
    fields = [field for field in run.specimen.fields() if field.section in sections]
    with store.transaction():
        store.specimen.add_sections(
            [section for section in run.specimen.sections() if section.id in sections],
            [_pending(field) for field in fields],
        )
        for field in fields:
            if field.image is None:
                store.specimen.set_field(field.id, FieldState.FAILED, reason=field.reason)
                continue
            store.specimen.set_field(
                field.id,
                FieldState.SAVED,
                center_m=field.center_m,
                rect_m=field.rect_m,
                image=field.image,
                sha256=field.sha256,
                frame=field.frame,
            )
        for step in Step:
            for duration_s in reversed(run.durations.latest(step)):
                store.durations.record(step, duration_s)
    return store


def plan_as_found(store: Store, config: Config, run: Store) -> None:
    """Record the cells that a run found, without what people decided on them, and plan them.

    Parameters
    ----------
    store : Store
        Made by `saved_fields`.
    config : Config
        As the run began.
    run : Store
    """
    for section in store.specimen.sections():
        cells = cells_as_found(run, section.id)
        for field in store.specimen.fields(section=section.id, state=FieldState.SAVED):
            if run.specimen.field(field.id).undetected:
                store.specimen.set_field(field.id, FieldState.FAILED, reason=_NO_DETECTION)
                continue
            own = tuple(cell for cell in cells if cell.field == field.id)
            store.tracks.record_section([FieldCells(field.id, own, 0.0)], ())
    decide_by_rule(config, store)
    for section in store.specimen.sections():
        plan_section(config, store, section.id)


def cells_as_found(run: Store, section: str) -> list[Cell]:
    """Return the cells of a section as they were detected, before all edits and choices of people."""
    drawn = {one.edit.cell for one in run.review.edits() if one.edit.kind is EditKind.DRAW}
    found = [cell for cell in run.specimen.cells(section=section) if cell.id not in drawn]
    return [
        replace(cell, jobs=(), skipped=None, verdict=None, left_out=None, beside=None)
        for cell in run.review.as_found(found)
    ]


def _pending(field: Field) -> Field:
    return Field(field.id, field.section, field.index, field.center_m, field.rect_m)
