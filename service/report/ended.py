"""End of a run that no daemon drives any more."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service.model.images.checks import ImageCounts
from service.model.phases import FINAL
from service.session.folders.run_folder import open_existing
from service.store.outcome import end_state
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run without a daemon.

    Attributes
    ----------
    run, kind : str
    end_state : str
        ``done``, ``done_with_failures`` or ``aborted``; else the phase in which its program ended.
    ended : bool
        False if it can be taken up again.
    reason : str or None
        Of an abort or a halt, for people.
    at : str
        Wall clock of its last event, ISO 8601, UTC; empty without any.
    fields, jobs : dict
        Numbers by state.
    images : ImageCounts
        Checks of its electron images.
    folder : str
    """

    run: str
    kind: str
    end_state: str
    ended: bool
    reason: str | None
    at: str
    fields: dict[str, int]
    jobs: dict[str, int]
    images: ImageCounts
    folder: str


def ended_run(path: Path) -> EndedRun:
    """Read how a run ended from its folder.

    Raises
    ------
    InputError, StoreError
        It is no folder of a run.
    """
    folder, info = open_existing(path)
    with closing(Store.open(folder.store)) as store:
        status, last = store.status(), store.events.since(store.events.last_seq() - 1, 1)
        return EndedRun(
            run=info.run,
            kind=info.kind,
            end_state=end_state(store),
            ended=status.phase in FINAL,
            reason=status.reason,
            at=last[-1].at if last else "",
            fields={state.value: n for state, n in store.specimen.field_counts().items()},
            jobs={state.value: n for state, n in store.queue.counts().items()},
            images=store.images.counts(),
            folder=str(folder.path),
        )
