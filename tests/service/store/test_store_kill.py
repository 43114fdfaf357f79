"""A writer that is killed at any moment loses nothing that it was told is written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase
from service.store.store import Store
from tests.places import ROOT
from tests.service.store.stores import new_store, queue_jobs

WRITER = """
import sys
from pathlib import Path
from service.model.phases import SessionEvent
from service.store.store import Store

store = Store.open(Path(sys.argv[1]), lambda: 1.0)
store.apply(SessionEvent.START)
while (job := store.queue.next_job()) is not None:
    exposure = store.ledger.arm(job.id, job.rect_m, 1e-6)
    print("armed", job.id, flush=True)
    store.ledger.done(exposure.id)
    print("exposed", job.id, flush=True)
    for n in range(20):
        store.events.note("n", job.id, {"n": n})
"""


@pytest.mark.parametrize("lines", [1, 4, 17, 40])
def test_a_killed_writer(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "session.sqlite"
    store = new_store(tmp_path)
    queue_jobs(store, 200)
    store.close()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().split() for _ in range(lines)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [line.split() for line in writer.stdout if line.endswith("\n")]
    assert writer.returncode == -signal.SIGKILL

    store = Store.open(path)
    known = {row.job: row.state for row in store.ledger.exposures()}
    for what, job in told:
        assert job in known, f"{job} was {what}, and the ledger does not know it"
        if what == "exposed":
            assert known[job] is ExposureState.CLOSED
    seqs = [event.seq for event in store.events.since(0)]
    assert seqs == list(range(1, len(seqs) + 1))

    report = store.recover()
    assert report.status.phase is Phase.RECOVERING
    # No image of any was saved, so a person decides on each; all others are still to be done.
    assert set(report.found.needs_review) == set(known)
    assert ExposureState.OPEN not in {row.state for row in store.ledger.exposures()}
    assert store.queue.counts_in_use() == {
        JobState.NEEDS_REVIEW: len(known),
        JobState.QUEUED: 200 - len(known),
    }
    store.close()
