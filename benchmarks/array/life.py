"""One process of the session: ``python -m benchmarks.array.life FOLDER LIFE SECTIONS CELLS [small]``.

All is as in `service.cli.live.session_run`, but for the microscope and for who looks on.
"""

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from benchmarks.array import design
from benchmarks.array.microscope import Faults, FaultySetUp
from benchmarks.array.samples import Sampler, append
from benchmarks.array.unkept import Unkept
from config.loading import dump
from service import logs
from service.cli.output import print_json
from service.daemon import process as daemon
from service.report.html.write import write_report
from service.session.folders.kept_config import kept_config
from service.session.folders.run_folder import create, lock, open_existing
from service.store.store import Store
from service.watch.rescue import let_finish

SMALL = "small"
RUN, SAMPLES, FAULTS, REMOVED = "run", "samples.jsonl", "faults.jsonl", "removed.jsonl"


def main(folder: Path, life: int, sections: int, cells: float, *, small: bool = False) -> None:
    """Begin the session or take it up, drive it to its end, and print its summary as JSON."""

    def note(kind: str) -> None:
        append(folder / FAULTS, {"life": life, "kind": kind})

    set_up = FaultySetUp(Faults(design.FAULTS, (design.SEED, life), note))
    fresh = not (folder / RUN / "session.sqlite").exists()
    if fresh:
        config = design.config(sections, cells, small=small)
        run, info = create(folder / RUN, "dry-run", "fast", dump(config))
    else:
        run, info = open_existing(folder / RUN)
        config = kept_config(run, info)
        let_finish(run)
    with lock(run):
        logs.configure(run.log)
        if fresh:
            store, setup = daemon.begin(config, run, info, set_up)
        else:
            store, setup, _ = daemon.take_up(config, run, info, set_up)
        sampler = Sampler(folder / SAMPLES, life, setup.clock.now_s)
        unkept = Unkept(run, folder / REMOVED)

        def display(of: Store) -> None:
            sampler(of)
            unkept(of)

        with closing(store):
            outcome = daemon.drive(config, run, store, setup, display, attended=False, go_on=True)
            sampler(store)
    write_report(run, info, run.report)
    print_json({**asdict(outcome.summary)})


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        float(sys.argv[4]),
        small=SMALL in sys.argv[5:],
    )
