"""Values decide, sentences are displayed: sessions run the same whatever the sentences say."""

import ast
import inspect
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from drivers.errors import DriverError
from service import wording, wording_cells, wording_mapping, wording_overviews
from service.acquisition import electron, holds
from service.daemon.main_loop import _stuck
from service.model.jobs import HoldCause, JobState
from service.model.phases import PauseCause, Phase, SessionEvent
from service.model.specimen import FieldState
from service.session.context import Context
from service.session.setup import Setup
from service.store.store import Store
from service.store.tables.steering import Word
from service.watch.alarms import SAFE, alarm_of
from service.words import checks
from tests.places import ROOT
from tests.service.faults import faulty, raising
from tests.service.sessions import Session, small_config
from tests.service.store.stores import add_specimen, job, save_field

pytestmark = pytest.mark.usefixtures("frames_once")

MODULES = (wording, wording_cells, wording_mapping, wording_overviews)
WORDINGS = [
    (module, name)
    for module in (*MODULES, checks)
    for name, value in vars(module).items()
    if inspect.isfunction(value) and value.__module__ == module.__name__
    # Two functions of `checks` read replies of the API.
    if module is not checks or inspect.signature(value).return_annotation is str
]

MISLEADING = (
    "asked by a person, the program was started again, low disk, cannot be saved, NOT SAFE, all else is done,"
    " a fault was acknowledged, waits for the fluorescence of S0001/F000, held by anna, added by ben"
)
"""Words by which earlier versions decided, all at once."""


class Usage(NamedTuple):
    """As `shutil.disk_usage` returns it."""

    total: int
    used: int
    free: int


@pytest.fixture(params=[MISLEADING, ""], ids=["misleading", "empty"])
def other_words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make every sentence the same."""
    said = str(request.param)
    for module, name in WORDINGS:
        monkeypatch.setattr(module, name, lambda *_, **__: said)
    return said


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def make(
        change: Callable[[Setup], Setup] = lambda setup: setup, *, attended: bool = False, **settings: Any
    ) -> Session:
        config = small_config(session={"min_free_disk_gb": 1, **settings})
        session = Session(tmp_path / f"run{len(sessions)}", config, change, attended=attended)
        sessions.append(session)
        session.run()
        return session

    yield make
    for session in sessions:
        session.end()


def alarms(store: Store) -> list[str | None]:
    """Return the kinds of the alarms that the phases of a session raised."""
    raised = [alarm_of(event, store) for event in store.events.since(0) if event.kind == "session"]
    return [alarm.kind for alarm in raised if alarm is not None]


def test_there_are_sentences_to_change() -> None:
    assert len(WORDINGS) > 15
    assert {module for module, _ in WORDINGS} == {*MODULES, checks}
    files = {Path(inspect.getfile(one)) for one in MODULES}
    assert files == set((ROOT / "service").glob("wording*.py"))


@pytest.mark.usefixtures("other_words")
def test_a_pause_by_a_person_waits_without_an_alarm(begin: Callable[..., Session]) -> None:
    session = begin(review=True)
    session.go_on(session.control.pause)
    status = session.store.status()
    assert (status.phase, status.cause) == (Phase.PAUSED, PauseCause.PERSON)
    assert not _stuck(status)
    assert alarms(session.store) == ["review"]
    session.go_on()
    session.go_on(session.control.confirm_review)
    assert session.store.status().phase is Phase.DONE


@pytest.mark.usefixtures("other_words")
def test_a_pause_for_want_of_disk_is_an_alarm_of_the_disk_and_ends_an_unattended_program(
    begin: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [False]

    def usage(_: object) -> Usage:
        return Usage(10**12, 0, 10**6 if full else 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    full.clear()
    session = begin(review=True)
    full.append(True)
    session.go_on(session.control.confirm_review)
    status = session.store.status()
    # An empty sentence is a reason, too.
    assert (status.phase, status.cause) == (Phase.PAUSED, PauseCause.DISK)
    assert _stuck(status)
    assert alarms(session.store) == ["review", "disk"]
    full.clear()
    session.go_on()
    assert session.store.status().phase is Phase.DONE


@pytest.mark.usefixtures("other_words")
def test_a_job_held_for_fluorescence_is_released_and_one_held_by_a_person_is_not(
    begin: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(review=True, attended=True)
    store = session.store
    by_person, waits, *_ = [one.id for one in store.queue.jobs()]
    store.steering.hold([by_person], Word("anna", "charging"))
    missing = [True]
    real = holds.unsaved_ground

    def unsaved_ground(context: Context, one: Any) -> str | None:
        return "S0002/F000" if missing and one.id == waits else real(context, one)

    def refuse_once(*_: object) -> str | None:
        return "full" if missing and store.queue.job(waits).state is JobState.HELD else None

    monkeypatch.setattr(electron, "unsaved_ground", unsaved_ground)
    monkeypatch.setattr(electron, "shortage", refuse_once)
    session.go_on(session.control.confirm_review)
    held = store.queue.jobs(state=JobState.HELD)
    assert {one.id: one.hold_cause for one in held} == {
        by_person: HoldCause.PERSON,
        waits: HoldCause.FLUORESCENCE,
    }
    missing.clear()
    session.go_on()
    status = store.status()
    assert (status.cause, store.queue.job(waits).state) == (PauseCause.UNDECIDED_JOBS, JobState.DONE)
    assert _stuck(status)
    session.go_on()
    assert store.status().phase is Phase.DONE
    assert store.queue.job(by_person).state is JobState.HELD


@pytest.mark.usefixtures("other_words")
def test_a_job_whose_fluorescence_never_comes_is_given_up(
    begin: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(review=True)
    store = session.store
    waits = store.queue.jobs()[0].id
    real = holds.unsaved_ground
    monkeypatch.setattr(
        electron, "unsaved_ground", lambda c, one: "S0002/F000" if one.id == waits else real(c, one)
    )
    session.go_on(session.control.confirm_review)
    assert store.status().phase is Phase.DONE
    assert store.queue.job(waits).state is JobState.SKIPPED
    assert store.queue.job(waits).hold_cause is None


@pytest.mark.usefixtures("runtime_dir", "other_words")
def test_a_restart_waits_and_says_so(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config(session={"review": True, "min_free_disk_gb": 0}))
    session.run()
    session.end()
    again = Session.again(session)
    again.run()
    status = again.store.status()
    assert (status.phase, status.cause) == (Phase.PAUSED, PauseCause.RESTART)
    assert not _stuck(status)
    assert alarms(again.store) == ["review", "restarted"]
    again.end()


@pytest.mark.usefixtures("other_words")
def test_a_fault_tells_by_a_value_that_the_microscope_is_safe(begin: Callable[..., Session]) -> None:
    session = begin(faulty("chamber", "go_to", raising(DriverError(MISLEADING)), times=-1))
    fault = next(e for e in session.store.events.since(0) if e.data.get("event") == SessionEvent.FAULT)
    alarm = alarm_of(fault, session.store)
    assert alarm is not None
    assert (alarm.kind, alarm.done) == ("fault", SAFE)
    session.go_on(session.control.acknowledge)
    status = session.store.status()
    assert status.cause is PauseCause.FAULT_ACKNOWLEDGED
    assert _stuck(status)


@pytest.mark.usefixtures("other_words")
@pytest.mark.parametrize("by_person", [False, True])
def test_a_section_with_an_added_frame_is_not_planned_again(store: Store, by_person: bool) -> None:
    add_specimen(store)
    save_field(store, "S0001/F000")
    store.specimen.set_field("S0001/F000", FieldState.FAILED, reason="detection failed")
    if by_person:
        store.steering.add([job(1)], Word("ben", ""))
    else:
        store.queue.add_plan("S0001", [job(1)], {})
    assert store.recover().again == (() if by_person else ("S0001/F000",))


# No module of the service compares or searches a sentence.

FOLDERS = sorted(
    path.name for path in (ROOT / "service").iterdir() if path.is_dir() and path.name != "__pycache__"
)
FROZEN = "statements.py"
"""Reads the sentences of old versions."""

SENTENCES = frozenset({"reason", "doubt", "what", "done", "problems", "skipped"})
SEARCHES = frozenset(
    {"startswith", "endswith", "find", "index", "split", "partition", "removeprefix", "removesuffix"}
)
SQL = re.compile(r"\breason\s+(LIKE|GLOB|IN|IS|<>|REGEXP)\b|\breason\s*(<>|==)", re.IGNORECASE)
STORED = {"schema.py"}
"""Constraints ask only that there is a sentence."""


def is_sentence(node: ast.expr) -> bool:
    """Return True for ``x.reason``, ``reason``, ``data["reason"]``, ``data.get("reason")``."""
    match node:
        case ast.Name(id=name):
            return name == "reason"
        case ast.Attribute(attr=name):
            return name in SENTENCES
        case ast.Subscript(slice=ast.Constant(value=name)):
            return name in SENTENCES
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=name), *_]):
            return name in SENTENCES
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return is_sentence(inner)
        case ast.BoolOp(values=values):
            return any(map(is_sentence, values))
    return False


def decisions(source: str, sql: bool = True) -> list[int]:
    """Return the lines of a module that decide by a sentence."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                if any(isinstance(op, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)) for op in ops):
                    found += [node.lineno for one in (left, *others) if is_sentence(one)]
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in SEARCHES:
                found += [node.lineno] * is_sentence(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=args):
                found += [node.lineno for one in args if is_sentence(one)]
            case ast.Constant(value=str(text)) if sql and SQL.search(text):
                found.append(node.lineno)
    return sorted(set(found))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_decides_by_a_sentence(folder: str) -> None:
    modules = [path for path in (ROOT / "service" / folder).rglob("*.py") if path.name != FROZEN]
    found = {
        path.name: lines
        for path in modules
        if (lines := decisions(path.read_text(encoding="utf-8"), sql=path.name not in STORED))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        'disk = "disk" in reason',
        "wait = status.reason not in (ASKED, RESTARTED)",
        "held = (job.reason or '').startswith(WAITS)",
        'note = str(data.get("reason")) == "x"',
        'unsafe = NOT_SAFE in data["done"]',
        "kind = job.reason.split(':')[0]",
        'kind = re.match("held", job.reason)',
        'row = one("SELECT 1 FROM job WHERE reason IS NOT NULL")',
        'row = one("SELECT 1 FROM job WHERE reason LIKE ?")',
    ],
)
def test_the_check_finds_what_earlier_versions_did(source: str) -> None:
    assert decisions(source) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "missing = job.reason is None",
        "text = f'{job.id}: {job.reason}'",
        "held = job.hold_cause is HoldCause.PERSON",
        'change("UPDATE job SET reason = ? WHERE id = ?")',
    ],
)
def test_the_check_lets_display_pass(source: str) -> None:
    assert decisions(source) == []
