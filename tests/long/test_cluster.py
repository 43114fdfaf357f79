"""Archives on several computers, which here are network namespaces, and what ends in between."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from distributed.security import Security

from service.cluster.on_dask import OnDask, local_cluster, remote_cluster
from service.cluster.workers import Lost
from service.errors import InputError
from tests.places import ROOT
from tests.service.cluster import work

pytestmark = pytest.mark.long

ONE, TWO = "ilemtrack-one", "ilemtrack-two"
ADDRESS = "10.213.7.1", "10.213.7.2"
DASK = str(Path(sys.executable).with_name("dask"))
PROGRAM = [sys.executable, "-m", "service.cli.app"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give 60 files of cells, of which one is damaged."""
    folder = tmp_path_factory.mktemp("archive")
    rows, columns = np.mgrid[0:256, 0:256]
    size = {"PhysicalSizeX": 0.178, "PhysicalSizeY": 0.178}
    for n in range(60):
        rng = np.random.default_rng(n)
        image = np.full((256, 256), 400.0)
        for x, y in rng.uniform(30, 226, (4, 2)):
            image[(columns - x) ** 2 + (rows - y) ** 2 < 20**2] += 600
        pixels = rng.normal(image, 40).astype(np.uint16)
        path = folder / f"s{n}.ome.tif"
        tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=size)
    (folder / "s7.ome.tif").write_bytes(b"II*\0")
    return folder


@contextmanager
def started(command: list[str], **variables: str) -> Iterator[subprocess.Popen[str]]:
    # Dask writes more than a pipe holds.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | variables,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def hosts() -> Iterator[None]:
    """Give two network namespaces that see each other, as two computers do."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need iproute2 and root")
    setup = [
        f"netns add {ONE}",
        f"netns add {TWO}",
        f"link add il-one netns {ONE} type veth peer name il-two netns {TWO}",
        f"-n {ONE} addr add {ADDRESS[0]}/24 dev il-one",
        f"-n {TWO} addr add {ADDRESS[1]}/24 dev il-two",
        f"-n {ONE} link set il-one up",
        f"-n {TWO} link set il-two up",
        f"-n {ONE} link set lo up",
        f"-n {TWO} link set lo up",
    ]
    try:
        for words in setup:
            done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"this computer allows no network namespaces: {done.stderr.strip()}")
        yield
    finally:
        for name in (ONE, TWO):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def within(host: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", host, *command]


def worker(host: str, protocol: str = "tcp") -> list[str]:
    address = f"{protocol}://{ADDRESS[0]}:8786"
    return within(host, DASK, "worker", address, "--nthreads", "1", "--no-dashboard")


@pytest.fixture
def scheduler(hosts: None) -> Iterator[str]:
    with started(within(ONE, DASK, "scheduler", "--host", ADDRESS[0], "--no-dashboard")):
        yield f"tcp://{ADDRESS[0]}:8786"


def detected(*words: str, host: str | None = None, **variables: str) -> tuple[int, Any, str]:
    command = [*PROGRAM, "detect", *words, "--json"]
    done = subprocess.run(
        within(host, *command) if host else command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | variables,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def plain(document: Any) -> str:
    for frame in document["frames"]:
        del frame["elapsed_ms"]
    return json.dumps(document)


def test_another_computer_gives_the_same_and_workers_may_die(archive: Path, scheduler: str) -> None:
    status, alone, said = detected(str(archive), "--workers", "1")
    assert status == 1
    assert len(alone["frames"]) == 59
    with started(worker(TWO)) as first, started(worker(TWO)):
        command = within(ONE, *PROGRAM, "detect", str(archive), "--json", "--scheduler", scheduler)
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as client:
            time.sleep(12)
            # The worker process itself, a child of its nanny, and then both.
            subprocess.run(["pkill", "-KILL", "-P", str(first.pid)], check=False)
            first.kill()
            out, said_elsewhere = client.communicate(timeout=250)
    assert client.returncode == 1
    assert plain(json.loads(out)) == plain(alone)
    assert said_elsewhere == said


def test_a_scheduler_without_workers_and_files_that_workers_do_not_see(
    tmp_path: Path, archive: Path, scheduler: str
) -> None:
    status, _, said = detected(str(archive), "--scheduler", scheduler, host=ONE)
    assert status == 2
    assert re.fullmatch(rf"ilemtrack: the scheduler at {scheduler} has no worker; start some with .*\n", said)
    # A host of its own mounts hides the folder.
    hidden = tmp_path / "only_here"
    hidden.mkdir()
    for name in ("s1.ome.tif", "s2.ome.tif"):
        shutil.copy(archive / name, hidden)
    mounted = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f'mount -t tmpfs none {hidden} && exec "$@"',
        "sh",
        *worker(TWO)[4:],
    ]
    with started(within(TWO, *mounted)):
        status, _, said = detected(str(hidden), "--scheduler", scheduler, host=ONE)
    assert status == 2
    assert said.count("\n") == 1
    assert "workers need the files under the same paths" in said


def certificates(folder: Path) -> str:
    """Write a key that all share, and the configuration of Dask that names it; return its folder."""
    folder.mkdir()
    made = Security.temporary()
    (folder / "all.crt").write_text(made.tls_client_cert, encoding="ascii")
    (folder / "all.key").write_text(made.tls_client_key, encoding="ascii")
    pair = {"cert": str(folder / "all.crt"), "key": str(folder / "all.key")}
    tls = {"ca-file": pair["cert"], "scheduler": pair, "worker": pair, "client": pair}
    comm = {"require-encryption": True, "tls": tls}
    (folder / "dask.yaml").write_text(json.dumps({"distributed": {"comm": comm}}), encoding="utf-8")
    return str(folder)


def test_an_encrypted_scheduler_takes_those_with_its_certificates(
    tmp_path: Path, archive: Path, hosts: None
) -> None:
    ours, others = certificates(tmp_path / "ours"), certificates(tmp_path / "others")
    images = [str(archive / f"s{n}.ome.tif") for n in range(3)]
    _, alone, _ = detected(*images, "--workers", "1")
    command = within(ONE, DASK, "scheduler", "--host", ADDRESS[0], "--protocol", "tls", "--no-dashboard")
    address = f"tls://{ADDRESS[0]}:8786"
    with started(command, DASK_CONFIG=ours), started(worker(TWO, "tls"), DASK_CONFIG=ours):
        status, found, said = detected(*images, "--scheduler", address, host=ONE, DASK_CONFIG=ours)
        assert (status, said) == (0, "")
        assert plain(found) == plain(alone)
        status, _, said = detected(*images, "--scheduler", address, host=ONE, DASK_CONFIG=others)
    assert status == 2
    assert said.startswith(f"ilemtrack: --scheduler {address}: no Dask scheduler answers there")
    assert said.count("\n") == 1


def test_a_worker_of_another_version_is_one_sentence(tmp_path: Path, archive: Path, scheduler: str) -> None:
    other = tmp_path / "ilemtrack-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: ilemtrack\nVersion: 0.0.1\n")
    with started(worker(TWO), PYTHONPATH=str(tmp_path)):
        status, _, said = detected(str(archive), "--scheduler", scheduler, host=ONE)
    assert status == 2
    assert re.fullmatch(
        r"ilemtrack: the scheduler at \S+: the worker at \S+ has ilemtrack 0\.0\.1, and this is \S+; install"
        r" the same for all\n",
        said,
    )


def test_two_clients_share_a_scheduler(archive: Path, scheduler: str) -> None:
    _, alone, _ = detected(str(archive), "--workers", "1")
    command = within(ONE, *PROGRAM, "detect", str(archive), "--json", "--scheduler", scheduler)
    with started(worker(TWO)):
        both = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for _ in range(2)
        ]
        found = [one.communicate(timeout=280)[0] for one in both]
    assert [plain(json.loads(one)) for one in found] == [plain(alone)] * 2


@pytest.mark.parametrize("ends", [True, False])
def test_a_scheduler_that_ends_is_one_sentence_and_another_goes_on(tmp_path: Path, ends: bool) -> None:
    file, go_on = tmp_path / "scheduler.json", tmp_path / "go_on"
    command = [DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    of_worker = [DASK, "worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard"]
    with started([*command, "--scheduler-file", str(file)]) as scheduler:
        until(file.exists)
        address = json.loads(file.read_text())["address"]
        with started(of_worker), remote_cluster(address, lambda _: None) as workers:
            found = workers.each(partial(work.waiting, go_on), range(4))
            assert next(found) == 0
            if ends:
                scheduler.kill()
                with pytest.raises(InputError, match=f"the scheduler at {address} is gone .*; run it again"):
                    next(found)
            else:
                go_on.touch()
                assert list(found) == [1, 2, 3]
    go_on.touch()


def until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 200
    while not happens() and time.monotonic() < end:
        time.sleep(0.05)
    assert happens()


def test_ctrl_c_leaves_nothing_half_written(archive: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    command = [*PROGRAM, "detect", str(archive), "--workers", "2", "--overlay", str(overlay)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        end = time.monotonic() + 200
        while not list(overlay.glob("*.png")) and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=100)
    assert process.returncode == 130
    assert said == "ilemtrack: interrupted\n"
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        # That of multiprocessing which removes what is left ends a moment later.
        while time.monotonic() < end:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        pytest.fail("a process is left")
    assert not list(overlay.glob("*.part"))
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in overlay.iterdir())


@pytest.fixture(scope="module")
def workers() -> Iterator[OnDask]:
    with local_cluster(2, lambda _: None) as found:
        yield found


def test_workers_keep_the_memory_of_images(workers: OnDask) -> None:
    """By the settings of Dask, a third of the time went into giving it back and asking for it again."""
    assert list(workers.each(os.getenv, ["MALLOC_ARENA_MAX"])) == ["1"]


def test_several_processes_do_the_work(workers: OnDask) -> None:
    assert len(set(workers.each(work.process, range(40)))) == 2


def test_a_worker_that_dies_costs_time_only(workers: OnDask, tmp_path: Path) -> None:
    assert list(workers.each(partial(work.killing, tmp_path, True), range(20))) == list(range(20))
    assert (tmp_path / "killed").exists()


def test_what_kills_every_worker_is_given_up_alone(workers: OnDask, tmp_path: Path) -> None:
    found = list(workers.each(partial(work.killing, tmp_path, False), range(8)))
    assert [n for n, one in enumerate(found) if isinstance(one, Lost)] == [5]
    assert [one for one in found if not isinstance(one, Lost)] == [0, 1, 2, 3, 4, 6, 7]
