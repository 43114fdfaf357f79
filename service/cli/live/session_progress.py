"""The progress of a session, on standard error."""

from contextlib import suppress
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.cli.consoles import people
from service.cli.estimate_tables import print_estimate
from service.cli.output import tell
from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.store.store import Store

_NEXT_COMMANDS = {Phase.PAUSED: "continue", Phase.FAULT: "ack, then continue", Phase.REVIEW: "continue"}
"""Commands that take a waiting session further."""


class ProgressDisplay:
    """Progress bars while a session runs; none if standard error is not a terminal.

    Parameters
    ----------
    as_json : bool
        Standard output is for a document, so print no estimate.
    report : str
        What was found of an earlier process; printed when the session really continues.
    since : int
        Sequence number of the last event of earlier processes: their estimates are out of date.
    """

    def __init__(self, as_json: bool, report: str = "", since: int = 0) -> None:
        self._report = report
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=people,
            disable=as_json or not people.is_terminal,
            transient=True,
        )
        self._fields = self._bars.add_task("fluorescence", total=None, count="")
        self._jobs = self._bars.add_task("electron images", total=None, count="not planned yet")
        self._said = ""
        self._seen = since
        self._quiet = as_json

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._bars.stop()

    def update(self, store: Store) -> None:
        """Show the present state of the session."""
        if self._report:
            tell(self._report)
            self._report = ""
        status, fields, jobs = store.status(), store.specimen.field_counts(), store.queue.counts_in_use()
        waiting = fields.get(FieldState.PENDING, 0)
        total = sum(fields.values())
        self._bars.update(
            self._fields, completed=total - waiting, total=total, count=f"{total - waiting} of {total}"
        )
        open_jobs = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.ARMED, 0)
        total = sum(jobs.values())
        if total:
            done = total - open_jobs
            self._bars.update(self._jobs, completed=done, total=total, count=f"{done} of {total}")
        if not self._quiet:
            self._print_estimates(store)
        sentence = status.phase.value.replace("_", " ") + (f": {status.reason}" if status.reason else "")
        if sentence != self._said and status.phase in (Phase.PAUSED, Phase.FAULT, Phase.REVIEW):
            # Commands without a name reach sessions on a microscope only.
            named = "" if store.kind() == "run" else f" --run {store.run_id()}"
            tell(f"{sentence}  (ilemtrack {_NEXT_COMMANDS[status.phase]}{named})")
        self._said = sentence

    def _print_estimates(self, store: Store) -> None:
        """Print the estimate for the electron images before the beam is unblanked."""
        for event in store.events.since(self._seen, limit=1000):
            self._seen = event.seq
            if event.kind == "estimate":
                with suppress(OSError, ValueError, SystemExit):
                    people.print("before the electron images:")
                    print_estimate(people, event.data)
