"""Every kind of failure in every phase in which it can occur.

Afterwards the beam is blanked and the light off, the session says truly what happened, nothing that was taken
is lost, nothing is exposed twice, and the rest of the run goes on: at once where it may, else when a person
has mended what was wrong.
"""

import dataclasses
import errno
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.errors import DeviceLostError, DisturbedError, DriverError, InterruptedCallError, NotReadyError
from drivers.fluorescence import FmFrame
from drivers.sem import ScanImage
from service.acquisition import fluorescence as fluorescence_phase
from service.acquisition import saving
from service.errors import StoreError
from service.image_files.images import read_pixels
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.safety.deadlines import Limits
from service.session.interrupts import Interrupt
from service.store.store import Store
from service.store.tables.events import EventLog
from service.store.tables.ledger import Ledger
from service.store.tables.queue import Queue
from service.store.tables.specimen import SpecimenStore
from service.store.tables.tracks import TrackStore
from service.words.checks import bad_says
from simulators.clock import FastClock
from tests.service.faults import ALWAYS, Trouble
from tests.service.sessions import QUICK, Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")

HASTY = Limits(grace_s=1.0, per_second=0.0, quick_s=1.0, stopped_s=0.1, safe_again_s=0.05, look_s=0.01)
"""Deadlines of a session one of whose devices never answers."""

PREFLIGHT, PARTIAL, LIGHT, HIGH, BEAM = (
    Phase.PREFLIGHT,
    Phase.TO_PARTIAL_VACUUM,
    Phase.FLUORESCENCE,
    Phase.TO_HIGH_VACUUM,
    Phase.ELECTRON,
)


# What can go wrong with a call: each gets the trouble, the real call, and its arguments.


def raises(_: Trouble, __: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    raise DeviceLostError("no answer")


def has_a_bug(_: Trouble, __: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    raise ZeroDivisionError("a bug")


def refuses(_: Trouble, __: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    raise NotReadyError("column valve closed")


def hangs(trouble: Trouble, _: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    trouble.hang()
    raise DriverError("ended long after its deadline")


def returns_late(trouble: Trouble, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    result = real(*args, **kwargs)
    trouble.hang()
    return result


def does_nothing(_: Trouble, __: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return None


def says(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def spoils(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda _, real, *args, **kwargs: change(real(*args, **kwargs))


def pixels(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Another image of the same scan or exposure."""
    return spoils(lambda taken: dataclasses.replace(taken, pixels=change(taken.pixels)))


def disturbed(_: Trouble, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """As when another program moves the stage meanwhile."""
    raise DisturbedError("the stage moved by 60.0 um", [(0.0, 0.0)], real(*args, **kwargs))


def off(position: tuple[float, float]) -> tuple[float, float]:
    return position[0] + 50e-6, position[1]


def frame_elsewhere(frame: FmFrame) -> FmFrame:
    return dataclasses.replace(frame, pose=dataclasses.replace(frame.pose, center_m=off(frame.pose.center_m)))


def image_elsewhere(image: ScanImage) -> ScanImage:
    return dataclasses.replace(image, center_m=off(image.center_m))


def stale_frame(frame: FmFrame) -> FmFrame:
    return dataclasses.replace(frame, taken_at_s=frame.taken_at_s - 3)


def stale_image(image: ScanImage) -> ScanImage:
    return dataclasses.replace(image, nonce="of an earlier scan")


def overexposed(grey: Any) -> Any:
    return np.where(np.arange(grey.size).reshape(grey.shape) % 500, grey.max(), grey)


def to_nan(grey: Any) -> Any:
    return np.where(grey > grey.mean(), np.nan, grey)


GOES_ON, FAULT = "goes on", "fault"
NAN = float("nan")
TWICE = 9
"""Both turns of the first field and the first one of the second, of three tries each."""

MATRIX: list[tuple[str, Callable[..., Any], Phase, str, int, str, str]] = [
    # kind, what goes wrong, phase, device and call, how often, what becomes of the session, what it says
    ("raises", raises, PREFLIGHT, "stage.position", 1, FAULT, "stage does not answer: no answer"),
    ("raises", raises, PREFLIGHT, "chamber.pressure_pa", 1, FAULT, "chamber does not answer: no answer"),
    ("raises", raises, PARTIAL, "chamber.go_to", ALWAYS, FAULT, "no answer"),
    ("raises", raises, LIGHT, "light.on", TWICE, GOES_ON, "field: no answer"),
    ("raises", raises, LIGHT, "light.off", 1, FAULT, "the light may still be on: no answer"),
    ("raises", raises, LIGHT, "camera.expose", TWICE, GOES_ON, "field: no answer"),
    ("raises", raises, LIGHT, "stage.move_to", TWICE, GOES_ON, "field: no answer"),
    ("raises", raises, HIGH, "chamber.go_to", ALWAYS, FAULT, "no answer"),
    ("raises", raises, BEAM, "sem.set_beam", 1, FAULT, "no answer"),
    ("raises", raises, BEAM, "stage.move_to", 3, GOES_ON, "nothing was exposed: the stage did"),
    ("raises", raises, BEAM, "sem.scan", 1, GOES_ON, "needs_review: no answer"),
    ("raises", raises, BEAM, "sem.blank", 2, FAULT, "no answer"),
    ("raises", raises, BEAM, "chamber.pressure_pa", ALWAYS, FAULT, "no beam: the chamber does not answer"),
    ("refuses", refuses, BEAM, "sem.scan", 3, GOES_ON, "nothing was exposed: refused"),
    ("has a bug", has_a_bug, LIGHT, "camera.expose", 1, FAULT, "a bug"),
    ("has a bug", has_a_bug, BEAM, "sem.scan", 1, FAULT, "needs_review: a bug"),
    ("hangs", hangs, PREFLIGHT, "stage.position", 1, FAULT, "the stage hangs"),
    ("hangs", hangs, PARTIAL, "chamber.go_to", 1, FAULT, "the chamber hangs"),
    ("hangs", hangs, LIGHT, "light.on", 1, FAULT, "the light hangs"),
    ("hangs", hangs, LIGHT, "camera.expose", 1, FAULT, "the camera hangs: the exposure"),
    ("hangs", hangs, LIGHT, "stage.move_to", 1, FAULT, "the stage hangs"),
    ("hangs", hangs, HIGH, "chamber.go_to", 1, FAULT, "the chamber hangs"),
    ("hangs", hangs, BEAM, "sem.set_beam", 1, FAULT, "the SEM hangs"),
    ("hangs", hangs, BEAM, "sem.scan", 1, FAULT, "needs_review: the SEM hangs: the scan"),
    ("hangs", hangs, BEAM, "chamber.state", ALWAYS, FAULT, "the chamber hangs"),
    ("hangs", hangs, BEAM, "sem.blank", 1, FAULT, "the SEM hangs: blanking"),
    ("returns late", returns_late, LIGHT, "camera.expose", 1, FAULT, "the camera hangs"),
    ("returns late", returns_late, BEAM, "sem.scan", 1, FAULT, "needs_review: the SEM hangs: the scan"),
    ("returns late", returns_late, HIGH, "chamber.go_to", 1, FAULT, "the chamber hangs"),
    ("wrong shape", pixels(lambda p: p[:100]), LIGHT, "camera.expose", 1, FAULT, "the height of the frame"),
    ("wrong shape", pixels(lambda p: p[1:]), BEAM, "sem.scan", 1, GOES_ON, "exposed, but the SEM"),
    ("stale frame", spoils(stale_frame), LIGHT, "camera.expose", TWICE, GOES_ON, "field: the camera gave an"),
    ("stale frame", spoils(stale_image), BEAM, "sem.scan", 1, GOES_ON, "the SEM gave the image of"),
    ("NaN", says((NAN, NAN)), LIGHT, "stage.move_to", TWICE, GOES_ON, "field: the stage ended nan um"),
    ("NaN", pixels(to_nan), LIGHT, "camera.expose", 1, FAULT, "no fluorescence: the camera gave float64"),
    ("NaN", says(NAN), HIGH, "chamber.pressure_pa", ALWAYS, FAULT, "nan Pa"),
    ("NaN", says(NAN), BEAM, "chamber.pressure_pa", ALWAYS, FAULT, "no beam: the pressure is nan Pa"),
    ("NaN", says((NAN, NAN)), BEAM, "stage.move_to", 3, GOES_ON, "nothing was exposed: the stage did"),
    ("NaN", pixels(to_nan), BEAM, "sem.scan", 1, GOES_ON, "exposed, but the SEM gave no rows and columns of"),
    ("all zeros", pixels(np.zeros_like), LIGHT, "camera.expose", TWICE, GOES_ON, "field: all pixels"),
    ("all zeros", pixels(np.zeros_like), BEAM, "sem.scan", 1, GOES_ON, "image: its image is dark"),
    ("saturated", pixels(overexposed), LIGHT, "camera.expose", 3, GOES_ON, "the frame is saturated"),
    ("saturated", pixels(overexposed), BEAM, "sem.scan", 1, GOES_ON, "exposed, but its image is saturated"),
    ("wrong position", spoils(off), LIGHT, "stage.move_to", TWICE, GOES_ON, "the stage ended 50.0 um"),
    ("wrong position", spoils(frame_elsewhere), LIGHT, "camera.expose", TWICE, GOES_ON, "the frame was"),
    ("wrong position", spoils(off), BEAM, "stage.move_to", 3, GOES_ON, "nothing was exposed: the stage did"),
    ("wrong position", spoils(image_elsewhere), BEAM, "sem.scan", 1, GOES_ON, "exposed, but the SEM"),
    ("unpumped", does_nothing, PARTIAL, "chamber.go_to", ALWAYS, FAULT, "says vented, not partial"),
    ("unpumped", does_nothing, HIGH, "chamber.go_to", ALWAYS, FAULT, "says partial, not high"),
    ("disturbed", disturbed, LIGHT, "camera.expose", TWICE, GOES_ON, "field: the stage moved by 60.0 um"),
    ("disturbed", disturbed, BEAM, "sem.scan", 1, GOES_ON, "needs_review: exposed, but the stage moved by"),
    ("light gone", says(False), LIGHT, "light.is_on", 2 * TWICE + 3, GOES_ON, "field: the light went off"),
    ("vacuum lost", says(5.0), LIGHT, "chamber.pressure_pa", ALWAYS, FAULT, "the pressure is 5 Pa, not"),
    ("light stuck on", does_nothing, LIGHT, "light.off", ALWAYS, FAULT, "the light does not switch off"),
    ("light stuck on", says(True), PREFLIGHT, "light.is_on", ALWAYS, FAULT, "the light is on"),
    ("blanker open", says(False), PREFLIGHT, "sem.is_blanked", ALWAYS, FAULT, "the beam is on"),
    ("blanker open", says(False), BEAM, "sem.is_blanked", ALWAYS, FAULT, "blank; its image is em/S0001/"),
]  # fmt: skip

Begin = Callable[..., Session]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin a session with trouble; after the test it is ended, blanked and dark."""
    begun: list[tuple[Session, Trouble | None]] = []

    def make(
        trouble: Trouble | None = None,
        prepare: Callable[[Session], None] = lambda _: None,
        limits: Limits = QUICK,
    ) -> Session:
        session = Session(tmp_path / "run", small_config(), trouble.into if trouble else lambda s: s, limits)
        begun.append((session, trouble))
        if trouble:
            trouble.session = session
        prepare(session)
        session.run()
        return session

    yield make
    for session, trouble in begun:
        if trouble:
            trouble.mend()
        session.end()


@pytest.mark.parametrize(
    ("wrong", "phase", "where", "times", "becomes", "reason"),
    [pytest.param(*row[1:], id=f"{row[0]}-{row[3]}-{row[2]}") for row in MATRIX],
)
def test_trouble(
    begin: Begin, wrong: Callable[..., Any], phase: Phase, where: str, times: int, becomes: str, reason: str
) -> None:
    device, call = where.split(".")
    trouble = Trouble(device, call, wrong, phase, times)
    session = begin(trouble, limits=HASTY if wrong in (hangs, returns_late) else QUICK)
    store = session.store
    status = store.status()
    said = [f"field: {f.reason}" for f in store.specimen.fields() if f.state is FieldState.FAILED]
    said += [f"{job.state}: {job.reason}" for job in store.queue.jobs() if job.reason]
    # A frame that was taken again is done.
    said += [f"image: {bad_says(one.bad)}" for one in store.images.since(0) if one.bad]
    if becomes == FAULT:
        assert status.phase is Phase.FAULT, said
        said.append(str(status.reason))
        # A hung call aside, which a person ends: the session says where it stands and waits.
        assert not [row for row in store.ledger.exposures() if row.state is ExposureState.OPEN]
        trouble.mend()
        session.go_on(session.control.acknowledge)
        assert store.status().phase is Phase.PAUSED
        settle(session)
        session.go_on()
    assert any(line.startswith(reason) or reason in line for line in said), said
    assert store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=1)


def settle(session: Session) -> None:
    """Beam blanked, light off, by the microscope's own word."""
    devices = session.context.devices
    assert devices.sem.is_blanked()
    assert not devices.light.is_on()


def nothing_lost(session: Session, spoilt: int) -> None:
    """All but `spoilt` jobs and fields went well; what the beam touched has an image or waits."""
    store = session.store
    settle(session)
    assert sum(field.state is not FieldState.PLANNED for field in store.specimen.fields()) <= spoilt
    assert sum(job.state is not JobState.DONE for job in store.queue.jobs()) <= spoilt
    for field in store.specimen.fields():
        if field.image is not None:
            read_pixels(session.folder.path / field.image, field.sha256)
    for job in store.queue.jobs():
        rows = store.ledger.exposures(job=job.id)
        touched = [row for row in rows if row.state is not ExposureState.VOID]
        first = [row for row in touched if row.retake_of is None]
        assert len(first) <= 1, f"{job.id} was exposed {len(first)} times"
        assert len(touched) <= 2, f"{job.id} was taken again {len(touched) - 1} times"
        assert not touched or job.state in (JobState.DONE, JobState.NEEDS_REVIEW), job
        if job.image is not None:
            read_pixels(session.folder.path / job.image, job.sha256)
        elif any(row.state is ExposureState.CLOSED for row in rows):
            raise AssertionError(f"{job.id} was exposed, and nothing is left of its image")
    seqs = [event.seq for event in store.events.since(0)]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize("stops", [True, False], ids=["stopped", "ended"])
def test_vacuum_lost_in_mid_scan(begin: Begin, stops: bool) -> None:
    leak = Trouble("chamber", "pressure_pa", says(5.0), BEAM, times=0)

    def scan(trouble: Trouble, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        image = real(*args, **kwargs)
        leak.left = ALWAYS
        if stops:
            assert told_to_stop.mended.wait(200), "the scan went on in a bad vacuum"
            raise InterruptedCallError("stopped")
        return image

    def stop(trouble: Trouble, real: Callable[..., Any]) -> None:
        told_to_stop.mended.set()
        real()

    told_to_stop = Trouble("sem", "stop", stop, BEAM)
    scanning = Trouble("sem", "scan", scan, BEAM, times=1)

    def share(session: Session) -> None:
        for trouble in (leak, told_to_stop, scanning):
            trouble.session = session

    class All(Trouble):
        def into(self, setup: Any) -> Any:
            return leak.into(told_to_stop.into(scanning.into(setup)))

    session = begin(All("sem", "scan", scan, BEAM, 0), share)
    store = session.store
    assert store.status().phase is Phase.FAULT
    assert "no beam: the pressure is 5 Pa" in str(store.status().reason)
    first = store.queue.jobs()[0]
    assert first.state is JobState.NEEDS_REVIEW
    assert "vacuum was lost" in str(first.reason)
    # An image that was taken is kept for the person who looks at it.
    assert (first.image is None) is stops
    leak.mend()
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=1)


def test_a_scan_elsewhere_is_in_the_ledger_where_it_was(begin: Begin) -> None:
    session = begin(Trouble("sem", "scan", spoils(image_elsewhere), BEAM, times=1))
    first = session.store.queue.jobs()[0]
    x0, _, x1, _ = session.store.ledger.exposures(job=first.id)[0].rect_m
    assert x1 - x0 == pytest.approx(first.rect_m[2] - first.rect_m[0] + 50e-6, abs=1e-7)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=["disk full", "read-only disk"])
@pytest.mark.parametrize("phase", [fluorescence_phase, saving], ids=["fluorescence", "electron"])
def test_an_image_that_the_disk_does_not_take(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, phase: Any, code: int
) -> None:
    bad = [True]
    name = "save_fm" if phase is fluorescence_phase else "save_em"
    real = getattr(phase, name)

    def save(*arguments: Any) -> Any:
        if bad:
            raise OSError(code, "the disk does not take it")
        return real(*arguments)

    monkeypatch.setattr(phase, name, save)
    session = begin()
    status = session.store.status()
    assert status.phase is Phase.PAUSED
    assert "the disk does not take it" in str(status.reason)
    settle(session)
    bad.clear()
    session.go_on()
    assert session.store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=0)


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (SpecimenStore, "set_field"),
        (TrackStore, "record_section"),
        (Queue, "add_plan"),
        (Ledger, "arm"),
        (Ledger, "finish"),
        (Queue, "set_state"),
        (Store, "apply"),
    ],
)
def test_a_record_that_the_disk_does_not_take(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, owner: type[object], method: str
) -> None:
    """The disk is full from a call on: the session stands still, safe, with its images in memory."""
    full = threading.Event()
    struck = threading.Event()
    blocked: list[str] = []

    def until_freed(owner: type[object], name: str) -> Callable[..., Any]:
        real = getattr(owner, name)

        def call(store: object, *args: Any, **kwargs: Any) -> Any:
            if name == method and not struck.is_set():
                struck.set()
                full.set()
            if full.is_set():
                raise StoreError("session.sqlite: database or disk is full")
            return real(store, *args, **kwargs)

        return call

    def fill(session: Session) -> None:
        targets: set[tuple[type[object], str]] = {(owner, method), (Store, "apply")}
        for one, name in targets:
            monkeypatch.setattr(one, name, until_freed(one, name))
        wait = session.context.interrupts.wait

        def free(limit_s: float | None = None) -> None:
            if session.runner.blocked:
                blocked.append(session.runner.blocked.reason)
                settle(session)
                full.clear()
            wait(limit_s)

        monkeypatch.setattr(session.context.interrupts, "wait", free)

    session = begin(None, fill)
    status = session.store.status()
    assert status.phase is Phase.FAULT
    assert "the database cannot be written" in str(status.reason)
    assert "disk is full" in blocked[0]
    session.go_on(session.control.acknowledge)
    session.go_on()
    assert session.store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=0)


def test_a_program_that_is_told_to_end_ends_though_the_disk_is_full(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("session.sqlite: database or disk is full")

    session = begin(Trouble("chamber", "go_to", raises, PARTIAL))
    assert session.store.status().phase is Phase.FAULT
    with monkeypatch.context() as full:
        full.setattr(EventLog, "note", refuse)
        session.control.stop(Interrupt.SHUTDOWN, "SIGTERM")
        session.thread.join(200)
        assert not session.thread.is_alive()
    settle(session)


def test_the_wall_clock_jumps(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100_000))

    def jumping() -> datetime:
        # Set back by a day at every third reading.
        n = next(ticks)
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=n) - timedelta(days=n % 3)

    session = begin(prepare=lambda s: monkeypatch.setattr(s.store._database, "_wall_clock", jumping))
    assert session.store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=0)
    times = [event.time_s for event in session.store.events.since(0)]
    assert times == sorted(times)


@pytest.mark.parametrize("phase", [PARTIAL, LIGHT, BEAM])
def test_the_monotonic_clock_jumps(begin: Begin, phase: Phase) -> None:
    device, call = {
        PARTIAL: ("chamber", "go_to"),
        LIGHT: ("camera", "expose"),
        BEAM: ("sem", "scan"),
    }[phase]

    def jump(trouble: Trouble, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        assert trouble.session is not None
        clock = trouble.session.setup.clock
        assert isinstance(clock, FastClock)
        result = real(*args, **kwargs)
        clock.sleep(86_400)
        return result

    session = begin(Trouble(device, call, jump, phase, times=1))
    assert session.store.status().phase is Phase.DONE
    nothing_lost(session, spoilt=0)
