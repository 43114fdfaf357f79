"""Small sessions on the simulated microscope, for tests."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from config.loading import dump
from config.model import Config
from service.analysis.worker import Analysis
from service.daemon.control import SessionControl
from service.daemon.process import take_up
from service.daemon.runner import Runner
from service.model.phases import FINAL
from service.safety.deadlines import Limits, guarded
from service.session.context import BusyTime, Context, FailureStreak
from service.session.folders.run_folder import create
from service.session.interrupts import Interrupt, Interrupts
from service.session.setup import Setup, set_up
from service.session.stage_frame import StageFrame
from service.store.store import Store

SMALL: dict[str, Any] = {
    "layout": {"kind": "grid", "sections": 2, "fields": [1, 1], "pitch_um": 300},
    "fluorescence": {"frame_px": [256, 256]},
    # Somewhat less than a field: one scan of all of it would be quicker than those around cells.
    "sem": {"pixel_size_nm": 100, "max_scan_px": [400, 400]},
    "planner": {"method": "greedy"},
    "session": {"min_free_disk_gb": 0},
    "simulator": {"specimen": {"cells_per_field": 3, "seed": 5}},
}
"""Two sections of one small field each, a plan that is quickly made, coarse electron images: a session in
about a second."""


QUICK = Limits(look_s=0.01, safe_again_s=0.01)
"""For simulated devices on a clock that runs fast."""


def small_config(**changes: dict[str, Any]) -> Config:
    """Return `SMALL` with some keys of its parts changed."""
    parts = {key: dict(value) for key, value in SMALL.items()}
    for key, value in changes.items():
        parts[key] = parts.get(key, {}) | value
    return Config.model_validate(parts)


class Session:
    """A session in this process, without its sockets."""

    def __init__(
        self,
        folder: Path,
        config: Config,
        change: Callable[[Setup], Setup] = lambda setup: setup,
        limits: Limits = QUICK,
        attended: bool = False,
    ) -> None:
        text = dump(config)
        self.folder, self.info = create(folder, "dry-run", "fast", text)
        self.setup = change(set_up(config, self.folder, self.info))
        self.store = Store.create(
            self.folder.store, self.info.run, text, "dry-run", now_s=self.setup.clock.now_s
        )
        self.store.specimen.add_sections(self.setup.sections, self.setup.fields)
        self.config = config
        self._put_together(limits, attended)

    @classmethod
    def again(cls, old: Self, change: Callable[[Setup], Setup] = lambda setup: setup) -> Self:
        """Take up a session that was ended, as another process does."""
        new = cls.__new__(cls)
        new.folder, new.info, new.config = old.folder, old.info, old.config
        new.store, setup, _ = take_up(old.config, old.folder, old.info)
        new.setup = change(setup)
        new._put_together(QUICK, attended=False)
        return new

    def _put_together(self, limits: Limits, attended: bool) -> None:
        self.context = Context(
            config=self.config,
            stage_frame=StageFrame.of(self.config),
            store=self.store,
            folder=self.folder,
            devices=guarded(self.setup.devices, limits),
            clock=self.setup.clock,
            interrupts=Interrupts(),
            busy=BusyTime(self.setup.clock),
            streak=FailureStreak(self.config.session.max_failures_in_a_row),
            limits=limits,
        )
        self.analysis = Analysis(self.config, self.store, self.folder, self.setup.clock)
        self.runner = Runner(self.context, self.analysis, attended)
        self.control = SessionControl(self.context, self.runner)

    def run(self, limit_s: float = 200.0) -> None:
        """Run until the session has ended or waits for a person."""
        self.thread = threading.Thread(target=self.runner.run, daemon=True)
        self.thread.start()
        self.land(limit_s)

    def land(self, limit_s: float = 200.0) -> None:
        """Wait until the session has ended or waits for a person."""
        assert self.runner.landed.wait(limit_s), f"still in {self.store.status()}"
        if self.store.status().phase in FINAL:
            # It lands before it puts its settings back and records that.
            self.thread.join(limit_s)
            assert not self.thread.is_alive()

    def go_on(self, tell: Callable[[], str] | None = None, limit_s: float = 200.0) -> None:
        """Let a session that waits go on, until it has ended or waits again."""
        self.runner.landed.clear()
        (tell or self.control.resume)()
        self.land(limit_s)

    def end(self) -> None:
        """Shut down what still waits, and close."""
        self.control.stop(Interrupt.SHUTDOWN, "end of the test")
        self.thread.join(200)
        assert not self.thread.is_alive()
        self.store.close()
