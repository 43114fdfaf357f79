"""SIGKILL at every kind of moment of a session, again and again: nothing is lost, nothing burns twice.

``make long``; ILEMTRACK_KILLS sets another number of kills.
"""

import os
import random
import signal
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.loading import dump
from config.model import Config
from service.api.client import Client
from service.errors import NoDaemonError
from service.model.jobs import JobState
from service.model.phases import FINAL
from service.store.store import Store
from tests.forked import Forked
from tests.long.kills.checks import check, check_end
from tests.long.kills.designs import DESIGNS
from tests.long.kills.moments import Aim, Hunter, last_seq, moment
from tests.long.kills.person import Person
from tests.service.daemons import Start, daemons

pytestmark = [pytest.mark.long, pytest.mark.timeout(4 * 3600)]

KILLS = int(os.environ.get("ILEMTRACK_KILLS", "500"))
SEED = int(os.environ.get("ILEMTRACK_KILLS_SEED", "11"))
PER_SESSION = 40
"""Kills of one session; then it is left in peace to its end, and the next one begins."""

IN_PEACE_S = 1200.0
"""A session that is left in peace ends within it."""
STARTS_WITHIN_S = 300.0
"""A daemon that gives no first answer until then is killed anyway; on a loaded computer it takes a minute."""
PATIENCE_S = 4.0
"""Time after the first answer in which the moment comes that is aimed at; else it is killed all the same."""


@dataclass
class Tally:
    """Figures of all sessions."""

    kills: int = 0
    sessions: int = 0
    frames: int = 0
    reviews: int = 0
    approvals: int = 0
    changes: int = 0


def test_kills(tmp_path: Path, runtime_dir: Path) -> None:
    rng = random.Random(SEED)
    tally, moments = Tally(), Counter[str]()
    with daemons(runtime_dir) as start:
        while tally.kills < KILLS:
            design = list(DESIGNS)[tally.sessions % len(DESIGNS)]
            tally.sessions += 1
            until = min(KILLS, tally.kills + PER_SESSION)
            killed = Killed(
                rng, start, DESIGNS[design], tmp_path / f"run{tally.sessions}", until - tally.kills
            )
            killed.to_its_end(tally, moments)
            print(f"{time.strftime('%T')} {design}: {tally}, {len(moments)} kinds of moments", flush=True)
    print(f"{tally}; nothing exposed unasked. Killed in:")
    for name, count in sorted(moments.items()):
        print(f"{count:5}  {name}")


class Killed:
    """One session, killed so many times and then left in peace."""

    def __init__(self, rng: random.Random, start: Start, config: Config, run: Path, kills: int) -> None:
        self._rng, self._start, self._config, self._run = rng, start, config, run
        self._left = kills
        self._person = Person(rng)
        self._start_s: float | None = None
        """Seconds that the last daemon took to its first answer."""
        self._answered = False

    def to_its_end(self, tally: Tally, moments: Counter[str]) -> None:
        """Let it live and die until it has ended, and hold its store against all after each death."""
        config = self._run.with_suffix(".yaml")
        config.write_text(dump(self._config), encoding="utf-8")
        ended = False
        while not ended:
            begun = (self._run / "session.sqlite").exists()
            again = ["resume", self._run, *(["--continue"] if self._rng.random() < 0.5 else [])]
            daemon = self._start(*(again if begun else ["run", "--config", config, "--out", self._run]))
            try:
                ended = self._one_life(daemon)
                said = daemon.said()
            finally:
                daemon.close()
            if not (self._run / "session.sqlite").exists():
                # It was killed before there was anything to lose: the next one begins.
                assert not ended, said
                moments["before the run began"] += 1
                tally.kills, self._left = tally.kills + 1, self._left - 1
                self._run = self._run.with_name(f"{self._run.name}a")
                continue
            with closing(Store.open(self._run / "session.sqlite")) as store:
                if not ended:
                    moments[moment(store, self._answered)] += 1
                    tally.kills, self._left = tally.kills + 1, self._left - 1
                    # It may be killed in the moment after its last step.
                    ended = store.status().phase in FINAL
                check(store, self._person)
                if ended:
                    tally.frames += check_end(store, self._config, self._run)
                    tally.reviews += store.queue.counts()[JobState.NEEDS_REVIEW]
        tally.approvals += self._person.approved.total()
        tally.changes += len(self._person.changes)

    def _one_life(self, daemon: Forked) -> bool:
        """Let a daemon live for a while and kill it; return True if it ended its session by itself before."""
        in_peace = self._left <= 0
        kind = self._rng.random()
        # Some are killed while they start, some at any time, the others at a moment that is waited for.
        starting = kind < 0.15 and self._start_s is not None
        aimed = kind > 0.4 and not in_peace
        begun = time.monotonic()
        limit_s = self._rng.uniform(0.05, 1.0) * (self._start_s or 0) if starting else STARTS_WITHIN_S
        killed_at = begun + (IN_PEACE_S if in_peace else limit_s)
        hunter = None
        if aimed:
            hunter = Hunter(Aim.drawn(self._rng, self._run), daemon, self._run, last_seq(self._run))
            hunter.start()
        self._answered = False
        try:
            while time.monotonic() < killed_at and daemon.poll() is None:
                with suppress(NoDaemonError), Client(timeout_s=2) as client:
                    while time.monotonic() < killed_at and daemon.poll() is None:
                        self._person.steer(client)
                        if not self._answered:
                            self._answered, self._start_s = True, time.monotonic() - begun
                            if not (in_peace or starting):
                                life_s = PATIENCE_S if aimed else self._rng.uniform(0.0, 2.0)
                                killed_at = time.monotonic() + life_s
                        time.sleep(self._rng.uniform(0.05, 0.35))
                time.sleep(0.02)
        finally:
            if hunter is not None:
                hunter.give_up()
            daemon.kill()
            daemon.wait()
        # 1: it is done, but for frames that nobody has decided on.
        assert daemon.returncode in (0, 1, -signal.SIGKILL), (daemon.returncode, daemon.said())
        ended = daemon.returncode != -signal.SIGKILL
        assert ended or not in_peace, f"the session did not end: {daemon.said()}"
        return ended
