"""Whatever people, disk, database and devices do, and whenever: the loop lives, no image and no wish is lost.

Events are drawn for the places at which the runner can be: inside a device call, at a checkpoint, between the
end of a step and the pause that follows, while it waits. The phases, the store, the handler of requests and
the loop are the real ones; only detection is left out.
"""

import errno
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from drivers.errors import DriverError
from drivers.sem import ScanImage
from planner.geometry.rects import centered
from service.acquisition import electron, saving
from service.api.handler import Handler
from service.daemon import halts
from service.daemon.questions import Questions
from service.errors import StoreError, UnsafeError
from service.image_files.images import read_pixels
from service.image_files.saving import save_em
from service.model.jobs import ExposureState, Job, JobState
from service.model.phases import PauseCause, Phase, SessionEvent
from service.model.specimen import FieldState
from service.safety import safe_state
from service.session.interrupts import Interrupt, InterruptSession
from service.store.store import Store
from service.store.tables.steering import Word
from tests.examples import examples
from tests.service.faults import ALWAYS, faulty
from tests.service.sessions import Session, small_config
from tests.service.store.stores import queue_jobs, record_cells

pytestmark = pytest.mark.usefixtures("frames_once")

PLACES = ("checkpoint", "after checkpoint", "pump", "expose", "scan", "save", "halt", "wait")
WISHES = ("pause", "resume", "ack", "confirm", "hold", "release")
TROUBLES = ("disk full", "not saved", "database", "unsafe", "device")
ENDS = ("abort", "shutdown")
MOST_WAITS = 60
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Databases and images lie in memory: a disk takes most of the time otherwise."""


class NoDetection:
    """Stands for the analysis: fields without cells, at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(self) -> None:
        for field in self._store.specimen.fields(state=FieldState.SAVED):
            record_cells(self._store, field.id, [])
            self._store.specimen.set_field(field.id, FieldState.PLANNED)

    submit_unfinished = finish = plan_again = submit

    def wait(self, check: Callable[[], None]) -> None:
        check()

    def close(self) -> None:
        pass


class Life:
    """One session, to which the drawn events happen; then everybody helps it to its end."""

    def __init__(self, folder: Path, plan: dict[str, list[list[str]]], review: bool) -> None:
        self.plan = {place: [list(events) for events in lists] for place, lists in plan.items()}
        self.troubles: set[str] = set()
        self.waits = 0
        self.wished = "resume"
        """The last wish of a person that was granted: "pause" or "resume"."""
        self.happened: set[str] = set()
        self.ids = itertools.count()
        self.scans = 0
        self.wrong: list[str] = []
        config = small_config(
            layout={"sections": 1}, session={"min_free_disk_gb": 0, "review": review}, fluorescence={}
        )
        self.session = Session(folder / "run", config, self._wrap, attended=True)
        self.session.runner._analysis = NoDetection(self.session.store)  # type: ignore[assignment]
        self.store = self.session.store
        self._add_jobs()
        self.handler = Handler(self.store, self.session.control, "ipc://nowhere")
        interrupts = self.session.context.interrupts
        take, apply = interrupts.take, self.store.apply

        def checkpoint() -> None:
            self.at("checkpoint")
            take()
            self.at("after checkpoint")

        def wait(limit_s: float | None = None) -> None:
            self.waits += 1
            assert self.waits < MOST_WAITS, f"it never goes on: {self.store.status()}"
            woken = interrupts._changed.is_set()
            interrupts._changed.clear()
            if not self.at("wait") and not woken:
                self.help_it()

        def guarded_apply(event: SessionEvent, *args: Any, **named: Any) -> Any:
            if "database" in self.troubles:
                raise StoreError("the disk is full")
            return apply(event, *args, **named)

        interrupts.take = checkpoint  # type: ignore[method-assign]
        interrupts.wait = wait  # type: ignore[method-assign]
        self.store.apply = guarded_apply  # type: ignore[method-assign]

    def _wrap(self, setup: Any) -> Any:
        for device, call, place in (
            ("chamber", "go_to", "pump"), ("camera", "expose", "expose"), ("sem", "scan", "scan"),
        ):  # fmt: skip
            setup = faulty(device, call, self._inside(place), times=ALWAYS)(setup)
        return setup

    def _inside(self, place: str) -> Callable[..., Any]:
        def call(real: Callable[..., Any], *args: Any, **named: Any) -> Any:
            if place == "scan":
                self._a_scan_begins()
            self.at(place)
            if "device" in self.troubles:
                self.troubles.discard("device")
                raise DriverError("no answer")
            image = real(*args, **named)
            self.scans += isinstance(image, ScanImage)
            return image

        return call

    def _a_scan_begins(self) -> None:
        if self.wished == "pause":
            self.wrong.append("a scan began after a pause was granted")

    def _add_jobs(self) -> None:
        field = self.store.specimen.fields()[0]
        x, y = field.center_m
        jobs = []
        for n in range(3):
            center = (x + (n - 1) * 4e-6, y)
            rect = centered(center, (2e-6, 2e-6))
            jobs.append(Job(f"J{n + 1:06d}", field.section, n, rect, center, (20, 20), 1e-7, 6e-5, ()))
        self.store.queue.add_plan(field.section, jobs, {})

    def at(self, place: str) -> bool:
        """Let happen what was drawn for this place; return False if nothing is left for it."""
        lists = self.plan.get(place)
        if not lists:
            return False
        for event in lists.pop(0):
            self.happen(event)
        return True

    def happen(self, event: str) -> None:
        self.happened.add(event)
        if event in TROUBLES:
            self.troubles ^= {event}
        elif event == "shutdown":
            self.session.context.interrupts.put(Interrupt.SHUTDOWN, "SIGTERM")
        elif event in ("hold", "release"):
            state = {"hold": JobState.QUEUED, "release": JobState.HELD}[event]
            jobs = [job.id for job in self.store.queue.jobs(state=state)]
            if jobs:
                self.ask(f"queue.{event}", jobs=jobs, by="test", reason="why not")
        else:
            method = {"ack": "fault.ack", "confirm": "review.confirm"}.get(event, f"run.{event}")
            if self.ask(method) and event in ("pause", "resume"):
                self.wished = event

    def ask(self, method: str, **params: Any) -> bool:
        """Ask as a client does: the answer is yes, or why not."""
        request = {"v": 1, "id": str(next(self.ids)), "method": method, "params": params}
        reply = json.loads(self.handler.answer(json.dumps(request).encode()))
        known = reply["ok"] or reply["error"]["code"] in ("illegal_transition", "storage")
        if not known:
            self.wrong.append(f"{method}: {reply['error']}")
        return bool(reply["ok"])

    def help_it(self) -> None:
        """Mend what is wrong, decide as a person would, and let it go on."""
        self.troubles.clear()
        status = self.store.status()
        if status.phase is Phase.PAUSED and status.cause is PauseCause.PERSON and self.wished != "pause":
            self.wrong.append("it paused though a person had let it go on since")
        self.happen("release")
        wish = {Phase.FAULT: "ack", Phase.PAUSED: "resume", Phase.REVIEW: "confirm"}.get(status.phase)
        if wish is not None:
            self.happen(wish)

    def live(self, patch: pytest.MonkeyPatch) -> None:
        real_save, real_safe = save_em, safe_state.make_safe

        def save(*args: Any) -> Any:
            self.at("save")
            if "not saved" in self.troubles:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real_save(*args)

        def make_safe(devices: Any) -> None:
            self.at("halt")
            real_safe(devices)
            if "unsafe" in self.troubles:
                raise UnsafeError("the blanker does not answer")

        patch.setattr(saving, "save_em", save)
        patch.setattr(halts, "make_safe", make_safe)
        patch.setattr(electron, "shortage", lambda *_: "full" if "disk full" in self.troubles else None)
        try:
            self.session.runner.run()
        except StoreError:
            assert {"shutdown", "database"} <= self.happened

    def check(self) -> None:
        assert not self.wrong
        assert self.session.setup.devices.sem.is_blanked()
        assert not self.session.setup.devices.light.is_on()
        assert self.store.status().phase is Phase.DONE or self._ended_by_hand()
        saved = 0
        for job in self.store.queue.jobs():
            if job.image is not None:
                assert read_pixels(self.session.folder.path / job.image, job.sha256).size == 400
                saved += 1
            else:
                # Saved at the last moment it may be a file at least, which `resume` records.
                saved += len(list(self.session.folder.path.glob(f"em/*/{job.id}*.ome.tiff")))
            rows = self.store.ledger.exposures(job=job.id)
            assert sum(row.state is not ExposureState.VOID for row in rows) <= 1
        if "not saved" not in self.troubles and "database" not in self.troubles:
            assert saved == self.scans, f"{self.scans} scans gave images, {saved} are saved"

    def _ended_by_hand(self) -> bool:
        return self.store.status().phase is Phase.ABORTED or "shutdown" in self.happened


EVENTS = st.sampled_from([*WISHES * 3, *TROUBLES * 2, *ENDS])
PLANS = st.dictionaries(
    st.sampled_from(PLACES), st.lists(st.lists(EVENTS, max_size=3), min_size=1, max_size=4), max_size=5
)


@examples(8, suppress_health_check=list(HealthCheck))
@given(plan=PLANS, review=st.booleans())
@example(plan={"scan": [["hold", "pause"]]}, review=False)
@example(plan={"scan": [["pause", "disk full"]], "wait": [[], ["resume"]]}, review=False)
@example(plan={"scan": [["pause", "not saved"]]}, review=False)
@example(plan={"scan": [["not saved"]], "save": [["pause"]], "wait": [["abort"]]}, review=False)
@example(plan={"scan": [["not saved"]], "wait": [["not saved", "abort"]]}, review=False)
@example(plan={"scan": [["not saved"]], "wait": [["not saved", "shutdown"]]}, review=False)
@example(plan={"save": [["not saved", "abort"], [], ["not saved"]]}, review=False)
@example(plan={"halt": [["pause"]], "scan": [["device"], ["device"], ["device"]]}, review=False)
@example(plan={"scan": [["database", "pause"]], "wait": [["database", "ack", "resume"]]}, review=True)
def test_nothing_ends_the_session_but_a_person(plan: dict[str, list[list[str]]], review: bool) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, pytest.MonkeyPatch.context() as patch:
        life = Life(Path(folder), plan, review)
        try:
            life.live(patch)
            life.check()
        finally:
            life.store.close()


def test_a_question_that_a_fault_overtook_is_asked_again(tmp_path: Path, store: Store) -> None:
    """With the end of the session it is too late to decide."""
    queue_jobs(store, 1)
    store.steering.hold(["J000001"], Word("test", "to see"))
    questions = Questions(store)
    for _ in range(2):
        with pytest.raises(InterruptSession) as asked:
            questions.ask()
    assert asked.value.cause is PauseCause.UNDECIDED_JOBS
    questions.paused_for(PauseCause.UNDECIDED_JOBS)
    questions.ask()
