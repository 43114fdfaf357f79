import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import IllegalTransitionError
from service.model import phases
from service.model.phases import (
    FINAL,
    HALTED,
    RESUME_PHASES,
    TRANSITIONS,
    PauseCause,
    Phase,
    SessionEvent,
    Status,
)

E = SessionEvent


def step(status: Status, event: SessionEvent, reason: str | None = None) -> Status:
    """Step, where a pause is for want of disk."""
    return phases.step(status, event, reason, PauseCause.DISK if event is E.PAUSE else None)


def reachable() -> dict[Status, list[SessionEvent]]:
    """Every status that any history can reach, with one history that does."""
    found: dict[Status, list[SessionEvent]] = {Status(Phase.IDLE): []}
    todo = [Status(Phase.IDLE)]
    while todo:
        status = todo.pop(0)
        for event in SessionEvent:
            try:
                following = step(status, event)
            except IllegalTransitionError:
                continue
            if following not in found:
                found[following] = [*found[status], event]
                todo.append(following)
    return found


REACHABLE = reachable()


def steps() -> Iterator[tuple[Status, SessionEvent, Status]]:
    """Every step that any history can hold."""
    for status in REACHABLE:
        for event in SessionEvent:
            if (status.phase, event) in TRANSITIONS:
                yield status, event, step(status, event)


def test_every_phase_can_be_reached() -> None:
    assert {status.phase for status in REACHABLE} == set(Phase)


def test_electron_is_entered_only_by_a_proof_of_the_vacuum() -> None:
    ways = {(old.phase, event) for old, event, new in steps() if new.phase is Phase.ELECTRON}
    assert ways == {(Phase.TO_HIGH_VACUUM, E.HIGH_VACUUM_REACHED)}


def test_fluorescence_is_entered_only_by_a_proof_of_the_vacuum() -> None:
    ways = {(old.phase, event) for old, event, new in steps() if new.phase is Phase.FLUORESCENCE}
    assert ways == {(Phase.TO_PARTIAL_VACUUM, E.PARTIAL_VACUUM_REACHED)}


def test_a_fault_is_left_only_by_a_person() -> None:
    ways = {
        (event, new.phase)
        for old, event, new in steps()
        if old.phase is Phase.FAULT and new.phase is not Phase.FAULT
    }
    assert ways == {(E.ACKNOWLEDGE, Phase.PAUSED), (E.ABORT, Phase.ABORTED)}


def test_an_end_is_an_end() -> None:
    assert not [old for old, _, _ in steps() if old.phase in FINAL]


def test_whatever_is_halted_can_go_on() -> None:
    for status in REACHABLE:
        if status.phase in HALTED:
            assert status.resume_to in RESUME_PHASES


@pytest.mark.parametrize(
    ("stopped", "goes_on"),
    [
        (Phase.PREFLIGHT, Phase.PREFLIGHT),
        (Phase.TO_PARTIAL_VACUUM, Phase.TO_PARTIAL_VACUUM),
        (Phase.FLUORESCENCE, Phase.TO_PARTIAL_VACUUM),
        (Phase.REVIEW, Phase.REVIEW),
        (Phase.TO_HIGH_VACUUM, Phase.TO_HIGH_VACUUM),
        (Phase.ELECTRON, Phase.TO_HIGH_VACUUM),
    ],
)
@pytest.mark.parametrize(
    "halt",
    [
        (E.PAUSE, E.RESUME),
        (E.FAULT, E.ACKNOWLEDGE, E.RESUME),
        (E.RESTART, E.RECOVERED, E.RESUME),
        (E.PAUSE, E.RESTART, E.FAULT, E.RESTART, E.FAULT, E.ACKNOWLEDGE, E.RESTART, E.RECOVERED, E.RESUME),
    ],
)
def test_where_work_goes_on(stopped: Phase, goes_on: Phase, halt: tuple[SessionEvent, ...]) -> None:
    status = Status(stopped)
    for event in halt:
        status = step(status, event)
    assert status == Status(goes_on)


def test_a_crash_in_a_fault_stays_a_fault_with_its_reason() -> None:
    fault = step(Status(Phase.ELECTRON), E.FAULT, "beam lost")
    assert step(fault, E.RESTART, "started again") == fault
    assert step(fault, E.FAULT, "and another one") == fault


def test_a_pause_has_the_cause_of_its_own_event() -> None:
    paused = step(Status(Phase.ELECTRON), E.PAUSE, "words do not matter")
    assert paused.cause is PauseCause.DISK
    restarted = step(paused, E.RESTART)
    assert restarted.cause is None
    assert step(restarted, E.RECOVERED).cause is PauseCause.RESTART
    fault = step(restarted, E.FAULT)
    assert fault.cause is None
    assert step(fault, E.ACKNOWLEDGE).cause is PauseCause.FAULT_ACKNOWLEDGED
    assert step(paused, E.RESUME).cause is None
    for status in REACHABLE:
        assert (status.cause is not None) == (status.phase is Phase.PAUSED)


def test_a_pause_without_a_cause_is_refused_and_so_is_a_cause_without_a_pause() -> None:
    with pytest.raises(ValueError, match="a pause has a cause"):
        phases.step(Status(Phase.ELECTRON), E.PAUSE, "why")
    with pytest.raises(ValueError, match="no other event has"):
        phases.step(Status(Phase.ELECTRON), E.FAULT, "why", PauseCause.DISK)
    with pytest.raises(ValueError, match="a pause has a cause"):
        Status(Phase.PAUSED, Phase.PREFLIGHT)
    with pytest.raises(ValueError, match="nothing else has"):
        Status(Phase.IDLE, cause=PauseCause.PERSON)


def test_in_a_fault_a_refusal_says_how_to_leave_it() -> None:
    with pytest.raises(phases.NotNowError, match=r"in 'fault'; mend its cause, then `ilemtrack ack`$"):
        step(Status(Phase.FAULT, Phase.PREFLIGHT), E.RESUME)
    with pytest.raises(phases.NotNowError, match=r"in 'review'$"):
        step(Status(Phase.REVIEW), E.RESUME)


def test_reasons() -> None:
    paused = step(Status(Phase.ELECTRON), E.PAUSE, "low disk")
    assert paused.reason == "low disk"
    assert step(paused, E.RESUME).reason is None
    assert step(paused, E.ABORT).reason == "low disk"
    assert step(paused, E.ABORT, "gave up").reason == "gave up"
    assert step(Status(Phase.IDLE), E.START, "go").reason is None


@given(status=st.sampled_from(sorted(REACHABLE, key=str)), event=st.sampled_from(SessionEvent))
def test_an_event_that_does_not_belong_changes_nothing(status: Status, event: SessionEvent) -> None:
    before = (status.phase, status.resume_to, status.reason)
    assert phases.possible(status, event) == ((status.phase, event) in TRANSITIONS)
    if (status.phase, event) not in TRANSITIONS:
        with pytest.raises(IllegalTransitionError, match=f"'{event}'.*'{status.phase}'"):
            step(status, event)
    else:
        step(status, event)
    assert (status.phase, status.resume_to, status.reason) == before


@given(st.lists(st.sampled_from(SessionEvent), max_size=60))
def test_every_history_stays_in_the_table(events: list[SessionEvent]) -> None:
    status = Status(Phase.IDLE)
    for event in events:
        try:
            status = step(status, event, "why")
        except IllegalTransitionError:
            continue
        assert Status(status.phase, status.resume_to, cause=status.cause) in REACHABLE


@pytest.mark.parametrize(
    ("phase", "resume_to"),
    [(Phase.PAUSED, None), (Phase.PAUSED, Phase.ELECTRON), (Phase.FAULT, Phase.FLUORESCENCE),
     (Phase.RECOVERING, Phase.DONE), (Phase.ELECTRON, Phase.ELECTRON), (Phase.DONE, Phase.PREFLIGHT)],
)  # fmt: skip
def test_no_status_promises_what_is_not_allowed(phase: Phase, resume_to: Phase | None) -> None:
    with pytest.raises(ValueError, match="resume"):
        Status(phase, resume_to)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[Phase.IDLE, E.START] = frozenset({Phase.ELECTRON})  # type: ignore[index]


def test_the_diagram_is_the_table() -> None:
    assert phases.__doc__ is not None
    groups: dict[str, list[str]] = {}
    edges: list[tuple[str, str, str]] = []
    inside: list[str] = []
    for line in phases.__doc__.split("stateDiagram-v2")[1].splitlines():
        if opened := re.fullmatch(r"\s*state (\w+) \{", line):
            inside.append(opened[1])
        elif line.strip() == "}":
            inside.pop()
        elif edge := re.fullmatch(r"\s*(\w+) --> (\w+) : (\w+)", line):
            edges.append((edge[1], edge[2], edge[3]))
            for group in inside:
                groups.setdefault(group, []).append(edge[1])
    # The one phase that is inside only as a target.
    groups["working"].append("electron")
    groups["live"].append("electron")
    drawn = {(phase, event, target) for source, target, event in edges for phase in _phases(source, groups)}
    tabled = {
        (phase.value, event.value, target.value)
        for (phase, event), targets in TRANSITIONS.items()
        for target in targets
    }
    assert drawn == tabled


def _phases(name: str, groups: dict[str, list[str]]) -> set[str]:
    if name not in groups:
        return {name}
    return set().union(*(_phases(member, groups) for member in groups[name] if member != name))
