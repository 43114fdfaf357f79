"""The watchdog's judgement, with real processes and a heartbeat written by hand."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.loading import dump
from config.model import Config
from config.odemis import OdemisConfig
from drivers.clock import SystemClock
from drivers.errors import DeviceLostError
from drivers.microscope import Microscope
from service.errors import InputError, UnsafeError
from service.session.folders.run_folder import RunFolder, RunInfo, create, lock
from service.session.hardware import blank_first
from service.session.setup import set_up
from service.watch import rescue
from service.watch.heartbeat import pulse
from service.watch.heartbeat.beat import (
    Beat,
    beat_path,
    beat_paths,
    latest_beat,
    own_beat,
    process_start,
    read_beat,
)
from service.watch.heartbeat.heart import Heart
from service.watch.heartbeat.pulse import Pulse
from service.watch.rescue import kill, retry_until_safe
from service.watch.supervision import Supervision
from service.watch.watchdog import GONE, UNSAFE, Verdict, watch
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from tests.drivers.quanta.bench import quanta_bench
from tests.service.sessions import Session, small_config


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a daemon."""
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield running
    running.kill()
    running.wait(200)


class Script:
    """Sleeps by doing one thing after the other."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self.path, self.process, self.slept = path, process, 0
        self.started = process_start(process.pid)
        assert self.started is not None
        self.write(1)

    def write(self, count: int, ended: str | None = None, started: int | None = None) -> None:
        beat = Beat.model_validate(
            {"pid": self.process.pid, "started": started or self.started, "count": count, "ended": ended}
        )
        self.path.write_text(beat.model_dump_json(), encoding="utf-8")


def test_a_daemon_that_beats_and_says_goodbye_is_left_alone(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    script = Script(tmp_path / "beat", process)

    def sleep(_: float) -> None:
        script.slept += 1
        script.write(script.slept, "safe" if script.slept > 200 else None)

    assert watch([script.path], 5.0, sleep).why is None
    assert script.slept > 200


def test_a_daemon_that_ends_unsafe_is_no_good_end(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    script = Script(tmp_path / "beat", process)
    script.write(3, "unsafe")
    assert watch([script.path], 5.0, lambda _: None).why == UNSAFE


def test_a_daemon_whose_counter_stands_is_frozen(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    script = Script(tmp_path / "beat", process)
    slept: list[float] = []
    verdict = watch([script.path], 5.0, slept.append)
    assert "no sign of life for 5 s" in str(verdict.why)
    assert sum(slept) == pytest.approx(5.0)


def test_a_daemon_that_is_killed_is_dead(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    script = Script(tmp_path / "beat", process)

    def sleep(_: float) -> None:
        process.kill()
        process.wait(200)

    assert watch([script.path], 600.0, sleep).why == GONE


def test_a_dead_daemon_is_not_taken_for_another_process_with_its_number(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    script = Script(tmp_path / "beat", process)
    script.write(1, started=17)
    verdict = watch([script.path], 600.0, lambda _: None)
    assert verdict.why == GONE
    assert verdict.beat is not None
    assert kill(verdict.beat)
    assert process.poll() is None, "the watchdog killed a stranger"


def test_another_daemon_on_the_run_has_a_watchdog_of_its_own(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    script = Script(tmp_path / "beat", process)
    other = Beat(pid=os.getpid(), started=process_start(os.getpid()) or 0, count=1)

    def sleep(_: float) -> None:
        script.path.write_text(other.model_dump_json(), encoding="utf-8")

    assert watch([script.path], 600.0, sleep).why is None


def test_a_stopped_daemon_is_killed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    beat = Beat(pid=process.pid, started=process_start(process.pid) or 0, count=1)
    assert kill(beat)
    assert process.wait(200) == -signal.SIGKILL


def test_the_safe_state_is_tried_anew_until_it_is_reached_and_told_once_a_change() -> None:
    devices = SimulatedMicroscope(small_config(), SystemClock()).devices
    unreachable = DeviceLostError("no backend")
    outcomes = iter([UnsafeError("the beam is on"), UnsafeError("the beam is on"), unreachable, None])
    told: list[str | None] = []
    pauses: list[float] = []

    def connect() -> Microscope:
        if problem := next(outcomes):
            raise problem
        return devices

    retry_until_safe(connect, told.append, pauses.append)
    assert told == ["the beam is on", "the microscope cannot be reached: no backend", None]
    assert pauses == [10.0, 20.0, 40.0]


def test_the_beam_of_a_server_is_blanked_though_odemis_is_gone(tmp_path: Path) -> None:
    """First step of watchdog and `resume`; a dry run does not touch that server."""
    with quanta_bench(Config(), FastClock()) as bench:
        bench.machine.unblank_beam()
        changes = {"driver": "odemis", "quanta": bench.config, "odemis": OdemisConfig(python="/no/python")}
        config = Config().model_copy(update=changes)
        folder, info = create(tmp_path / "run", "run", "real", dump(config))
        blank_first(config, info.model_copy(update={"kind": "dry-run"}))
        assert not bench.machine.beam_is_blanked()
        blank_first(config, info)
        assert bench.machine.beam_is_blanked()
        with pytest.raises(InputError, match="/no/python cannot be run"):
            set_up(config, folder, info)
    # A server that is gone, too, is told later, with the rest.
    blank_first(config, info)


def test_a_heart_stops_when_the_main_loop_is_stuck(runtime_dir: Path) -> None:
    now = [0.0]
    heart = Heart(beat_path("run"), monotonic_s=lambda: now[0])
    for _ in range(3):
        now[0] += 20
        heart.main_loop_runs()
        heart.beat()
    beat = read_beat(beat_path("run"))
    assert beat is not None
    assert (beat.pid, beat.count) == (os.getpid(), 3)
    now[0] += 31
    heart.beat()
    assert read_beat(beat_path("run")) == beat
    heart.end(safe=True, keep=True)
    last = read_beat(beat_path("run"))
    assert last is not None
    assert last.ended == "safe"


def watched(paths: Sequence[Path], silent_s: float, heart: Heart, looks: int) -> Verdict:
    """Watch while the heart beats, for so many looks; then it ends well."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) < looks:
            heart.beat()
        elif len(slept) == looks:
            heart.end(safe=True, keep=True)

    return watch(paths, silent_s, sleep)


@pytest.mark.parametrize("gone", ["ilemtrack", "all of it"])
def test_a_removed_runtime_folder_is_made_again_or_replaced_and_no_daemon_is_killed_for_it(
    tmp_path: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """As systemd-logind does when its user logs out."""
    home = runtime_dir / "user"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    paths = beat_paths("run", RunFolder(tmp_path))
    heart = Heart(*paths)
    heart.start()
    shutil.rmtree(home / "ilemtrack" if gone == "ilemtrack" else home)
    assert watched(paths, 2.0, heart, 60).why is None
    left = latest_beat(paths)
    assert left is not None
    assert left.ended == "safe"
    assert home.exists() is (gone == "ilemtrack")


def test_a_daemon_is_asked_before_it_is_taken_for_frozen(tmp_path: Path) -> None:
    """Its files cannot be written at all: it answers by its socket, as long as its main loop runs."""
    now = [0.0]
    path = tmp_path / "beat"
    heart = Heart(path, monotonic_s=lambda: now[0])
    heart.start()
    first = read_beat(path)
    path.unlink()
    path.mkdir()  # nothing can be written there, whoever the user is
    assert first is not None
    heart.beat()
    assert pulse.ask(first) == first.model_copy(update={"count": first.count + 1})
    asked: list[Beat | None] = []

    def ask(known: Beat) -> Beat | None:
        heart.beat()
        asked.append(pulse.ask(known))
        if len(asked) == 3:
            now[0] += 31  # the main loop is stuck: its heart stops
        return asked[-1]

    spare = tmp_path / "spare"
    spare.write_text(first.model_dump_json(), encoding="utf-8")
    verdict = watch([path, spare], 2.0, lambda _: None, ask)
    assert "no sign of life" in str(verdict.why)
    assert len(asked) == 4
    heart.end(safe=True, keep=True)
    assert pulse.ask(first) is None


class Listening:
    """A listening socket of a daemon that has no free file descriptor for a while."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection: socket.socket | None = connection
        self.refused = 0

    def accept(self) -> tuple[socket.socket, str]:
        if self.refused < 2 or self.connection is None:
            self.refused += 1
            raise OSError(errno.EMFILE, "Too many open files")
        given, self.connection = self.connection, None
        return given, ""


def test_a_heart_that_has_ended_leaves_its_name_to_the_next(tmp_path: Path) -> None:
    """Its socket lasted until the thread that waited in it ran again: under load the next had none."""
    for n in range(5):
        heart = Heart(tmp_path / "beat")
        heart.start()
        answering = heart._pulse._thread
        assert pulse.ask(own_beat(0)) is not None, n
        heart.end(safe=True, keep=False)
        assert answering is not None
        assert not answering.is_alive()


def test_a_second_heartbeat_survives_a_moment_without_file_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended without a word, and the daemon looked frozen where its file could not be written either."""
    monkeypatch.setattr(pulse, "_AGAIN_S", 0.001)
    ours, theirs = socket.socketpair()
    beat = Heart(tmp_path / "beat")._last
    answers, listening = Pulse(lambda: beat), Listening(theirs)
    serving = threading.Thread(target=answers._serve, args=(listening,))
    serving.start()
    with ours:
        assert Beat.model_validate_json(ours.recv(4096)) == beat
    answers.stop()
    serving.join(200)
    assert not serving.is_alive()
    assert listening.refused >= 2


def test_a_stopped_watchdog_is_no_watchdog(
    tmp_path: Path, process: subprocess.Popen[bytes], runtime_dir: Path
) -> None:
    session = Session(tmp_path / "run", small_config())
    supervision = Supervision(session.context)
    supervision._watchdog = process
    assert supervision.health()["watchdog"] is True
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert supervision.health()["watchdog"] is False
    supervision._outside, supervision._started_s = True, -1e9
    supervision._spawn = lambda: setattr(supervision, "_watchdog", None)  # type: ignore[method-assign]
    assert supervision._watchdog_lost()
    assert process.poll() == -signal.SIGKILL
    session.analysis.close()
    session.store.close()


def test_a_process_is_known_by_its_start(process: subprocess.Popen[bytes]) -> None:
    assert process_start(process.pid) == process_start(process.pid) is not None
    process.kill()
    process.wait(200)
    assert process_start(process.pid) is None


@pytest.mark.usefixtures("hardware_taken")
def test_a_microscope_that_another_run_drives_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beam is not blanked in the middle of a scan because an earlier daemon was killed."""
    monkeypatch.setattr(rescue, "hardware", lambda *_: pytest.fail("the microscope was touched"))
    info = RunInfo(run="killed", kind="run", clock="real")
    with pytest.raises(InputError, match="another ilemtrack on this computer drives the microscope"):
        rescue.act(RunFolder(tmp_path), info, Config(driver="odemis"), "the daemon is gone", None)


def test_who_has_the_hardware_between_two_attempts_is_left_alone() -> None:
    """Somebody may only look what is wrong: the microscope is then as unsafe as it was, and tried again."""
    devices = SimulatedMicroscope(small_config(), SystemClock()).devices
    steps = iter(["gone", "another", "another", "there"])
    taken: list[str] = []

    @contextmanager
    def take() -> Iterator[None]:
        taken.append(next(steps))
        if taken[-1] == "another":
            raise InputError("another ilemtrack")
        yield

    def connect() -> Microscope:
        if taken[-1] == "gone":
            raise DeviceLostError("nobody answers")
        assert taken[-1] == "there"
        return devices

    told: list[str | None] = []
    retry_until_safe(connect, told.append, lambda _: None, take)
    assert told == ["the microscope cannot be reached: nobody answers", None]
    assert len(taken) == 4


@pytest.mark.parametrize(
    ("blanked", "says"),
    [
        (True, "the beam is blanked all the same, the light is not known to be off"),
        (False, "the beam is not known to be blanked"),
    ],
)
def test_what_is_known_of_the_beam_is_said_though_odemis_is_gone(blanked: bool, says: str) -> None:
    devices = SimulatedMicroscope(small_config(), SystemClock()).devices
    outcomes = iter([DeviceLostError("no Odemis"), None])

    def connect() -> Microscope:
        if problem := next(outcomes):
            raise problem
        return devices

    told: list[str | None] = []
    retry_until_safe(connect, told.append, lambda _: None, blank=lambda: blanked)
    assert told == [f"the microscope cannot be reached: no Odemis; {says}", None]


def acting(
    folder: RunFolder, info: RunInfo, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]
) -> None:
    """A watchdog that reaches the microscope at its second attempt."""
    devices = SimulatedMicroscope(small_config(), SystemClock()).devices
    outcomes = iter([InputError("no Odemis"), None])

    def connects(*_: object) -> object:
        if problem := next(outcomes):
            raise problem
        return SimpleNamespace(devices=devices)

    monkeypatch.setattr("service.session.setup.set_up", connects)
    monkeypatch.setattr("service.watch.rescue.time.sleep", lambda _: meanwhile())
    rescue.act(folder, info, Config(), GONE, None)


@pytest.mark.usefixtures("runtime_dir")
def test_between_two_attempts_the_run_may_be_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`resume` need not wait for the next attempt once Odemis is back."""
    folder, info = create(tmp_path / "run", "run", "real", dump(Config()))
    looked = []

    def meanwhile() -> None:
        rescue.let_finish(folder)
        lock(folder).release()
        looked.append(folder.incidents.read_text())

    acting(folder, info, monkeypatch, meanwhile)
    (first,) = looked
    assert "MAY NOT BE SAFE" in first
    assert "Go to the microscope: blank the beam and switch the light off by hand." in first
    assert folder.incidents.read_text().count("The beam is blanked and the light is off.") == 1


@pytest.mark.usefixtures("runtime_dir")
def test_a_watchdog_ends_when_another_daemon_has_taken_its_run_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, info = create(tmp_path / "run", "run", "real", dump(Config()))
    with pytest.raises(InputError, match="another daemon has taken it up"):
        acting(folder, info, monkeypatch, lambda: Heart(beat_path(info.run)).beat())
